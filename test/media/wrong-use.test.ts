/** What a caller may do wrong, and what the network may: the one is named at once, the other counted and forgotten. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/media/address.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import { Meeting } from "../support/meeting.ts";
import { RtpSource } from "../support/rtp-source.ts";

const any = (value: unknown) => value as never;
const REMOTE = { remoteRtp: { address: "127.0.0.9", port: 4000 } };

/** A module with one exported global and a memory: what an engine of another version looks like from outside. */
function moduleOfVersion(version: number): Uint8Array {
  const name = Buffer.from("ABI_VERSION");
  const section = (id: number, ...octets: number[]) => [id, octets.length, ...octets];
  return new Uint8Array([
    ...Buffer.from("0061736d01000000", "hex"),
    ...section(5, 1, 0, 1),
    ...section(6, 1, 0x7f, 0, 0x41, version, 0x0b),
    ...section(7, 2, name.length, ...name, 3, 0, 6, ...Buffer.from("memory"), 2, 0),
  ]);
}

describe("the module", () => {
  it.each([0, 2, 63])("of ABI version %i is refused with cause and cure", (version) => {
    expect(() => MediaCore.createSync({ wasm: moduleOfVersion(version) })).toThrowError(
      expect.objectContaining({
        code: "MEDIA_ABI",
        message: `the media engine has ABI version ${version}, this package needs 1; build it anew with: npm run build:wasm`,
      }),
    );
  });

  it("that wants more of its host than abort is refused", () => {
    const module = new Uint8Array([
      ...Buffer.from("0061736d01000000", "hex"),
      ...[1, 4, 1, 0x60, 0, 0],
      ...[2, 12, 1, 3, ...Buffer.from("env"), 4, ...Buffer.from("evil"), 0, 0],
    ]);
    expect(() => MediaCore.createSync({ wasm: module })).toThrowError(
      expect.objectContaining({ code: "MEDIA_ABI", message: expect.stringContaining("env.evil") }),
    );
  });

  it("is said to be missing with the path and the command that makes it", async () => {
    await expect(MediaCore.create({ wasm: "/nowhere/tandem.wasm" })).rejects.toMatchObject({
      code: "MEDIA_WASM_MISSING",
      message: expect.stringMatching(/\/nowhere\/tandem\.wasm.*npm run build:wasm/),
    });
  });
});

