import { randomBytes } from "node:crypto";

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
  | "RQ";

/** A new identifier: prefix and 32 hex digits from a cryptographic source. */
export function newSid(prefix: SidPrefix): string {
  return prefix + randomBytes(16).toString("hex");
}

/** True when `text` is an identifier of the given kind; either letter case of the digits is taken. */
export function isSid(text: string, prefix: SidPrefix): boolean {
  return text.length === 34 && text.startsWith(prefix) && /^[0-9a-fA-F]{32}$/.test(text.slice(2));
}

/** Random lower-case hex of `bytes` octets, for branches, tags and Call-IDs (RFC 3261 §8.1.1.7, §19.3). */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString("hex");
}
