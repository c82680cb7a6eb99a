/** Keys by RFC 4733 through the engine: SIPp's captures and our own sender, over networks that lose, repeat and reorder. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { type Datagram, Host, run } from "../support/media-pair.ts";
import { datagramsOf } from "../support/pcap.ts";
import { seededRandom } from "../support/seeded-random.ts";

/** Debian's sip-tester package; test/peers/install-peers.sh installs it. */
const CAPTURES = "/usr/share/sip-tester";
const CAPTURED = [..."0123456789", "star", "pound"];
const keyOf = (name: string): string => ({ star: "*", pound: "#" })[name] ?? name;
const remote = (port: number) => ({ remoteRtp: { address: "127.0.0.1", port }, telephoneEventPayloadType: 101 });

const digitsOf = (host: Host): string =>
  host.events.flatMap((event) => (event.type === "dtmf" ? event.digit : [])).join("");

/** Gives captured packets to a leg, 20 ms apart. */
function listen(packets: readonly Buffer[], host: Host, fromMs: number): void {
  packets.forEach((bytes, i) => {
    host.take({ fromAddress: "127.0.0.1", fromPort: 1000, toAddress: "127.0.0.2", toPort: 2000, bytes });
    host.core.receive(fromMs + i * 20);
    host.collect();
  });
}

/** True when a capture has a packet that says a key is down: those of duration 0 do not. */
const proves = (bytes: Buffer): boolean => bytes.readUInt16BE(14) > 0;

const hasCaptures = existsSync(`${CAPTURES}/dtmf_2833_1.pcap`);

// Elsewhere than on Debian nobody may be able to install sip-tester; where CI runs it has to be there.
it.skipIf(process.env["CI"] === undefined)("in CI SIPp's captures are there", () => {
  expect(hasCaptures).toBe(true);
});

describe.skipIf(!hasCaptures)("SIPp's captures (skipped where sip-tester is absent)", () => {
  const captures = new Map(
    CAPTURED.map((name) => [name, datagramsOf(`${CAPTURES}/dtmf_2833_${name}.pcap`).map(({ payload }) => payload)]),
  );

  it("DTMF-3: each key once, in any order of the captures, whose sequence numbers then jump", () => {
    const host = new Host();
    host.open("127.0.0.2", 2000, remote(1000));
    const order = ["star", "1", "9", "2", "0", "pound", "8", "3", "7", "4", "6", "5"];
    order.forEach((name, i) => {
      listen(captures.get(name)!, host, i * 400);
    });
    expect(digitsOf(host)).toBe(order.map(keyOf).join(""));
  });

  // Each datagram is lost by itself with probability 0.2, repeats of the capture included.
  it("DTMF-3: each key exactly once with 20 % random loss, 12 keys by 120 seeds", () => {
    let heard = 0;
    let unhearable = 0;
    for (let seed = 1; seed <= 120; seed++) {
      const random = seededRandom(seed);
      const host = new Host(1);
      for (const [name, packets] of captures) {
        const leg = host.open("127.0.0.2", 2000, remote(1000));
        const left = packets.filter(() => random() >= 0.2);
        host.events.length = 0;
        listen(left, host, 0);
        if (left.some(proves)) {
          expect(digitsOf(host), `key ${name}, seed ${seed}`).toBe(keyOf(name));
          heard++;
        } else unhearable++;
        host.core.closeLeg(leg, 1000);
      }
    }
    expect(heard + unhearable).toBe(1440);
    // 10 packets prove a key: 1440 * 0.2^10 presses are expected to be lost whole.
    expect(unhearable).toBeLessThan(3);
  });

  it("DTMF-3: 20 % loss, repeats and places changed by up to five packets, while audio goes on", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seededRandom(seed);
      const host = new Host(1);
      host.open("127.0.0.2", 2000, remote(1000));
      // One stream: the audio that SIPp would send takes every second sequence number.
      const stream: Buffer[] = [];
      for (const name of CAPTURED)
        for (const bytes of captures.get(name)!.slice(0, 8)) {
          const [event, audio] = [Buffer.from(bytes), Buffer.alloc(172, 0xff)];
          bytes.copy(audio, 0, 0, 12);
          audio[1] = 0;
          event.writeUInt16BE(stream.length, 2);
          audio.writeUInt16BE(stream.length + 1, 2);
          stream.push(event, audio);
        }
      const arriving = stream
        .flatMap((bytes, i) => (random() < 0.2 ? [] : random() < 0.1 ? [i, i] : [i]).map((n) => ({ bytes, n })))
        .map(({ bytes, n }) => ({ bytes, place: n + random() * 5 }))
        .sort((a, b) => a.place - b.place)
        .map(({ bytes }) => bytes);
      listen(arriving, host, 0);
      const left = new Set(arriving.filter((bytes) => bytes.length === 16 && proves(bytes)).map((bytes) => bytes[12]!));
      const digits = [...digitsOf(host)].map((digit) => "0123456789*#".indexOf(digit));
      expect(
        digits.sort((a, b) => a - b),
        `seed ${seed}`,
      ).toEqual([...left].sort((a, b) => a - b));
    }
  });
});

