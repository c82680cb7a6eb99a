/**
 * The engine's supply of randomness: SSRCs, first sequence numbers and timestamps (RFC 3550 §5.1, §8.1), masking keys
 * (RFC 6455 §5.3). The engine has no source of its own; it takes from an area in its memory that is filled here.
 */

import { randomFillSync } from "node:crypto";
import type { WasmEngine } from "./wasm-engine.ts";

/** Fills an array with unpredictable octets, like `crypto.randomFillSync`. */
export type RandomFill = (octets: Uint8Array) => void;

/** Keeps the engine's random area full enough for the next call. */
export class RandomPool {
  readonly #words: Int32Array;
  readonly #used: number;
  readonly #area: Uint8Array;
  readonly #fill: RandomFill;

  constructor(engine: WasmEngine, fill: RandomFill = randomFillSync) {
    this.#words = engine.words;
    this.#used = engine.stateIndex("RANDOM_USED");
    const start = engine.place("RANDOM");
    this.#area = engine.bytes.subarray(start, start + engine.place("RANDOM_BYTES"));
    this.#fill = fill;
    fill(this.#area);
    this.#words[this.#used] = 0;
  }

  /** To be called before every call that may take from the area. The area holds more than twice what one call takes. */
  top(): void {
    if (this.#words[this.#used]! * 2 < this.#area.length) return;
    this.#fill(this.#area);
    this.#words[this.#used] = 0;
  }
}
