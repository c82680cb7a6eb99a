/** RFC 4648 §4: the published cases, Buffer as a second opinion, and everything that is no base64. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
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

  it("refuses every other character at every place", () => {
    const text = Buffer.alloc(33, 0x5a).toString("base64");
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
