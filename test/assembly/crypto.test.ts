/** The cryptographic kernels on published vectors and against node:crypto. */
import { createCipheriv, createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Random } from "../support/srtp-bench.ts";
import { keystream } from "../support/srtp-reference.ts";
import { loadWasm } from "../support/wasm.ts";

const wasm = loadWasm();
const hex = (text: string) => Buffer.from(text, "hex");
const vectors = (name: string) =>
  JSON.parse(readFileSync(new URL(`../vectors/crypto/${name}.json`, import.meta.url), "utf8"));

const KEY = wasm.reserve(128);
const SCHEDULE = wasm.reserve(wasm.constant("AES_SCHEDULE_BYTES"));
const CM_KEY = wasm.reserve(wasm.constant("AES_CM_KEY_BYTES"));
const IV = wasm.reserve(16);
const TAG = wasm.reserve(32);
const PREPARED = wasm.reserve(wasm.constant("HMAC_KEY_BYTES"));
const DATA = wasm.reserve(1_100_000);

function expandKey(key: Uint8Array): void {
  wasm.write(KEY, key);
  wasm.call["aesExpandKey"]!(SCHEDULE, KEY);
}

function aesCm(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  wasm.write(KEY, key);
  wasm.call["aesCmOpen"]!(CM_KEY, KEY);
  wasm.write(IV, iv);
  wasm.write(DATA, data);
  wasm.call["aesCm"]!(CM_KEY, IV, DATA, data.length);
  return wasm.read(DATA, data.length);
}

function sha1(data: Uint8Array): Buffer {
  wasm.write(DATA, data);
  wasm.call["sha1"]!(DATA, data.length, TAG);
  return wasm.read(TAG, 20);
}

function hmacSha1(key: Uint8Array, data: Uint8Array): Buffer {
  const short = key.length > 64 ? sha1(key) : key;
  wasm.write(KEY, short);
  wasm.call["hmacSha1Open"]!(PREPARED, KEY, short.length);
  wasm.write(DATA, data);
  wasm.call["hmacSha1"]!(PREPARED, DATA, data.length, TAG);
  return wasm.read(TAG, 20);
}

describe("the module", () => {
  it("imports nothing", () => {
    expect(wasm.imports).toEqual([]);
  });
});

describe("AES-128", () => {
  const { ecb, ctr, keyExpansion } = vectors("aes128");

  it("FIPS 197 A.1 expands the key", () => {
    expandKey(hex(keyExpansion.key));
    expect(wasm.read(SCHEDULE, 16)).toEqual(hex(keyExpansion.key));
    expect(wasm.read(SCHEDULE + 160, 16)).toEqual(hex(keyExpansion.lastRoundKey));
  });

  it.each(ecb as { name: string; key: string; plaintext: string; ciphertext: string }[])("$name", (vector) => {
    expandKey(hex(vector.key));
    const plain = hex(vector.plaintext);
    wasm.write(DATA, plain);
    for (let i = 0; i < plain.length; i += 16) wasm.call["aesEncrypt"]!(SCHEDULE, DATA + i, DATA + i);
    expect(wasm.read(DATA, plain.length)).toEqual(hex(vector.ciphertext));
  });

  it("equals node:crypto for random keys and blocks", () => {
    const random = new Random(197);
    for (let i = 0; i < 200; i++) {
      const key = random.octets(16);
      const block = random.octets(16);
      expandKey(key);
      wasm.write(DATA, block);
      wasm.call["aesEncrypt"]!(SCHEDULE, DATA, DATA + 16);
      const cipher = createCipheriv("aes-128-ecb", key, null).setAutoPadding(false);
      expect(wasm.read(DATA, 32)).toEqual(Buffer.concat([block, cipher.update(block)]));
    }
  });

  it.each(ctr as { name: string; key: string; counter: string; plaintext: string; ciphertext: string }[])(
    "$name, one block at a time: its counter starts above 0",
    (vector) => {
      expandKey(hex(vector.key));
      const counter = hex(vector.counter);
      const plain = hex(vector.plaintext);
      for (let i = 0; i < plain.length; i += 16) {
        wasm.write(DATA, counter);
        wasm.call["aesEncrypt"]!(SCHEDULE, DATA, DATA);
        const block = wasm.read(DATA, 16).map((octet, n) => octet ^ plain[i + n]!);
        expect(Buffer.from(block)).toEqual(hex(vector.ciphertext).subarray(i, i + 16));
        counter.writeUInt32BE((counter.readUInt32BE(12) + 1) >>> 0, 12);
      }
    },
  );
});