describe("options and arguments", () => {
  it.each([
    ["legCountMax", 0],
    ["legCountMax", 16_385],
    ["legCountMax", 1.5],
    ["streamCountMax", -1],
    ["streamCountMax", "8"],
    ["conferenceCountMax", 8193],
    ["playbackSecondsMax", 0],
  ])("create: %s %j", (name, value) => {
    expect(() => MediaCore.createSync({ [name]: any(value) })).toThrowError(
      expect.objectContaining({
        name: "RangeError",
        message: expect.stringMatching(`^${name} must be a whole number`),
      }),
    );
  });

  it("create: what is no object, no function", () => {
    expect(() => MediaCore.createSync(any(null))).toThrowError(new TypeError("options must be an object"));
    expect(() => MediaCore.createSync({ randomFill: any(1) })).toThrowError(
      new TypeError("randomFill must be a function"),
    );
  });

  it.each([
    ["codec", "G729", RangeError],
    ["payloadType", 128, RangeError],
    ["receivePayloadType", -1, RangeError],
    ["alternatePayloadType", -2, RangeError],
    ["telephoneEventPayloadType", 200, RangeError],
    ["telephoneEventReceivePayloadType", Number.NaN, RangeError],
    ["comfortNoisePayloadType", "13", RangeError],
    ["ptimeMs", 5, RangeError],
    ["ptimeMs", 25, RangeError],
    ["ptimeMs", 70, RangeError],
    ["ptimeMs", 2 ** 32 + 20, RangeError],
    ["jitterStartMs", 201, RangeError],
    ["mediaTimeoutMs", -1, RangeError],
    ["rtcpMux", 1, TypeError],
    ["sending", "yes", TypeError],
    ["receiving", null, TypeError],
    ["sourcePolicy", "any", RangeError],
    ["remoteRtp", "127.0.0.1:4000", TypeError],
    ["remoteRtp", { address: "example.net", port: 4000 }, RangeError],
    ["remoteRtp", { address: "127.0.0.1", port: 0 }, RangeError],
    ["remoteRtcp", { address: "127.0.0.1", port: 65_536 }, RangeError],
    ["srtpSend", { suite: "AES_CM_128_HMAC_SHA1_80", keySalt: new Uint8Array(29) }, RangeError],
    ["srtpReceive", { suite: "NULL", keySalt: new Uint8Array(30) }, RangeError],
    ["srtpReceive", { suite: "AES_CM_128_HMAC_SHA1_80", keySalt: "secret secret secret secret se" }, TypeError],
    ["srtpResume", 7, TypeError],
    ["srtpResume", { ssrc: 1, rolloverCounter: 0, sequenceNumber: 65_536, rtcpIndex: 0 }, RangeError],
    ["srtpResume", { ssrc: 1, rolloverCounter: -1, sequenceNumber: 1, rtcpIndex: 0 }, RangeError],
    ["srtpResume", { ssrc: 2 ** 32, rolloverCounter: 0, sequenceNumber: 1, rtcpIndex: 0 }, RangeError],
  ])("openLeg and configureLeg: %s %j, and nothing has changed", (name, value, kind) => {
    const { core } = new Meeting();
    const leg = core.openLeg(REMOTE, 0);
    for (const action of [
      () => core.openLeg({ [name]: any(value) }, 0),
      () => core.configureLeg(leg, { [name]: any(value) }, 0),
    ]) {
      let thrown: unknown;
      try {
        action();
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(kind);
      expect((thrown as Error).message.startsWith(name)).toBe(true);
      // No key in an error text.
      expect((thrown as Error).message).not.toContain("secret");
    }
    expect(core.legCount).toBe(1);
  });

  it("times are finite numbers", () => {
    const { core } = new Meeting();
    const leg = core.openLeg({}, 0);
    for (const action of [
      (nowMs: number) => core.openLeg({}, nowMs),
      (nowMs: number) => core.configureLeg(leg, {}, nowMs),
      (nowMs: number) => core.closeLeg(leg, nowMs),
      (nowMs: number) => core.receive(nowMs),
      (nowMs: number) => core.tick(nowMs),
      (nowMs: number) => core.openTap({ leg, tracks: ["inbound"] }, nowMs),
    ]) {
      expect(() => action(Number.NaN)).toThrowError(/^nowMs must be a finite number/);
      expect(() => action(any("5"))).toThrowError(new TypeError("nowMs must be a number, not string"));
    }
    expect(core.has(leg)).toBe(true);
  });

  it("datagrams, streams, playback, digits", () => {
    const { core } = new Meeting();
    const leg = core.openLeg(REMOTE, 0);
    const from = parseAddress("127.0.0.9");
    const push = (bytes: unknown, length: number) => () => core.pushDatagram(leg, 0, any(bytes), length, from, 1);
    expect(push("text", 4)).toThrowError(new TypeError("bytes must be a Uint8Array"));
    for (const length of [-1, 11, Number.NaN])
      expect(push(new Uint8Array(10), length)).toThrowError(/^length must be 0 to 10/);
    const tap = (options: object) => () => core.openTap(any({ leg, tracks: ["inbound"], ...options }), 0);
    expect(tap({ tracks: [] })).toThrowError(/^tracks must be/);
    expect(tap({ tracks: ["both"] })).toThrowError(/^tracks must be/);
    expect(tap({ tracks: "inbound" })).toThrowError(new TypeError("tracks must be an array"));
    expect(tap({ fillSilence: 1 })).toThrowError(new TypeError("fillSilence must be a boolean"));
    const stream = (streamSid: unknown) => () =>
      core.openStream({ leg, tracks: ["inbound"], streamSid: any(streamSid) }, 0);
    expect(stream(7)).toThrowError(new TypeError("streamSid must be a string"));
    for (const sid of ["", 'a"b', "a\\b", "ä", "x".repeat(65)]) expect(stream(sid)).toThrowError(/^streamSid must be/);
    for (const number of [-1, 16, 1.5]) expect(() => core.closeStream(number)).toThrowError(/^stream must be/);
    expect(() => core.play(leg, any([1, 2]))).toThrowError(new TypeError("octets must be a Uint8Array"));
    expect(() => core.playbackWrite(leg, any("x"))).toThrowError(new TypeError("octets must be a Uint8Array"));
    expect(() => core.playMark(leg, any(5))).toThrowError(new TypeError("name must be a string"));
    for (const digit of ["", "12", "E", 5])
      expect(() => core.sendDigit(leg, any(digit))).toThrowError(/^digit must be/);
    expect(() => core.sendDigit(leg, "1", 30)).toThrowError(/^durationMs must be/);
    expect(() => core.readMediaMessage(any("{}"))).toThrowError(new TypeError("message must be a Uint8Array"));
    expect(() => core.bridge(leg, leg, 0)).toThrowError(new RangeError("b must be another leg than a"));
    expect(core.playbackWrite(leg, new Uint8Array(10), 5, Number.NaN)).toBe(0);
    expect(core.playbackWrite(leg, new Uint8Array(10), 8, 4)).toBe(0);
  });

  it.each([-1, 80, 1e9, 0.5, Number.NaN, undefined, "0", null])("leg %s is not open", (leg) => {
    const { core } = new Meeting();
    const open = core.openLeg({}, 0);
    const wrong = any(leg);
    for (const action of [
      () => core.configureLeg(wrong, {}, 0),
      () => core.closeLeg(wrong, 0),
      () => core.bridge(open, wrong, 0),
      () => core.bridge(wrong, open, 0),
      () => core.unbridge(wrong, 0),
      () => core.stats(wrong),
      () => core.openTap({ leg: wrong, tracks: ["inbound"] }, 0),
      () => core.play(wrong, new Uint8Array(1)),
      () => core.playMark(wrong, "a"),
      () => core.playClear(wrong),
      () => core.playQueued(wrong),
      () => core.sendDigit(wrong, "1"),
      () => core.leaveConference(wrong),
    ])
      expect(action).toThrowError(expect.objectContaining({ code: "MEDIA_NO_LEG" }));
  });

  it("a leg that was closed: calls are refused, datagrams dropped, rings empty", () => {
    const { core } = new Meeting();
    const leg = core.openLeg(REMOTE, 0);
    const stream = core.openTap({ leg, tracks: ["inbound"] }, 0);
    core.closeLeg(leg, 0);
    expect(() => core.stats(leg)).toThrowError(expect.objectContaining({ code: "MEDIA_NO_LEG" }));
    expect(() => core.closeLeg(leg, 0)).toThrowError(expect.objectContaining({ code: "MEDIA_NO_LEG" }));
    const packet = new RtpSource().next(new Uint8Array(160));
    expect(core.pushDatagram(leg, 0, packet, packet.length, parseAddress("127.0.0.9"), 4000)).toBe(true);
    expect(core.receive(0)).toBe(1);
    expect(core.playbackRoom(leg)).toBe(0);
    expect(core.playbackWrite(leg, new Uint8Array(10))).toBe(0);
    expect(core.playedOctets(leg)).toBe(0);
    expect(core.digitsPending(leg)).toBe(0);
    expect(core.conferenceOf(leg)).toBe(-1);
    expect(core.nextSequence(stream)).toBe(0);
    core.closeStream(stream);
    core.playbackClear(leg);
    core.tick(20);
    expect(core.forEachFrame(() => undefined)).toBe(0);
    expect(core.faults).toBe(0);
  });
});

describe("hardening R8, R9, R15: the network", () => {
  /** A leg, plain or secure, that has received ten good packets. */
  function leg(secure: boolean) {
    const meet = new Meeting();
    const keySalt = () => ({ suite: "AES_CM_128_HMAC_SHA1_80", keySalt: new Uint8Array(randomBytes(30)) }) as const;
    const party = meet.party(
      secure ? { srtpSend: keySalt(), srtpReceive: keySalt() } : { telephoneEventPayloadType: 101 },
    );
    if (!secure) for (let i = 0; i < 10; i++) meet.arrive(party, party.source.next(Buffer.alloc(160, 0x31)));
    meet.core.receive(0);
    meet.core.forEachEvent(() => undefined);
    const before = meet.core.stats(party.leg);
    return { meet, party, before, stats: () => meet.core.stats(party.leg) };
  }

  const rtp = (change: (packet: Buffer) => void = () => undefined): Buffer => {
    const packet = new RtpSource({ ssrc: 0x666, sequence: 9000 }).next(Buffer.alloc(160, 0x22));
    change(packet);
    return packet;
  };

  it.each([
    ["nothing", Buffer.alloc(0), "too-short"],
    ["one octet", Buffer.from([0x80]), "too-short"],
    ["eleven octets of RTP", rtp().subarray(0, 11), "too-short"],
    ["STUN binding request (RFC 7983)", Buffer.from(`000100002112a442${"00".repeat(12)}`, "hex"), "stun"],
    ["DTLS ClientHello (CVE-2023-51443)", Buffer.from(`16feff0000000000000000${"00".repeat(50)}`, "hex"), "dtls"],
    ["DTLS alert", Buffer.from("15fefd00000000000000000002025a", "hex"), "dtls"],
    ["TURN channel data", Buffer.from("40000004aabbccdd", "hex"), "not-rtp"],
    [
      "version 1",
      rtp((packet) => {
        packet[0] = 0x40;
      }),
      "not-rtp",
    ],
    [
      "15 CSRCs that are not there",
      rtp((packet) => {
        packet[0] = 0x8f;
      }).subarray(0, 60),
      "malformed",
    ],
    [
      "an extension longer than the packet",
      rtp((packet) => {
        packet[0] = 0x90;
        packet.writeUInt16BE(0xffff, 14);
      }),
      "malformed",
    ],
    ["1501 octets", Buffer.alloc(1501, 0x80), "too-long"],
    ["RTCP on the RTP port without mux", Buffer.from("80c90001deadbeef", "hex"), "not-rtp"],
  ] as const)("%s: counted, and nothing else, a hundred times over", (_name, packet, reason) => {
    for (const secure of [false, true]) {
      const { meet, party, before, stats } = leg(secure);
      const { memoryBytes } = meet.core;
      for (let i = 0; i < 100; i++) meet.arrive(party, packet);
      meet.core.receive(0);
      meet.pass(100);
      const after = stats();
      expect(after.drops[reason]).toBe(100);
      expect(after.packetsReceived).toBe(before.packetsReceived);
      expect(Object.values(after.drops).reduce((sum, count) => sum + count, 0)).toBe(100);
      expect(meet.events).toEqual([]);
      expect(meet.core.memoryBytes).toBe(memoryBytes);
      expect(meet.core.faults).toBe(0);
      expect(party.received.length).toBe(5);
    }
  });

  it("on a plain leg: padding that lies, a foreign payload type, a foreign SSRC, a packet again", () => {
    const { meet, party, stats } = leg(false);
    const push = (packet: Buffer) => {
      meet.arrive(party, packet);
      meet.core.receive(0);
    };
    const good = party.source.next(Buffer.alloc(160, 0x31));
    push(good);
    push(good);
    push(
      rtp((packet) => {
        packet[0] = 0xa0;
        packet[171] = 0;
      }),
    );
    push(
      rtp((packet) => {
        packet[0] = 0xa0;
        packet[171] = 200;
      }),
    );
    push(
      rtp((packet) => {
        packet[1] = 96;
      }),
    );
    push(rtp());
    expect(stats().drops).toMatchObject({ duplicate: 1, malformed: 2, "payload-type": 1, late: 1 });
    expect(stats().packetsReceived).toBe(11);
    // A thousand SSRCs, each with one packet: none is taken, ours goes on.
    for (let i = 0; i < 1000; i++) push(rtp((packet) => packet.writeUInt32BE(0x10000 + i, 8)));
    push(party.source.next(Buffer.alloc(160, 0x31)));
    expect(stats().drops.late).toBe(1001);
    expect(stats().packetsReceived).toBe(12);
    expect(meet.events.filter(({ type }) => type === "ssrc-changed")).toEqual([]);
  });

  it("on a secure leg: a million forged octets, and then it works as if nothing had been", () => {
    const { meet, party, stats } = leg(true);
    for (let i = 0; i < 6000; i++) {
      const packet = rtp((octets) => {
        octets.writeUInt32BE(i % 3000, 8);
        octets.writeUInt16BE((i * 7919) & 0xffff, 2);
      });
      meet.arrive(party, packet);
    }
    meet.core.receive(0);
    expect(stats().drops["auth-failed"]).toBe(6000);
    expect(stats().packetsReceived).toBe(0);
    meet.pass(100);
    expect(party.received).toHaveLength(5);
  });
});
