/**
 * Where the WASM module lies. The same relative place is right from `src/` (Node runs the sources) and from `dist/`.
 */

/** URL of the release build, `build/tandem.wasm` at the root of the package. */
export const wasmUrl: URL = new URL("../build/tandem.wasm", import.meta.url);

/** The same with assertions and a source map, for tests and for tracing a fault. */
export const wasmDebugUrl: URL = new URL("../build/tandem.debug.wasm", import.meta.url);
