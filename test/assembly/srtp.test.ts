/** SRTP sessions: indices, replay lists, refusals and hostile input (RFC 3711, hardening R9 to R13). */
import { describe, expect, it } from "vitest";
import { Random, rtpPacket, SrtpBench, type Work } from "../support/srtp-bench.ts";
import { deriveKeys, protectRtcp, protectRtp } from "../support/srtp-reference.ts";
import { loadWasm } from "../support/wasm.ts";

const wasm = loadWasm();
const bench = new SrtpBench(wasm, 32);
const status = (name: string) => wasm.constant(`STATUS_${name}`);
const KEY_SALT = new Random(30).octets(30);
const SSRC = 0xdeadbeef;
const KEYS = deriveKeys(KEY_SALT);

/** A packet as a true sender with the test's key would send it. */
function genuine(
  sequence: number,
  roc = 0,
  options: { ssrc?: number; tagBytes?: number; length?: number } = {},
): Buffer {
  const { ssrc = SSRC, tagBytes = 10, length = 160 } = options;
  const payload = new Random(sequence ^ (roc << 16)).octets(length);
  return protectRtp(KEYS, rtpPacket({ ssrc, sequence, payload }), roc, tagBytes);
}

const lengthOf = (session: number, packet: Uint8Array) => bench.unprotectRtp([{ session, packet }])[0]!.length;
const roc = (session: number, ssrc = SSRC) => wasm.call["srtpRoc"]!(session, ssrc | 0);
const snapshot = (session: number) => wasm.read(session, wasm.constant("SRTP_SESSION_BYTES")).toString("hex");

describe("RFC 3711 §3.3 both ways against a second implementation", () => {
  it.each([10, 4])("random headers, lengths and keys, tag of %i octets", (tagBytes) => {
    const random = new Random(tagBytes);
    for (let round = 0; round < 40; round++) {
      const work: Work[] = [];
      const plain: Buffer[] = [];
      const expected: Buffer[] = [];
      const receivers: number[] = [];
      for (let i = 0; i < 1 + random.below(11); i++) {
        const keySalt = random.octets(30);
        const extension = random.below(3);
        const packet = rtpPacket({
          ssrc: random.next(),
          sequence: random.below(0x10000),
          payload: random.octets(random.below(3) === 0 ? random.below(1300) : 160),
          csrcs: random.below(3) === 0 ? random.below(16) : 0,
          ...(extension === 0 ? { extensionWords: random.below(20) } : {}),
        });
        work.push({ session: bench.open(keySalt, tagBytes), packet });
        receivers.push(bench.open(keySalt, tagBytes));
        plain.push(packet);
        expected.push(protectRtp(deriveKeys(keySalt), packet, 0, tagBytes));
      }
      const out = bench.protectRtp(work);
      expect(out.map((outcome) => outcome.packet)).toEqual(expected);
      const back = bench.unprotectRtp(out.map(({ packet }, i) => ({ session: receivers[i]!, packet })));
      expect(back.map((outcome) => outcome.packet)).toEqual(plain);
    }
  });

  it("every payload length from 0 to 400, and the longest packets", () => {
    const sender = bench.open(KEY_SALT);
    const receiver = bench.open(KEY_SALT);
    const max = wasm.constant("PACKET_BYTES_MAX");
    const lengths = [...Array.from({ length: 401 }, (_, i) => i), max - 12 - 17, max - 12 - 1, max - 12];
    for (const [sequence, length] of lengths.entries()) {
      const packet = rtpPacket({ ssrc: SSRC, sequence, payload: new Random(length).octets(length) });
      const [out] = bench.protectRtp([{ session: sender, packet }]);
      expect(out!.packet.equals(protectRtp(KEYS, packet, 0, 10)), `length ${length}`).toBe(true);
      const [back] = bench.unprotectRtp([{ session: receiver, packet: out!.packet }]);
      expect(back!.packet.equals(packet), `length ${length}`).toBe(true);
    }
    const long = rtpPacket({ ssrc: SSRC, sequence: 500, payload: Buffer.alloc(max - 11) });
    expect(bench.protectRtp([{ session: sender, packet: long }])[0]!.length).toBe(status("TOO_LONG"));
    expect(lengthOf(receiver, protectRtp(KEYS, long, 0, 10))).toBe(status("TOO_LONG"));
  });

  it("RFC 3711 §3.4 RTCP of every length to 300, index from 1 on", () => {
    const sender = bench.open(KEY_SALT, 4);
    const receiver = bench.open(KEY_SALT, 4);
    const keys = deriveKeys(KEY_SALT, true);
    for (let index = 1; index <= 293; index++) {
      const packet = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), new Random(index).octets(index - 1)]);
      const out = bench.protectRtcp(sender, packet);
      expect(out.packet.equals(protectRtcp(keys, packet, index)), `index ${index}`).toBe(true);
      expect(bench.unprotectRtcp(receiver, out.packet).packet.equals(packet), `index ${index}`).toBe(true);
    }
  });
});

