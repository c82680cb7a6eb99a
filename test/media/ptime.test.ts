/** Packet times of 10 to 60 ms on both roads, and what a far end may change in mid-call: ptime, codec, SSRC, numbering. */
import { describe, expect, it } from "vitest";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { Meeting, type Party } from "../support/meeting.ts";
import { RtpSource } from "../support/rtp-source.ts";

const PTIMES = [10, 20, 30, 40, 50, 60];
const pairs = PTIMES.flatMap((from) => PTIMES.map((to) => [from, to] as const));

/** Every octet says where it stands, and none is silence. */
const ramp = (from: number, octets: number) => Buffer.from(Array.from({ length: octets }, (_, i) => (from + i) % 251));

/** Two bridged legs. */
function bridge(left: LegOptions = {}, right: LegOptions = {}) {
  const meet = new Meeting();
  const [a, b] = [meet.party(left), meet.party(right)];
  meet.core.bridge(a.leg, b.leg, 0);
  return { meet, core: meet.core, a: a!, b: b! };
}

/** Sends `durationMs` of the ramp in packets of `ptimeMs`. */
function send(meet: Meeting, party: Party, ptimeMs: number, durationMs: number, at = 0): number {
  const octets = ptimeMs * 8;
  for (let ms = 0; ms < durationMs; ms += ptimeMs) {
    meet.arrive(party, party.source.next(ramp(at, octets), { marker: at === 0 }));
    at += octets;
    meet.pass(ptimeMs % 20 === 0 ? ptimeMs : 10 * Math.round(ptimeMs / 10));
  }
  return at;
}

/** Timestamps go on where the packet before ends, numbers by one. */
function expectContinuous(party: Party): void {
  const { received } = party;
  expect(received.length).toBeGreaterThan(1);
  for (let i = 1; i < received.length; i++) {
    const [before, after] = [received[i - 1]!, received[i]!];
    expect((after.sequence - before.sequence) & 0xffff).toBe(1);
    expect((after.timestamp - before.timestamp) >>> 0).toBe(before.payload.length);
  }
  expect(new Set(received.map(({ ssrc }) => ssrc)).size).toBe(1);
}

