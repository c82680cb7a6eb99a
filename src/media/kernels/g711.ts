/** G.711 alone (ITU-T G.711): both laws, encoded, decoded and turned into each other, 16 samples at a time. */

import { checkOctets } from "../checks.ts";
import type { G711Codec } from "../leg-options.ts";
import { checkRoom, checkSamples } from "./checks.ts";
import type { KernelMemory } from "./kernel-memory.ts";

/** Samples of one crossing into WASM. */
const BLOCK = 2048;

export class G711 {
  readonly #memory: KernelMemory;
  readonly #octets: number;
  readonly #samples: number;

  /** Made by `MediaKernels`. */
  constructor(memory: KernelMemory) {
    this.#memory = memory;
    this.#octets = memory.take(2 * BLOCK + 64);
    this.#samples = memory.take(2 * BLOCK + 64);
  }

  /**
   * 16-bit linear samples to octets of `codec`; returns how many.
   * @throws TypeError or RangeError naming the argument
   */
  encode(codec: G711Codec, samples: Int16Array, out: Uint8Array): number {
    checkSamples(samples, "samples");
    checkOctets(out, "out");
    checkRoom(out, samples.length, "out");
    const { exports, bytes, samples: view } = this.#memory;
    const alaw = isAlaw(codec);
    for (let at = 0; at < samples.length; at += BLOCK) {
      const count = Math.min(BLOCK, samples.length - at);
      view.set(samples.subarray(at, at + count), this.#samples >> 1);
      if (alaw) exports.alawEncode(this.#samples, this.#octets, count);
      else exports.ulawEncode(this.#samples, this.#octets, count);
      out.set(bytes.subarray(this.#octets, this.#octets + count), at);
    }
    return samples.length;
  }

  /**
   * Octets of `codec` to 16-bit linear samples; returns how many.
   * @throws TypeError or RangeError naming the argument
   */
  decode(codec: G711Codec, octets: Uint8Array, out: Int16Array): number {
    checkOctets(octets, "octets");
    checkSamples(out, "out");
    checkRoom(out, octets.length, "out");
    const { exports, bytes, samples: view } = this.#memory;
    const alaw = isAlaw(codec);
    for (let at = 0; at < octets.length; at += BLOCK) {
      const count = Math.min(BLOCK, octets.length - at);
      bytes.set(octets.subarray(at, at + count), this.#octets);
      if (alaw) exports.alawDecode(this.#octets, this.#samples, count);
      else exports.ulawDecode(this.#octets, this.#samples, count);
      out.set(view.subarray(this.#samples >> 1, (this.#samples >> 1) + count), at);
    }
    return octets.length;
  }

  /**
   * Octets of `codec` to octets of the other law, by the ITU's tables; `out` may be `octets`. Returns how many.
   * @throws TypeError or RangeError naming the argument
   */
  transcode(codec: G711Codec, octets: Uint8Array, out: Uint8Array): number {
    checkOctets(octets, "octets");
    checkOctets(out, "out");
    checkRoom(out, octets.length, "out");
    const { exports, bytes } = this.#memory;
    const alaw = isAlaw(codec);
    for (let at = 0; at < octets.length; at += BLOCK) {
      const count = Math.min(BLOCK, octets.length - at);
      bytes.set(octets.subarray(at, at + count), this.#octets);
      if (alaw) exports.alawToUlaw(this.#octets, this.#samples, count);
      else exports.ulawToAlaw(this.#octets, this.#samples, count);
      out.set(bytes.subarray(this.#samples, this.#samples + count), at);
    }
    return octets.length;
  }
}

/** @throws TypeError for anything that is no G.711 codec */
export function isAlaw(codec: G711Codec): boolean {
  if (codec !== "PCMU" && codec !== "PCMA") throw new TypeError(`codec must be "PCMU" or "PCMA", not ${String(codec)}`);
  return codec === "PCMA";
}
