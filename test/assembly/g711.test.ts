/** ITU-T G.711 by the rules of G.191: every encoding, every decoding, both transcodings (test/vectors/g711). */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/seeded-random.ts";
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

  /** Each kernel by itself: what one octet or sample becomes, from the vectors. */
  const ulawCodes = readFileSync(vector("pcmu-encode-65536.bin"));
  const alawCodes = readFileSync(vector("pcma-encode-65536.bin"));
  const ulawSamples = decodeTable("pcmu-decode.json");
  const alawSamples = decodeTable("pcma-decode.json");
  const kernels = [
    { kernel: "ulawEncode", isEncoder: true, one: (sample: number) => ulawCodes[sample + 32_768]! },
    { kernel: "alawEncode", isEncoder: true, one: (sample: number) => alawCodes[sample + 32_768]! },
    { kernel: "ulawDecode", isDecoder: true, one: (code: number) => ulawSamples[code]! },
    { kernel: "alawDecode", isDecoder: true, one: (code: number) => alawSamples[code]! },
    { kernel: "ulawToAlaw", one: (code: number) => alawCodes[ulawSamples[code]! + 32_768]! },
    { kernel: "alawToUlaw", one: (code: number) => ulawCodes[alawSamples[code]! + 32_768]! },
  ];

  it.each(kernels)(
    "$kernel: blocks of every length from 0 to 2048, apart and in place, touch nothing beside them",
    (k) => {
      const draw = seededRandom(711);
      const input = Buffer.from(Array.from({ length: 4200 }, () => draw() * 256));
      const inputBytes = (count: number) => (k.isEncoder === true ? 2 * count : count);
      for (let count = 0; count <= 2048; count += count < 70 ? 1 : 1 + Math.floor(draw() * 40)) {
        const from = Math.floor(draw() * 64);
        const octets = input.subarray(from, from + inputBytes(count));
        const one = (i: number) => k.one(k.isEncoder === true ? octets.readInt16LE(2 * i) : octets[i]!);
        const values = Array.from({ length: count }, (_, i) => one(i));
        const expected = k.isDecoder === true ? samples(values) : Buffer.from(values);
        // The block ends where memory ends: one octet read behind it is a trap.
        const end = wasm.octets().length;
        const beginsAt = end - octets.length;
        const placeAt = target + 64 + Math.floor(draw() * 16);
        wasm.write(beginsAt, octets);
        wasm.octets().fill(0xa5, target, target + 5000);
        wasm.call[k.kernel]!(beginsAt, placeAt, count);
        const written = wasm.read(target, 5000);
        const beside = Buffer.alloc(5000, 0xa5);
        expected.copy(beside, placeAt - target);
        expect(written.equals(beside), `${count} apart`).toBe(true);
        if (k.isDecoder === true) continue;
        wasm.call[k.kernel]!(beginsAt, beginsAt, count);
        expect(wasm.read(beginsAt, count).equals(expected), `${count} in place`).toBe(true);
        expect(wasm.read(beginsAt, octets.length).subarray(count).equals(octets.subarray(count))).toBe(true);
      }
    },
  );
});
