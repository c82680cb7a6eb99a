/**
 * What is played into legs on request: files, tones and digits. One player at a time has a leg's playback ring; a new
 * one replaces the old. All of it moves on with the engine's ticks.
 */

import { MediaError } from "../base/errors.ts";
import type { MediaCore } from "../media/media-core.ts";
import { openSource } from "./audio-source.ts";
import { DigitSender } from "./digits.ts";
import { playbackOf } from "./leg-playback.ts";
import type { LegEntry } from "./leg-table.ts";
import { Player } from "./player.ts";
import type { LegId, PlaySource } from "./protocol.ts";

/** Told when a `play` request is over. */
export type PlayEnded = (legId: LegId, playId: number, completed: boolean) => void;

const DIGIT_MS = 100;
/** Strings of digits that may wait for one leg. */
const DIGIT_TASKS_MAX = 16;

export class LegAudio {
  readonly #core: MediaCore;
  readonly #onEnded: PlayEnded;

  constructor(core: MediaCore, onEnded: PlayEnded) {
    this.#core = core;
    this.#onEnded = onEnded;
  }

  /**
   * Begins to play; what played before ends.
   * @returns duration of one pass, ms
   * @throws RangeError when the source cannot be played (its message begins with 13420) or `loop` is no count
   */
  play(leg: LegEntry, playId: number, source: PlaySource): number {
    if (!Number.isInteger(source.loop) || source.loop < 0) throw new RangeError(`loop: 0 or more, not ${source.loop}`);
    const audio = openSource(source);
    this.stopPlay(leg);
    leg.player = new Player(playId, audio, source.loop, playbackOf(this.#core, leg.slot));
    leg.player.advance();
    return audio.durationMs;
  }

  /** Ends what is played, if anything. */
  stopPlay(leg: LegEntry): void {
    const { player } = leg;
    if (player === undefined) return;
    leg.player = undefined;
    player.stop();
    this.#onEnded(leg.legId, player.playId, false);
  }

  /**
   * Sends digits behind those that are still on their way; resolves when the last has gone out.
   * @throws RangeError for anything that is no digit or pause; MediaError MEDIA_NO_LEG when the leg is closed first
   */
  sendDigits(leg: LegEntry, digits: string): Promise<void> {
    if (leg.digits.length >= DIGIT_TASKS_MAX) throw new RangeError("digits: too many strings wait for this leg");
    const core = this.#core;
    const sender = new DigitSender(digits, {
      sendDigit: (digit) => core.sendDigit(leg.slot, digit, DIGIT_MS),
      digitsPending: () => core.digitsPending(leg.slot),
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    leg.digits.push({ sender, resolve, reject });
    return promise;
  }

  /** Lets all players and digits move on. */
  afterTick(legs: Iterable<LegEntry>, nowMs: number): void {
    for (const leg of legs) {
      if (leg.player !== undefined) this.#advancePlayer(leg, leg.player);
      const task = leg.digits[0];
      if (task?.sender.advance(nowMs) === true) {
        leg.digits.shift();
        task.resolve();
      }
    }
  }

  /** Ends everything on a leg that is gone. */
  closeLeg(leg: LegEntry): void {
    if (leg.player !== undefined) this.#onEnded(leg.legId, leg.player.playId, false);
    leg.player = undefined;
    // Most legs send no digits, and an error takes longer than the rest of this.
    if (leg.digits.length === 0) return;
    const gone = new MediaError("MEDIA_NO_LEG", `leg ${leg.legId} was closed`);
    for (const task of leg.digits.splice(0)) task.reject(gone);
  }

  #advancePlayer(leg: LegEntry, player: Player): void {
    if (!player.advance()) return;
    leg.player = undefined;
    this.#onEnded(leg.legId, player.playId, true);
  }
}
