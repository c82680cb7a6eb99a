import { randomFillSync } from "node:crypto";

/** Two-letter kinds of resource identifiers. */
export type SidPrefix =
  | "AC"
  | "CA"
  | "MZ"
  | "RE"
  | "PN"
  | "TK"
  | "OU"
  | "BY"
  | "NY"
  | "NE"
  | "SD"
  | "AL"
  | "IP"
  | "CL"
  | "CR"
  | "SC"
  | "NO"
  | "SK"
  | "AP"
  | "IL"
  | "IB"
  | "QQ"
  | "RQ";

/** A new identifier: prefix and 32 hex digits from a cryptographic source. */
export function newSid(prefix: SidPrefix): string {
  return prefix + randomHex(16);
}

/** True when `text` is an identifier of the given kind; either letter case of the digits is taken. */
export function isSid(text: string, prefix: SidPrefix): boolean {
  return text.length === 34 && text.startsWith(prefix) && /^[0-9a-fA-F]{32}$/.test(text.slice(2));
}

/** A call to the source of randomness costs as much for 4096 octets as for eight. */
const pool = Buffer.alloc(4096);
let taken = pool.length;

/** Random lower-case hex of `bytes` octets (4096 at most), for branches, tags and Call-IDs (RFC 3261 §8.1.1.7, §19.3). */
export function randomHex(bytes: number): string {
  if (taken + bytes > pool.length) {
    randomFillSync(pool);
    taken = 0;
  }
  const hex = pool.toString("hex", taken, taken + bytes);
  // What was given out is not kept where a later fault could give it out again.
  pool.fill(0, taken, taken + bytes);
  taken += bytes;
  return hex;
}
