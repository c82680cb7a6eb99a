/** The engine as an embedder sees it: two roads, SRTP, sources, streams, playback, digits, RTCP; all in virtual time. */
import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { LegOptions, SrtpSuite } from "../../src/media/leg-options.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import { compileWasm } from "../../src/media/wasm-engine.ts";
import { type Datagram, Host, messageOf, run } from "../support/media-pair.ts";

const remote = (address: string, port: number) => ({ remoteRtp: { address, port } });
const EVENTS = { telephoneEventPayloadType: 101 };

/** Caller, gateway with two bridged legs, callee. */
function bridged(
  left: LegOptions = {},
  right: LegOptions = {},
  ends: { caller?: LegOptions; callee?: LegOptions } = {},
) {
  const [caller, gateway, callee] = [new Host(), new Host(), new Host()];
  const a = caller.open("127.0.0.1", 1000, { ...EVENTS, ...remote("127.0.0.2", 2000), ...ends.caller });
  const b = callee.open("127.0.0.3", 3000, { ...EVENTS, ...remote("127.0.0.2", 4000), ...ends.callee });
  const l = gateway.open("127.0.0.2", 2000, { ...EVENTS, ...remote("127.0.0.1", 1000), ...left });
  const r = gateway.open("127.0.0.2", 4000, { ...EVENTS, ...remote("127.0.0.3", 3000), ...right });
  gateway.core.bridge(l, r, 0);
  return { caller, gateway, callee, a, b, l, r, hosts: [caller, gateway, callee] };
}

const octets = (datagrams: readonly Datagram[], toPort: number) =>
  datagrams.filter((d) => d.toPort === toPort).map(({ bytes }) => bytes);

/** Plays a tune of `seconds`, refilled as an owner does. */
function feeder(host: Host, leg: number, audio: Buffer) {
  let at = 0;
  return () => {
    at += host.core.playbackWrite(leg, audio, at);
  };
}

describe("the module", () => {
  it("wants nothing from JavaScript but abort, and tells its version", () => {
    const imports = WebAssembly.Module.imports(compileWasm());
    expect(imports.filter(({ module, name }) => module !== "env" || name !== "abort")).toEqual([]);
  });

  it("is refused when it is missing or another one", () => {
    expect(() => compileWasm("/nowhere/tandem.wasm")).toThrowError(
      expect.objectContaining({ code: "MEDIA_WASM_MISSING" }),
    );
    expect(() => compileWasm(new Uint8Array([1, 2, 3]))).toThrowError(expect.objectContaining({ code: "MEDIA_ABI" }));
    const empty = Buffer.from("0061736d01000000", "hex");
    expect(() => MediaCore.createSync({ wasm: empty })).toThrowError(expect.objectContaining({ code: "MEDIA_ABI" }));
  });

  it("takes its memory at start and never more", () => {
    const core = MediaCore.createSync({ legCountMax: 100, streamCountMax: 100 });
    const before = core.bytes.buffer.byteLength;
    for (let i = 0; i < 100; i++) core.openLeg({}, 0);
    expect(() => core.openLeg({}, 0)).toThrowError(expect.objectContaining({ code: "MEDIA_FULL" }));
    expect(core.bytes.buffer.byteLength).toBe(before);
    expect(core.bytes.length).toBeGreaterThan(0);
  });
});