describe("AES counter mode", () => {
  it("RFC 3711 B.2 AES-CM keystream of 1,044,512 octets", () => {
    const { sessionKey, sessionSaltShifted, segmentOctets, blocks } = vectors("rfc3711-appendix-b").aesCm_B2;
    const stream = aesCm(hex(sessionKey), hex(sessionSaltShifted), Buffer.alloc(segmentOctets));
    for (const { counter, keystream: expected } of blocks) {
      const offset = 16 * Number.parseInt(counter.slice(-4), 16);
      expect(stream.subarray(offset, offset + 16)).toEqual(hex(expected));
    }
    const all = keystream(hex(sessionKey), hex(sessionSaltShifted), segmentOctets);
    expect(stream.equals(all)).toBe(true);
  });

  it("equals node:crypto for every length to 640 octets, and writes at most 15 octets more", () => {
    const random = new Random(3711);
    for (let length = 0; length <= 640; length++) {
      const key = random.octets(16);
      const iv = Buffer.concat([random.octets(14), Buffer.alloc(2)]);
      const data = random.octets(length);
      wasm.octets().fill(0x5a, DATA, DATA + length + 64);
      const result = aesCm(key, iv, data);
      const expected = createCipheriv("aes-128-ctr", key, iv).update(data);
      expect(result.equals(expected), `length ${length}`).toBe(true);
      const end = (length + 15) & ~15;
      expect(wasm.read(DATA + end, 32).equals(Buffer.alloc(32, 0x5a)), `behind length ${length}`).toBe(true);
    }
  });
});

