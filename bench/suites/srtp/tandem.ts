/** Our own road: sessions with index guess, replay list and all, as `srtpProtectRtp` and `srtpUnprotectRtp` give it. */

import type { Candidate } from "../../harness/suite.ts";
import { type BenchWasm, loadBenchWasm } from "../../harness/wasm.ts";
import {
  CONTEXTS,
  expectEqual,
  keySaltOf,
  PLAIN_BYTES,
  PROBES,
  PROTECTED_BYTES,
  plainPacket,
  protectedPacket,
  ROUNDS,
  Rounds,
  SLICE,
  ssrcOf,
  TAG_BYTES,
} from "./fixture.ts";

const STRIDE = 320;
const ITEM_BYTES = 16;

/** A fresh module with all sessions open, and the places of packets and items. */
class Sessions {
  readonly wasm: BenchWasm;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly items: number;
  readonly packets: number;
  /** ROUNDS copies of all packets. */
  readonly store: number;
  readonly #sessions: number;
  readonly #sessionBytes: number;

  constructor(stored: boolean) {
    const packetBytes = CONTEXTS * STRIDE;
    const wasm = loadBenchWasm(
      CONTEXTS * 1024 + packetBytes * (stored ? ROUNDS + 1 : 1) + CONTEXTS * ITEM_BYTES + 4096,
    );
    this.wasm = wasm;
    this.bytes = new Uint8Array(wasm.memory.buffer);
    this.words = new Int32Array(wasm.memory.buffer);
    this.#sessionBytes = (wasm.constant("SRTP_SESSION_BYTES") + 63) & ~63;
    this.#sessions = wasm.start;
    this.items = this.#sessions + CONTEXTS * this.#sessionBytes;
    this.packets = (this.items + CONTEXTS * ITEM_BYTES + 63) & ~63;
    this.store = this.packets + packetBytes;
    this.open();
    for (let i = 0; i < CONTEXTS; i++) {
      this.words[this.item(i)] = this.session(i);
      this.words[this.item(i) + 1] = this.packet(i);
    }
  }

  open(): void {
    const key = this.store - 64;
    for (let i = 0; i < CONTEXTS; i++) {
      this.bytes.set(keySaltOf(i), key);
      this.wasm.call("srtpOpen")(this.session(i), key, TAG_BYTES);
    }
  }

  session(context: number): number {
    return this.#sessions + context * this.#sessionBytes;
  }

  packet(context: number): number {
    return this.packets + context * STRIDE;
  }

  /** Index of an item's first word. */
  item(context: number): number {
    return (this.items + context * ITEM_BYTES) >> 2;
  }

  octets(context: number, length: number): Uint8Array {
    return this.bytes.slice(this.packet(context), this.packet(context) + length);
  }
}

/** Each call protects one packet of SLICE contexts, `batch` at a time. */
export function tandemProtect(batch: number): Candidate {
  const all = new Sessions(false);
  const { bytes, words, items } = all;
  const protect = all.wasm.call("srtpProtectRtp");
  const firstItem = all.item(0);
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    const sequence = rounds.round & 0xffff;
    for (let i = start; i < start + SLICE; i += batch) {
      const count = Math.min(batch, start + SLICE - i);
      for (let j = i; j < i + count; j++) {
        const at = all.packets + j * STRIDE;
        bytes[at + 2] = sequence >> 8;
        bytes[at + 3] = sequence;
        words[firstItem + 4 * j + 2] = PLAIN_BYTES;
      }
      protect(items + i * ITEM_BYTES, count);
    }
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      all.open();
      rounds.reset();
      for (let i = 0; i < CONTEXTS; i++) bytes.set(plainPacket(i, 1), all.packet(i));
      Rounds.whole(call);
      for (let i = 0; i < CONTEXTS; i++)
        if (words[all.item(i) + 2] !== PROTECTED_BYTES) throw new Error(`packet ${i} was refused`);
      for (const i of PROBES) expectEqual(all.octets(i, PROTECTED_BYTES), protectedPacket(i, 1), `packet ${i}`);
    },
  };
}

/** Each call brings one protected packet of SLICE contexts into place and unprotects it, `batch` at a time. */
export function tandemUnprotect(batch: number): Candidate {
  const all = new Sessions(true);
  const { bytes, words, items } = all;
  const unprotect = all.wasm.call("srtpUnprotectRtp");
  const resume = all.wasm.call("srtpResume");
  for (let round = 0; round < ROUNDS; round++)
    for (let i = 0; i < CONTEXTS; i++)
      bytes.set(protectedPacket(i, round + 1), all.store + (round * CONTEXTS + i) * STRIDE);
  const firstItem = all.item(0);
  const rounds = new Rounds();
  const call = () => {
    const start = rounds.next();
    const round = (rounds.round - 1) % ROUNDS;
    if (round === 0) for (let i = start; i < start + SLICE; i++) resume(all.session(i), ssrcOf(i), 0, 0, 0);
    const store = all.store + round * CONTEXTS * STRIDE;
    bytes.copyWithin(all.packets + start * STRIDE, store + start * STRIDE, store + (start + SLICE) * STRIDE);
    for (let i = start; i < start + SLICE; i += batch) {
      const count = Math.min(batch, start + SLICE - i);
      for (let j = i; j < i + count; j++) words[firstItem + 4 * j + 2] = PROTECTED_BYTES;
      unprotect(items + i * ITEM_BYTES, count);
    }
  };
  return {
    unitsPerCall: SLICE,
    call,
    check: () => {
      rounds.reset();
      for (let n = 1; n <= ROUNDS; n++) {
        Rounds.whole(call);
        for (let i = 0; i < CONTEXTS; i++) {
          if (words[all.item(i) + 2] !== PLAIN_BYTES) throw new Error(`packet ${i} was refused`);
          expectEqual(all.octets(i, PLAIN_BYTES), plainPacket(i, n), `packet ${i}`);
        }
      }
      // The second time it is a replay: the road does look.
      bytes.copyWithin(all.packet(0), all.store, all.store + PROTECTED_BYTES);
      words[firstItem + 2] = PROTECTED_BYTES;
      unprotect(items, 1);
      if (words[firstItem + 2] !== all.wasm.constant("STATUS_REPLAYED")) throw new Error("a replay was let in");
    },
  };
}