describe("SRTP-4 packet index", () => {
  it("RFC 3711 §3.3.1 goes through three wraps, with reordering around each", () => {
    const session = bench.open(KEY_SALT);
    for (let cycle = 0; cycle < 3; cycle++) {
      for (const sequence of [65000, 65534, 65533, 65535]) {
        expect(lengthOf(session, genuine(sequence, cycle)), `${sequence}`).toBe(172);
      }
      expect(lengthOf(session, genuine(1, cycle + 1))).toBe(172);
      expect(lengthOf(session, genuine(65532, cycle)), "late, from before the wrap").toBe(172);
      expect(lengthOf(session, genuine(0, cycle + 1))).toBe(172);
      expect(roc(session)).toBe(cycle + 1);
      for (const sequence of [30_000, 60_000]) expect(lengthOf(session, genuine(sequence, cycle + 1))).toBe(172);
    }
  });

  it("hardening R11: a loss of more than 2^15 packets is refused, not decrypted wrongly, and the call goes on", () => {
    const session = bench.open(KEY_SALT);
    expect(lengthOf(session, genuine(40_000))).toBe(172);
    expect(lengthOf(session, genuine(20_000, 1)), "45536 ahead: looks like an old one").toBeLessThan(0);
    expect(lengthOf(session, genuine(3000, 1))).toBe(172);
    expect(roc(session)).toBe(1);
  });

  it("a jump of more than 2^15 in the first cycle is taken as libsrtp takes it", () => {
    const session = bench.open(KEY_SALT);
    expect(lengthOf(session, genuine(100))).toBe(172);
    expect(lengthOf(session, genuine(40_000))).toBe(172);
    expect(roc(session)).toBe(0);
  });

  it("SRTP-4 a forged packet moves neither ROC nor s_l", () => {
    const session = bench.open(KEY_SALT);
    lengthOf(session, genuine(65_000));
    const before = snapshot(session);
    const forged = genuine(5, 1);
    forged[20]! ^= 1;
    expect(lengthOf(session, forged)).toBe(status("AUTH_FAILED"));
    expect(snapshot(session)).toBe(before);
    expect(lengthOf(session, genuine(5, 1))).toBe(172);
    expect(roc(session)).toBe(1);
  });

  it("the sender's ROC follows the wrap, and late packets keep the old one", () => {
    const session = bench.open(KEY_SALT);
    for (const [sequence, cycle] of [
      [65_534, 0],
      [65_535, 0],
      [0, 1],
      [65_533, 0],
      [1, 1],
    ] as const) {
      const packet = rtpPacket({ ssrc: SSRC, sequence, payload: Buffer.alloc(160) });
      expect(bench.protectRtp([{ session, packet }])[0]!.packet).toEqual(protectRtp(KEYS, packet, cycle, 10));
    }
  });
});