describe("relay road", () => {
  it("RFC 3550 5.1: own SSRC, contiguous sequence numbers and timestamps, both ways", () => {
    const { hosts, gateway, l, r } = bridged();
    const sent = run(hosts, 0, 2000);
    for (const port of [1000, 3000]) {
      const packets = sent.filter((d) => d.toPort === port && d.fromAddress === "127.0.0.2").map(({ bytes }) => bytes);
      expect(packets.length).toBeGreaterThan(95);
      for (let i = 1; i < packets.length; i++) {
        expect((packets[i]!.readUInt16BE(2) - packets[i - 1]!.readUInt16BE(2)) & 0xffff).toBe(1);
        expect((packets[i]!.readUInt32BE(4) - packets[i - 1]!.readUInt32BE(4)) >>> 0).toBe(160);
        expect(packets[i]!.readUInt32BE(8)).toBe(packets[0]!.readUInt32BE(8));
      }
    }
    expect(gateway.core.stats(l).packetsLost).toBe(0);
    expect(gateway.core.stats(r).packetsReceived).toBeGreaterThan(95);
  });

  it("R-MEDIA-7, R-NET-10: one leg takes 80 kbit/s in IP packets, 84 with SRTP, and never 100 on an Ethernet with its RTCP", () => {
    const keys = { suite: "AES_CM_128_HMAC_SHA1_80", keySalt: new Uint8Array(randomBytes(30)) } as const;
    for (const [ipBitRate, left] of [
      [80_000, {}],
      [84_000, { srtpSend: keys, srtpReceive: keys }],
    ] as const) {
      const caller = ipBitRate === 84_000 ? { srtpSend: keys, srtpReceive: keys } : {};
      const { hosts } = bridged(left, {}, { caller });
      run(hosts, 0, 2000);
      const sent = run(hosts, 2000, 12_000);
      const rate = (port: number, perPacketOctets: number): number =>
        octets(sent, port).reduce((sum, { length }) => sum + 8 * (length + perPacketOctets), 0) / 10;
      // 20 octets of IP and 8 of UDP; Ethernet adds its head, its check, the preamble and the gap.
      expect(Math.abs(rate(1000, 28) - ipBitRate)).toBeLessThanOrEqual(ipBitRate / 500);
      expect(rate(1001, 28)).toBeGreaterThan(0);
      expect(rate(1000, 28 + 38) + rate(1001, 28 + 38)).toBeLessThanOrEqual(100_000);
    }
  });

  it("R-MEDIA-6: A-law on one side, mu-law on the other", () => {
    const { hosts, caller, a } = bridged({ codec: "PCMA" }, {}, { caller: { codec: "PCMA" } });
    const tone = Buffer.from(Array.from({ length: 800 }, (_, i) => 0x80 + (i % 64)));
    const feed = feeder(caller, a, tone);
    feed();
    const sent = run(hosts, 0, 300);
    const out = Buffer.concat(octets(sent, 3000).map((bytes) => bytes.subarray(12)));
    const inn = octets(sent, 2000).filter(({ length }) => length === 172);
    expect(inn.every((bytes) => (bytes[1]! & 0x7f) === 8)).toBe(true);
    expect(out.includes(tone.subarray(0, 160)) || out.indexOf(tone[5]!) >= 0).toBe(true);
    expect(octets(sent, 3000).every((bytes) => (bytes[1]! & 0x7f) === 0 || (bytes[1]! & 0x7f) === 101)).toBe(true);
  });

  it("DTMF-5: telephone-event goes on, and is told once", () => {
    const { hosts, caller, gateway, callee, a } = bridged();
    run(hosts, 0, 200);
    for (const digit of "19#") caller.core.sendDigit(a, digit);
    run(hosts, 200, 2000);
    const digits = (host: Host) => host.events.flatMap((event) => (event.type === "dtmf" ? event.digit : []));
    expect(digits(gateway)).toEqual(["1", "9", "#"]);
    expect(digits(callee)).toEqual(["1", "9", "#"]);
  });

  it("SDP-9: while one side holds, the other is sent silence without a gap in its numbering", () => {
    const { hosts, gateway, l } = bridged();
    run(hosts, 0, 500);
    gateway.core.configureLeg(l, { sending: false, receiving: false }, 500);
    const held = run(hosts, 500, 1000);
    expect(octets(held, 1000)).toEqual([]);
    const toCallee = octets(held, 3000);
    expect(toCallee.length).toBeGreaterThan(20);
    expect(toCallee.slice(2).every((bytes) => bytes.subarray(12).every((octet) => octet === 0xff))).toBe(true);
    gateway.core.configureLeg(l, { sending: true, receiving: true }, 1000);
    const resumed = octets(run(hosts, 1000, 1500), 3000);
    const all = [...toCallee, ...resumed].map((bytes) => bytes.readUInt16BE(2));
    for (let i = 1; i < all.length; i++) expect((all[i]! - all[i - 1]!) & 0xffff).toBe(1);
    expect(octets(run(hosts, 1500, 1700), 1000).length).toBeGreaterThan(5);
  });
});

