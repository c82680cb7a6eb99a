/** SRTP and SRTCP on published packets: RFC 3711, libsrtp and pion. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { rtpPacket, SrtpBench } from "../support/srtp-bench.ts";
import { counterBlock, deriveKeys, keystream, protectRtcp, protectRtp } from "../support/srtp-reference.ts";
import { loadWasm } from "../support/wasm.ts";

interface PacketCase {
  name?: string;
  kind: "rtp" | "rtcp";
  suite?: string;
  index?: number;
  mki?: string;
  nullCipher?: boolean;
  plain: string;
  protected: string;
}

const wasm = loadWasm();
const bench = new SrtpBench(wasm);
const hex = (text: string) => Buffer.from(text, "hex");
const read = (path: string) => readFileSync(new URL(`../vectors/${path}`, import.meta.url), "utf8");
const suiteTagBytes = (suite: string) => (suite.endsWith("_32") ? 4 : 10);
const keySaltOf = (set: { masterKey: string; masterSalt: string }) => hex(set.masterKey + set.masterSalt);

/** What the two crypto suites without MKI, with encryption, can be asked. */
const usable = (vector: PacketCase) =>
  vector.mki === undefined && !vector.nullCipher && !vector.suite?.includes("NULL");

function expectBothWays(keySalt: Buffer, tagBytes: number, vector: PacketCase): void {
  const sender = bench.open(keySalt, tagBytes);
  const receiver = bench.open(keySalt, tagBytes);
  const plain = hex(vector.plain);
  const whole = hex(vector.protected);
  if (vector.kind === "rtp") {
    expect(bench.protectRtp([{ session: sender, packet: plain }])[0]!.packet).toEqual(whole);
    expect(bench.unprotectRtp([{ session: receiver, packet: whole }])[0]!.packet).toEqual(plain);
    return;
  }
  if (vector.index! > 1) wasm.call["srtpResume"]!(sender, plain.readUInt32BE(4), 0, 0, vector.index! - 1);
  expect(bench.protectRtcp(sender, plain).packet).toEqual(whole);
  expect(bench.unprotectRtcp(receiver, whole).packet).toEqual(plain);
}

describe("key derivation", () => {
  it("RFC 3711 B.3 cipher key, salt and 94 octets of auth key", () => {
    const { keyDerivation_B3: vector } = JSON.parse(read("crypto/rfc3711-appendix-b.json"));
    const keySalt = wasm.reserve(32);
    const output = wasm.reserve(128);
    wasm.write(keySalt, keySaltOf(vector));
    const derive = (label: number, lengthBytes: number) => {
      wasm.call["srtpDeriveKey"]!(keySalt, label, output, lengthBytes);
      return wasm.read(output, lengthBytes).toString("hex");
    };
    expect(derive(0, 16)).toBe(vector.cipherKey.output);
    expect(derive(2, 14)).toBe(vector.cipherSalt.output);
    expect(derive(2, 16)).toBe(vector.cipherSalt.untruncated);
    expect(derive(1, 94)).toBe(vector.authKey.output);
  });
});

describe("RFC 3711 §4.1.1 counter block", () => {
  it("pion's counter block, seen through the keystream of a packet of zeros", () => {
    const vector = JSON.parse(read("srtp/iv.json"));
    const keySalt = keySaltOf(vector);
    const keys = deriveKeys(keySalt);
    expect(counterBlock(keys.salt, vector.ssrc, vector.seq).toString("hex")).toBe(vector.aesCmIv);
    const plain = Buffer.alloc(12 + 64);
    plain[0] = 0x80;
    plain.writeUInt16BE(vector.seq, 2);
    plain.writeUInt32BE(vector.ssrc, 8);
    const [outcome] = bench.protectRtp([{ session: bench.open(keySalt), packet: plain }]);
    expect(outcome!.packet.subarray(12, 76)).toEqual(keystream(keys.cipherKey, hex(vector.aesCmIv), 64));
  });
});

describe("libsrtp reference packets", () => {
  const set = JSON.parse(read("srtp/libsrtp-packets.json"));

  it.each((set.cases as PacketCase[]).filter(usable))("$name", (vector) => {
    expectBothWays(keySaltOf(set), suiteTagBytes(vector.suite!), vector);
  });

  it.each((set.cases as PacketCase[]).filter((vector) => !usable(vector)))("$name is refused", (vector) => {
    const session = bench.open(keySaltOf(set));
    const packet = hex(vector.protected);
    const { length } =
      vector.kind === "rtp" ? bench.unprotectRtp([{ session, packet }])[0]! : bench.unprotectRtcp(session, packet);
    // MKI breaks the tag, or puts the E flag elsewhere; without encryption E is 0 or the ciphertext is not ours.
    if (vector.suite === "NULL_HMAC_SHA1_80" && vector.kind === "rtp") expect(length).toBe(packet.length - 10);
    else expect(length).toBeLessThan(0);
  });
});

