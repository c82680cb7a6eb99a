/** Legs of one core whose far ends are the test: what they say goes in as RTP, what they hear comes back. */
import { AddressCache } from "../../src/media/address.ts";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { MediaCore, type MediaCoreOptions } from "../../src/media/media-core.ts";
import type { LegEvent } from "../../src/media/media-events.ts";
import { RtpSource, readRtp } from "./rtp-source.ts";

const FAR = "127.0.0.9";

export class Party {
  readonly leg: number;
  readonly port: number;
  readonly source: RtpSource;
  /** Packets that came, RTP only. */
  readonly received: ReturnType<typeof readRtp>[] = [];
  /** What it says next, in frames of 20 ms; undefined: nothing is sent. */
  say: Uint8Array | undefined;
  sayAt = 0;

  constructor(leg: number, port: number, payloadType: number) {
    this.leg = leg;
    this.port = port;
    this.source = new RtpSource({ ssrc: 0x1000 + port, sequence: port, timestamp: port * 1000, payloadType });
  }

  /** All that it heard, joined. */
  get heard(): Buffer {
    return Buffer.concat(this.received.map(({ payload }) => payload));
  }
}

export class Meeting {
  readonly core: MediaCore;
  readonly parties: Party[] = [];
  readonly events: LegEvent[] = [];
  /** Frames of taps by number and track. */
  readonly taps = new Map<string, Buffer[]>();
  nowMs = 0;
  readonly #far = new AddressCache().get(FAR);

  constructor(options: MediaCoreOptions = {}) {
    this.core = MediaCore.createSync({ legCountMax: 80, streamCountMax: 16, ...options });
  }

  party(options: LegOptions = {}): Party {
    const port = 10_000 + this.parties.length * 2;
    const leg = this.core.openLeg({ remoteRtp: { address: FAR, port }, jitterStartMs: 20, ...options }, this.nowMs);
    const party = new Party(leg, port, options.payloadType ?? (options.codec === "PCMA" ? 8 : 0));
    this.parties.push(party);
    return party;
  }

  /** A packet of a party arrives now. */
  arrive(party: Party, packet: Uint8Array): void {
    while (!this.core.pushDatagram(party.leg, 0, packet, packet.length, this.#far, party.port))
      this.core.receive(this.nowMs);
  }

  /** Time passes in steps of 5 ms; whoever says something sends a packet every 20 ms. */
  pass(durationMs: number, eachFrame: (nowMs: number) => void = () => undefined): void {
    const endMs = this.nowMs + durationMs;
    for (; this.nowMs < endMs; this.nowMs += 5) {
      if (this.nowMs % 20 === 0) {
        for (const party of this.parties) this.#speak(party);
        eachFrame(this.nowMs);
      }
      this.core.receive(this.nowMs);
      this.#fetch();
      this.core.tick(this.nowMs);
      this.#fetch();
    }
  }

  /** What a tap has heard of a track. */
  tapped(tap: number, track: "inbound" | "outbound"): Buffer {
    return Buffer.concat(this.taps.get(`${tap} ${track}`) ?? []);
  }

  /** Forgets what was heard so far. */
  forget(): void {
    for (const party of this.parties) party.received.length = 0;
    this.taps.clear();
  }

  #speak(party: Party): void {
    if (party.say === undefined || !this.core.has(party.leg)) return;
    const frame = Buffer.alloc(160, 0xff);
    for (let i = 0; i < 160; i++) frame[i] = party.say[(party.sayAt + i) % party.say.length]!;
    party.sayAt += 160;
    this.arrive(party, party.source.next(frame));
  }

  #fetch(): void {
    this.core.forEachDatagram((d) => {
      const party = this.parties.find(({ leg, port }) => leg === d.leg && port === d.port);
      const octet = d.bytes[d.offset + 1]! & 0xff;
      if (party === undefined || d.length === 0 || (octet >= 192 && octet <= 223)) return;
      party.received.push(readRtp(Buffer.from(d.bytes.slice(d.offset, d.offset + d.length))));
    });
    this.core.forEachEvent((event) => this.events.push(event));
    this.core.forEachFrame((f) => {
      const key = `${f.stream} ${f.track}`;
      const list = this.taps.get(key) ?? [];
      this.taps.set(key, list);
      list.push(Buffer.from(f.bytes.slice(f.offset, f.offset + f.length)));
    });
  }
}