describe.each<SrtpSuite>(["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])("SRTP %s", (suite) => {
  const keys = () => ({ suite, keySalt: new Uint8Array(randomBytes(30)) });

  it("RFC 3711, R-SEC-10: relayed from SRTP to plain RTP and back, RTCP too, nothing lost", () => {
    const [out, back] = [keys(), keys()];
    const { hosts, gateway, callee, b, l } = bridged(
      { srtpReceive: out, srtpSend: back },
      {},
      { caller: { srtpSend: out, srtpReceive: back } },
    );
    const sent = run(hosts, 0, 40_000);
    expect(callee.core.stats(b).packetsLost).toBe(0);
    const stats = gateway.core.stats(l);
    expect(stats.packetsReceived).toBeGreaterThan(1990);
    expect(stats.drops["auth-failed"]).toBe(0);
    // R-SEC-10: the E bit of SRTCP is set.
    const rtcp = octets(sent, 1001);
    expect(rtcp.length).toBeGreaterThan(0);
    expect(rtcp.every((bytes) => (bytes.readUInt32BE(bytes.length - 14) & 0x80000000) !== 0)).toBe(true);
    expect(stats.roundTripMs).not.toBeNull();
  });

  it("hardening R9, R12: forged, replayed and plain packets are counted and change nothing", () => {
    const [out, back] = [keys(), keys()];
    const { hosts, gateway, l } = bridged(
      { srtpReceive: out, srtpSend: back },
      {},
      { caller: { srtpSend: out, srtpReceive: back } },
    );
    const attack = (d: Datagram): Datagram[] => {
      if (d.toPort !== 2000) return [d];
      const forged = Buffer.from(d.bytes);
      forged[20]! ^= 1;
      const other = Buffer.from(d.bytes);
      other.writeUInt32BE(0xdeadbeef, 8);
      return [
        d,
        d,
        { ...d, bytes: forged },
        { ...d, bytes: other },
        { ...d, bytes: d.bytes.subarray(0, 11) },
        { ...d, bytes: d.bytes.subarray(0, 40) },
      ];
    };
    run(hosts, 0, 1000, attack);
    const stats = gateway.core.stats(l);
    expect(stats.packetsLost).toBe(0);
    expect(stats.packetsReceived).toBeGreaterThan(45);
    // A forged packet under a known number is a replay before it is a forgery; under a foreign SSRC its tag fails.
    expect(stats.drops.replayed).toBeGreaterThan(90);
    expect(stats.drops["auth-failed"]).toBeGreaterThan(45);
    expect(stats.drops["too-short"]).toBeGreaterThan(45);
    expect(gateway.core.faults).toBe(0);
  });

  it("SDP-SEC-6: the same key again keeps the rollover counter, over a wrap of the sequence number", () => {
    const [out, back] = [keys(), keys()];
    const { hosts, caller, gateway, a, l } = bridged(
      { srtpReceive: out, srtpSend: back },
      {},
      { caller: { srtpSend: out, srtpReceive: back } },
    );
    // 66,000 packets: the 16-bit number wraps, whatever it began with.
    run(hosts, 0, 20);
    const before = gateway.core.stats(l).packetsReceived;
    for (let nowMs = 20; nowMs < 66_000 * 20; nowMs += 20) {
      caller.core.tick(nowMs);
      for (const datagram of caller.collect()) gateway.take(datagram);
      gateway.core.receive(nowMs);
      gateway.collect();
      if (nowMs === 30_000 * 20) {
        gateway.core.configureLeg(
          l,
          { srtpReceive: { ...out }, srtpSend: { ...back }, ...remote("127.0.0.1", 1000) },
          nowMs,
        );
        caller.core.configureLeg(a, { sending: false }, nowMs);
        caller.core.configureLeg(a, { sending: true }, nowMs);
      }
    }
    const stats = gateway.core.stats(l);
    expect(stats.packetsReceived - before).toBeGreaterThan(65_900);
    expect(stats.drops["auth-failed"]).toBe(0);
    expect(stats.packetsLost).toBe(0);
  });

  it("SRTP-6: a wrong key is told after 5 s, and the leg lives on", () => {
    const { hosts, gateway, l } = bridged(
      { srtpReceive: keys(), srtpSend: keys() },
      {},
      { caller: { srtpSend: keys(), srtpReceive: keys() } },
    );
    run(hosts, 0, 6000);
    expect(gateway.events.filter(({ type }) => type === "srtp-failing")).toHaveLength(1);
    expect(gateway.core.has(l)).toBe(true);
  });
});