describe("SRTP-5 replay list", () => {
  it("RFC 3711 §3.3.2 remembers exactly 128 indices", () => {
    const session = bench.open(KEY_SALT);
    expect(lengthOf(session, genuine(1000))).toBe(172);
    for (let back = 0; back < 140; back++) {
      const packet = genuine(1000 - back);
      const fresh = back > 0 && back < 128;
      expect(lengthOf(session, packet), `${back} behind`).toBe(fresh ? 172 : status("REPLAYED"));
      expect(lengthOf(session, packet), `${back} behind, again`).toBe(status("REPLAYED"));
    }
  });

  it("equals a set of seen indices for random steps of every size", () => {
    const random = new Random(128);
    const session = bench.open(KEY_SALT);
    const seen = new Set<number>();
    let highest = 70_000;
    wasm.call["srtpResume"]!(session, SSRC | 0, 1, highest - 0x10000, 0);
    for (let i = 0; i <= 128; i++) seen.add(highest - i);
    for (let i = 0; i < 3000; i++) {
      const step = [1, 2, 63, 64, 65, 127, 128, 129, random.below(300), -random.below(140)][random.below(10)]!;
      const index = highest + step;
      const wanted = index > highest - 128 && !seen.has(index);
      const length = lengthOf(session, genuine(index & 0xffff, index >>> 16, { length: 1 }));
      expect(length, `index ${index}, highest ${highest}`).toBe(wanted ? 13 : status("REPLAYED"));
      seen.add(index);
      highest = Math.max(highest, index);
    }
  });

  it("SRTCP has a list of its own", () => {
    const session = bench.open(KEY_SALT);
    const keys = deriveKeys(KEY_SALT, true);
    const packet = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24, 7)]);
    const lengths = [500, 500, 499, 373, 372, 499, 501].map(
      (index) => bench.unprotectRtcp(session, protectRtcp(keys, packet, index)).length,
    );
    const replayed = status("REPLAYED");
    expect(lengths).toEqual([32, replayed, 32, 32, replayed, replayed, 32]);
    expect(lengthOf(session, genuine(500))).toBe(172);
  });

  it("the sender refuses to use keystream twice", () => {
    const session = bench.open(KEY_SALT);
    const packet = rtpPacket({ ssrc: SSRC, sequence: 9, payload: Buffer.alloc(160) });
    const other = rtpPacket({ ssrc: SSRC, sequence: 9, payload: Buffer.alloc(160, 1) });
    const [first, second] = bench.protectRtp([
      { session, packet },
      { session, packet: other },
    ]);
    expect(first!.length).toBe(182);
    expect(second!.length).toBe(status("REPLAYED"));
    expect(second!.packet).toEqual(other);
  });
});

