/** RFC 4648 §4: the published cases, Buffer as a second opinion, and everything that is no base64. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/seeded-random.ts";
import { loadWasm } from "../support/wasm.ts";

const wasm = loadWasm();
const source = wasm.reserve(8192);
const target = wasm.reserve(8192);
const file = JSON.parse(
  readFileSync(new URL("../vectors/encoding/rfc4648-base64.json", import.meta.url), "utf8"),
) as Record<string, unknown>;
const cases = Object.values(file).find(Array.isArray) as Record<string, string>[];

function encode(bytes: Uint8Array): string {
  wasm.write(source, bytes);
  return wasm.read(target, wasm.call.base64Encode!(source, bytes.length, target)).toString("latin1");
}

function decode(text: string): Buffer | number {
  wasm.write(source, Buffer.from(text, "latin1"));
  const length = wasm.call.base64Decode!(source, text.length, target);
  return length < 0 ? length : wasm.read(target, length);
}

/** Runs `kernel` on a text or octets that end where memory ends; returns what it gave and wrote, and checks what lies beside. */
function atTheEdge(kernel: string, input: Uint8Array, room: number): Buffer | number {
  const from = wasm.octets().length - input.length;
  wasm.write(from, input);
  wasm.octets().fill(0xa5, target, target + room + 64);
  const at = target + 32;
  const length = wasm.call[kernel]!(from, input.length, at);
  const written = wasm.read(target, room + 64);
  const octets = Math.max(length, 0);
  expect(written.subarray(0, 32).every((octet) => octet === 0xa5)).toBe(true);
  if (length >= 0) expect(written.subarray(32 + octets).every((octet) => octet === 0xa5)).toBe(true);
  else expect(written.subarray(32 + room).every((octet) => octet === 0xa5)).toBe(true);
  return length < 0 ? length : written.subarray(32, 32 + octets);
}

describe("RFC 4648", () => {
  it("has the published cases", () => expect(cases.length).toBe(7));

  it.each(cases.map((one) => Object.values(one)))("section 10: %j", (plain, text) => {
    expect(encode(Buffer.from(plain!))).toBe(text);
    expect(decode(text!)).toEqual(Buffer.from(plain!));
  });

  it("any octets, both ways, with padding, without it, and in the URL-safe alphabet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 700 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(encode(buffer)).toBe(buffer.toString("base64"));
        expect(decode(buffer.toString("base64"))).toEqual(buffer);
        expect(decode(buffer.toString("base64").replace(/=+$/, ""))).toEqual(buffer);
        expect(decode(buffer.toString("base64url"))).toEqual(buffer);
      }),
    );
  });

  it("every length from 0 to 2048, both ways, reads and writes nothing beside its block", () => {
    const draw = seededRandom(4648);
    for (let length = 0; length <= 2048; length += length < 100 ? 1 : 1 + Math.floor(draw() * 30)) {
      const octets = Buffer.from(Array.from({ length }, () => draw() * 256));
      const text = Buffer.from(octets.toString("base64"), "latin1");
      expect(atTheEdge("base64Encode", octets, text.length)).toEqual(text);
      expect(atTheEdge("base64Decode", text, length)).toEqual(octets);
      expect(atTheEdge("base64Decode", Buffer.from(octets.toString("base64url"), "latin1"), length)).toEqual(octets);
    }
  });

  it("any text: what Buffer would read leniently is read strictly or refused", () => {
    const character = fc.constantFrom(..."AZaz09+/-_=ABCDEFGHIJKLMNOPQRSTUVWXYZ", " ", "*", "\x80");
    fc.assert(
      fc.property(fc.array(character, { maxLength: 120 }), fc.boolean(), (characters, isLong) => {
        const text = (isLong ? "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" : "") + characters.join("");
        const isBase64 =
          /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) &&
          text.replace(/=+$/, "").length % 4 !== 1 &&
          (!text.endsWith("=") || text.length % 4 === 0);
        const read = atTheEdge("base64Decode", Buffer.from(text, "latin1"), Math.ceil(text.length / 4) * 3);
        if (isBase64) expect(read).toEqual(Buffer.from(text, "base64"));
        else expect(read).toBe(wasm.constant("STATUS_MALFORMED"));
      }),
      { numRuns: 2000 },
    );
  });

  it("refuses every other character at every place", () => {
    const text = Buffer.alloc(75, 0x5a).toString("base64");
    for (let at = 0; at < text.length; at++)
      for (const bad of ["=", " ", "\n", "*", "\0", "\x80", "\xff", ".", "{"])
        if (bad !== "=" || at < text.length - 1)
          expect(decode(text.slice(0, at) + bad + text.slice(at + 1)), `${JSON.stringify(bad)} at ${at}`).toBe(
            wasm.constant("STATUS_MALFORMED"),
          );
  });

  it.each(["A", "AAAAA", "AAA==", "AA=", "====", "=", "A==="])("%s has no possible length", (text) => {
    expect(decode(text)).toBe(wasm.constant("STATUS_MALFORMED"));
  });
});
