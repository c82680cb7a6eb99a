/** RTCP by RFC 3550 as a leg writes it, and what becomes of reports that lie. */
import { describe, expect, it } from "vitest";
import { AddressCache } from "../../src/media/address.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import { type Datagram, Host, run } from "../support/media-pair.ts";
import { seededRandom } from "../support/seeded-random.ts";

const OWN = { address: "127.0.0.2", port: 2000 };
const FAR = { address: "127.0.0.1", port: 1000 };
const FAR_SSRC = 0x1234_5678;

function word(...values: number[]): Buffer {
  const octets = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => octets.writeUInt32BE(value >>> 0, i * 4));
  return octets;
}

/** One packet of a compound; `padding` octets of it at the end. */
function part(type: number, count: number, content: Buffer, padding = 0): Buffer {
  const pad = Buffer.alloc(padding);
  if (padding > 0) pad[padding - 1] = padding;
  const length = (content.length + padding) / 4;
  return Buffer.concat([
    word((2 << 30) | ((padding > 0 ? 1 : 0) << 29) | (count << 24) | (type << 16) | length),
    content,
    pad,
  ]);
}

const block = (ssrc: number, lost = 0, lsr = 0, dlsr = 0): Buffer => word(ssrc, lost, 100, 16, lsr, dlsr);
const receiverReport = (ssrc: number, ...blocks: Buffer[]): Buffer =>
  part(201, blocks.length, Buffer.concat([word(ssrc), ...blocks]));
const senderReport = (ssrc: number, ntp: readonly [number, number], ...blocks: Buffer[]): Buffer =>
  part(200, blocks.length, Buffer.concat([word(ssrc, ...ntp, 0, 1, 160), ...blocks]));
const bye = (...ssrcs: number[]): Buffer => part(203, ssrcs.length, word(...ssrcs));

/** The parts of a compound packet; fails when the lengths don't add up. */
function partsOf(packet: Buffer): { type: number; count: number; body: Buffer }[] {
  const parts: { type: number; count: number; body: Buffer }[] = [];
  let at = 0;
  while (at < packet.length) {
    const octets = (packet.readUInt16BE(at + 2) + 1) * 4;
    expect(packet[at]! >> 6).toBe(2);
    parts.push({ type: packet[at + 1]!, count: packet[at]! & 31, body: packet.subarray(at + 4, at + octets) });
    at += octets;
  }
  expect(at).toBe(packet.length);
  return parts;
}

/** A leg, and a far end that a test makes octet by octet. */
function leg(core?: MediaCore) {
  const host = new Host(1);
  if (core !== undefined) Object.assign(host, { core });
  const slot = host.open(OWN.address, OWN.port, { remoteRtp: FAR });
  const deliver = (bytes: Buffer, component: 0 | 1, nowMs: number) => {
    host.take({
      fromAddress: FAR.address,
      fromPort: FAR.port + component,
      toAddress: OWN.address,
      toPort: OWN.port + component,
      bytes,
    });
    host.core.receive(nowMs);
  };
  const rtp = (sequence: number, nowMs: number, ssrc = FAR_SSRC) => {
    const packet = Buffer.concat([word((2 << 30) | sequence, sequence * 160, ssrc), Buffer.alloc(160, 0xff)]);
    deliver(packet, 0, nowMs);
  };
  /** Lets time pass; all that goes to the far end's RTCP port. */
  const reports = (fromMs: number, toMs: number): { bytes: Buffer; atMs: number }[] => {
    const found: { bytes: Buffer; atMs: number }[] = [];
    run([host], fromMs, toMs, (datagram: Datagram, atMs) => {
      if (datagram.toPort === FAR.port + 1) found.push({ bytes: datagram.bytes, atMs });
      return [];
    });
    return found;
  };
  /** Lets time pass until there is a report. */
  const nextReport = (fromMs: number): { bytes: Buffer; atMs: number } => {
    for (let nowMs = fromMs; nowMs < fromMs + 20_000; nowMs += 5) {
      const [report] = reports(nowMs, nowMs + 5);
      if (report !== undefined) return report;
    }
    throw new Error("no report came within 20 s");
  };
  return { host, slot, rtcp: (bytes: Buffer, nowMs: number) => deliver(bytes, 1, nowMs), rtp, reports, nextReport };
}

