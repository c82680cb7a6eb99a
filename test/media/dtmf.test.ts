/** Keys by RFC 4733 through the engine: SIPp's captures and our own sender, over networks that lose, repeat and reorder. */
import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
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

describe.skipIf(!existsSync(`${CAPTURES}/dtmf_2833_1.pcap`))(
  "SIPp's captures (skipped where sip-tester is absent)",
  () => {
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
    it("DTMF-3: each key exactly once with 20 % random loss, 12 keys by 250 seeds", () => {
      let heard = 0;
      let unhearable = 0;
      for (let seed = 1; seed <= 250; seed++) {
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
      expect(heard + unhearable).toBe(3000);
      // 10 packets prove a key: 3000 * 0.2^10 presses are expected to be lost whole.
      expect(unhearable).toBeLessThan(3);
    });

    it("DTMF-3: 20 % loss, repeats and places changed by up to five packets, while audio goes on", () => {
      for (let seed = 1; seed <= 60; seed++) {
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
        const left = new Set(
          arriving.filter((bytes) => bytes.length === 16 && proves(bytes)).map((bytes) => bytes[12]!),
        );
        const digits = [...digitsOf(host)].map((digit) => "0123456789*#".indexOf(digit));
        expect(
          digits.sort((a, b) => a - b),
          `seed ${seed}`,
        ).toEqual([...left].sort((a, b) => a - b));
      }
    });
  },
);

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
