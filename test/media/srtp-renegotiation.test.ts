/**
 * SRTP state of a leg over its life: what a renegotiation, a hold, a change of SSRC and a wrap of the sequence number do to
 * rollover counters (RFC 3711 3.3.1, RFC 4568 6.4 and 7.1). The far end is written on node:crypto, with counters that the test
 * says.
 */
import { describe, expect, it } from "vitest";
import type { LegOptions, SrtpKey, SrtpSuite } from "../../src/media/leg-options.ts";
import { Meeting, type Party } from "../support/meeting.ts";
import { RtpSource } from "../support/rtp-source.ts";
import { deriveKeys, protectRtp } from "../support/srtp-reference.ts";

const SUITES: readonly SrtpSuite[] = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"];
const keyOf = (suite: SrtpSuite, seed: number): SrtpKey => ({
  suite,
  keySalt: new Uint8Array(Array.from({ length: 30 }, (_, i) => (seed * 37 + i * 11) & 255)),
});
const tagBytes = (suite: SrtpSuite) => (suite === "AES_CM_128_HMAC_SHA1_80" ? 10 : 4);

/** The far end's direction: protects with a key and a rollover counter of the test's choice. */
class Sender {
  readonly source: RtpSource;
  readonly #meet: Meeting;
  readonly #party: Party;
  roc = 0;

  constructor(meet: Meeting, party: Party, sequence: number, ssrc = 0x51) {
    this.#meet = meet;
    this.#party = party;
    this.source = new RtpSource({ ssrc, sequence, timestamp: 1000 });
  }

  /** The next packet, protected; counts rounds as a sender does. */
  packet(key: SrtpKey, roc?: number): Buffer {
    const plain = this.source.next(Buffer.alloc(160, 0x21));
    const packet = protectRtp(deriveKeys(key.keySalt), plain, roc ?? this.roc, tagBytes(key.suite));
    if (this.source.sequence === 0) this.roc++;
    return packet;
  }

  send(key: SrtpKey, count: number, roc?: number): void {
    for (let i = 0; i < count; i++) this.#meet.arrive(this.#party, this.packet(key, roc));
    this.#meet.core.receive(this.#meet.nowMs);
  }
}

function secure(suite: SrtpSuite, options: LegOptions = {}) {
  const meet = new Meeting();
  const [ours, theirs] = [keyOf(suite, 1), keyOf(suite, 2)];
  const party = meet.party({ srtpSend: ours, srtpReceive: theirs, ...options });
  const stats = () => meet.core.stats(party.leg);
  return { meet, core: meet.core, party, ours, theirs, stats };
}

