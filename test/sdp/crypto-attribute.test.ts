import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { acceptableCrypto, formatCrypto, readCrypto } from "../../src/sdp/crypto-attribute.ts";
import { KEY_A, KEY_B, RTPENGINE_CRYPTO } from "./sdp-samples.ts";

interface Vector {
  readonly line: string;
  readonly tag: number;
  readonly suite: string;
  readonly mki?: number;
}

const { lines } = JSON.parse(readFileSync(new URL("../vectors/sdp/rfc4568-crypto.json", import.meta.url), "utf8")) as {
  lines: Vector[];
};
const textAfterName = (line: string) => line.slice("a=crypto:".length);

describe("RFC 4568 examples", () => {
  it.each(lines)("reads the tag and passes over $line", ({ line, tag }) => {
    // All published examples carry an MKI, F8 or an unknown parameter: well-formed, and nothing for us (SDP-SEC-3, R-SEC-9).
    expect(readCrypto(textAfterName(line))).toMatchObject({ acceptable: false, tag });
  });

  it.each(lines.filter(({ line, mki }) => mki !== undefined && !line.includes("FEC_ORDER")))(
    "takes the same line without its MKI: $line",
    ({ line, tag, suite }) => {
      const value = textAfterName(line).replace(/\|[0-9]+:[0-9]+/, "");
      const reading = readCrypto(value);
      expect(reading).toMatchObject({ acceptable: true, crypto: { tag, suite } });
      if (reading.acceptable) {
        const base64 = /inline:([^|]+)/.exec(line)![1]!;
        expect(Buffer.from(reading.crypto.keySalt).toString("base64")).toBe(base64);
        expect(reading.crypto.lifetimePackets).toBe(line.includes("2^20") ? 2 ** 20 : null);
      }
    },
  );
});

describe("SDP-SEC-3, 4, 5 which lines can be used", () => {
  const base = `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}`;
  it.each([
    ["plain", base],
    ["the other suite", `999999999 AES_CM_128_HMAC_SHA1_32 inline:${KEY_A}`],
    ["lifetime as a power", `${base}|2^48`],
    ["lifetime in digits", `${base}|1048576`],
    ["WSH of 64", `${base} WSH=64`],
    ["KDR of 0", `${base} KDR=0`],
    ["an extension that may be ignored", `${base} -x=y`],
    ["several blanks", `1   AES_CM_128_HMAC_SHA1_80\tinline:${KEY_A}`],
  ])("takes: %s", (_name, value) => {
    expect(readCrypto(value).acceptable).toBe(true);
  });

  it.each([
    ["nothing", ""],
    ["tag that is no number", base.replace("1 ", "x ")],
    ["tag of ten digits", base.replace("1 ", "1234567890 ")],
    ["AES-256", `1 AES_256_CM_HMAC_SHA1_80 inline:${"A".repeat(62)}`],
    ["AES-GCM", `1 AEAD_AES_128_GCM inline:${"A".repeat(38)}`],
    ["F8", `1 F8_128_HMAC_SHA1_80 inline:${KEY_A}`],
    ["no key", "1 AES_CM_128_HMAC_SHA1_80"],
    ["another method", `1 AES_CM_128_HMAC_SHA1_80 uri:${KEY_A}`],
    ["short key", `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A.slice(4)}`],
    ["long key", `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}AAAA`],
    ["bad base64", `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A.slice(1)}!`],
    ["blank inside", `1 AES_CM_128_HMAC_SHA1_80 inline: ${KEY_A}`],
    ["MKI", `${base}|1:4`],
    ["lifetime and MKI", `${base}|2^20|1:4`],
    ["lifetime of 0", `${base}|0`],
    ["lifetime over 2^48", `${base}|2^49`],
    ["lifetime beyond numbers", `${base}|2^999999999999999`],
    ["empty lifetime", `${base}|`],
    ["two keys", `${base};inline:${KEY_B}`],
    ["UNENCRYPTED_SRTP", `${base} UNENCRYPTED_SRTP`],
    ["UNENCRYPTED_SRTCP", `${base} UNENCRYPTED_SRTCP`],
    ["UNAUTHENTICATED_SRTP", `${base} UNAUTHENTICATED_SRTP`],
    ["WSH below 64", `${base} WSH=63`],
    ["KDR above 0", `${base} KDR=1`],
    ["FEC_ORDER", `${base} FEC_ORDER=FEC_SRTP`],
    ["an unknown parameter", `${base} dummy_session_params`],
  ])("passes over: %s", (_name, value) => {
    const reading = readCrypto(value);
    expect(reading.acceptable).toBe(false);
    // R-SEC-11: no key in a text that may reach a log.
    if (!reading.acceptable) expect(reading.why).not.toContain(KEY_A.slice(4, 20));
  });

  it("leaves out every line of a tag that comes twice", () => {
    const line = (tag: number, key: string) => `${tag} AES_CM_128_HMAC_SHA1_80 inline:${key}`;
    const { acceptable } = acceptableCrypto([line(1, KEY_A), line(1, KEY_B), line(2, KEY_B)]);
    expect(acceptable.map(({ tag }) => tag)).toEqual([2]);
  });

  it("finds tags 7 and 8 among the twelve lines of rtpengine", () => {
    const { acceptable, refused } = acceptableCrypto(RTPENGINE_CRYPTO.map(textAfterName));
    expect(acceptable.map(({ tag, suite }) => [tag, suite])).toEqual([
      [7, "AES_CM_128_HMAC_SHA1_80"],
      [8, "AES_CM_128_HMAC_SHA1_32"],
    ]);
    expect(refused).toHaveLength(10);
  });

  it("reads back every line that it writes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 30, maxLength: 30 }),
        fc.integer({ min: 1, max: 999_999_999 }),
        (keySalt, tag) => {
          const suite = "AES_CM_128_HMAC_SHA1_32";
          const value = formatCrypto({ tag, suite, keySalt });
          expect(readCrypto(value)).toEqual({
            acceptable: true,
            crypto: { tag, suite, keySalt, lifetimePackets: null },
          });
        },
      ),
    );
    expect(() => formatCrypto({ tag: 1, suite: "AES_CM_128_HMAC_SHA1_80", keySalt: new Uint8Array(29) })).toThrow(
      RangeError,
    );
  });
});