describe("groups of one to four", () => {
  const CIPHER_JOBS = wasm.reserve(4 * 32);
  const AUTH_JOBS = wasm.reserve(4 * 40);
  const KEYS = wasm.reserve(4 * 256);
  const SLOT_BYTES = 2048;

  /** Lengths that a group may mix: equal ones, empty ones, short events, the longest. */
  function lengths(random: Random): number[] {
    const count = 1 + random.below(4);
    const equal = random.below(3) === 0 ? random.below(300) : -1;
    return Array.from({ length: count }, () => {
      if (equal >= 0) return equal;
      return [0, 4, 16, 160, random.below(200), random.below(1500)][random.below(6)]!;
    });
  }

  it("AES-CM of any mixture of keys and lengths equals node:crypto and touches nothing else", () => {
    const random = new Random(4711);
    for (let round = 0; round < 400; round++) {
      wasm.octets().fill(0x5a, DATA, DATA + 4 * SLOT_BYTES);
      const expected = lengths(random).map((length, i) => {
        const key = random.octets(16);
        const iv = Buffer.concat([random.octets(14), Buffer.alloc(2)]);
        const data = random.octets(length);
        wasm.write(KEY, key);
        wasm.call["aesCmOpen"]!(KEYS + 256 * i, KEY);
        wasm.writeI32(CIPHER_JOBS + 32 * i, KEYS + 256 * i);
        wasm.writeI32(CIPHER_JOBS + 32 * i + 4, DATA + SLOT_BYTES * i);
        wasm.writeI32(CIPHER_JOBS + 32 * i + 8, length);
        wasm.write(CIPHER_JOBS + 32 * i + 16, iv);
        wasm.write(DATA + SLOT_BYTES * i, data);
        return createCipheriv("aes-128-ctr", key, iv).update(data);
      });
      wasm.call["aesCmGroup"]!(CIPHER_JOBS, expected.length);
      for (const [i, data] of expected.entries()) {
        const slot = wasm.read(DATA + SLOT_BYTES * i, SLOT_BYTES);
        expect(slot.subarray(0, data.length).equals(data), `round ${round}, packet ${i}`).toBe(true);
        expect(slot.subarray((data.length + 15) & ~15).every((octet) => octet === 0x5a)).toBe(true);
      }
    }
  });

  it("HMAC-SHA1 of any mixture of keys and lengths equals node:crypto", () => {
    const random = new Random(4712);
    for (let round = 0; round < 400; round++) {
      const expected = lengths(random).map((length, i) => {
        const key = random.octets(20);
        const data = random.octets(length);
        wasm.write(KEY, key);
        wasm.call["hmacSha1Open"]!(KEYS + 256 * i, KEY, 20);
        wasm.writeI32(AUTH_JOBS + 40 * i, KEYS + 256 * i);
        wasm.writeI32(AUTH_JOBS + 40 * i + 4, DATA + SLOT_BYTES * i);
        wasm.writeI32(AUTH_JOBS + 40 * i + 8, length);
        wasm.write(DATA + SLOT_BYTES * i, data);
        return createHmac("sha1", key).update(data).digest();
      });
      wasm.call["hmacSha1Group"]!(AUTH_JOBS, expected.length);
      for (const [i, tag] of expected.entries()) {
        expect(wasm.read(AUTH_JOBS + 40 * i + 16, 20).equals(tag), `round ${round}, message ${i}`).toBe(true);
      }
    }
  });

  it("the bitsliced cipher equals the plain one, block by block", () => {
    const random = new Random(4713);
    for (let round = 0; round < 20; round++) {
      const key = random.octets(16);
      const iv = Buffer.concat([random.octets(14), Buffer.alloc(2)]);
      const stream = aesCm(key, iv, Buffer.alloc(16 * 94));
      expandKey(key);
      for (let block = 0; block < 94; block++) {
        iv.writeUInt16BE(block, 14);
        wasm.write(IV, iv);
        wasm.call["aesEncrypt"]!(SCHEDULE, IV, TAG);
        expect(wasm.read(TAG, 16).equals(stream.subarray(16 * block, 16 * block + 16))).toBe(true);
      }
    }
  });
});

describe("SHA-1", () => {
  const { cases } = vectors("sha1") as { cases: { data: string; repeat: number; sha1: string }[] };

  it.each(cases)("FIPS 180, RFC 3174 test string $data x $repeat", (vector) => {
    const data = Buffer.concat(Array.from({ length: vector.repeat }, () => hex(vector.data)));
    expect(sha1(data)).toEqual(hex(vector.sha1));
  });

  it("equals node:crypto for every length to 300 octets", () => {
    const random = new Random(3174);
    for (let length = 0; length <= 300; length++) {
      const data = random.octets(length);
      expect(sha1(data), `length ${length}`).toEqual(createHash("sha1").update(data).digest());
    }
  });
});

describe("HMAC-SHA1", () => {
  const { cases } = vectors("rfc2202-hmac-sha1") as { cases: { n: number; key: string; data: string; mac: string }[] };

  it.each(cases)("RFC 2202 section 3 case $n", (vector) => {
    expect(hmacSha1(hex(vector.key), hex(vector.data))).toEqual(hex(vector.mac));
  });

  it("equals node:crypto for keys to 64 octets and messages to 400", () => {
    const random = new Random(2104);
    for (let length = 0; length <= 400; length++) {
      const key = random.octets(random.below(65));
      const data = random.octets(length);
      expect(hmacSha1(key, data), `length ${length}`).toEqual(createHmac("sha1", key).update(data).digest());
    }
  });
});