describe("sources (R-MEDIA-1 to R-MEDIA-3, hardening R8)", () => {
  it("symmetric RTP off: another port or address is heard by nobody, and media goes only where SDP said", () => {
    const { hosts, gateway, callee, b, l } = bridged();
    const sprayed = (d: Datagram): Datagram[] =>
      d.toPort === 2000
        ? [
            { ...d, fromPort: 1666 },
            { ...d, fromAddress: "127.6.6.6" },
          ]
        : [d];
    const sent = run(hosts, 0, 1000, sprayed);
    expect(gateway.core.stats(l).packetsReceived).toBe(0);
    expect(gateway.core.stats(l).drops["wrong-source"]).toBeGreaterThan(90);
    expect(callee.core.stats(b).packetsReceived).toBe(0);
    expect(
      sent.filter((d) => d.fromAddress === "127.0.0.2").every((d) => d.toAddress !== "127.6.6.6" && d.toPort !== 1666),
    ).toBe(true);
  });

  it("symmetric RTP on: latches on two packets in sequence, then nobody else moves it", () => {
    const { hosts, gateway, l } = bridged({ sourcePolicy: "latch" });
    const nat = (d: Datagram): Datagram[] => (d.toPort === 2000 ? [{ ...d, fromPort: 1777 }] : [d]);
    const early = run(hosts, 0, 200, nat);
    expect(early.some((d) => d.toPort === 1777)).toBe(true);
    expect(gateway.events.filter(({ type }) => type === "latched")).toEqual([
      { type: "latched", leg: l, address: "127.0.0.1", port: 1777 },
    ]);
    let sequence = 0;
    const attack = (d: Datagram): Datagram[] => {
      if (d.toPort !== 2000) return [d];
      const bytes = Buffer.from(d.bytes);
      bytes.writeUInt16BE(sequence++ & 0xffff, 2);
      bytes.writeUInt32BE(0x66666666, 8);
      return [
        { ...d, fromPort: 1777 },
        { ...d, fromAddress: "127.6.6.6", bytes },
      ];
    };
    const later = run(hosts, 200, 4000, attack);
    expect(later.filter((d) => d.toAddress === "127.6.6.6")).toEqual([]);
    expect(gateway.core.stats(l).packetsLost).toBe(0);
  });

  it("R-MEDIA-3: with SRTP only an authenticated packet latches", () => {
    const suite = "AES_CM_128_HMAC_SHA1_80";
    const [out, back] = [0, 1].map(() => ({ suite, keySalt: new Uint8Array(randomBytes(30)) }) as const);
    const { hosts, gateway } = bridged(
      { sourcePolicy: "latch", srtpReceive: out!, srtpSend: back! },
      {},
      { caller: { srtpSend: out!, srtpReceive: back! } },
    );
    const forged = (d: Datagram): Datagram[] =>
      d.toPort === 2000
        ? [{ ...d, fromAddress: "127.6.6.6", bytes: Buffer.from(d.bytes.map((x, i) => (i > 20 ? x ^ 1 : x))) }]
        : [d];
    const sent = run(hosts, 0, 500, forged);
    expect(gateway.events.filter(({ type }) => type === "latched")).toEqual([]);
    expect(sent.filter((d) => d.toAddress === "127.6.6.6")).toEqual([]);
  });
});