describe("hardening R12 state for SSRCs", () => {
  it("a forged packet grows no state", () => {
    const session = bench.open(KEY_SALT);
    const before = snapshot(session);
    for (let i = 0; i < 100; i++) {
      const forged = genuine(i, 0, { ssrc: i });
      forged[forged.length - 1]! ^= 0x80;
      expect(lengthOf(session, forged)).toBe(status("AUTH_FAILED"));
      const rtcp = protectRtcp(KEYS, Buffer.concat([Buffer.from("80c90001", "hex"), Buffer.alloc(8, i)]), i);
      expect(bench.unprotectRtcp(session, rtcp).length).toBe(status("AUTH_FAILED"));
    }
    expect(snapshot(session)).toBe(before);
    expect(wasm.call["srtpSources"]!(session)).toBe(0);
  });

  it("four SSRCs have state each, a fifth is refused in both directions", () => {
    const receiver = bench.open(KEY_SALT);
    const sender = bench.open(KEY_SALT);
    for (let ssrc = 0; ssrc < 5; ssrc++) {
      const expected = ssrc < 4 ? 1 : status("SSRC_LIMIT");
      expect(Math.min(1, lengthOf(receiver, genuine(65_535 - ssrc, 0, { ssrc })))).toBe(expected);
      const packet = rtpPacket({ ssrc, sequence: 65_535 - ssrc, payload: Buffer.alloc(1) });
      expect(Math.min(1, bench.protectRtp([{ session: sender, packet }])[0]!.length)).toBe(expected);
    }
    expect(lengthOf(receiver, genuine(10, 1, { ssrc: 0 })), "each goes on by itself").toBe(172);
    expect([0, 1, 2, 3, 4].map((ssrc) => roc(receiver, ssrc))).toEqual([1, 0, 0, 0, -1]);
    expect(bench.unprotectRtcp(receiver, protectRtcp(KEYS, Buffer.alloc(28, 0x80), 1)).length).toBe(
      status("SSRC_LIMIT"),
    );
  });

  it("an SSRC that was silent for 512 packets gives way, and never comes back under this key", () => {
    const session = bench.open(KEY_SALT);
    for (let ssrc = 0; ssrc < 4; ssrc++) lengthOf(session, genuine(9, 0, { ssrc }));
    const limit = status("SSRC_LIMIT");
    const hear = (ssrc: number, first: number, count: number) => {
      for (let i = 0; i < count; i++) {
        expect(lengthOf(session, genuine(first + i, 0, { ssrc, length: 1 })), `SSRC ${ssrc} ${first + i}`).toBe(13);
      }
    };
    hear(3, 100, 508);
    expect(lengthOf(session, genuine(1, 0, { ssrc: 4 })), "SSRC 0 was silent for 511").toBe(limit);
    hear(3, 608, 1);
    const forged = genuine(1, 0, { ssrc: 4 });
    forged[40]! ^= 1;
    const before = snapshot(session);
    expect(lengthOf(session, forged)).toBe(status("AUTH_FAILED"));
    expect(snapshot(session), "a forged packet drives nobody out").toBe(before);
    expect(lengthOf(session, genuine(1, 0, { ssrc: 4 }))).toBe(172);
    expect([0, 1, 2, 3, 4].map((ssrc) => roc(session, ssrc))).toEqual([-1, 0, 0, 0, 0]);
    hear(4, 2, 600);
    expect(lengthOf(session, genuine(9, 0, { ssrc: 0 })), "recorded").toBe(limit);
    expect(lengthOf(session, genuine(10, 0, { ssrc: 0 })), "new").toBe(limit);
    expect(lengthOf(session, genuine(9, 0, { ssrc: 1 })), "still known").toBe(status("REPLAYED"));
    for (let ssrc = 5; ssrc < 12; ssrc++) {
      hear(ssrc, 0, 1);
      hear(4, 100 + 600 * (ssrc - 4), 600);
    }
    expect(lengthOf(session, genuine(0, 0, { ssrc: 12 })), "eight are retired").toBe(limit);
    hear(4, 5000, 10);
  });

  it("a sender's SSRC that was retired is refused: its keystream is not used twice", () => {
    const session = bench.open(KEY_SALT);
    const send = (ssrc: number, sequence: number) =>
      bench.protectRtp([{ session, packet: rtpPacket({ ssrc, sequence, payload: Buffer.alloc(1) }) }])[0]!.length;
    for (let ssrc = 0; ssrc < 4; ssrc++) send(ssrc, 1);
    for (let i = 0; i < 520; i++) send(3, 100 + i);
    expect(send(4, 1)).toBe(23);
    expect(send(0, 1)).toBe(status("SSRC_LIMIT"));
    expect(send(0, 2)).toBe(status("SSRC_LIMIT"));
  });

  it("two new SSRCs in one group do not share the last free place", () => {
    const session = bench.open(KEY_SALT);
    for (let ssrc = 0; ssrc < 3; ssrc++) lengthOf(session, genuine(1, 0, { ssrc }));
    const work = [3, 4, 3].map((ssrc, i) => ({ session, packet: genuine(1 + i, 0, { ssrc }) }));
    expect(bench.unprotectRtp(work).map((outcome) => outcome.length)).toEqual([172, status("SSRC_LIMIT"), 172]);
  });
});

