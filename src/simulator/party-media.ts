/**
 * The media of a simulated party: real UDP sockets, one MediaCore, a 5 ms clock. It plays audio to the far end and keeps
 * what it hears, so that a test can compare the two.
 */

import { createSocket, type Socket } from "node:dgram";
import type { Clock, Timer } from "../base/clock.ts";
import { AddressCache } from "../media/address.ts";
import type { LegOptions } from "../media/leg-options.ts";
import { MediaCore } from "../media/media-core.ts";
import type { LegStats } from "../media/media-events.ts";

const STEP_MS = 5;
const HEARD_BYTES_MAX = 8000 * 3600;

/** One call's media on the party's side. */
export class PartyLeg {
  readonly rtpPort: number;
  readonly rtcpPort: number;
  readonly #media: PartyMedia;
  readonly #sockets: readonly [Socket, Socket];
  readonly leg: number;
  readonly #heard: Buffer[] = [];
  #heardBytes = 0;
  #toPlay: Uint8Array = new Uint8Array(0);
  #playAt = 0;
  #loop = false;
  #closed = false;
  /** False keeps nothing of what is heard. */
  recording = true;
  /** True sends back what is heard. */
  echo = false;
  /** Keys pressed by the far end. */
  readonly digits: string[] = [];
  /** Monotonic ms of the first frame that was not silence, 0 while there was none. */
  firstSoundMs = 0;
  /** Monotonic ms when the first audible frame of `play` was handed over, 0 before. */
  firstPlayedMs = 0;

  /** Made by `PartyMedia.openLeg`. */
  constructor(media: PartyMedia, sockets: readonly [Socket, Socket], leg: number) {
    this.#media = media;
    this.#sockets = sockets;
    this.leg = leg;
    this.rtpPort = sockets[0].address().port;
    this.rtcpPort = sockets[1].address().port;
  }