const ssrcOf = (report: Buffer): number => report.readUInt32BE(4);

describe("what a leg reports", () => {
  it("RTP-SES-1: SR with SDES CNAME while it sends, RR two intervals after the last packet, BYE at the end", () => {
    const { host, slot, reports } = leg();
    const sending = reports(0, 30_000);
    for (const { bytes } of sending) {
      const [report, description, ...rest] = partsOf(bytes);
      expect([report!.type, report!.count, description!.type, description!.count, rest.length]).toEqual([
        200, 0, 202, 1, 0,
      ]);
      expect(description!.body.readUInt32BE(0)).toBe(ssrcOf(bytes));
      // Item 1 of 16 octets, and null octets up to the next word (RFC 3550 6.5).
      expect([description!.body[4], description!.body[5]]).toEqual([1, 16]);
      expect(description!.body.subarray(6, 22).toString("latin1")).toMatch(/^[A-Za-z0-9_-]{16}$/);
      expect([...description!.body.subarray(22)]).toEqual([0, 0]);
    }
    host.core.configureLeg(slot, { sending: false }, 30_000);
    const types = reports(30_000, 70_000).map(({ bytes }) => partsOf(bytes)[0]!.type);
    const after = types.indexOf(201);
    expect(after).toBeGreaterThanOrEqual(1);
    expect(after).toBeLessThanOrEqual(2);
    expect(types.slice(after).every((type) => type === 201)).toBe(true);
    host.core.closeLeg(slot, 70_000);
    const last: Datagram[] = host.collect();
    expect(last).toHaveLength(1);
    const ending = partsOf(last[0]!.bytes);
    expect(ending.map(({ type }) => type)).toEqual([201, 202, 203]);
    expect(ending[2]!.body.readUInt32BE(0)).toBe(ssrcOf(last[0]!.bytes));
  });

  it("RFC 3550 6.3.1: intervals of 5 s times 0.5 to 1.5, by e - 3/2, evenly spread; half before the first", () => {
    const { reports } = leg();
    const sent = reports(0, 2_000_000).map(({ atMs }) => atMs);
    const factor = 1000 / 1.21828;
    expect(sent[0]).toBeGreaterThanOrEqual(1.25 * factor);
    expect(sent[0]).toBeLessThanOrEqual(3.75 * factor + 5);
    const gaps = sent.slice(1).map((atMs, i) => atMs - sent[i]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2.5 * factor - 5);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7.5 * factor + 5);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    expect(Math.abs(mean - 5 * factor)).toBeLessThan(250);
    // Each fifth of the range has its share.
    const shares = [0, 0, 0, 0, 0];
    for (const gap of gaps) shares[Math.min(4, Math.max(0, Math.floor((gap / factor - 2.5) / 1)))]!++;
    for (const share of shares) expect(share / gaps.length).toBeGreaterThan(0.1);
  });

  it("RFC 3550 6.4.1: NTP and RTP time are one moment, and NTP is the time of the wall when it is known", () => {
    const wall = Date.UTC(2026, 10, 26);
    const { reports } = leg(MediaCore.createSync({ legCountMax: 1, streamCountMax: 1, wallClockOffsetMs: wall }));
    const sent = reports(0, 60_000).map(({ bytes, atMs }) => ({
      atMs,
      ntpMs: bytes.readUInt32BE(8) * 1000 + (bytes.readUInt32BE(12) * 1000) / 2 ** 32 - 2_208_988_800_000,
      timestamp: bytes.readUInt32BE(16),
    }));
    expect(sent.length).toBeGreaterThan(8);
    for (const { atMs, ntpMs, timestamp } of sent) {
      expect(ntpMs).toBeCloseTo(wall + atMs, 2);
      const elapsed = (timestamp - sent[0]!.timestamp) | 0;
      // The stream goes on in steps of 20 ms: a report between two of them says where it is then.
      expect(Math.abs(elapsed - (atMs - sent[0]!.atMs) * 8)).toBeLessThanOrEqual(160);
    }
  });

  it("RFC 3550 6.4.1, A.3: highest sequence with wraps, fraction and cumulative loss, LSR and DLSR", () => {
    const { rtp, rtcp, nextReport } = leg();
    // 65,500 to 65,699 without every fourth: 150 of 200 come, over the wrap.
    for (let i = 0; i < 200; i++) if (i % 4 !== 2) rtp(65_500 + i < 65_536 ? 65_500 + i : i - 36, i * 5);
    rtcp(senderReport(FAR_SSRC, [0x1111_2222, 0x3333_4444]), 1000);
    const first = nextReport(1000);
    const { count, body } = partsOf(first.bytes)[0]!;
    expect(count).toBe(1);
    const report = body.subarray(body.length - 24);
    expect(report.readUInt32BE(0)).toBe(FAR_SSRC);
    expect(report[4]).toBe(64);
    expect(report.readUIntBE(5, 3)).toBe(50);
    expect(report.readUInt32BE(8)).toBe(65_536 + 163);
    expect(report.readUInt32BE(16)).toBe(0x2222_3333);
    expect(report.readUInt32BE(20) / 65.536).toBeCloseTo(first.atMs - 1000, 0);
    // Nothing came since: no block about anybody (6.4).
    const second = nextReport(first.atMs + 5);
    expect(partsOf(second.bytes)[0]!.count).toBe(0);
  });

  it("RFC 3550 6.4.1: round trip is arrival less LSR less DLSR", () => {
    const { host, slot, rtp, rtcp, nextReport } = leg();
    rtp(1, 0);
    const sent = nextReport(0);
    const lsr = sent.bytes.readUInt32BE(10);
    rtcp(receiverReport(FAR_SSRC, block(ssrcOf(sent.bytes), 0, lsr, 65_536 * 2)), sent.atMs + 2345);
    expect(host.core.stats(slot).roundTripMs).toBeCloseTo(345, 0);
    expect(host.core.stats(slot).remoteReport).toEqual({ packetsLost: 0, lossPercent: 0, jitterMs: 2 });
  });
});