describe.each(SUITES)("%s, what is received", (suite) => {
  it("SDP-SEC-6: the same key in a renegotiation keeps the rollover counter", () => {
    const { meet, core, party, ours, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, 65_500);
    sender.send(theirs, 100);
    expect(sender.roc).toBe(1);
    core.configureLeg(
      party.leg,
      { srtpSend: { ...ours }, srtpReceive: { ...theirs }, remoteRtp: { address: "127.0.0.9", port: party.port } },
      0,
    );
    sender.send(theirs, 100);
    expect(stats()).toMatchObject({ packetsReceived: 200, packetsLost: 0 });
    expect(stats().drops["auth-failed"]).toBe(0);
  });

  it("RFC 3711 3.3.1: another leg goes on where this one stopped, and takes nothing that this one has taken", () => {
    const { meet, core, party, theirs, stats } = secure(suite);
    expect(stats().srtpReceiveState).toBeNull();
    const sender = new Sender(meet, party, 65_500);
    sender.send(theirs, 60);
    const old = sender.packet(theirs);
    sender.source.next(Buffer.alloc(160));
    meet.arrive(party, old);
    core.receive(meet.nowMs);
    const state = stats().srtpReceiveState!;
    expect(state).toMatchObject({ ssrc: 0x51, rolloverCounter: 1, sequenceNumber: 24 });
    const [lost, moved] = [0, 1].map(() => meet.party({ srtpSend: keyOf(suite, 5) })) as [Party, Party];
    core.configureLeg(lost.leg, { srtpReceive: theirs }, meet.nowMs);
    core.configureLeg(moved.leg, { srtpReceive: theirs, srtpResume: state }, meet.nowMs);
    for (let i = 0; i < 20; i++) {
      const packet = sender.packet(theirs);
      meet.arrive(lost, packet);
      meet.arrive(moved, packet);
    }
    meet.arrive(moved, old);
    core.receive(meet.nowMs);
    // Without the counter it is deaf: this is why there is one.
    expect(core.stats(lost.leg)).toMatchObject({ packetsReceived: 0, drops: { "auth-failed": 20 } });
    expect(core.stats(moved.leg)).toMatchObject({ packetsReceived: 20, drops: { "auth-failed": 0, replayed: 1 } });
  });

  it("a new key begins at 0 again; packets of the old one that are under way are taken for 2 s (SDP-SEC-6)", () => {
    const { meet, core, party, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, 65_500);
    sender.send(theirs, 50);
    const next = keyOf(suite, 3);
    const [late, tooLate] = [sender.packet(theirs), sender.packet(theirs)];
    core.configureLeg(party.leg, { srtpReceive: next }, meet.nowMs);
    sender.send(next, 20, 0);
    meet.arrive(party, late);
    core.receive(meet.nowMs);
    expect(stats().packetsReceived).toBe(71);
    sender.send(next, 1, 1);
    expect(stats().drops["auth-failed"]).toBe(1);
    meet.nowMs += 2001;
    meet.arrive(party, tooLate);
    core.receive(meet.nowMs);
    expect(stats().drops["auth-failed"]).toBe(2);
    sender.send(next, 20, 0);
    expect(stats().packetsReceived).toBe(91);
  });

  it("hold and resume keep it, over a wrap, whether packets came meanwhile or not (RFC 3264 8.4)", () => {
    const { meet, core, party, ours, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, 65_500);
    sender.send(theirs, 20);
    for (const hold of [{ receiving: false }, { sending: false, receiving: false }, { sending: false }]) {
      const held = { sending: true, receiving: true, ...hold };
      core.configureLeg(party.leg, { ...held, srtpSend: ours, srtpReceive: theirs }, meet.nowMs);
      sender.send(theirs, 30);
      meet.pass(100);
    }
    core.configureLeg(party.leg, { sending: true, receiving: true, srtpSend: ours, srtpReceive: theirs }, meet.nowMs);
    sender.send(theirs, 30);
    expect(sender.roc).toBe(1);
    expect(stats().packetsReceived).toBe(140);
    expect(stats().drops).toMatchObject({ "auth-failed": 0, "not-receiving": 60 });
  });

  it("SRTP-8: another SSRC under the same key begins at ROC 0; the first keeps its own", () => {
    const { meet, party, theirs, stats } = secure(suite);
    const first = new Sender(meet, party, 65_500, 0xaaaa);
    first.send(theirs, 100);
    const second = new Sender(meet, party, 10, 0xbbbb);
    second.send(theirs, 50);
    expect(stats().drops["auth-failed"]).toBe(0);
    expect(stats().packetsReceived).toBe(149);
    expect(meet.core.stats(party.leg).drops.late).toBe(1);
    // In turns: each by its own count, though only the newer is played (RTP-5).
    for (let i = 0; i < 20; i++) {
      first.send(theirs, 1);
      second.send(theirs, 1);
    }
    expect(first.roc).toBe(1);
    expect(second.roc).toBe(0);
    expect(stats().drops["auth-failed"]).toBe(0);
    expect(stats().packetsReceived).toBe(169);
  });

  it("hardening R12: four SSRCs of one key, the fifth is refused; forged ones take no place", () => {
    const { meet, party, theirs, stats } = secure(suite);
    const forged = new Sender(meet, party, 10, 0x666);
    for (let i = 0; i < 1000; i++) {
      forged.source.ssrc = 0x10000 + i;
      forged.send(keyOf(suite, 9), 1);
    }
    expect(stats().drops["auth-failed"]).toBe(1000);
    for (let ssrc = 1; ssrc <= 5; ssrc++) new Sender(meet, party, 65_530, ssrc).send(theirs, 20);
    expect(stats().drops).toMatchObject({ "auth-failed": 1000, "ssrc-limit": 20 });
  });

  it.each([
    ["65533, then all", 65_533, []],
    ["65535, the wrap follows at once", 65_535, []],
    ["65530, the last four before the wrap and the first behind it are lost", 65_530, [2, 3, 4, 5, 6]],
    ["32767, every third lost", 32_767, [1, 4, 7, 10, 13]],
  ])("hardening R11: begins at %s", (_name, sequence, lost) => {
    const { meet, core, party, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, sequence);
    for (let i = 0; i < 40; i++) {
      const packet = sender.packet(theirs);
      if (!lost.includes(i)) meet.arrive(party, packet);
    }
    core.receive(0);
    expect(stats()).toMatchObject({ packetsReceived: 40 - lost.length, packetsLost: lost.length });
    expect(stats().drops["auth-failed"]).toBe(0);
  });

  it("hardening R11: packets from both sides of the wrap in the wrong order, and twice", () => {
    const { meet, core, party, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, 65_528);
    const packets = Array.from({ length: 16 }, () => sender.packet(theirs));
    for (const index of [0, 1, 9, 8, 3, 2, 10, 7, 6, 5, 4, 11, 15, 14, 13, 12, 8, 7, 15])
      meet.arrive(party, packets[index]!);
    core.receive(0);
    expect(stats()).toMatchObject({ packetsReceived: 16, packetsLost: 0 });
    expect(stats().drops).toMatchObject({ replayed: 3, "auth-failed": 0 });
  });

  it("from SRTP to plain and back: nothing of the other kind is believed", () => {
    const { meet, core, party, ours, theirs, stats } = secure(suite);
    const sender = new Sender(meet, party, 100);
    const plain = new RtpSource({ ssrc: 0x51, sequence: 3000 });
    sender.send(theirs, 5);
    meet.arrive(party, plain.next(Buffer.alloc(160)));
    core.receive(0);
    expect(stats().packetsReceived).toBe(5);
    core.configureLeg(party.leg, { srtpSend: null, srtpReceive: null }, 0);
    plain.sequence = 105;
    for (let i = 0; i < 5; i++) meet.arrive(party, plain.next(Buffer.alloc(160)));
    core.receive(0);
    expect(stats().packetsReceived).toBe(10);
    core.configureLeg(party.leg, { srtpSend: ours, srtpReceive: theirs }, 0);
    meet.arrive(party, plain.next(Buffer.alloc(160)));
    core.receive(0);
    expect(stats().packetsReceived).toBe(10);
    sender.source.sequence = 110;
    sender.send(theirs, 5);
    expect(stats().packetsReceived).toBe(15);
  });
});