/** One leg that presses keys and one that hears them. */
function pair() {
  const [caller, gateway] = [new Host(1), new Host(1)];
  const leg = caller.open("127.0.0.1", 1000, {
    ...remote(2000),
    remoteRtp: { address: "127.0.0.2", port: 2000 },
  });
  gateway.open("127.0.0.2", 2000, remote(1000));
  return { caller, gateway, leg };
}

const isEvent = ({ bytes }: Datagram): boolean => (bytes[1]! & 0x7f) === 101;

describe("our own sender", () => {
  it("RFC 4733 2.5: marker on the first, one timestamp, three ends, and 50 ms before the next key", () => {
    const { caller, gateway, leg } = pair();
    run([caller, gateway], 0, 200);
    for (const digit of "12#") caller.core.sendDigit(leg, digit);
    const sentAt: number[] = [];
    const events: Buffer[] = [];
    run([caller, gateway], 200, 2000, (datagram, nowMs) => {
      if (isEvent(datagram)) {
        events.push(datagram.bytes);
        sentAt.push(nowMs);
      }
      return [datagram];
    });
    expect(events).toHaveLength(21);
    for (let key = 0; key < 3; key++) {
      const own = events.slice(key * 7, key * 7 + 7);
      expect(own.map((bytes) => bytes[12])).toEqual(Array(7).fill([1, 2, 11][key]));
      expect(own.map((bytes) => bytes[1]! >> 7)).toEqual([1, 0, 0, 0, 0, 0, 0]);
      expect(new Set(own.map((bytes) => bytes.readUInt32BE(4))).size).toBe(1);
      expect(own.map((bytes) => bytes.readUInt16BE(14))).toEqual([160, 320, 480, 640, 800, 800, 800]);
      expect(own.map((bytes) => bytes[13]! >> 7)).toEqual([0, 0, 0, 0, 1, 1, 1]);
      for (let i = 1; i < 7; i++) expect((own[i]!.readUInt16BE(2) - own[i - 1]!.readUInt16BE(2)) & 0xffff).toBe(1);
      if (key > 0) expect(sentAt[key * 7]! - sentAt[key * 7 - 1]!).toBeGreaterThanOrEqual(50);
    }
    expect(digitsOf(gateway)).toBe("12#");
  });

  it("DTMF-3: strings of keys exactly once each with 20 % random loss, over 100 seeds", () => {
    const keys = "1122334455*#00ABCD";
    let unhearable = 0;
    for (let seed = 1; seed <= 100; seed++) {
      const random = seededRandom(seed);
      const { caller, gateway, leg } = pair();
      run([caller, gateway], 0, 100);
      for (const digit of keys) caller.core.sendDigit(leg, digit);
      const left: number[] = [];
      run([caller, gateway], 100, 100 + keys.length * 220, (datagram) => {
        if (random() < 0.2) return [];
        if (isEvent(datagram)) left.push(datagram.bytes.readUInt32BE(4));
        return [datagram];
      });
      const hearable = new Set(left).size;
      unhearable += keys.length - hearable;
      if (hearable === keys.length) expect(digitsOf(gateway), `seed ${seed}`).toBe(keys);
      else expect(digitsOf(gateway), `seed ${seed}`).toHaveLength(hearable);
    }
    // 7 packets a key: 1800 * 0.2^7 presses are expected to be lost whole.
    expect(unhearable).toBeLessThan(3);
  });
});