describe("one group gives what one packet after the other gives", () => {
  it("a duplicate in one group is refused, in whatever place", () => {
    const session = bench.open(KEY_SALT);
    const work = [7, 8, 7, 8, 9, 7].map((sequence) => ({ session, packet: genuine(sequence) }));
    const replayed = status("REPLAYED");
    expect(bench.unprotectRtp(work).map((outcome) => outcome.length)).toEqual([
      172,
      172,
      replayed,
      replayed,
      172,
      replayed,
    ]);
  });

  it("the very same packet twice in one call is refused the second time and stays decrypted", () => {
    const session = bench.open(KEY_SALT);
    const items = wasm.reserve(64);
    const packet = bench.slot(0);
    wasm.write(packet, genuine(7));
    for (const item of [items, items + 16]) {
      wasm.writeI32(item, session);
      wasm.writeI32(item + 4, packet);
      wasm.writeI32(item + 8, 182);
    }
    wasm.call["srtpUnprotectRtp"]!(items, 2);
    expect([wasm.readI32(items + 8), wasm.readI32(items + 24)]).toEqual([172, status("REPLAYED")]);
    expect(wasm.read(packet + 12, 160)).toEqual(new Random(7).octets(160));
  });

  it("one packet given to two sessions is unprotected by the first and found wrong by the second", () => {
    const items = wasm.reserve(32);
    const packet = bench.slot(0);
    wasm.write(packet, genuine(7));
    for (const item of [items, items + 16]) {
      wasm.writeI32(item, bench.open(KEY_SALT));
      wasm.writeI32(item + 4, packet);
      wasm.writeI32(item + 8, 182);
    }
    wasm.call["srtpUnprotectRtp"]!(items, 2);
    expect([wasm.readI32(items + 8), wasm.readI32(items + 24)]).toEqual([172, status("AUTH_FAILED")]);
    expect(wasm.read(packet + 12, 160)).toEqual(new Random(7).octets(160));
  });

  it("one packet protected by two sessions in one call, the second around the first", () => {
    const items = wasm.reserve(32);
    const plain = rtpPacket({ ssrc: SSRC, sequence: 7, payload: Buffer.alloc(160, 7) });
    const keySalts = [KEY_SALT, new Random(8).octets(30)];
    wasm.write(bench.slot(0), plain);
    for (const [i, keySalt] of keySalts.entries()) {
      wasm.writeI32(items + 16 * i, bench.open(keySalt));
      wasm.writeI32(items + 16 * i + 4, bench.slot(0));
      wasm.writeI32(items + 16 * i + 8, plain.length + 10 * i);
    }
    wasm.call["srtpProtectRtp"]!(items, 2);
    const expected = protectRtp(deriveKeys(keySalts[1]!), protectRtp(KEYS, plain, 0, 10), 0, 10);
    expect(wasm.read(bench.slot(0), wasm.readI32(items + 24))).toEqual(expected);
  });

  it("an item with a negative length is left alone", () => {
    const session = bench.open(KEY_SALT);
    const items = wasm.reserve(32);
    wasm.writeI32(items + 8, -3);
    wasm.writeI32(items + 16, session);
    wasm.writeI32(items + 20, bench.slot(0));
    wasm.writeI32(items + 24, 182);
    wasm.write(bench.slot(0), genuine(7));
    wasm.call["srtpUnprotectRtp"]!(items, 2);
    expect([wasm.readI32(items + 8), wasm.readI32(items + 24)]).toEqual([-3, 172]);
  });

  it("a wrap, a new SSRC and a forgery inside one group", () => {
    const session = bench.open(KEY_SALT);
    const forged = genuine(2, 1);
    forged[15]! ^= 4;
    const work = [genuine(65_535), genuine(0, 1), forged, genuine(1, 1)].map((packet) => ({ session, packet }));
    expect(bench.unprotectRtp(work).map((outcome) => outcome.length)).toEqual([172, 172, status("AUTH_FAILED"), 172]);
  });

  it("random mixtures of sessions, SSRCs, jumps, forgeries, duplicates and lengths", () => {
    const random = new Random(4);
    for (let round = 0; round < 60; round++) {
      const grouped = [0, 1, 2].map(() => bench.open(KEY_SALT));
      const single = grouped.map(() => bench.open(KEY_SALT));
      let position = 65_000 + random.below(1000);
      for (let call = 0; call < 6; call++) {
        const which: number[] = [];
        const packets: Buffer[] = [];
        for (let i = 0; i < 1 + random.below(9); i++) {
          position += [1, 1, 1, 2, -1, 0, 200, 20_000, 33_000][random.below(9)]!;
          const packet = genuine(position & 0xffff, position >>> 16, {
            ssrc: random.below(5),
            length: random.below(4) === 0 ? random.below(700) : 160,
          });
          if (random.below(6) === 0) packet[random.below(packet.length)]! ^= 1 << random.below(8);
          which.push(random.below(3));
          packets.push(packet);
        }
        const a = bench.unprotectRtp(packets.map((packet, i) => ({ session: grouped[which[i]!]!, packet })));
        const b = packets.map((packet, i) => bench.unprotectRtp([{ session: single[which[i]!]!, packet }])[0]!);
        expect(a).toEqual(b);
        expect(grouped.map(snapshot)).toEqual(single.map(snapshot));
      }
    }
  });
});