describe("SDP-7, RTP-9 relay road: packets of the leg's own ptime", () => {
  it.each(pairs)("%i ms in, %i ms out: not an octet lost, times and numbers without a gap", (from, to) => {
    const { meet, a, b } = bridge({ ptimeMs: from }, { ptimeMs: to });
    const said = send(meet, a, from, 1200);
    expectContinuous(b);
    expect(b.received.every(({ payload }) => payload.length === to * 8)).toBe(true);
    expect(said - b.heard.length).toBeLessThan(to * 8);
    expect(b.heard.equals(ramp(0, b.heard.length))).toBe(true);
    expect(b.received.map(({ marker }) => marker)).toEqual(b.received.map((_, i) => i === 0));
  });

  it("packets of the right length go on at once and whole; a lost one leaves a gap of one", () => {
    const { meet, a, b } = bridge();
    for (let i = 0; i < 10; i++) {
      if (i === 4) a.source.lose();
      else meet.arrive(a, a.source.next(ramp(i, 160)));
      meet.core.receive(meet.nowMs);
      meet.pass(20);
      expect(b.received).toHaveLength(i < 4 ? i + 1 : i);
    }
    expect((b.received[4]!.sequence - b.received[3]!.sequence) & 0xffff).toBe(2);
    expect((b.received[4]!.timestamp - b.received[3]!.timestamp) >>> 0).toBe(320);
  });

  it.each([
    [60, 20],
    [20, 60],
    [30, 20],
  ])("%i ms to %i ms, one packet lost: the gap in the numbers is as long as that in the times", (from, to) => {
    const { meet, a, b } = bridge({ ptimeMs: from }, { ptimeMs: to });
    send(meet, a, from, 600);
    const before = b.received.length;
    // Six are lost, so that both sides' packets fit into the gap.
    for (let i = 0; i < 6; i++) a.source.lose(from * 8);
    meet.pass(from === 30 ? 180 : from * 6);
    send(meet, a, from, 600, 600 * 8);
    const steps = b.received.slice(1).map((packet, i) => ({
      numbers: (packet.sequence - b.received[i]!.sequence) & 0xffff,
      octets: (packet.timestamp - b.received[i]!.timestamp) >>> 0,
      length: b.received[i]!.payload.length,
    }));
    const gaps = steps.filter(({ octets, length }) => octets !== length);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]!.octets - gaps[0]!.length).toBeGreaterThanOrEqual(from * 8 * 6);
    expect(gaps[0]!.numbers - 1).toBe(Math.floor((gaps[0]!.octets - gaps[0]!.length) / (to * 8)));
    expect(steps.filter(({ numbers }) => numbers !== 1)).toHaveLength(1);
    expect(b.received.length).toBeGreaterThan(before);
  });

  it("a pause of the far end is a jump of the times, none of the numbers, and begins a talkspurt (RFC 3551 4.1)", () => {
    const { meet, a, b } = bridge({ ptimeMs: 20 }, { ptimeMs: 30 });
    send(meet, a, 20, 200);
    meet.pass(400);
    a.source.timestamp += 3200;
    meet.arrive(a, a.source.next(ramp(1, 160), { marker: true }));
    meet.arrive(a, a.source.next(ramp(161, 160)));
    meet.pass(20);
    const [before, after] = b.received.slice(-2);
    expect((after!.sequence - before!.sequence) & 0xffff).toBe(1);
    expect((after!.timestamp - before!.timestamp) >>> 0).toBeGreaterThan(3000);
    expect(after!.marker).toBe(true);
  });

  it("packets that come twice or out of order: each octet at most once, in order, the rest counted as late", () => {
    const { meet, core, a, b } = bridge({ ptimeMs: 20 }, { ptimeMs: 40 });
    const packets = Array.from({ length: 40 }, (_, i) => a.source.next(ramp(i * 160, 160)));
    for (let i = 0; i < packets.length; i += 4)
      for (const packet of [packets[i], packets[i + 2], packets[i + 1], packets[i + 2], packets[i + 3]])
        meet.arrive(a, packet!);
    meet.pass(20);
    const { packetsReceived, drops } = core.stats(a.leg);
    expect(packetsReceived).toBe(40);
    expect(drops.late).toBe(10);
    expect(drops.duplicate).toBe(10);
    for (let i = 1; i < b.received.length; i++) {
      const [before, after] = [b.received[i - 1]!, b.received[i]!];
      expect((after.sequence - before.sequence) & 0xffff).toBeGreaterThanOrEqual(1);
      expect((after.timestamp - before.timestamp) >>> 0).toBeGreaterThanOrEqual(before.payload.length);
    }
  });

  it("the far end's packets may be of any length (RTP-9)", () => {
    const { meet, a, b } = bridge({}, { ptimeMs: 20 });
    let at = 0;
    for (const octets of [1, 7, 80, 160, 161, 400, 1400, 3, 160, 1024]) {
      meet.arrive(a, a.source.next(ramp(at, octets)));
      at += octets;
    }
    meet.pass(20);
    expectContinuous(b);
    expect(b.heard.equals(ramp(0, b.heard.length))).toBe(true);
    expect(at - b.heard.length).toBeLessThan(160);
  });

  it("laws differ too: what is cut is transcoded (R-MEDIA-6)", () => {
    const { meet, a, b } = bridge({ codec: "PCMA", ptimeMs: 30 }, { ptimeMs: 20 });
    for (let i = 0; i < 8; i++) meet.arrive(a, a.source.next(Buffer.alloc(240, 0xd5)));
    meet.pass(20);
    expectContinuous(b);
    expect(b.received.every(({ payloadType }) => payloadType === 0)).toBe(true);
    expect(b.heard.every((octet) => (octet & 0x7f) >= 0x7e)).toBe(true);
  });
});

describe("playout road", () => {
  it.each(PTIMES)("packets of %i ms are heard octet by octet", (ptimeMs) => {
    const meet = new Meeting();
    const party = meet.party({ jitterStartMs: 60 });
    const tap = meet.core.openTap({ leg: party.leg, tracks: ["inbound"] }, 0);
    const said = send(meet, party, ptimeMs, 1200);
    meet.pass(200);
    const heard = meet.tapped(tap, "inbound");
    const begun = heard.indexOf(ramp(0, 80));
    expect(begun).toBeGreaterThanOrEqual(0);
    expect(heard.subarray(begun, begun + said).equals(ramp(0, said))).toBe(true);
  });

  it.each(pairs.filter(([from, to]) => from !== to))(
    "ptime changes from %i to %i ms: no hole in times or numbers",
    (from, to) => {
      const meet = new Meeting();
      const party = meet.party({ ptimeMs: from });
      meet.core.play(party.leg, ramp(0, 16_000));
      meet.pass(495);
      meet.core.configureLeg(party.leg, { ptimeMs: to }, meet.nowMs);
      meet.pass(500);
      expectContinuous(party);
      expect(party.heard.equals(ramp(0, party.heard.length))).toBe(true);
      expect(new Set(party.received.slice(-3).map(({ payload }) => payload.length))).toEqual(new Set([to * 8]));
    },
  );
});

