/**
 * The compiled media core for tests: the module that ships (`build/tandem.wasm`), or the file that the environment
 * variable TANDEM_WASM names. Memory for the test's own use lies in pages added behind all that the module knows, so a
 * test can never disturb the module by accident, and canaries around a packet are really nobody else's.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { instantiateSync } from "@assemblyscript/loader";

const PAGE_BYTES = 65_536;

/** A number going in or out: the module's exports take and give 32-bit integers and pointers only. */
export type WasmFunction = (...numbers: number[]) => number;

export interface WasmModule {
  /** Exported functions by name; calling one that does not exist names it in the error. */
  readonly call: Readonly<Record<string, WasmFunction>>;
  /** All that the module exports, as the engine of WebAssembly shows it: functions know how many arguments they take. */
  readonly exports: Readonly<Record<string, unknown>>;
  readonly memory: WebAssembly.Memory;
  readonly imports: readonly WebAssembly.ModuleImportDescriptor[];
  /** Value of an exported constant (`PACKET_BYTES_MAX`, `STATUS_REPLAYED`, …). */
  constant(name: string): number;
  /** Reserves `sizeBytes` zeroed octets of test memory, aligned to 16; never given back. */
  reserve(sizeBytes: number): number;
  /** A live view of the whole memory; take it anew after `reserve`. */
  octets(): Uint8Array;
  /** Copies octets in. */
  write(pointer: number, data: Uint8Array): void;
  /** Copies octets out. */
  read(pointer: number, lengthBytes: number): Buffer;
  readI32(pointer: number): number;
  writeI32(pointer: number, value: number): void;
}

/** Path of the module under test. */
export function wasmPath(): string {
  return resolve(import.meta.dirname, "../..", process.env["TANDEM_WASM"] ?? "build/tandem.wasm");
}

/** A fresh instance, with memory of its own; `path` is for tests that compare two builds. */
export function loadWasm(path = wasmPath()): WasmModule {
  const { exports, instance, module } = instantiateSync<Record<string, unknown>>(readFileSync(path));
  const memory = exports.memory as WebAssembly.Memory;
  let free = 0;
  let end = 0;

  const octets = () => new Uint8Array(memory.buffer);
  const find = (name: string): unknown => {
    const found = exports[name];
    if (found === undefined) throw new ReferenceError(`the module exports no "${name}"`);
    return found;
  };
  return {
    call: new Proxy({} as Record<string, WasmFunction>, {
      get: (_target, name) => (typeof name === "string" ? (find(name) as WasmFunction) : undefined),
    }),
    exports: instance.exports,
    memory,
    imports: WebAssembly.Module.imports(module),
    constant: (name) => {
      const found = find(name);
      return found instanceof WebAssembly.Global ? Number(found.value) : Number(found);
    },
    reserve: (sizeBytes) => {
      const size = (sizeBytes + 15) & ~15;
      if (free + size > end) {
        const pages = Math.ceil(size / PAGE_BYTES);
        free = memory.grow(pages) * PAGE_BYTES;
        end = free + pages * PAGE_BYTES;
      }
      free += size;
      return free - size;
    },
    octets,
    write: (pointer, data) => octets().set(data, pointer),
    read: (pointer, lengthBytes) => Buffer.from(octets().slice(pointer, pointer + lengthBytes)),
    readI32: (pointer) => new DataView(memory.buffer).getInt32(pointer, true),
    writeI32: (pointer, value) => new DataView(memory.buffer).setInt32(pointer, value, true),
  };
}
