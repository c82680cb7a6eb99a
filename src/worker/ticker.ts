/**
 * Wakes the worker on absolute monotonic deadlines: often enough to fetch datagrams while few flow, seldom while many
 * do, and every 5 ms for the engine. A late wake makes up for nothing: deadlines that were missed are left out, so a
 * stalled thread never sends a burst of stale packets.
 */

import type { Clock, Timer } from "../base/clock.ts";

/** What a wake has to do. */
export interface TickWork {
  /** Fetches and works off datagrams. @returns how many there were */
  poll(nowMs: number): number;
  /** Lets the engine play out; at most once every 5 ms. */
  tick(nowMs: number): void;
}

/** Lateness since the last report. */
export interface Lateness {
  /** Ticks that came more than 5 ms after their time. */
  readonly lateTicks: number;
  readonly worstLatenessMs: number;
}

export const TICK_MS = 5;
const LATE_MS = 5;
/** Datagrams of one wake from which on waking less often saves more than the delay costs. */
const MANY_DATAGRAMS = 48;
const SOME_DATAGRAMS = 16;

export class Ticker {
  readonly #clock: Clock;
  readonly #work: TickWork;
  readonly #polls: boolean;
  #timer: Timer | undefined;
  #isRunning = false;
  #tickDueMs = 0;
  #wakeDueMs = 0;
  #pollStepMs = 1;
  #lateTicks = 0;
  #worstLatenessMs = 0;

  /** @param polls - false when datagrams come on their own, so that only the engine's ticks need waking */
  constructor(clock: Clock, polls: boolean, work: TickWork) {
    this.#clock = clock;
    this.#polls = polls;
    this.#work = work;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Begins; the first tick is 5 ms from now. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const nowMs = this.#clock.nowMs();
    this.#tickDueMs = nowMs + TICK_MS;
    this.#arm(nowMs);
  }

  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Lateness since the last call. */
  takeLateness(): Lateness {
    const lateness = { lateTicks: this.#lateTicks, worstLatenessMs: this.#worstLatenessMs };
    this.#lateTicks = 0;
    this.#worstLatenessMs = 0;
    return lateness;
  }

  #arm(nowMs: number): void {
    const pollDueMs = this.#polls ? nowMs + this.#pollStepMs : Number.POSITIVE_INFINITY;
    this.#wakeDueMs = Math.min(this.#tickDueMs, pollDueMs);
    this.#timer = this.#clock.after(Math.max(0, this.#wakeDueMs - nowMs), () => this.#wake());
  }

  #wake(): void {
    if (!this.#isRunning) return;
    const nowMs = this.#clock.nowMs();
    if (this.#polls) {
      const count = this.#work.poll(nowMs);
      this.#pollStepMs = count >= MANY_DATAGRAMS ? TICK_MS : count >= SOME_DATAGRAMS ? 2 : 1;
    }
    if (nowMs >= this.#tickDueMs) {
      this.#countLateness(nowMs - this.#tickDueMs);
      this.#work.tick(nowMs);
      const missed = Math.floor((nowMs - this.#tickDueMs) / TICK_MS);
      this.#tickDueMs += (missed + 1) * TICK_MS;
    }
    // The work may have stopped us.
    if (this.#isRunning) this.#arm(this.#clock.nowMs());
  }

  #countLateness(latenessMs: number): void {
    if (latenessMs > this.#worstLatenessMs) this.#worstLatenessMs = latenessMs;
    if (latenessMs > LATE_MS) this.#lateTicks++;
  }
}
