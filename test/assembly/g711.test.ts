/** ITU-T G.711 by the rules of G.191: every encoding, every decoding, both transcodings (test/vectors/g711). */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadWasm } from "../support/wasm.ts";

const vector = (name: string) => new URL(`../vectors/g711/${name}`, import.meta.url);
const json = (name: string) => JSON.parse(readFileSync(vector(name), "utf8"));
const wasm = loadWasm();
const source = wasm.reserve(140_000);
const target = wasm.reserve(140_000);

/** Little-endian 16-bit samples. */
function samples(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeInt16LE(value, i * 2));
  return bytes;
}

const everySample = samples(Array.from({ length: 65_536 }, (_, i) => i - 32_768));
const everyCode = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

/** The table of 256 samples in a decode vector, whatever its key is called. */
function decodeTable(name: string): number[] {
  const found = Object.values(json(name) as Record<string, unknown>).find(
    (value) => Array.isArray(value) && value.length === 256,
  );
  expect(found).toBeDefined();
  return found as number[];
}

describe("ITU-T G.711", () => {
  it.each([
    ["mu-law", "ulawEncode", "pcmu-encode-65536.bin"],
    ["A-law", "alawEncode", "pcma-encode-65536.bin"],
  ])("%s: all 65,536 encodings equal G.191", (_law, kernel, file) => {
    wasm.write(source, everySample);
    wasm.call[kernel]!(source, target, 65_536);
    expect(wasm.read(target, 65_536).equals(readFileSync(vector(file)))).toBe(true);
  });

  it.each([
    ["mu-law", "ulawDecode", "pcmu-decode.json"],
    ["A-law", "alawDecode", "pcma-decode.json"],
  ])("%s: all 256 decodings", (_law, kernel, file) => {
    wasm.write(source, everyCode);
    wasm.call[kernel]!(source, target, 256);
    expect(wasm.read(target, 512).equals(samples(decodeTable(file)))).toBe(true);
  });

  it.each([
    ["ulawToAlaw", "pcmu-decode.json", "pcma-encode-65536.bin"],
    ["alawToUlaw", "pcma-decode.json", "pcmu-encode-65536.bin"],
  ])("%s goes through linear, in place too", (kernel, decode, encode) => {
    const codes = readFileSync(vector(encode));
    const expected = Buffer.from(decodeTable(decode).map((sample) => codes[sample + 32_768]!));
    wasm.write(source, everyCode);
    wasm.call[kernel]!(source, source, 256);
    expect(wasm.read(source, 256).equals(expected)).toBe(true);
    const { transcode } = json("checksums.json") as { transcode?: Record<string, string> };
    if (transcode !== undefined)
      expect(Object.values(transcode)).toContain(createHash("sha256").update(expected).digest("hex"));
  });

  it("writes as many octets as it is told, from 0 to 2048, and none beside them", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2048 }),
        fc.constantFrom("ulawEncode", "alawEncode", "ulawDecode", "alawDecode", "ulawToAlaw"),
        (count, kernel) => {
          wasm.write(target, Buffer.alloc(5000, 0xa5));
          wasm.call[kernel]!(source, target, count);
          const size = kernel.endsWith("Decode") ? count * 2 : count;
          expect(wasm.read(target + size, 64).every((octet) => octet === 0xa5)).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});
