/**
 * What every SRTP candidate works on: 1000 contexts, each with its own key and SSRC, visited in turn, and packets of 12
 * octets of header and 160 of payload (20 ms of G.711). bench/native/srtp.h makes the same.
 */
import { deriveKeys, protectRtp, type ReferenceKeys } from "../../../test/support/srtp-reference.ts";

export const CONTEXTS = 1000;
/** Packets of one call: so few that a sample can pass between two disturbances. */
export const SLICE = 200;
export const PLAIN_BYTES = 172;
export const TAG_BYTES = 10;
export const PROTECTED_BYTES = PLAIN_BYTES + TAG_BYTES;
/**
 * Packets of each context that an unprotecting candidate has; then it starts over with its state set back. More would not
 * fit into a second-level cache of 2 MiB, and what is to be measured is SRTP.
 */
export const ROUNDS = 2;
/** Contexts whose packets are compared with the reference. */
export const PROBES: readonly number[] = [0, 1, 2, 3, 511, 999];

export const ssrcOf = (context: number): number => 0x12340000 + context;

/** Master key and salt, 30 octets. */
export function keySaltOf(context: number): Buffer {
  return Buffer.from(Array.from({ length: 30 }, (_, j) => (context * 131 + (context >> 8) * 17 + j * 11 + 3) & 255));
}

export function plainPacket(context: number, sequence: number): Buffer {
  const packet = Buffer.alloc(PLAIN_BYTES);
  packet[0] = 0x80;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(160 * sequence, 4);
  packet.writeUInt32BE(ssrcOf(context), 8);
  for (let j = 0; j < 160; j++) packet[12 + j] = j * 7 + context + sequence;
  return packet;
}

const derived = new Map<number, ReferenceKeys>();

/** Session keys by RFC 3711 §4.3, for candidates that derive none themselves. */
export function sessionKeysOf(context: number): ReferenceKeys {
  const keys = derived.get(context) ?? deriveKeys(keySaltOf(context));
  derived.set(context, keys);
  return keys;
}

/** What a packet must look like when it is protected, by the reference of the tests. */
export function protectedPacket(context: number, sequence: number): Buffer {
  return protectRtp(sessionKeysOf(context), plainPacket(context, sequence), 0, TAG_BYTES);
}

/** Says which SLICE of contexts is next, round and round. */
export class Rounds {
  #start = CONTEXTS - SLICE;
  /** Rounds begun, from 1 on. */
  round = 0;

  next(): number {
    this.#start = (this.#start + SLICE) % CONTEXTS;
    if (this.#start === 0) this.round++;
    return this.#start;
  }

  /** Calls `slice` until all contexts had their turn, the first one first. */
  static whole(slice: () => void): void {
    for (let i = 0; i < CONTEXTS; i += SLICE) slice();
  }

  reset(): void {
    this.#start = CONTEXTS - SLICE;
    this.round = 0;
  }
}

export function expectEqual(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (Buffer.compare(actual, expected) !== 0) throw new Error(`${what}: octets differ`);
}
