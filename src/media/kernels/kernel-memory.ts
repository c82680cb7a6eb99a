/**
 * One instance of the WASM module without an engine in it, and its memory handed out in pieces to the kernels that are used
 * alone. All of it is taken at the start; nothing grows, so views stay valid.
 */

import { MediaError } from "../../base/errors.ts";
import { type Abi, instantiateWasm } from "../wasm-engine.ts";
import type { KernelExports } from "./kernel-exports.ts";

const PAGE_BYTES = 65_536;
const ALIGNMENT = 64;

export class KernelMemory {
  readonly exports: KernelExports;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly samples: Int16Array;
  readonly #abi: Abi;
  readonly #end: number;
  /** Pieces that were given back, by size. */
  readonly #returned = new Map<number, number[]>();
  #free: number;

  /** @throws MediaError MEDIA_ABI, or MEDIA_FULL when the memory cannot be had */
  constructor(module: WebAssembly.Module, sizeBytes: number) {
    const { exports, abi } = instantiateWasm(module);
    this.exports = exports as unknown as KernelExports;
    this.#abi = abi;
    const { memory } = this.exports;
    this.#free = memory.buffer.byteLength;
    try {
      memory.grow(Math.ceil(sizeBytes / PAGE_BYTES));
    } catch (error) {
      throw new MediaError("MEDIA_FULL", `no memory for kernels: ${sizeBytes} octets`, { cause: error });
    }
    this.#end = memory.buffer.byteLength;
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Int32Array(memory.buffer);
    this.samples = new Int16Array(memory.buffer);
  }

  /** A number of `assembly/abi.ts` or of a kernel. */
  number(name: string): number {
    const value = this.#abi[name];
    if (value === undefined) throw new MediaError("MEDIA_ABI", `the media module does not export ${name}`);
    return value;
  }

  /** A piece of zeroed memory. @throws MediaError MEDIA_FULL naming the cure */
  take(sizeBytes: number): number {
    const size = sizeOf(sizeBytes);
    const again = this.#returned.get(size)?.pop();
    if (again !== undefined) return again;
    if (this.#free + size > this.#end)
      throw new MediaError(
        "MEDIA_FULL",
        "the memory of these kernels is used up: close what is done, or raise memoryBytes",
      );
    this.#free += size;
    return this.#free - size;
  }

  /** Takes a piece back; it is wiped, since it may have held keys or audio. */
  give(at: number, sizeBytes: number): void {
    const size = sizeOf(sizeBytes);
    this.bytes.fill(0, at, at + size);
    const pieces = this.#returned.get(size);
    if (pieces === undefined) this.#returned.set(size, [at]);
    else pieces.push(at);
  }
}

function sizeOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / ALIGNMENT) * ALIGNMENT;
}
