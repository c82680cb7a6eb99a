/** A clock that stands still until a test moves it; timers fire in order of their time, the way real ones would. */
import type { Clock, Timer } from "../../src/base/clock.ts";

interface Entry {
  readonly dueMs: number;
  readonly callback: () => void;
}

export class ManualClock implements Clock {
  #nowMs = 1_000_000;
  readonly #timers = new Set<Entry>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallTime(): Date {
    return new Date(1_700_000_000_000 + this.#nowMs);
  }

  after(delayMs: number, callback: () => void): Timer {
    const entry = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(entry);
    return { cancel: () => void this.#timers.delete(entry) };
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Moves time on and fires what falls due, each at its own time. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      let next: Entry | undefined;
      for (const entry of this.#timers) if (next === undefined || entry.dueMs < next.dueMs) next = entry;
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.callback();
    }
    this.#nowMs = untilMs;
  }

  /** Moves time on without firing anything, as a thread that is stuck sees it; `advance` fires late afterwards. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }
}
