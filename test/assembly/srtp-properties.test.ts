/** SRTP for packets of every form, in groups of every size, against the reference written on node:crypto. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random, rtpPacket, SrtpBench, type Work } from "../support/srtp-bench.ts";
import { deriveKeys, protectRtcp, protectRtp } from "../support/srtp-reference.ts";
import { loadWasm } from "../support/wasm.ts";

const wasm = loadWasm();
const bench = new SrtpBench(wasm);
const BYTES_MAX = wasm.constant("PACKET_BYTES_MAX");

/** A few keys, opened once in all ways; every property takes SSRCs that no other has used. */
const KEY_SALTS = Array.from({ length: 6 }, (_, n) => new Random(n + 1).octets(30));
const RTP_KEYS = KEY_SALTS.map((keySalt) => deriveKeys(keySalt));
const RTCP_KEYS = KEY_SALTS.map((keySalt) => deriveKeys(keySalt, true));

const form = fc.record({
  key: fc.nat(KEY_SALTS.length - 1),
  tagBytes: fc.constantFrom(10, 4),
  lengthBytes: fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(160, 80, 240) },
    { weight: 3, arbitrary: fc.nat(1400) },
    { weight: 1, arbitrary: fc.nat(40) },
  ),
  csrcs: fc.oneof(fc.constant(0), fc.nat(15)),
  extensionWords: fc.option(fc.nat(8), { nil: undefined }),
  marker: fc.boolean(),
  sequence: fc.nat(65_535),
  seed: fc.nat(),
});
type Form = typeof form extends fc.Arbitrary<infer T> ? T : never;

function packetOf(shape: Form): Buffer {
  const room =
    BYTES_MAX - 12 - 4 * shape.csrcs - (shape.extensionWords === undefined ? 0 : 4 + 4 * shape.extensionWords);
  const random = new Random(shape.seed);
  const packet = rtpPacket({
    ssrc: random.next(),
    sequence: shape.sequence,
    payload: random.octets(Math.min(shape.lengthBytes, room)),
    csrcs: shape.csrcs,
    ...(shape.extensionWords === undefined ? {} : { extensionWords: shape.extensionWords }),
  });
  packet[1] = shape.marker ? 0x80 : 0;
  return packet;
}

/** Sessions are given back by opening them anew in the same place. */
const places = Array.from({ length: 18 }, () => wasm.reserve(wasm.constant("SRTP_SESSION_BYTES")));
const keyPlace = wasm.reserve(32);

function open(place: number, key: number, tagBytes: number): number {
  wasm.write(keyPlace, KEY_SALTS[key]!);
  wasm.call["srtpOpen"]!(places[place]!, keyPlace, tagBytes);
  return places[place]!;
}

describe("RFC 3711 §3.3 any packets in any group", () => {
  it("one to nine packets of mixed keys, suites, headers and payloads to 1400 octets equal the reference, both ways", () => {
    fc.assert(
      fc.property(fc.array(form, { minLength: 1, maxLength: 9 }), (shapes) => {
        const plain = shapes.map(packetOf);
        const send: Work[] = shapes.map((shape, i) => ({
          session: open(2 * i, shape.key, shape.tagBytes),
          packet: plain[i]!,
        }));
        const out = bench.protectRtp(send).map((outcome) => outcome.packet);
        for (const [i, shape] of shapes.entries())
          expect(out[i]!.equals(protectRtp(RTP_KEYS[shape.key]!, plain[i]!, 0, shape.tagBytes)), `packet ${i}`).toBe(
            true,
          );
        const receive = shapes.map((shape, i) => ({
          session: open(2 * i + 1, shape.key, shape.tagBytes),
          packet: out[i]!,
        }));
        const back = bench.unprotectRtp(receive);
        for (const [i, outcome] of back.entries()) expect(outcome.packet.equals(plain[i]!), `packet ${i}`).toBe(true);
      }),
      { numRuns: 250, seed: 3711 },
    );
  });

  it("one forged packet among others of its group is refused, alone and untouched", () => {
    fc.assert(
      fc.property(fc.array(form, { minLength: 1, maxLength: 9 }), fc.nat(), fc.nat(), (shapes, which, bit) => {
        const plain = shapes.map(packetOf);
        const whole = shapes.map((shape, i) => protectRtp(RTP_KEYS[shape.key]!, plain[i]!, 0, shape.tagBytes));
        const victim = which % shapes.length;
        const at = bit % (8 * (whole[victim]!.length - plain[victim]!.length));
        whole[victim]![plain[victim]!.length + (at >> 3)]! ^= 1 << (at & 7);
        const work = shapes.map((shape, i) => ({
          session: open(i, shape.key, shape.tagBytes),
          packet: whole[i]!,
        }));
        for (const [i, outcome] of bench.unprotectRtp(work).entries()) {
          expect(outcome.packet.equals(i === victim ? whole[i]! : plain[i]!), `packet ${i}`).toBe(true);
          if (i === victim) expect(outcome.length).toBe(wasm.constant("STATUS_AUTH_FAILED"));
        }
      }),
      { numRuns: 150, seed: 3711 },
    );
  });
});

