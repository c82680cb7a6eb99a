/**
 * The media core for benchmarks: bare exports, since a wrapped call would cost more than some kernels do. The
 * environment variable TANDEM_WASM names another build to compare with.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

const PAGE_BYTES = 65_536;

export interface BenchWasm {
  /** An exported function. */
  call(name: string): (...numbers: number[]) => number;
  /** An exported constant. */
  constant(name: string): number;
  readonly memory: WebAssembly.Memory;
}

/** A fresh instance, and `reserveBytes` octets behind all that it knows, at `start`. The memory must not grow again. */
export function loadBenchWasm(reserveBytes: number): BenchWasm & { readonly start: number } {
  const path = resolve(import.meta.dirname, "../..", process.env["TANDEM_WASM"] ?? "build/tandem.wasm");
  const abort = () => {
    throw new Error("the module aborted");
  };
  const instance = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), { env: { abort } });
  const memory = instance.exports["memory"] as WebAssembly.Memory;
  const start = memory.grow(Math.ceil(reserveBytes / PAGE_BYTES)) * PAGE_BYTES;
  const find = (name: string) => {
    const found = instance.exports[name];
    if (found === undefined) throw new ReferenceError(`the module exports no "${name}"`);
    return found;
  };
  return {
    call: (name) => find(name) as (...numbers: number[]) => number,
    constant: (name) => Number((find(name) as WebAssembly.Global).value),
    memory,
    start,
  };
}
