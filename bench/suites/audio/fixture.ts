/**
 * What the audio candidates work on: 64 packets of 20 ms, differing from each other so that nothing is hoisted out of a
 * loop. bench/native/audio.h makes the same.
 */
import { readFileSync } from "node:fs";

export const PACKETS = 64;
export const SAMPLES = 160;

const vector = (name: string) => new URL(`../../../test/vectors/g711/${name}`, import.meta.url);
const table = (name: string) => Int16Array.from((JSON.parse(readFileSync(vector(name), "utf8")) as Table).decode);

interface Table {
  readonly decode: readonly number[];
}

/** The tables of ITU-T G.191, from the vectors of the tests: index sample + 32768, or code. */
export const ULAW_OF = readFileSync(vector("pcmu-encode-65536.bin"));
export const ALAW_OF = readFileSync(vector("pcma-encode-65536.bin"));
export const ULAW_SAMPLES = table("pcmu-decode.json");
export const ALAW_SAMPLES = table("pcma-decode.json");

/** A linear congruential generator that C writes as easily. */
function* numbers(seed: number): Generator<number, never> {
  let state = seed;
  while (true) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    yield state >>> 16;
  }
}

const draw = numbers(711);
const next = () => draw.next().value;

/** Octets of `PACKETS` packets one behind the other: G.711 codes, all equally likely. */
export const CODES = Uint8Array.from({ length: PACKETS * SAMPLES }, () => next() & 255);

/**
 * Samples of all levels. Odd ones only: where a negative sample lies on the border of two codes, alawmulaw takes the
 * other one than G.191 (127 of 65,536), and those borders are even.
 */
export const LINEAR = Int16Array.from(CODES, (code) => (ULAW_SAMPLES[code]! >> (next() & 7)) | 1);

/** Packet `n` of an array that holds them one behind the other. */
export function packetOf<T extends Uint8Array | Int16Array>(all: T, n: number): T {
  return all.slice(n * SAMPLES, (n + 1) * SAMPLES) as T;
}

/** All packets by themselves. */
export function packetsOf<T extends Uint8Array | Int16Array>(all: T): T[] {
  return Array.from({ length: PACKETS }, (_, n) => packetOf(all, n));
}

export function octetsOf(array: Uint8Array | Int16Array | Int32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

export function expectSame(actual: Uint8Array | Int16Array, expected: Uint8Array | Int16Array, what: string): void {
  if (!octetsOf(actual).equals(octetsOf(expected))) throw new Error(`${what}: octets differ`);
}
