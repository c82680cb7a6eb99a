/** INVITEs that all candidates read in turn, each with numbers of its own. */
import { inviteOf } from "../../signalling/messages.ts";

const PORTS = { theirs: 5062, ours: 5060 };
const COUNT = 256;
/** Messages of one call of a candidate. */
export const SLICE = 8;

export const TEXTS: readonly string[] = Array.from({ length: COUNT }, (_, i) => inviteOf(i, PORTS));
export const BYTES: readonly Buffer[] = TEXTS.map((text) => Buffer.from(text));
export const INVITE_ABOUT = `an INVITE of ${BYTES[0]!.length} octets with 16 headers and SDP`;

/** What every parser must have found. */
export interface Reading {
  readonly method: string;
  readonly uri: string;
  readonly callId: string;
  readonly cseq: number;
  readonly branch: string;
  readonly fromUser: string;
  readonly fromTag: string;
  readonly bodyLength: number;
}

/** Which message comes next; the same one again only after all others. */
export class Turns {
  #at = 0;
  next(): number {
    this.#at = (this.#at + 1) % COUNT;
    return this.#at;
  }
}

export function checkReadings(read: (index: number) => Reading): void {
  for (const index of [0, 1, COUNT - 1]) {
    const number = 1_000_000 + index;
    const expected: Reading = {
      method: "INVITE",
      uri: "sip:+15550200300@127.0.0.1:5060",
      callId: `${number}-8471-4c6e-b1d2-9f0e2b0c6f1f@127.0.0.1`,
      cseq: 1,
      branch: `z9hG4bK-524287-1---${number}c0ffee`,
      fromUser: `+1555${number}`,
      fromTag: `a${number}`,
      bodyLength: TEXTS[index]!.length - TEXTS[index]!.indexOf("\r\n\r\n") - 4,
    };
    const got = read(index);
    if (JSON.stringify(got) !== JSON.stringify(expected))
      throw new Error(`message ${index}: ${JSON.stringify(got)} is not ${JSON.stringify(expected)}`);
  }
}