describe.each(SUITES)("%s, what is sent", (suite) => {
  const SILENCE = Buffer.alloc(160, 0xff);
  /** True when a packet is silence protected with this key and counter. */
  const isUnder = (packet: Buffer, key: SrtpKey, roc: number) =>
    protectRtp(deriveKeys(key.keySalt), Buffer.concat([packet.subarray(0, 12), SILENCE]), roc, tagBytes(suite)).equals(
      packet,
    );

  it("the same key goes on, a new key begins at ROC 0, under the same SSRC and numbers", () => {
    const { meet, core, party, ours } = secure(suite);
    meet.pass(100);
    core.configureLeg(party.leg, { srtpSend: { ...ours } }, meet.nowMs);
    meet.pass(100);
    const next = keyOf(suite, 4);
    core.configureLeg(party.leg, { srtpSend: next }, meet.nowMs);
    meet.pass(100);
    expect(party.received.map(({ packet }) => [isUnder(packet, ours, 0), isUnder(packet, next, 0)])).toEqual([
      ...Array(10).fill([true, false]),
      ...Array(5).fill([false, true]),
    ]);
    for (let i = 1; i < party.received.length; i++)
      expect(party.received[i]!.sequence - party.received[i - 1]!.sequence).toBe(1);
  });

  it("ROC goes up with the wrap, hold and resume do not touch it", () => {
    const { meet, core, party, ours } = secure(suite);
    meet.pass(20);
    const count = 65_536 - party.received[0]!.sequence;
    // Up to a little before the wrap.
    for (let i = 0; i < count - 6; i++) {
      meet.nowMs += 20;
      core.tick(meet.nowMs);
      core.forEachDatagram(() => undefined);
    }
    meet.forget();
    meet.pass(40);
    core.configureLeg(party.leg, { sending: false }, meet.nowMs);
    meet.pass(200);
    core.configureLeg(party.leg, { sending: true, srtpSend: { ...ours } }, meet.nowMs);
    meet.pass(200);
    const wrap = party.received.findIndex(({ sequence }) => sequence === 0);
    expect(wrap).toBeGreaterThan(1);
    party.received.forEach(({ packet }, i) => expect(isUnder(packet, ours, i < wrap ? 0 : 1)).toBe(true));
  });

  it("hardening R11: no key begins right before the wrap", () => {
    const { meet, core, party } = secure(suite);
    meet.pass(20);
    const count = 65_536 - party.received[0]!.sequence;
    for (let i = 0; i < count - 100; i++) {
      meet.nowMs += 20;
      core.tick(meet.nowMs);
      core.forEachDatagram(() => undefined);
    }
    meet.forget();
    meet.pass(40);
    expect(party.received[0]!.sequence).toBeGreaterThan(65_400);
    const next = keyOf(suite, 4);
    core.configureLeg(party.leg, { srtpSend: next }, meet.nowMs);
    meet.forget();
    meet.pass(100);
    expect(party.received.map(({ sequence }) => sequence)).toEqual([0, 1, 2, 3, 4]);
    expect(party.received.every(({ packet }) => isUnder(packet, next, 0))).toBe(true);
  });

  it("one key alone waits for the other: nothing leaves in the clear", () => {
    const meet = new Meeting();
    const party = meet.party({ srtpReceive: keyOf(suite, 2) });
    const other = meet.party({ srtpSend: keyOf(suite, 1) });
    meet.arrive(other, other.source.next(SILENCE));
    meet.pass(200);
    expect(party.received).toEqual([]);
    expect(meet.core.stats(other.leg).packetsReceived).toBe(0);
    expect(other.received.every(({ packet }) => isUnder(packet, keyOf(suite, 1), 0))).toBe(true);
  });
});