describe("hardening R9, R10 hostile packets", () => {
  it("a refused packet keeps its octets", () => {
    const session = bench.open(KEY_SALT);
    lengthOf(session, genuine(7));
    const forged = genuine(8);
    forged[30]! ^= 1;
    for (const packet of [forged, genuine(7), genuine(9).subarray(0, 150)]) {
      const [outcome] = bench.unprotectRtp([{ session, packet }]);
      expect(outcome!.length).toBeLessThan(0);
      expect(outcome!.packet).toEqual(packet);
    }
  });

  it("every single wrong bit of a packet is noticed", () => {
    const session = bench.open(KEY_SALT, 4);
    const whole = genuine(1, 0, { tagBytes: 4, length: 20 });
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const packet = Buffer.from(whole);
      packet[bit >> 3]! ^= 1 << (bit & 7);
      expect(lengthOf(session, packet), `bit ${bit}`).toBeLessThan(0);
    }
    expect(wasm.call["srtpSources"]!(session)).toBe(0);
    expect(lengthOf(session, whole)).toBe(32);
  });

  it("every truncation is refused", () => {
    const session = bench.open(KEY_SALT);
    const keys = deriveKeys(KEY_SALT, true);
    const rtp = genuine(1, 0, { length: 40 });
    for (let length = 0; length < rtp.length; length++) {
      const expected = length < 22 ? status("TOO_SHORT") : status("AUTH_FAILED");
      expect(lengthOf(session, rtp.subarray(0, length)), `RTP ${length}`).toBe(expected);
    }
    const rtcp = protectRtcp(keys, Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]), 1);
    for (let length = 0; length < rtcp.length; length++) {
      expect(bench.unprotectRtcp(session, rtcp.subarray(0, length)).length, `RTCP ${length}`).toBeLessThan(0);
    }
  });

  it("SRTP-7 an SRTCP packet without the E flag is refused, right tag or not", () => {
    const packet = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]);
    const clear = protectRtcp(deriveKeys(KEY_SALT, true), packet, 1, false);
    expect(bench.unprotectRtcp(bench.open(KEY_SALT), clear).length).toBe(status("MALFORMED"));
  });

  it("a header that is longer than the packet is refused before anything is read behind it", () => {
    const session = bench.open(KEY_SALT);
    const cases = [
      { octets: "8f00", length: 12 + 59, expected: "MALFORMED" },
      { octets: "8f00", length: 12 + 60, expected: "AUTH_FAILED" },
      { octets: "9000", length: 15, expected: "MALFORMED" },
      { octets: "9000", length: 16, expected: "AUTH_FAILED" },
      { octets: "0000", length: 172, expected: "NOT_RTP" },
      { octets: "4000", length: 172, expected: "NOT_RTP" },
      { octets: "c000", length: 172, expected: "NOT_RTP" },
      { octets: "8000", length: 11, expected: "TOO_SHORT" },
      { octets: "8000", length: 12, expected: "AUTH_FAILED" },
    ];
    for (const { octets, length, expected } of cases) {
      const packet = Buffer.alloc(length + 10);
      packet.set(Buffer.from(octets, "hex"));
      expect(lengthOf(session, packet), `${octets} ${length}`).toBe(status(expected));
    }
    const extension = Buffer.alloc(12 + 4 + 8 + 10);
    extension.set(Buffer.from("9000", "hex"));
    extension.writeUInt16BE(0xffff, 14);
    expect(lengthOf(session, extension)).toBe(status("MALFORMED"));
  });

  it("random octets of every length to 2048 never trap and never write outside packet and slack", () => {
    const random = new Random(2048);
    const receiver = bench.open(KEY_SALT);
    const sender = bench.open(KEY_SALT);
    for (let length = 0; length <= 2048; length++) {
      const packet = random.octets(length);
      if (length > 0 && random.below(4) > 0) packet[0] = 0x80 | (packet[0]! & 0x3f);
      bench.unprotectRtp(Array.from({ length: 1 + (length % 5) }, () => ({ session: receiver, packet })));
      bench.unprotectRtcp(receiver, packet);
      bench.protectRtp([{ session: sender, packet }]);
      bench.protectRtcp(sender, packet);
    }
    expect(wasm.call["srtpSources"]!(receiver)).toBe(0);
  });
});

