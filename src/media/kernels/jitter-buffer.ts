/** The jitter buffer alone: packets in by RTP timestamp, 20 ms of mu-law out at every tick (RFC 3550, G.711 Appendix I). */

import { checkOctets } from "../checks.ts";
import type { G711Codec } from "../leg-options.ts";
import { checkRoom } from "./checks.ts";
import { isAlaw } from "./g711.ts";
import type { KernelMemory } from "./kernel-memory.ts";

/** What one tick played. */
export type Played = "normal" | "concealed" | "silence" | "noise";

const PAYLOAD_BYTES_MAX = 1500;
const PLAYED: readonly (readonly [name: string, played: Played])[] = [
  ["PLAY_NORMAL", "normal"],
  ["PLAY_CONCEALED", "concealed"],
  ["PLAY_SILENCE", "silence"],
  ["PLAY_NOISE", "noise"],
];

/** Close it when it is no longer needed. All times are monotonic milliseconds of one clock. */
export class JitterBuffer {
  readonly #memory: KernelMemory;
  readonly #buffer: number;
  readonly #stage: number;
  readonly #frameSamples: number;
  readonly #played: readonly Played[];
  #open = true;

  /** Made by `MediaKernels.openJitterBuffer`. @param startMs - what is held back until the arrivals tell more */
  constructor(memory: KernelMemory, startMs: number) {
    this.#memory = memory;
    this.#buffer = memory.take(memory.number("JITTER_BYTES"));
    this.#stage = memory.take(PAYLOAD_BYTES_MAX);
    this.#frameSamples = memory.number("FRAME_SAMPLES");
    const played: Played[] = [];
    for (const [name, kind] of PLAYED) played[memory.number(name)] = kind;
    this.#played = played;
    memory.exports.jitterReset(this.#buffer, startMs);
  }

  /**
   * Takes one packet.
   * @returns true when it was kept; false when it was late, a duplicate, empty or longer than 1400 octets
   * @throws TypeError or RangeError naming the argument
   */
  insert(
    sequenceNumber: number,
    timestamp: number,
    marker: boolean,
    codec: G711Codec,
    payload: Uint8Array,
    nowMs: number,
  ): boolean {
    checkOctets(payload, "payload");
    const { exports, bytes } = this.#opened();
    const kept = Math.min(payload.length, PAYLOAD_BYTES_MAX);
    bytes.set(kept === payload.length ? payload : payload.subarray(0, kept), this.#stage);
    const alaw = isAlaw(codec) ? 1 : 0;
    return (
      exports.jitterInsert(this.#buffer, sequenceNumber, timestamp, this.#stage, kept, alaw, marker ? 1 : 0, nowMs) ===
      0
    );
  }

  /** Writes the next 160 octets of mu-law to `out`; to be called every 20 ms. @throws TypeError or RangeError naming `out` */
  take(out: Uint8Array, nowMs: number): Played {
    checkOctets(out, "out");
    checkRoom(out, this.#frameSamples, "out");
    const { exports, bytes } = this.#opened();
    const played = exports.jitterTake(this.#buffer, this.#stage, nowMs);
    out.set(bytes.subarray(this.#stage, this.#stage + this.#frameSamples));
    return this.#played[played] ?? "silence";
  }

  /** Held back now, ms. */
  get depthMs(): number {
    return this.#opened().exports.jitterDepthMs(this.#buffer);
  }

  /** What it is aimed to hold back, ms. */
  get targetMs(): number {
    return this.#opened().exports.jitterTargetMs(this.#buffer);
  }

  /** Packets that came after their time. */
  get lateCount(): number {
    return this.#opened().exports.jitterLate(this.#buffer);
  }

  /** Packets that were there already. */
  get duplicateCount(): number {
    return this.#opened().exports.jitterDuplicates(this.#buffer);
  }

  /** Frames that were made up from the past. */
  get concealedCount(): number {
    return this.#opened().exports.jitterConcealed(this.#buffer);
  }

  /** Gives the memory back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#memory.give(this.#buffer, this.#memory.number("JITTER_BYTES"));
    this.#memory.give(this.#stage, PAYLOAD_BYTES_MAX);
  }

  #opened(): KernelMemory {
    if (!this.#open) throw new RangeError("the jitter buffer is closed");
    return this.#memory;
  }
}
