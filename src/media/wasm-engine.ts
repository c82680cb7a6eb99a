/**
 * Loads the WASM engine, checks that it is the one this package was written for, and makes the views over its memory:
 * once, because the memory never grows. Layout numbers are read from the module, never repeated here.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { instantiateSync } from "@assemblyscript/loader";
import { MediaError, messageOf } from "../base/errors.ts";
import { wasmUrl } from "../wasm.ts";
import type { EngineExports } from "./engine-exports.ts";

/** Version of `assembly/abi.ts` that this code was written for. */
const ABI_VERSION = 1;

/** Where the module comes from: a file (URL or path), its octets, or a compiled module that threads may share. */
export type WasmSource = URL | string | Uint8Array | WebAssembly.Module;

/** Numbers of `assembly/abi.ts` by name. */
export type Abi = Readonly<Record<string, number>>;

/**
 * Compiles the module of `source` (default: the one in this package), once for as many engines as are wanted.
 * @throws MediaError MEDIA_WASM_MISSING when there is no such file, MEDIA_ABI when it is not our module.
 */
export function compileWasm(source: WasmSource = wasmUrl): WebAssembly.Module {
  if (source instanceof WebAssembly.Module) return source;
  const octets = source instanceof Uint8Array ? source : readWasm(source);
  try {
    return new WebAssembly.Module(octets as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw new MediaError(
      "MEDIA_ABI",
      `this is no WASM module that can run here (Node 22.13 or newer can, this is ${process.version}): ${messageOf(error)}`,
      {
        cause: error,
      },
    );
  }
}

function readWasm(source: URL | string): Uint8Array {
  const path = source instanceof URL || source.startsWith("file:") ? fileURLToPath(source) : source;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new MediaError(
      "MEDIA_WASM_MISSING",
      `cannot read the media engine ${path}: ${messageOf(error)}; build it with: npm run build:wasm`,
      { cause: error },
    );
  }
}

/**
 * One instance of the module, checked to be the one this package was written for.
 * @throws MediaError MEDIA_ABI when it asks for more than it should or is of another version
 */
export function instantiateWasm(module: WebAssembly.Module): { exports: WebAssembly.Exports; abi: Abi } {
  for (const wanted of WebAssembly.Module.imports(module)) {
    if (wanted.module !== "env" || wanted.name !== "abort")
      throw new MediaError("MEDIA_ABI", `the media engine wants the import ${wanted.module}.${wanted.name}`);
  }
  const { exports } = instantiateSync(module, {}).instance;
  const abi = numbersOf(exports);
  if (abi["ABI_VERSION"] !== ABI_VERSION) {
    const found = abi["ABI_VERSION"] ?? "none";
    throw new MediaError(
      "MEDIA_ABI",
      `the media engine has ABI version ${found}, this package needs ${ABI_VERSION}; build it anew with: npm run build:wasm`,
    );
  }
  return { exports, abi };
}

/** One instance of the engine: its functions, its numbers, its memory. */
export class WasmEngine {
  readonly exports: EngineExports;
  readonly abi: Abi;
  /** The whole memory as octets, words and floats. */
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly floats: Float64Array;
  /** Octets of the staging area. */
  readonly stageBytes: number;
  readonly #directory: number;
  readonly #stage: number;

  /** @throws MediaError MEDIA_ABI when the module asks for more than it should or is of another version. */
  constructor(module: WebAssembly.Module, legCountMax: number, streamCountMax: number, conferenceCountMax = 0) {
    const { exports, abi } = instantiateWasm(module);
    this.abi = abi;
    this.exports = exports as unknown as EngineExports;
    this.#directory = this.exports.engineInit(legCountMax, streamCountMax, conferenceCountMax);
    if (this.#directory < 0)
      throw new MediaError("MEDIA_FULL", `no memory for ${legCountMax} legs and ${streamCountMax} streams`);
    const { buffer } = this.exports.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.floats = new Float64Array(buffer);
    this.#stage = this.place("STAGE");
    this.stageBytes = this.place("STAGE_BYTES");
  }

  /** A number of `assembly/abi.ts`. */
  number(name: string): number {
    const value = this.abi[name];
    if (value === undefined) throw new MediaError("MEDIA_ABI", `the media engine does not export ${name}`);
    return value;
  }

  /** An address or size of the engine's directory, named without its prefix, e.g. `INPUT`. */
  place(name: string): number {
    return this.words[(this.#directory + this.number(`DIRECTORY_${name}`)) >> 2]!;
  }

  /** Puts octets `start` to `end` into the staging area, from where the next call takes them. */
  stage(octets: Uint8Array, start = 0, end = octets.length): void {
    Buffer.prototype.copy.call(octets, this.bytes, this.#stage, start, end);
  }

  /** Index into `words` of the state word `STATE_…`. */
  stateIndex(name: string): number {
    return (this.place("STATE") + this.number(`STATE_${name}`)) >> 2;
  }
}

function numbersOf(exports: WebAssembly.Exports): Abi {
  const numbers: Record<string, number> = Object.create(null);
  for (const [name, value] of Object.entries(exports)) {
    if (value instanceof WebAssembly.Global && typeof value.value === "number") numbers[name] = value.value;
  }
  return numbers;
}
