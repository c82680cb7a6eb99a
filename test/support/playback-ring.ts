/** A playback ring as the engine has one, for tests of what feeds it; `tick` plays 20 ms. */
import type { PlaybackSink } from "../../src/media/playback-queue.ts";

export class PlaybackRing implements PlaybackSink {
  /** What left as RTP: whole frames of 160 octets, padded with silence. */
  readonly frames: Buffer[] = [];
  clears = 0;
  readonly #capacity: number;
  #queued: number[] = [];
  #played: number;

  /** @param played - where the count of played octets stands, to try its wrap */
  constructor(capacity = 2048, played = 0) {
    this.#capacity = capacity;
    this.#played = played;
  }

  room(): number {
    return this.#capacity - this.#queued.length;
  }

  write(octets: Uint8Array, start = 0, end = octets.length): number {
    const taken = octets.subarray(start, Math.min(end, start + this.room()));
    this.#queued.push(...taken);
    return taken.length;
  }

  clear(): void {
    this.clears++;
    this.#queued = [];
  }

  playedOctets(): number {
    return this.#played;
  }

  tick(): void {
    const part = this.#queued.splice(0, 160);
    this.#played = (this.#played + part.length) >>> 0;
    this.frames.push(Buffer.concat([Buffer.from(part), Buffer.alloc(160 - part.length, 0xff)]));
  }
}