describe("RFC 3711 §3.4 any compound packet", () => {
  it("of 8 to 1500 octets equals the reference, both ways, with both suites", () => {
    const shape = fc.record({
      key: fc.nat(KEY_SALTS.length - 1),
      tagBytes: fc.constantFrom(10, 4),
      lengthBytes: fc.integer({ min: 8, max: BYTES_MAX }),
      index: fc.integer({ min: 1, max: 0x7ffffffe }),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(shape, ({ key, tagBytes, lengthBytes, index, seed }) => {
        const packet = new Random(seed).octets(lengthBytes);
        packet[0] = 0x80 | (packet[0]! & 0x1f);
        const sender = open(0, key, tagBytes);
        wasm.call["srtpResume"]!(sender, packet.readInt32BE(4), 0, 0, index - 1);
        const out = bench.protectRtcp(sender, packet).packet;
        expect(out.equals(protectRtcp(RTCP_KEYS[key]!, packet, index))).toBe(true);
        expect(bench.unprotectRtcp(open(1, key, tagBytes), out).packet.equals(packet)).toBe(true);
      }),
      { numRuns: 200, seed: 3711 },
    );
  });
});

describe("every export of assembly/exports/srtp.ts survives lengths 0 to 2048 of random octets", () => {
  const ROOM = 4096;
  const memory = wasm.reserve(ROOM * 8);
  const [data, key, state, jobs, out] = [0, 1, 2, 3, 4].map((n) => memory + n * ROOM) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const random = new Random(2048);
  const lengths = Array.from({ length: 2049 }, (_, length) => length);

  /** Fills everything with noise, then calls; a trap throws. The last area must keep its octets. */
  function survives(call: (lengthBytes: number) => unknown): void {
    const guard = memory + 5 * ROOM;
    wasm.write(guard, new Uint8Array(3 * ROOM).fill(0xa7));
    const noise = random.octets(ROOM + 2049);
    for (const length of lengths) {
      for (const area of [data, key, state, out]) wasm.octets().set(noise.subarray(length, length + ROOM), area);
      call(length);
    }
    expect(wasm.read(guard, 3 * ROOM).every((octet) => octet === 0xa7)).toBe(true);
  }

  const exported: Readonly<Record<string, (length: number) => unknown>> = {
    aesExpandKey: () => wasm.call["aesExpandKey"]!(out, key),
    aesEncrypt: () => wasm.call["aesEncrypt"]!(key, data, out),
    aesCmOpen: () => wasm.call["aesCmOpen"]!(out, key),
    aesCm: (length) => wasm.call["aesCm"]!(key, state, data, length),
    aesCmGroup: (length) => {
      const count = 1 + (length % 4);
      for (let i = 0; i < count; i++) {
        wasm.writeI32(jobs + 32 * i, key + 16 * i);
        // Packets may even share memory here: that gives nonsense, but nothing may be written elsewhere.
        wasm.writeI32(jobs + 32 * i + 4, i === 0 ? data : out);
        wasm.writeI32(jobs + 32 * i + 8, (length * (i + 1)) % 2049);
      }
      wasm.call["aesCmGroup"]!(jobs, count);
    },
    sha1: (length) => wasm.call["sha1"]!(data, length, out),
    hmacSha1Open: (length) => wasm.call["hmacSha1Open"]!(out, key, length % 65),
    hmacSha1: (length) => wasm.call["hmacSha1"]!(key, data, length, out),
    hmacSha1Group: (length) => {
      const count = 1 + (length % 4);
      for (let i = 0; i < count; i++) {
        wasm.writeI32(jobs + 40 * i, key);
        wasm.writeI32(jobs + 40 * i + 4, [data, out, state, out + 2100][i]!);
        wasm.writeI32(jobs + 40 * i + 8, i === 3 ? length % 1800 : (length * (i + 1)) % 2000);
      }
      wasm.call["hmacSha1Group"]!(jobs, count);
    },
    srtpDeriveKey: (length) => wasm.call["srtpDeriveKey"]!(key, length & 255, out, length),
    srtpOpen: (length) => wasm.call["srtpOpen"]!(state, key, length),
    srtpResume: (length) => wasm.call["srtpResume"]!(state, length, length, length * 77, length * 77_777),
    srtpRoc: (length) => wasm.call["srtpRoc"]!(state, length),
    srtpSources: () => wasm.call["srtpSources"]!(state),
    srtpWipe: () => wasm.call["srtpWipe"]!(state),
    srtpProtectRtcp: (length) => wasm.call["srtpProtectRtcp"]!(openNoise(), data, length),
    srtpUnprotectRtcp: (length) => wasm.call["srtpUnprotectRtcp"]!(openNoise(), data, length),
    srtpProtectRtp: (length) => wasm.call["srtpProtectRtp"]!(itemsOf(length), 1 + (length % 4)),
    srtpUnprotectRtp: (length) => wasm.call["srtpUnprotectRtp"]!(itemsOf(length), 1 + (length % 4)),
  };

  /** The session's keys are noise, its tag length is real: a caller's memory is not the network's. */
  function openNoise(): number {
    wasm.call["srtpOpen"]!(state, key, 10);
    return state;
  }

  function itemsOf(length: number): number {
    const session = openNoise();
    for (let i = 0; i < 4; i++) {
      wasm.octets()[data]! = 0x80 | (wasm.octets()[data]! & 0x3f);
      wasm.writeI32(jobs + 16 * i, session);
      wasm.writeI32(jobs + 16 * i + 4, i % 2 === 0 ? data : out);
      wasm.writeI32(jobs + 16 * i + 8, i < 2 ? length : (length * 3) % 2049);
    }
    return jobs;
  }

  it.each(Object.keys(exported))("%s", (name) => survives(exported[name]!));
});