describe("pion packets", () => {
  const { sets } = JSON.parse(read("srtp/pion-packets.json")) as {
    sets: { masterKey: string; masterSalt: string; suite: string; note?: string; cases: PacketCase[] }[];
  };

  for (const [n, set] of sets.entries()) {
    const cases = set.cases.filter(usable);
    if (set.note === undefined) {
      it.each(cases)(`set ${n} ${set.suite} $kind $plain`, (vector) => {
        expectBothWays(keySaltOf(set), suiteTagBytes(set.suite), vector);
      });
      continue;
    }
    // SOURCES.md: these headers have RTP version 0, good for the cipher, but not an RTP packet (RFC 3550 §5.1).
    it.each(cases)(`set ${n} version 0 is refused, the cipher agrees: $plain`, (vector) => {
      const keySalt = keySaltOf(set);
      const status = wasm.constant("STATUS_NOT_RTP");
      const session = bench.open(keySalt);
      expect(bench.unprotectRtp([{ session, packet: hex(vector.protected) }])[0]!.length).toBe(status);
      expect(bench.protectRtp([{ session, packet: hex(vector.plain) }])[0]!.length).toBe(status);
      expect(protectRtp(deriveKeys(keySalt), hex(vector.plain), 0, 10)).toEqual(hex(vector.protected));
      const plain = hex(vector.plain);
      plain[0]! |= 0x80;
      const ciphertext = bench.protectRtp([{ session, packet: plain }])[0]!.packet.subarray(12, 18);
      expect(ciphertext).toEqual(hex(vector.protected).subarray(12, 18));
    });
  }
});

describe("hardening G5 libsrtp's verdicts, packet by packet, on jumps, repeats and reordering around wraps", () => {
  interface Schedule {
    indices: string;
    verdicts: string;
  }
  const file = new URL("libsrtp-verdicts.json", import.meta.url);
  const { rtp, rtcp } = JSON.parse(readFileSync(file, "utf8")) as { rtp: Schedule[]; rtcp: Schedule[] };
  const keySalt = Buffer.from(Array.from({ length: 30 }, (_, i) => i));
  const indicesOf = (schedule: Schedule) => schedule.indices.split(" ").map(Number);
  const verdictsOf = (lengths: number[]) => lengths.map((length) => (length < 0 ? "-" : "+")).join("");

  it.each([1, 4])("SRTP, %i packets a call", (batch) => {
    const keys = deriveKeys(keySalt);
    for (const schedule of rtp) {
      const session = bench.open(keySalt);
      const packets = indicesOf(schedule).map((index) => {
        const packet = rtpPacket({ ssrc: 7, sequence: index & 0xffff, payload: Buffer.alloc(4) });
        return { session, packet: protectRtp(keys, packet, Math.floor(index / 0x10000), 10) };
      });
      const lengths: number[] = [];
      for (let i = 0; i < packets.length; i += batch) {
        lengths.push(...bench.unprotectRtp(packets.slice(i, i + batch)).map((outcome) => outcome.length));
      }
      expect(verdictsOf(lengths)).toBe(schedule.verdicts);
    }
  });

  it("SRTCP", () => {
    const keys = deriveKeys(keySalt, true);
    const packet = hex("80c900010000000701020304");
    for (const schedule of rtcp) {
      const session = bench.open(keySalt);
      const lengths = indicesOf(schedule).map(
        (index) => bench.unprotectRtcp(session, protectRtcp(keys, packet, index)).length,
      );
      expect(verdictsOf(lengths)).toBe(schedule.verdicts);
    }
  });
});

describe.each(["80", "32", "wrap-80"])("libsrtp 2.5.0 stream %s", (name) => {
  const lines = read(`srtp/libsrtp-stream-${name}.jsonl`)
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const [head, ...packets] = lines;
  const rtp = packets.filter((packet) => packet.op === "rtp");

  it.each([1, 3, 4, 7, 16])("is protected and unprotected alike, %i packets a call", (batch) => {
    const sender = bench.open(keySaltOf(head), suiteTagBytes(head.suite));
    const receiver = bench.open(keySaltOf(head), suiteTagBytes(head.suite));
    for (let i = 0; i < rtp.length; i += batch) {
      const part = rtp.slice(i, i + batch);
      const out = bench.protectRtp(part.map((packet) => ({ session: sender, packet: hex(packet.plain) })));
      expect(out.map((outcome) => outcome.packet.toString("hex"))).toEqual(part.map((packet) => packet.protected));
      const back = bench.unprotectRtp(part.map((packet) => ({ session: receiver, packet: hex(packet.protected) })));
      expect(back.map((outcome) => outcome.packet.toString("hex"))).toEqual(part.map((packet) => packet.plain));
    }
    expect(wasm.call["srtpRoc"]!(sender, head.ssrc | 0)).toBe(rtp.at(-1).roc);
    expect(wasm.call["srtpRoc"]!(receiver, head.ssrc | 0)).toBe(rtp.at(-1).roc);
  });

  it("RTCP packets equal libsrtp's", () => {
    for (const packet of packets.filter((entry) => entry.op === "rtcp")) {
      const index = hex(packet.protected).readUInt32BE(packet.protected.length / 2 - 14) & 0x7fffffff;
      expectBothWays(keySaltOf(head), suiteTagBytes(head.suite), { kind: "rtcp", index, ...packet });
    }
  });
});
