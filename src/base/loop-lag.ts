/**
 * How late the event loop serves a timer: what everything that waits for this thread waits as well. The median of the last
 * probes counts, so that one long pause (a collection of garbage, a file being read) is no load, and a loop that is late again
 * and again is seen within half a second.
 */

import type { Clock, Timer } from "./clock.ts";

const PROBE_MS = 50;
/** Odd, so that the median is one of them. */
const PROBES = 9;

export class LoopLag {
  readonly #clock: Clock;
  readonly #onProbe: () => void;
  readonly #lateMs: number[] = [];
  #timer: Timer | undefined;

  /** @param onProbe - called after each probe */
  constructor(clock: Clock, onProbe: () => void) {
    this.#clock = clock;
    this.#onProbe = onProbe;
  }

  start(): void {
    const dueMs = this.#clock.nowMs() + PROBE_MS;
    this.#timer = this.#clock.after(PROBE_MS, () => {
      this.#lateMs.push(Math.max(0, this.#clock.nowMs() - dueMs));
      if (this.#lateMs.length > PROBES) this.#lateMs.shift();
      this.start();
      this.#onProbe();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Median lateness of the last probes, ms; 0 until there are enough of them. */
  get medianMs(): number {
    if (this.#lateMs.length < PROBES) return 0;
    return this.#lateMs.toSorted((a, b) => a - b)[PROBES >> 1]!;
  }
}
