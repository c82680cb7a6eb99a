/** Conferences of the engine: who is in them, what is announced, and ports for what is mixed elsewhere. */

import { MediaError } from "../base/errors.ts";
import { checkFlag, checkInteger, checkObject } from "./checks.ts";
import { announcementRings, Playback } from "./playback.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** What a conference is told when it is opened. */
export interface ConferenceOptions {
  /** Legs that may be in it at once, 2 to 64; default 64. */
  readonly legCountMax?: number;
}

/** How a leg takes part. */
export interface MemberOptions {
  /** The others do not hear it. Taps on it still do. Default false. */
  readonly muted?: boolean;
  /** It does not hear the others, nor what is announced: on hold, it hears its own playback. Default false. */
  readonly deaf?: boolean;
}

/** Samples of a block that goes through a port: 20 ms at 8000 Hz. */
const BLOCK_SAMPLES = 160;

export class Conferences {
  readonly countMax: number;
  /** What is announced to all. */
  readonly announcements: Playback;
  readonly #engine: WasmEngine;
  readonly #legCountMaxOf = new Map<number, number>();
  readonly #ports = new Map<number, number>();
  readonly #block: Int16Array;

  constructor(engine: WasmEngine, countMax: number, secondsMax: number) {
    this.#engine = engine;
    this.countMax = countMax;
    this.announcements = new Playback(engine, announcementRings(engine.exports), secondsMax);
    this.#block = new Int16Array(engine.bytes.buffer, engine.place("STAGE"), BLOCK_SAMPLES);
  }

  open(options: ConferenceOptions): number {
    checkObject(options, "options");
    const { legCountMax = this.#engine.number("CONFERENCE_LEGS_MAX") } = options;
    checkInteger(legCountMax, "legCountMax", 2, this.#engine.number("CONFERENCE_LEGS_MAX"));
    const conference = this.#engine.exports.engineOpenConference();
    if (conference < 0) throw new MediaError("MEDIA_FULL", `all ${this.countMax} conferences of this engine are open`);
    this.#legCountMaxOf.set(conference, legCountMax);
    return conference;
  }

  close(conference: number): void {
    this.check(conference);
    this.#engine.exports.engineCloseConference(conference);
    this.#legCountMaxOf.delete(conference);
    this.announcements.forget(conference);
    for (const [port, of] of this.#ports) if (of === conference) this.#ports.delete(port);
  }

  join(conference: number, leg: number, options: MemberOptions): void {
    const legCountMax = this.check(conference);
    checkObject(options, "options");
    checkFlag(options.muted, "muted");
    checkFlag(options.deaf, "deaf");
    const engine = this.#engine;
    if (this.of(leg) !== conference && this.size(conference) >= legCountMax)
      throw new MediaError("MEDIA_FULL", `conference ${conference} has its ${legCountMax} legs`);
    const flags =
      (options.muted === true ? engine.number("MEMBER_MUTED") : 0) |
      (options.deaf === true ? engine.number("MEMBER_DEAF") : 0);
    engine.exports.engineJoinConference(conference, leg, flags);
  }

  leave(leg: number): void {
    this.#engine.exports.engineLeaveConference(leg);
  }

  of(leg: number): number {
    return this.#engine.exports.engineConferenceOf(leg);
  }

  size(conference: number): number {
    this.check(conference);
    return this.#engine.exports.engineConferenceMembers(conference);
  }

  openPort(conference: number): number {
    this.check(conference);
    const port = this.#engine.exports.engineOpenPort(conference);
    if (port < 0)
      throw new MediaError("MEDIA_FULL", `conference ${conference} has its ports, or all of this engine are open`);
    this.#ports.set(port, conference);
    return port;
  }

  closePort(port: number): void {
    this.#checkPort(port);
    this.#engine.exports.engineClosePort(port);
    this.#ports.delete(port);
  }

  push(port: number, samples: Int16Array): boolean {
    this.#checkPort(port);
    checkBlock(samples, "samples");
    this.#block.set(samples);
    return this.#engine.exports.enginePushBlock(port) >= 0;
  }

  pull(port: number, into: Int16Array): boolean {
    this.#checkPort(port);
    checkBlock(into, "into");
    if (this.#engine.exports.enginePullBlock(port) <= 0) return false;
    into.set(this.#block);
    return true;
  }

  /** @throws MediaError MEDIA_NO_CONFERENCE. @returns how many legs it may have */
  check(conference: number): number {
    const legCountMax = this.#legCountMaxOf.get(conference);
    if (legCountMax === undefined)
      throw new MediaError("MEDIA_NO_CONFERENCE", `conference ${String(conference)} is not open`);
    return legCountMax;
  }

  #checkPort(port: number): void {
    if (!this.#ports.has(port)) throw new MediaError("MEDIA_NO_CONFERENCE", `port ${String(port)} is not open`);
  }
}

function checkBlock(samples: Int16Array, name: string): void {
  if (!(samples instanceof Int16Array)) throw new TypeError(`${name} must be an Int16Array`);
  if (samples.length !== BLOCK_SAMPLES)
    throw new RangeError(`${name} must have ${BLOCK_SAMPLES} samples, not ${samples.length}`);
}
