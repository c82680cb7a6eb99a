/** Media cores in virtual time: what one sends is what another receives, with a network of the test's own in between. */
import { AddressCache } from "../../src/media/address.ts";
import type { LegOptions } from "../../src/media/leg-options.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import type { LegEvent } from "../../src/media/media-events.ts";

/** A datagram on the wire. */
export interface Datagram {
  readonly fromAddress: string;
  readonly fromPort: number;
  readonly toAddress: string;
  readonly toPort: number;
  readonly bytes: Buffer;
}

/** One core whose legs have addresses. RTCP ports are the odd ones. */
export class Host {
  readonly core: MediaCore;
  readonly events: LegEvent[] = [];
  /** Frames of streams and taps by number. */
  readonly frames = new Map<number, { track: string; bytes: Buffer }[]>();
  readonly #addresses = new AddressCache();
  readonly #legs = new Map<number, { address: string; port: number }>();

  constructor(legCountMax = 16) {
    this.core = MediaCore.createSync({ legCountMax, streamCountMax: 16 });
  }

  /** Opens a leg whose RTP socket is said to be `address`:`port`. */
  open(address: string, port: number, options: LegOptions, nowMs = 0): number {
    const leg = this.core.openLeg(options, nowMs);
    this.#legs.set(leg, { address, port });
    return leg;
  }

  /** Hands a datagram to the leg that it is for; false when there is none. */
  take(datagram: Datagram): boolean {
    for (const [leg, { address, port }] of this.#legs) {
      if (datagram.toAddress !== address || !this.core.has(leg)) continue;
      if (datagram.toPort !== port && datagram.toPort !== port + 1) continue;
      const component = datagram.toPort === port ? 0 : 1;
      this.core.pushDatagram(
        leg,
        component,
        datagram.bytes,
        datagram.bytes.length,
        this.#addresses.get(datagram.fromAddress),
        datagram.fromPort,
      );
      return true;
    }
    return false;
  }

  /** All that waits to be sent. */
  collect(): Datagram[] {
    const found: Datagram[] = [];
    this.core.forEachDatagram((d) => {
      const own = this.#legs.get(d.leg)!;
      found.push({
        fromAddress: own.address,
        fromPort: own.port + d.component,
        toAddress: d.address,
        toPort: d.port,
        bytes: Buffer.from(d.bytes.slice(d.offset, d.offset + d.length)),
      });
    });
    this.core.forEachEvent((event) => this.events.push(event));
    this.core.forEachFrame((f) => {
      const list = this.frames.get(f.stream) ?? [];
      this.frames.set(f.stream, list);
      list.push({ track: f.track, bytes: Buffer.from(f.bytes.slice(f.offset, f.offset + f.length)) });
    });
    return found.filter(({ bytes }) => bytes.length > 0);
  }
}

/**
 * Lets time pass in steps of 5 ms.
 * @param network - what becomes of a datagram: itself, nothing, or several
 * @returns all datagrams that were sent
 */
export function run(
  hosts: readonly Host[],
  fromMs: number,
  toMs: number,
  network: (datagram: Datagram, nowMs: number) => readonly Datagram[] = (d) => [d],
): Datagram[] {
  const sent: Datagram[] = [];
  const deliver = (datagrams: readonly Datagram[], nowMs: number): void => {
    for (const datagram of datagrams) {
      sent.push(datagram);
      for (const arrived of network(datagram, nowMs)) hosts.some((host) => host.take(arrived));
    }
  };
  for (let nowMs = fromMs; nowMs < toMs; nowMs += 5) {
    for (const host of hosts) {
      host.core.tick(nowMs);
      deliver(host.collect(), nowMs);
    }
    // Relayed packets cause packets: a few rounds until all is quiet.
    for (let round = 0; round < 4; round++)
      for (const host of hosts) {
        host.core.receive(nowMs);
        deliver(host.collect(), nowMs);
      }
  }
  return sent;
}

/** Unmasks a frame and reads its message. */
export function messageOf(frame: Buffer): {
  event: string;
  sequenceNumber: string;
  media: { track: string; chunk: string; timestamp: string; payload: string };
} {
  const key = frame.subarray(4, 8);
  return JSON.parse(Buffer.from(frame.subarray(8).map((octet, i) => octet ^ key[i % 4]!)).toString());
}