/** A leg without telephone-event, bridged or not, and the tones that its far end is sent. */
describe("DTMF-5 keys as tones", () => {
  const ends = {
    caller: ["127.0.0.1", 1000],
    own: ["127.0.0.2", 2000],
    other: ["127.0.0.2", 4000],
    callee: ["127.0.0.3", 3000],
  } as const;
  const to = ([address, port]: readonly [string, number], more: LegOptions = {}): LegOptions => ({
    remoteRtp: { address, port },
    ...more,
  });

  it.each([10, 20, 30, 60])(
    "a leg of %i ms packets: every key is heard by a detector, alone and in a string",
    (ptimeMs) => {
      const [gateway, far] = [new Host(1), new Host(1)];
      const leg = gateway.open(...ends.own, to(ends.callee, { ptimeMs }));
      far.open(...ends.callee, to(ends.own, { detectInbandDtmf: true }));
      run([gateway, far], 0, 300);
      for (const digit of "1234567890*#ABCD") expect(gateway.core.sendDigit(leg, digit, 60)).toBe(true);
      expect(gateway.core.digitsPending(leg)).toBe(16);
      const sent = run([gateway, far], 300, 3500).filter(({ toPort }) => toPort === 3000);
      expect(digitsOf(far)).toBe("1234567890*#ABCD");
      expect(gateway.core.digitsPending(leg)).toBe(0);
      for (let i = 1; i < sent.length; i++) {
        expect((sent[i]!.bytes.readUInt16BE(2) - sent[i - 1]!.bytes.readUInt16BE(2)) & 0xffff).toBe(1);
        expect((sent[i]!.bytes.readUInt32BE(4) - sent[i - 1]!.bytes.readUInt32BE(4)) >>> 0).toBe(ptimeMs * 8);
        expect(sent[i]!.bytes[1]! & 0x7f).toBe(0);
      }
    },
  );

  it("a far end that takes no events hears those of the other side, as long as the key is down", () => {
    const [caller, gateway, callee] = [new Host(1), new Host(2), new Host(1)];
    const events = { telephoneEventPayloadType: 101 };
    const a = caller.open(...ends.caller, to(ends.own, events));
    callee.open(...ends.callee, to(ends.other, { codec: "PCMA", detectInbandDtmf: true }));
    const l = gateway.open(...ends.own, to(ends.caller, events));
    const r = gateway.open(...ends.other, to(ends.callee, { codec: "PCMA" }));
    gateway.core.bridge(l, r, 0);
    const hosts = [caller, gateway, callee];
    run(hosts, 0, 400);
    for (const digit of "19#") caller.core.sendDigit(a, digit);
    caller.core.sendDigit(a, "5", 1000);
    const sent = run(hosts, 400, 3500).filter(({ toPort }) => toPort === 3000);
    expect(digitsOf(gateway)).toBe("19#5");
    expect(digitsOf(callee)).toBe("19#5");
    // Silence is one code, so a packet with many codes is a tone. 3 keys of 100 ms and one of 1 s.
    const loud = sent.filter(({ bytes }) => new Set(bytes.subarray(12)).size > 20).length;
    expect(loud).toBeGreaterThanOrEqual(63);
    expect(loud).toBeLessThanOrEqual(70);
    for (let i = 1; i < sent.length; i++)
      expect((sent[i]!.bytes.readUInt16BE(2) - sent[i - 1]!.bytes.readUInt16BE(2)) & 0xffff).toBe(1);
    expect(callee.core.stats(0).packetsLost).toBe(0);
  });

  it("keys as tones and as events at once are told once each", () => {
    const [far, gateway] = [new Host(1), new Host(1)];
    gateway.open(...ends.own, to(ends.caller, { telephoneEventPayloadType: 101, detectInbandDtmf: true }));
    const source = far.open(...ends.caller, to(ends.own));
    run([far, gateway], 0, 200);
    let sequence = 0;
    for (const [i, digit] of [..."1558"].entries()) {
      const fromMs = 200 + i * 400;
      far.core.sendDigit(source, digit);
      // The events come beside the tones; those of the first key so late that its tone is told first.
      const lateMs = i === 0 ? 160 : 0;
      run([far, gateway], fromMs, fromMs + 400, (datagram, nowMs) => {
        if (datagram.toPort !== 2000) return [];
        const bytes = Buffer.from(datagram.bytes);
        bytes.writeUInt16BE(sequence++ & 0xffff, 2);
        const sinceMs = nowMs - fromMs - lateMs;
        if (sinceMs < 0 || sinceMs > 100) return [{ ...datagram, bytes }];
        const event = Buffer.alloc(16);
        bytes.copy(event, 0, 0, 12);
        event[1] = 101;
        event.writeUInt16BE(sequence++ & 0xffff, 2);
        event.writeUInt32BE((fromMs + lateMs) * 8, 4);
        event.writeUInt32BE((Number(digit) << 24) | (10 << 16) | (sinceMs * 8 + 160), 12);
        return [
          { ...datagram, bytes },
          { ...datagram, bytes: event },
        ];
      });
    }
    expect(digitsOf(gateway)).toBe("1558");
  });

  it("tones are not listened for unless that was asked for, and no longer when it no longer is", () => {
    const [far, gateway] = [new Host(1), new Host(1)];
    const leg = gateway.open(...ends.own, to(ends.caller));
    const source = far.open(...ends.caller, to(ends.own));
    const press = (digit: string, fromMs: number) => {
      far.core.sendDigit(source, digit);
      run([far, gateway], fromMs, fromMs + 500);
    };
    run([far, gateway], 0, 200);
    press("1", 200);
    gateway.core.configureLeg(leg, { detectInbandDtmf: true }, 700);
    press("2", 700);
    gateway.core.configureLeg(leg, { detectInbandDtmf: false }, 1200);
    press("3", 1200);
    expect(digitsOf(gateway)).toBe("2");
  });
});