  configure(options: LegOptions): void {
    if (!this.#closed) this.#media.core.configureLeg(this.leg, options, this.#media.nowMs());
  }

  /** Plays mu-law octets to the far end, once or until the end of the call. */
  play(ulaw: Uint8Array, loop = false): void {
    this.#toPlay = ulaw;
    this.#playAt = 0;
    this.#loop = loop;
  }

  /** False while something waits to be played. */
  get playedAll(): boolean {
    return this.#playAt >= this.#toPlay.length;
  }

  /** All that was heard since the leg was opened, mu-law. */
  get heard(): Buffer {
    return Buffer.concat(this.#heard);
  }

  sendDigit(digit: string): void {
    this.#media.core.sendDigit(this.leg, digit);
  }

  get stats(): LegStats {
    return this.#lastStats ?? this.#media.core.stats(this.leg);
  }
  #lastStats: LegStats | undefined;

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lastStats = this.#media.core.closeLeg(this.leg, this.#media.nowMs());
    this.#media.forget(this);
    for (const socket of this.#sockets) socket.close();
  }

  /** Called by the clock before each tick. */
  feed(nowMs: number): void {
    while (this.#playAt < this.#toPlay.length) {
      const written = this.#media.core.playbackWrite(this.leg, this.#toPlay, this.#playAt);
      if (written === 0) return;
      if (this.firstPlayedMs === 0 && audible(this.#toPlay.subarray(this.#playAt, this.#playAt + written)))
        this.firstPlayedMs = nowMs;
      this.#playAt += written;
      if (this.#loop && this.#playAt >= this.#toPlay.length) this.#playAt = 0;
    }
  }

  /** Called with each 20 ms frame that was heard. */
  hear(frame: Uint8Array, nowMs: number): void {
    if (this.firstSoundMs === 0 && audible(frame)) this.firstSoundMs = nowMs;
    if (this.echo && !this.#closed) this.#media.core.playbackWrite(this.leg, frame);
    if (!this.recording || this.#heardBytes >= HEARD_BYTES_MAX) return;
    this.#heardBytes += frame.length;
    this.#heard.push(Buffer.from(frame));
  }

  /** Sends what the engine made for this leg. */
  send(component: 0 | 1, bytes: Uint8Array, port: number, address: string): void {
    if (!this.#closed) this.#sockets[component].send(bytes, port, address, ignoreError);
  }
}

export class PartyMedia {
  readonly core: MediaCore;
  readonly #clock: Clock;
  readonly #address: string;
  readonly #addresses = new AddressCache();
  readonly #legs = new Map<number, PartyLeg>();
  readonly #taps = new Map<number, PartyLeg>();
  #timer: Timer | undefined;
  #nextMs = 0;

  constructor(clock: Clock, address: string, legCountMax = 64) {
    this.core = MediaCore.createSync({ legCountMax, streamCountMax: legCountMax });
    this.#clock = clock;
    this.#address = address;
    this.#nextMs = clock.nowMs();
    this.#arm();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** Binds a port pair; media flows once the leg was configured. */
  async openLeg(): Promise<PartyLeg> {
    const sockets = await bindPair(this.#address);
    const number = this.core.openLeg({}, this.nowMs());
    const leg = new PartyLeg(this, sockets, number);
    this.#legs.set(number, leg);
    this.#taps.set(this.core.openTap({ leg: number, tracks: ["inbound"] }, this.nowMs()), leg);
    sockets.forEach((socket, component) => {
      socket.on("error", ignoreError);
      socket.on("message", (bytes, from) => {
        if (this.#legs.get(number) !== leg) return;
        this.core.pushDatagram(
          number,
          component as 0 | 1,
          bytes,
          bytes.length,
          this.#addresses.get(from.address),
          from.port,
        );
        this.core.receive(this.nowMs());
        this.#drain();
      });
    });
    return leg;
  }

  /** Called by a leg that closes; what the engine still has for it (RTCP BYE) is sent first. */
  forget(leg: PartyLeg): void {
    this.#drain();
    this.#legs.delete(leg.leg);
    for (const [tap, owner] of this.#taps) if (owner === leg) this.#taps.delete(tap);
  }

  stop(): void {
    this.#timer?.cancel();
    for (const leg of [...this.#legs.values()]) leg.close();
  }

  #arm(): void {
    this.#nextMs += STEP_MS;
    this.#timer = this.#clock.after(Math.max(0, this.#nextMs - this.nowMs()), () => {
      const nowMs = this.nowMs();
      // After a pause of the whole process the clock goes on from now: missed steps are not replayed.
      if (nowMs - this.#nextMs > 200) this.#nextMs = nowMs;
      for (const leg of this.#legs.values()) leg.feed(nowMs);
      this.core.tick(nowMs);
      this.#drain();
      this.#arm();
    });
  }

  #drain(): void {
    this.core.forEachDatagram((datagram) => {
      const bytes = datagram.bytes.slice(datagram.offset, datagram.offset + datagram.length);
      this.#legs.get(datagram.leg)?.send(datagram.component, bytes, datagram.port, datagram.address);
    });
    const nowMs = this.nowMs();
    this.core.forEachFrame((frame) => {
      this.#taps.get(frame.stream)?.hear(frame.bytes.subarray(frame.offset, frame.offset + frame.length), nowMs);
    });
    this.core.forEachEvent((event) => {
      if (event.type === "dtmf") this.#legs.get(event.leg)?.digits.push(event.digit);
    });
  }
}

function ignoreError(): void {}

/** True when a frame holds more than line noise: a mu-law magnitude above about -40 dBm0. */
function audible(frame: Uint8Array): boolean {
  for (const octet of frame) if ((~octet & 0x7f) > 0x2f) return true;
  return false;
}

async function bindPair(address: string): Promise<readonly [Socket, Socket]> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = await bind(address, 0);
    const port = first.address().port;
    try {
      if (port % 2 === 0) return [first, await bind(address, port + 1)];
    } catch {
      // The odd neighbour is taken: try another pair.
    }
    first.close();
  }
  throw new Error(`no free pair of UDP ports on ${address}`);
}

function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  return new Promise((done, fail) => {
    socket.once("error", (error) => {
      socket.close();
      fail(error);
    });
    socket.bind(port, address, () => done(socket));
  });
}