describe("keys", () => {
  it("RFC 3711 §9.2 2^48 RTP packets, then STATUS_KEY_EXHAUSTED", () => {
    const session = bench.open(KEY_SALT);
    wasm.call["srtpResume"]!(session, SSRC | 0, -1, 65_534, 0);
    const send = (sequence: number) =>
      bench.protectRtp([{ session, packet: rtpPacket({ ssrc: SSRC, sequence, payload: Buffer.alloc(9) }) }])[0]!;
    expect(send(65_535).packet).toEqual(
      protectRtp(KEYS, rtpPacket({ ssrc: SSRC, sequence: 65_535, payload: Buffer.alloc(9) }), 0xffffffff, 10),
    );
    expect(send(0).length).toBe(status("KEY_EXHAUSTED"));
    expect(send(1).length).toBe(status("KEY_EXHAUSTED"));
    expect(send(65_535).length).toBe(status("REPLAYED"));
  });

  it("RFC 3711 §9.2 2^31 SRTCP packets, then STATUS_KEY_EXHAUSTED", () => {
    const session = bench.open(KEY_SALT);
    const packet = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]);
    wasm.call["srtpResume"]!(session, SSRC | 0, 0, 0, 0x7ffffffe);
    expect(bench.protectRtcp(session, packet).packet).toEqual(
      protectRtcp(deriveKeys(KEY_SALT, true), packet, 0x7fffffff),
    );
    expect(bench.protectRtcp(session, packet).length).toBe(status("KEY_EXHAUSTED"));
  });

  it("SRTP-11 wiping leaves zeros, and a wiped session protects nothing", () => {
    const session = bench.open(KEY_SALT);
    lengthOf(session, genuine(1));
    wasm.call["srtpWipe"]!(session);
    expect(snapshot(session)).toMatch(/^0*$/);
    expect(lengthOf(session, genuine(2))).toBe(status("KEY_EXHAUSTED"));
    const packet = rtpPacket({ ssrc: SSRC, sequence: 3, payload: Buffer.alloc(160) });
    expect(bench.protectRtp([{ session, packet }])[0]!.length).toBe(status("KEY_EXHAUSTED"));
    const rtcp = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]);
    expect(bench.protectRtcp(session, rtcp).length).toBe(status("KEY_EXHAUSTED"));
    expect(bench.unprotectRtcp(session, Buffer.alloc(40, 0x80)).length).toBe(status("KEY_EXHAUSTED"));
  });

  it("SRTP-11 after a session is wiped the module's own memory does not depend on its keys", () => {
    const packets = [1, 2, 3, 4].map((ssrc) => rtpPacket({ ssrc, sequence: 3, payload: Buffer.alloc(160) }));
    const rtcp = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]);
    const useUpTo = (step: number, keySalt: Buffer) => {
      const fresh = loadWasm();
      const ownBytes = fresh.memory.buffer.byteLength;
      const own = new SrtpBench(fresh, 4);
      const session = own.open(keySalt);
      if (step > 0) own.protectRtp([{ session, packet: packets[0]! }]);
      if (step > 1) own.protectRtp(packets.slice(1).map((packet) => ({ session, packet })));
      if (step > 2) own.protectRtcp(session, rtcp);
      // Four of one length, and four of several: the two ways to share out the lanes of the cipher.
      const later = (ssrc: number, length: number) =>
        rtpPacket({ ssrc, sequence: 4 + length, payload: Buffer.alloc(length) });
      if (step > 3) own.protectRtp([1, 2, 3, 4].map((ssrc) => ({ session, packet: later(ssrc, 160) })));
      if (step > 4) own.protectRtp([1, 2, 3, 4].map((ssrc) => ({ session, packet: later(ssrc, 100 * ssrc) })));
      const before = fresh.read(0, ownBytes);
      fresh.call["srtpWipe"]!(session);
      return { before, after: fresh.read(0, ownBytes) };
    };
    for (const step of [0, 1, 2, 3, 4, 5]) {
      const one = useUpTo(step, new Random(1).octets(30));
      const other = useUpTo(step, new Random(2).octets(30));
      expect(one.after.equals(other.after), `after step ${step}`).toBe(true);
      if (step > 0) expect(one.before.equals(other.before), "the comparison can fail").toBe(false);
    }
  });

  it("sessions with other keys refuse each other's packets, RTP and RTCP keys differ", () => {
    const session = bench.open(new Random(31).octets(30));
    expect(lengthOf(session, genuine(1))).toBe(status("AUTH_FAILED"));
    const packet = Buffer.concat([Buffer.from("80c90001deadbeef", "hex"), Buffer.alloc(24)]);
    const wrongKeys = protectRtcp(KEYS, packet, 1);
    expect(bench.unprotectRtcp(bench.open(KEY_SALT), wrongKeys).length).toBe(status("AUTH_FAILED"));
  });
});