describe("streams (media-streams.md 5)", () => {
  it("numbers are contiguous and times step by 20 ms, with 1 % of the packets lost", () => {
    const [caller, gateway] = [new Host(), new Host()];
    caller.open("127.0.0.1", 1000, remote("127.0.0.2", 2000));
    const leg = gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    run([caller, gateway], 0, 100);
    const stream = gateway.core.openStream({ leg, tracks: ["inbound", "outbound"], streamSid: "MZx" }, 100);
    expect(gateway.core.nextSequence(stream)).toBe(1);
    let count = 0;
    run([caller, gateway], 100, 20_100, (d) => (d.toPort === 2000 && ++count % 100 === 0 ? [] : [d]));
    const messages = gateway.frames.get(stream)!.map(({ bytes }) => messageOf(bytes));
    expect(messages.length).toBeGreaterThan(1990);
    expect(messages.map(({ sequenceNumber }) => sequenceNumber)).toEqual(messages.map((_, i) => String(i + 2)));
    for (const track of ["inbound", "outbound"]) {
      const of = messages.filter(({ media }) => media.track === track).map(({ media }) => media);
      of.forEach((media, i) => {
        expect(media.chunk).toBe(String(i + 1));
        if (i > 0) expect(Number(media.timestamp) - Number(of[i - 1]!.timestamp)).toBe(20);
        expect(Buffer.from(media.payload, "base64")).toHaveLength(160);
      });
    }
  });

  it("congested: frames use up chunk and timestamp and no sequence number (section 8)", () => {
    const gateway = new Host();
    const leg = gateway.open("127.0.0.2", 2000, {});
    const stream = gateway.core.openStream({ leg, tracks: ["inbound"], streamSid: "MZx" }, 0);
    run([gateway], 0, 100);
    gateway.core.streamCongested(stream, true);
    run([gateway], 100, 200);
    gateway.core.streamCongested(stream, false);
    run([gateway], 200, 300);
    const messages = gateway.frames.get(stream)!.map(({ bytes }) => messageOf(bytes));
    const jump = messages.findIndex(
      (message, i) => i > 0 && Number(message.media.timestamp) - Number(messages[i - 1]!.media.timestamp) > 20,
    );
    const [before, after] = [messages[jump - 1]!, messages[jump]!];
    expect(Number(after.sequenceNumber) - Number(before.sequenceNumber)).toBe(1);
    expect(Number(after.media.chunk) - Number(before.media.chunk)).toBe(6);
    expect(Number(after.media.timestamp) - Number(before.media.timestamp)).toBe(120);
  });

  it("4.3: what a PCMU leg sends arrives octet by octet; the outbound track of a bridge is the other side", () => {
    const { hosts, caller, gateway, a, l, r } = bridged();
    const audio = Buffer.from(Array.from({ length: 160 * 40 }, (_, i) => 1 + (i % 126)));
    const feed = feeder(caller, a, audio);
    const inbound = gateway.core.openTap({ leg: l, tracks: ["inbound"] }, 0);
    const outbound = gateway.core.openTap({ leg: r, tracks: ["outbound"] }, 0);
    for (let nowMs = 0; nowMs < 1500; nowMs += 20) {
      feed();
      run(hosts, nowMs, nowMs + 20);
    }
    for (const tap of [inbound, outbound]) {
      const heard = Buffer.concat(gateway.frames.get(tap)!.map(({ bytes }) => bytes));
      expect(heard.includes(audio)).toBe(true);
    }
  });

  it("a shut leg takes its streams along, and its number may be used again", () => {
    const gateway = new Host();
    const leg = gateway.open("127.0.0.2", 2000, {});
    gateway.core.openStream({ leg, tracks: ["inbound"], streamSid: "MZx" }, 0);
    gateway.core.closeLeg(leg, 0);
    gateway.frames.clear();
    gateway.open("127.0.0.2", 2000, {});
    run([gateway], 0, 200);
    expect(gateway.frames.size).toBe(0);
  });
});

describe("playback (media-streams.md 6)", () => {
  it("14.6: pieces of odd sizes are joined without a gap and padded at the end", () => {
    const gateway = new Host();
    const leg = gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    const pieces = [1, 159, 160, 161, 1000].map((size, n) => Buffer.alloc(size, n + 1));
    for (const piece of pieces) expect(gateway.core.playbackWrite(leg, piece)).toBe(piece.length);
    const sent = Buffer.concat(octets(run([gateway], 0, 400), 1000).map((bytes) => bytes.subarray(12)));
    const all = Buffer.concat(pieces);
    expect(sent.subarray(0, all.length).equals(all)).toBe(true);
    expect(sent.subarray(all.length).every((octet) => octet === 0xff)).toBe(true);
    expect(gateway.core.playedOctets(leg)).toBe(all.length);
  });

  it("14.5: clear makes the very next packet silent", () => {
    const gateway = new Host();
    const leg = gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    gateway.core.playbackWrite(leg, Buffer.alloc(2000, 0x21));
    run([gateway], 0, 40);
    gateway.core.playbackClear(leg);
    const after = octets(run([gateway], 40, 200), 1000);
    expect(after.length).toBeGreaterThan(5);
    expect(after.every((bytes) => bytes.subarray(12).every((octet) => octet === 0xff))).toBe(true);
  });

  it.each([10, 20, 30, 40, 60])("SDP-7: packets of %i ms", (ptimeMs) => {
    const gateway = new Host();
    gateway.open("127.0.0.2", 2000, { ...remote("127.0.0.1", 1000), ptimeMs });
    const packets = octets(run([gateway], 0, 1300), 1000);
    expect(packets.every((bytes) => bytes.length === 12 + ptimeMs * 8)).toBe(true);
    expect(Math.abs(packets.length - 1300 / ptimeMs)).toBeLessThanOrEqual(3);
    for (let i = 1; i < packets.length; i++)
      expect((packets[i]!.readUInt32BE(4) - packets[i - 1]!.readUInt32BE(4)) >>> 0).toBe(ptimeMs * 8);
  });

  it("RTP-3: a clock that was late sends no more than three packets at once", () => {
    const gateway = new Host();
    gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    run([gateway], 0, 200);
    gateway.core.tick(1200);
    expect(gateway.collect().filter((d) => d.toPort === 1000).length).toBeLessThanOrEqual(3);
  });
});

