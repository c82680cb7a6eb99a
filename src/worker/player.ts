/**
 * Plays one source into a leg: keeps the leg's playback ring a little ahead of the engine's clock and notices when the
 * last octet has been sent. It never waits and has no timer: the worker calls `advance` after each tick.
 */

import type { PlaybackSink } from "../media/playback-queue.ts";
import type { AudioSource } from "./audio-source.ts";

/** Octets converted at a time: 20 ms. */
const CHUNK_OCTETS = 160;
/** Kept in the ring at most: enough for a worker that is 100 ms late, little to convert in one go. */
const AHEAD_OCTETS = 960;

export class Player {
  readonly playId: number;
  readonly #source: AudioSource;
  readonly #sink: PlaybackSink;
  readonly #chunk = new Uint8Array(CHUNK_OCTETS);
  /** Octets of `#chunk` that are converted, and how many of them were written. */
  #chunkUsed = 0;
  #chunkWritten = 0;
  /** Passes left, this one included. */
  #passes: number;
  #sourceEnded = false;
  #written = 0;
  #played = 0;
  #lastPlayed: number | undefined;
  #passOctets = 0;

  /** @param loop - passes; 0 is for ever */
  constructor(playId: number, source: AudioSource, loop: number, sink: PlaybackSink) {
    this.playId = playId;
    this.#source = source;
    this.#sink = sink;
    this.#passes = loop === 0 ? Number.POSITIVE_INFINITY : loop;
  }

  /** Writes what the ring has room for. @returns true when everything has been played */
  advance(): boolean {
    const now = this.#sink.playedOctets();
    // What others played before the first octet of ours does not count.
    this.#played += (now - (this.#lastPlayed ?? now)) >>> 0;
    this.#lastPlayed = now;
    while (this.#written - this.#played < AHEAD_OCTETS) {
      if (this.#chunkWritten === this.#chunkUsed && !this.#convert()) break;
      const taken = this.#sink.write(this.#chunk.subarray(this.#chunkWritten, this.#chunkUsed));
      if (taken <= 0) break;
      this.#chunkWritten += taken;
      this.#written += taken;
    }
    return this.#sourceEnded && this.#chunkWritten === this.#chunkUsed && this.#played >= this.#written;
  }

  /** Silences the leg at once. */
  stop(): void {
    this.#sink.clear();
  }

  /** Fills the chunk from the source, over the border of passes. @returns false when nothing is left */
  #convert(): boolean {
    this.#chunkWritten = 0;
    this.#chunkUsed = 0;
    while (!this.#sourceEnded && this.#chunkUsed < CHUNK_OCTETS) {
      const count = this.#source.read(this.#chunk.subarray(this.#chunkUsed));
      this.#chunkUsed += count;
      this.#passOctets += count;
      if (this.#chunkUsed === CHUNK_OCTETS) break;
      // A pass without any octet would go round for ever.
      if (--this.#passes <= 0 || this.#passOctets === 0) this.#sourceEnded = true;
      else this.#source.rewind();
      this.#passOctets = 0;
    }
    return this.#chunkUsed > 0;
  }
}