describe("hardening R10, R15: reports that lie", () => {
  it("RFC 3550 A.2, RFC 5506 4: what is no valid compound packet is dropped and counted", () => {
    const { host, slot, rtp, rtcp } = leg();
    rtp(1, 0);
    const good = receiverReport(FAR_SSRC, block(1));
    const lying = Buffer.from(good);
    const wrongs: Buffer[] = [
      // Reduced size: we never negotiate it.
      bye(FAR_SSRC),
      part(202, 1, word(FAR_SSRC, 0x01000000)),
      part(206, 1, word(FAR_SSRC, 1)),
      // Counts beyond lengths.
      part(201, 31, word(FAR_SSRC)),
      part(200, 0, word(FAR_SSRC)),
      part(200, 1, word(FAR_SSRC, 0, 0, 0, 0, 0)),
      Buffer.concat([good, part(203, 31, word(FAR_SSRC))]),
      // Padding in the wrong place or of a wrong size.
      part(201, 0, word(FAR_SSRC), 4),
      Buffer.concat([good, part(203, 1, word(FAR_SSRC), 4), good]),
      Buffer.concat(
        [good, part(203, 1, Buffer.concat([word(FAR_SSRC), Buffer.from([0, 0, 0, 3])]))].map((b, i) => {
          if (i === 1) b[0]! |= 0x20;
          return b;
        }),
      ),
      // Lengths that don't add up, octets that are left over.
      good.subarray(0, 28),
      Buffer.concat([good, Buffer.alloc(4)]),
      Buffer.concat([good, Buffer.from([0x80])]),
    ];
    lying.writeUInt16BE(0xffff, 2);
    wrongs.push(lying);
    const wrongVersion = Buffer.concat([good, bye(FAR_SSRC)]);
    wrongVersion[good.length]! &= 0x3f;
    wrongs.push(wrongVersion);
    wrongs.forEach((bytes, i) => {
      rtcp(bytes, 100 + i);
      const { drops } = host.core.stats(slot);
      expect(drops.malformed + drops["too-short"], `packet ${i}`).toBe(i + 1);
    });
    rtcp(Buffer.concat([good, part(203, 1, word(FAR_SSRC), 4)]), 500);
    host.collect();
    const stats = host.core.stats(slot);
    expect(stats.reportsReceived).toBe(1);
    expect(stats.roundTripMs).toBeNull();
    expect(host.events.map(({ type }) => type)).toEqual(["first-packet", "rtcp-bye"]);
  });

  it("reports and BYEs of foreign SSRCs, and of a full 31 blocks, change nothing but their count", () => {
    const { host, slot, rtp, rtcp, nextReport } = leg();
    rtp(1, 0);
    const sent = nextReport(0);
    const lsr = sent.bytes.readUInt32BE(10);
    const about = block(ssrcOf(sent.bytes), 0x40_000010, lsr, 0);
    const size = host.core.bytes.buffer.byteLength;
    for (let i = 0; i < 5000; i++) {
      const foreign = (FAR_SSRC + 1 + i) >>> 0;
      rtcp(
        Buffer.concat([
          senderReport(foreign, [i, i], ...Array.from({ length: 31 }, () => about)),
          receiverReport(foreign, about),
          bye(foreign),
        ]),
        sent.atMs + 10,
      );
    }
    host.collect();
    const stats = host.core.stats(slot);
    expect(stats.reportsForeign).toBe(15_000);
    expect(stats.remoteReport).toBeNull();
    expect(stats.roundTripMs).toBeNull();
    expect(host.events.some(({ type }) => type === "rtcp-bye")).toBe(false);
    expect(host.core.bytes.buffer.byteLength).toBe(size);
    // LSR of a report that says nothing about the foreign ones.
    rtp(2, sent.atMs + 20);
    const next = nextReport(sent.atMs + 25);
    const body = partsOf(next.bytes)[0]!.body;
    expect(body.readUInt32BE(body.length - 8)).toBe(0);
    const late = block(ssrcOf(next.bytes), 0x40_000010, next.bytes.readUInt32BE(10), 0);
    rtcp(receiverReport(FAR_SSRC, ...Array.from({ length: 30 }, (_, i) => block(i)), late), next.atMs + 60);
    expect(host.core.stats(slot).roundTripMs).toBeCloseTo(60, 0);
    expect(host.core.stats(slot).remoteReport).toEqual({ packetsLost: 16, lossPercent: 25, jitterMs: 2 });
  });

  it("RTP-SES-5, RFC 3611 4.7: VoIP metrics of the far end about our stream are kept as it said them", () => {
    const { host, slot, rtp, rtcp, nextReport } = leg();
    rtp(1, 0);
    const own = ssrcOf(nextReport(0).bytes);
    expect(host.core.stats(slot).remoteQuality).toBeNull();
    const figures = Buffer.from(
      "0d1a 4008 01f4 07d0 0064 0050 eab5 7f10 5d7f 2b7f 3c00 0028 0078 00c8".replaceAll(" ", ""),
      "hex",
    );
    // Receiver reference time (§4.4) before it, and metrics of another stream behind it.
    const others = Buffer.concat([word(0x04000002, 1, 2)]);
    const voip = (ssrc: number, content: Buffer): Buffer => Buffer.concat([word(0x07000008, ssrc), content]);
    const extended = (sender: number, ...blocks: Buffer[]): Buffer =>
      part(207, 0, Buffer.concat([word(sender), ...blocks]));
    const first = receiverReport(FAR_SSRC);
    rtcp(Buffer.concat([first, extended(FAR_SSRC, others, voip(own, figures), voip(own + 1, Buffer.alloc(28)))]), 100);
    const quality = {
      lossPercent: (100 * 0x0d) / 256,
      discardPercent: (100 * 0x1a) / 256,
      burstDensityPercent: 25,
      gapDensityPercent: 3.125,
      burstDurationMs: 500,
      gapDurationMs: 2000,
      roundTripMs: 100,
      endSystemDelayMs: 80,
      signalLevelDbm: -22,
      noiseLevelDbm: -75,
      echoReturnLossDb: null,
      rFactor: 93,
      mosListening: 4.3,
      mosConversational: null,
      jitterBufferNominalMs: 40,
      jitterBufferMaxMs: 120,
    };
    expect(host.core.stats(slot).remoteQuality).toEqual(quality);
    // Of a stranger, of a length that is not theirs, of a block that reaches out of its packet, and with padding: nothing new.
    const shown = Buffer.alloc(28, 1);
    const tooLong = voip(own, shown);
    tooLong.writeUInt16BE(9, 2);
    for (const bytes of [
      extended(FAR_SSRC + 1, voip(own, shown)),
      extended(FAR_SSRC, Buffer.concat([word(0x07000007, own), shown.subarray(4)])),
      extended(FAR_SSRC, tooLong),
      part(207, 0, Buffer.concat([word(FAR_SSRC), voip(own, shown).subarray(0, 16)]), 20),
      part(207, 0, word(FAR_SSRC)),
      part(207, 0, Buffer.alloc(0)),
    ])
      rtcp(Buffer.concat([first, bytes]), 200);
    const stats = host.core.stats(slot);
    expect(stats.remoteQuality).toEqual(quality);
    expect(stats.reportsReceived).toBe(7);
    expect(stats.reportsForeign).toBe(1);
  });

  it("a round trip that cannot be is not believed", () => {
    const { host, slot, rtp, rtcp, nextReport } = leg();
    rtp(1, 0);
    const sent = nextReport(0);
    const [own, lsr] = [ssrcOf(sent.bytes), sent.bytes.readUInt32BE(10)];
    for (const [claimed, delay] of [
      [0, 0],
      [lsr + 65_536 * 30, 0],
      [lsr, 0xffff_ffff - 200_000],
      [lsr - 65_536 * 3600, 0],
      [lsr, 65_536 * 600],
    ] as const)
      rtcp(receiverReport(FAR_SSRC, block(own, 0, claimed, delay)), sent.atMs + 50);
    expect(host.core.stats(slot).roundTripMs).toBeNull();
  });

  it("50,000 mutated compound packets: no fault, every one counted as read or dropped", () => {
    const random = seededRandom(11);
    const { host, slot, rtp } = leg();
    rtp(1, 0);
    const address = new AddressCache().get(FAR.address);
    const whole = Buffer.concat([
      senderReport(FAR_SSRC, [1, 2], block(1), block(2)),
      part(202, 1, word(FAR_SSRC, 0x01026162, 0)),
      part(207, 0, Buffer.concat([word(FAR_SSRC, 0x04000002, 1, 2, 0x07000008, 1), Buffer.alloc(28, 3)])),
      bye(FAR_SSRC),
    ]);
    for (let i = 0; i < 50_000; i++) {
      const bytes = Buffer.from(whole.subarray(0, random() < 0.3 ? Math.floor(random() * whole.length) : whole.length));
      for (let n = Math.floor(random() * 6); n > 0 && bytes.length > 0; n--)
        bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      host.core.pushDatagram(slot, 1, bytes, bytes.length, address, FAR.port + 1);
      if (i % 100 === 99) {
        host.core.receive(i);
        host.collect();
      }
    }
    const { drops, reportsReceived } = host.core.stats(slot);
    expect(host.core.faults).toBe(0);
    expect(reportsReceived + Object.values(drops).reduce((sum, count) => sum + count, 0)).toBe(50_000);
    expect(reportsReceived).toBeGreaterThan(5000);
  });
});