describe("hardening R10, R14, R15: octets of any kind", () => {
  it("200,000 random and mutated packets into RTP and RTCP of plain and secure legs: no fault, no state, memory as it was", () => {
    const suite = "AES_CM_128_HMAC_SHA1_80";
    const key = () => ({ suite, keySalt: new Uint8Array(randomBytes(30)) }) as const;
    const gateway = new Host();
    const plain = gateway.open("127.0.0.2", 2000, { ...EVENTS, ...remote("127.0.0.1", 1000) });
    const secure = gateway.open("127.0.0.2", 4000, {
      ...EVENTS,
      ...remote("127.0.0.1", 1002),
      srtpReceive: key(),
      srtpSend: key(),
    });
    gateway.core.bridge(plain, secure, 0);
    gateway.core.openTap({ leg: plain, tracks: ["inbound", "outbound"] }, 0);
    let state = 0x12345678;
    const random = (max: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % max;
    };
    const size = gateway.core.bytes.buffer.byteLength;
    const buffer = Buffer.alloc(2048);
    for (let i = 0; i < 200_000; i++) {
      const length = random(4) === 0 ? random(2049) : random(220);
      for (let at = 0; at < Math.min(length, 64); at++) buffer[at] = random(256);
      if (random(3) > 0) {
        buffer[0] = 0x80 | (random(8) === 0 ? random(64) : 0);
        buffer[1] = random(2) === 0 ? [0, 8, 13, 101, 200, 201, 203][random(7)]! : random(256);
      }
      const [port, fromPort] = random(2) === 0 ? [2000, 1000] : [4000, 1002];
      const component = random(4) === 0 ? 1 : 0;
      gateway.take({
        fromAddress: "127.0.0.1",
        fromPort: fromPort + component,
        toAddress: "127.0.0.2",
        toPort: port + component,
        bytes: Buffer.from(buffer.subarray(0, length)),
      });
      if (i % 64 === 63) {
        gateway.core.receive(i / 10);
        if (i % 640 === 639) gateway.core.tick(i / 10);
        gateway.collect();
      }
    }
    expect(gateway.core.faults).toBe(0);
    expect(gateway.core.has(plain) && gateway.core.has(secure)).toBe(true);
    expect(gateway.core.bytes.buffer.byteLength).toBe(size);
    const { packetsReceived } = gateway.core.stats(secure);
    expect(packetsReceived).toBe(0);
    expect(
      gateway.events.filter(({ type, leg }) => leg === secure && type !== "srtp-failing" && type !== "silent"),
    ).toEqual([]);
  });
});

describe("RTP-SES", () => {
  it("RTP-SES-8: silence of the far end is told once; RTCP alone keeps a held leg alive", () => {
    const gateway = new Host();
    gateway.open("127.0.0.2", 2000, { ...remote("127.0.0.1", 1000), mediaTimeoutMs: 5000 });
    run([gateway], 0, 12_000);
    expect(gateway.events.filter(({ type }) => type === "silent")).toHaveLength(1);
  });

  it("RTP-SES-1: reports about every 5 s, and BYE at the end", () => {
    const gateway = new Host();
    const leg = gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    const reports = octets(run([gateway], 0, 60_000), 1001);
    expect(reports.length).toBeGreaterThanOrEqual(8);
    expect(reports.length).toBeLessThanOrEqual(24);
    expect(reports[0]![1]).toBe(200);
    gateway.core.closeLeg(leg, 60_000);
    const bye = octets(gateway.collect(), 1001);
    expect(bye).toHaveLength(1);
    expect(bye[0]!.includes(Buffer.from([0x81, 203]))).toBe(true);
  });

  it("RTP-5: another SSRC is taken after two packets in sequence", () => {
    const [caller, other, gateway] = [new Host(), new Host(), new Host()];
    caller.open("127.0.0.1", 1000, remote("127.0.0.2", 2000));
    const leg = gateway.open("127.0.0.2", 2000, remote("127.0.0.1", 1000));
    run([caller, gateway], 0, 500);
    const before = gateway.core.stats(leg).packetsReceived;
    other.open("127.0.0.1", 1000, remote("127.0.0.2", 2000), 500);
    run([other, gateway], 500, 1000);
    expect(gateway.events.filter(({ type }) => type === "ssrc-changed")).toHaveLength(1);
    expect(gateway.core.stats(leg).packetsReceived - before).toBeGreaterThan(20);
  });
});