describe("what changes in mid-call", () => {
  it("SDP-11 codec: the relay goes on in the new law under the new number", () => {
    const { meet, core, a, b } = bridge({ ptimeMs: 20 }, { ptimeMs: 30 });
    send(meet, a, 20, 190);
    core.configureLeg(b.leg, { codec: "PCMA", ptimeMs: 20 }, meet.nowMs);
    send(meet, a, 20, 200, 1600);
    core.configureLeg(a.leg, { codec: "PCMA", alternatePayloadType: 0 }, meet.nowMs);
    a.source.payloadType = 8;
    send(meet, a, 20, 200, 3200);
    const { received } = b;
    for (let i = 1; i < received.length; i++) {
      expect((received[i]!.sequence - received[i - 1]!.sequence) & 0xffff).toBe(1);
      expect((received[i]!.timestamp - received[i - 1]!.timestamp) >>> 0).toBeGreaterThanOrEqual(
        received[i - 1]!.payload.length,
      );
    }
    expect(received[0]!.payloadType).toBe(0);
    expect(received.at(-1)!.payloadType).toBe(8);
    // The last came as A-law and left as it was.
    expect(received.at(-1)!.payload.equals(ramp(3200 + 9 * 160, 160))).toBe(true);
  });

  it.each([20, 40])("RTP-5 SSRC of the far end: ours stays, our numbers and times go on (ptime %i)", (ptimeMs) => {
    const { meet, core, a, b } = bridge({}, { ptimeMs });
    send(meet, a, 20, 200);
    const other = new RtpSource({ ssrc: 0x777, sequence: 60_000, timestamp: 99 });
    for (let i = 0; i < 20; i++) {
      meet.arrive(a, other.next(ramp(0, 160)));
      meet.pass(20);
    }
    expect(meet.events.filter(({ type }) => type === "ssrc-changed")).toHaveLength(1);
    expect(core.stats(a.leg).drops.late).toBe(1);
    const { received } = b;
    expect(new Set(received.map(({ ssrc }) => ssrc)).size).toBe(1);
    for (let i = 1; i < received.length; i++) {
      expect((received[i]!.sequence - received[i - 1]!.sequence) & 0xffff).toBe(1);
      const step = (received[i]!.timestamp - received[i - 1]!.timestamp) >>> 0;
      // The packet that the new SSRC was recognised by is missing.
      expect([ptimeMs * 8, ptimeMs * 8 + 160, ptimeMs * 8 + 320]).toContain(step);
    }
    expect(received.length).toBeGreaterThan(ptimeMs === 20 ? 27 : 13);
  });

  it.each([20, 60])("RTP-6 the far end numbers anew under the same SSRC: ours go on (ptime %i)", (ptimeMs) => {
    const { meet, a, b } = bridge({}, { ptimeMs });
    send(meet, a, 20, 300);
    a.source.sequence = 40_000;
    a.source.timestamp = 5;
    send(meet, a, 20, 300);
    const { received } = b;
    for (let i = 1; i < received.length; i++) {
      expect((received[i]!.sequence - received[i - 1]!.sequence) & 0xffff).toBe(1);
      expect((received[i]!.timestamp - received[i - 1]!.timestamp) >>> 0).toBeLessThanOrEqual(ptimeMs * 8 + 320);
    }
    expect(b.heard.length).toBeGreaterThan(4000);
  });

  it("DTMF-5: events between cut audio keep their order and their length", () => {
    const events = { telephoneEventPayloadType: 101 };
    const { meet, a, b } = bridge({ ...events, ptimeMs: 20 }, { ...events, ptimeMs: 30 });
    send(meet, a, 20, 100);
    const at = a.source.timestamp;
    for (let i = 1; i <= 5; i++) {
      a.source.timestamp = at;
      const payload = Buffer.from([5, i >= 3 ? 0x8a : 0x0a, 0, 160]);
      payload.writeUInt16BE(Math.min(i, 3) * 160, 2);
      meet.arrive(a, a.source.next(payload, { payloadType: 101, marker: i === 1, samples: 0 }));
      meet.pass(20);
    }
    a.source.timestamp = at + 480;
    send(meet, a, 20, 100);
    const types = b.received.map(({ payloadType }) => payloadType);
    expect(types.filter((type) => type === 101)).toHaveLength(5);
    const first = types.indexOf(101);
    const five = b.received.slice(first, first + 5);
    expect(new Set(five.map(({ timestamp }) => timestamp)).size).toBe(1);
    expect(five[0]!.marker).toBe(true);
    // The short rest of the audio leaves before the event does.
    const last = b.received[first - 1]!;
    expect((five[0]!.timestamp - last.timestamp) >>> 0).toBe(last.payload.length);
    for (let i = 1; i < b.received.length; i++)
      expect((b.received[i]!.sequence - b.received[i - 1]!.sequence) & 0xffff).toBe(1);
    expect(meet.events.filter(({ type }) => type === "dtmf")).toHaveLength(1);
  });

  it("RFC 3389 comfort noise goes on under the other side's number, and is dropped where it has none", () => {
    const { meet, core, a, b } = bridge({ comfortNoisePayloadType: 13 }, { comfortNoisePayloadType: 77 });
    send(meet, a, 20, 100);
    meet.arrive(a, a.source.next(Buffer.from([40]), { payloadType: 13, samples: 0 }));
    meet.pass(300);
    a.source.timestamp += 2400;
    meet.arrive(a, a.source.next(ramp(0, 160), { marker: true }));
    meet.pass(20);
    const noise = b.received.filter(({ payloadType }) => payloadType === 77);
    expect(noise.map(({ payload }) => [...payload])).toEqual([[40]]);
    const [before, after] = b.received.slice(-2);
    expect(before!.payloadType).toBe(77);
    expect((after!.timestamp - before!.timestamp) >>> 0).toBe(2400);
    expect(after!.marker).toBe(true);
    core.configureLeg(b.leg, { comfortNoisePayloadType: -1 }, meet.nowMs);
    const count = b.received.length;
    meet.arrive(a, a.source.next(Buffer.from([40]), { payloadType: 13, samples: 0 }));
    meet.pass(20);
    expect(b.received).toHaveLength(count);
  });

  it("RFC 5761 rtcp-mux: reports and media share the port, each is known for what it is", () => {
    const meet = new Meeting();
    const party = meet.party({ rtcpMux: true });
    party.say = ramp(0, 160);
    const ports = new Set<number>();
    const kinds: number[] = [];
    for (let frame = 0; frame < 600; frame++) {
      meet.arrive(party, party.source.next(ramp(0, 160)));
      if (frame === 300) {
        // An empty receiver report with SDES, as small as they come.
        const report = Buffer.from("80c9000100001234" + "81ca000300001234010474657374000000", "hex").subarray(0, 24);
        meet.arrive(party, report);
      }
      meet.core.receive(meet.nowMs);
      meet.core.tick(meet.nowMs);
      meet.core.forEachDatagram((d) => {
        ports.add(d.port);
        expect(d.component).toBe(0);
        const octet = d.bytes[d.offset + 1]!;
        if (octet >= 192 && octet <= 223) kinds.push(octet);
      });
      meet.nowMs += 20;
    }
    expect([...ports]).toEqual([party.port]);
    expect(kinds.length).toBeGreaterThanOrEqual(2);
    expect(kinds.every((kind) => kind === 200)).toBe(true);
    const { packetsReceived, drops } = meet.core.stats(party.leg);
    expect(packetsReceived).toBe(600);
    expect(drops["not-rtp"] + drops["payload-type"]).toBe(0);
  });

  it("SDP-9 hold of the far end and back, ptimes differing: silence in between, numbers without a gap", () => {
    const { meet, core, a, b } = bridge({ ptimeMs: 30 }, { ptimeMs: 20 });
    send(meet, a, 30, 300);
    core.configureLeg(a.leg, { receiving: false }, meet.nowMs);
    meet.pass(300);
    core.configureLeg(a.leg, { receiving: true }, meet.nowMs);
    send(meet, a, 30, 300);
    const { received } = b;
    for (let i = 1; i < received.length; i++) {
      expect((received[i]!.sequence - received[i - 1]!.sequence) & 0xffff).toBe(1);
      expect((received[i]!.timestamp - received[i - 1]!.timestamp) >>> 0).toBeGreaterThanOrEqual(
        received[i - 1]!.payload.length,
      );
    }
    expect(received.filter(({ payload }) => payload.every((octet) => octet === 0xff)).length).toBeGreaterThan(12);
  });
});
