/**
 * Playing into legs and into conferences: octets and marks are queued here without regard to time, the engine takes what
 * the clock asks for. What one queue may hold is bounded; how much was taken is the back-pressure.
 */

import { checkOctets } from "./checks.ts";
import type { EngineExports } from "./engine-exports.ts";
import type { LegEvent } from "./media-events.ts";
import { PlaybackQueue, type PlaybackSink } from "./playback-queue.ts";
import type { WasmEngine } from "./wasm-engine.ts";

const OCTETS_PER_SECOND = 8000;
/** Marks that may wait in one queue. */
const MARKS_MAX = 10_000;
const MARK_NAME_CHARACTERS_MAX = 65_536;

/** The small rings inside the engine, those of legs or those of conferences. */
export interface Rings {
  room(slot: number): number;
  /** Takes octets from the staging area. */
  write(slot: number, octets: number): number;
  clear(slot: number): number;
  played(slot: number): number;
}

/** The playback rings of legs. */
export function legRings(exports: EngineExports): Rings {
  return {
    room: exports.enginePlaybackRoom,
    write: exports.enginePlaybackWrite,
    clear: exports.enginePlaybackClear,
    played: exports.enginePlayedOctets,
  };
}

/** The announcement rings of conferences. */
export function announcementRings(exports: EngineExports): Rings {
  return {
    room: exports.engineAnnouncementRoom,
    write: exports.engineAnnounce,
    clear: exports.engineAnnouncementClear,
    played: exports.engineAnnouncedOctets,
  };
}

export class Playback {
  readonly #engine: WasmEngine;
  readonly #rings: Rings;
  readonly #octetsMax: number;
  readonly #queues = new Map<number, PlaybackQueue>();
  /** Those that have something to play or a mark to tell. */
  readonly #busy = new Set<number>();

  constructor(engine: WasmEngine, rings: Rings, secondsMax: number) {
    this.#engine = engine;
    this.#rings = rings;
    this.#octetsMax = secondsMax * OCTETS_PER_SECOND;
  }

  /** Octets that fit into the ring now; 0 when there is none. */
  room(slot: number): number {
    return Math.max(0, this.#rings.room(slot));
  }

  /** Writes octets `start` to `end` into the ring; returns how many there was room for. */
  write(slot: number, octets: Uint8Array, start: number, end: number): number {
    const wanted = Math.min(end - start, this.#engine.stageBytes, this.room(slot));
    if (!(wanted > 0)) return 0;
    this.#engine.stage(octets, start, start + wanted);
    return Math.max(0, this.#rings.write(slot, wanted));
  }

  clearRing(slot: number): void {
    this.#rings.clear(slot);
  }

  played(slot: number): number {
    return this.#rings.played(slot) >>> 0;
  }

  /** Queues octets; returns how many had room. */
  append(slot: number, octets: Uint8Array): number {
    checkOctets(octets, "octets");
    const queue = this.#queueOf(slot);
    const taken = queue.append(octets);
    queue.fill();
    this.#busy.add(slot);
    return taken;
  }

  /** Queues a mark. @returns false when too many wait */
  mark(slot: number, name: string): boolean {
    if (typeof name !== "string") throw new TypeError("name must be a string");
    if (name.length > MARK_NAME_CHARACTERS_MAX)
      throw new RangeError(`name must have at most ${MARK_NAME_CHARACTERS_MAX} characters, not ${name.length}`);
    this.#busy.add(slot);
    return this.#queueOf(slot).mark(name);
  }

  /** Drops what waits in queue and ring; marks become due. */
  clear(slot: number): void {
    const queue = this.#queues.get(slot);
    if (queue === undefined) this.#rings.clear(slot);
    else queue.clear();
  }

  /** Octets that are not played yet. */
  queued(slot: number): number {
    const queue = this.#queues.get(slot);
    if (queue === undefined) return 0;
    queue.fill();
    return queue.queuedOctets;
  }

  /** To be called after every tick: fills the rings. */
  fill(): void {
    for (const slot of this.#busy) {
      const queue = this.#queues.get(slot);
      queue?.fill();
      if (queue === undefined || queue.isIdle) this.#busy.delete(slot);
    }
  }

  /** True when a mark has become due. */
  get isMarkDue(): boolean {
    for (const slot of this.#busy) if (this.#queues.get(slot)?.isMarkDue === true) return true;
    return false;
  }

  /** Takes the marks that have become due. */
  takeMarks(into: LegEvent[]): void {
    for (const leg of this.#busy) this.#queues.get(leg)?.takeMarks((name) => into.push({ type: "mark", leg, name }));
  }

  /** The slot is free; what waited goes with it. */
  forget(slot: number): void {
    this.#queues.delete(slot);
    this.#busy.delete(slot);
  }

  #queueOf(slot: number): PlaybackQueue {
    const known = this.#queues.get(slot);
    if (known !== undefined) return known;
    const queue = new PlaybackQueue(this.#sinkOf(slot), { octetsMax: this.#octetsMax, marksMax: MARKS_MAX });
    this.#queues.set(slot, queue);
    return queue;
  }

  #sinkOf(slot: number): PlaybackSink {
    return {
      room: () => this.room(slot),
      write: (octets, start = 0, end = octets.length) => this.write(slot, octets, start, end),
      clear: () => this.clearRing(slot),
      playedOctets: () => this.played(slot),
    };
  }
}
