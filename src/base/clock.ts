/**
 * Time as a thing that is handed in, so that every timer can be run by a test. Two kinds are kept apart: monotonic
 * milliseconds for intervals and deadlines, wall time for stamps that people read.
 */

/** Handle of a pending timer. */
export interface Timer {
  cancel(): void;
}

/** Source of time and timers. Nothing in `src/` but this file may call `Date.now` or `setTimeout`. */
export interface Clock {
  /** Monotonic time in ms, with a fraction; only differences mean anything. */
  nowMs(): number;
  /** Wall clock, for time stamps only. */
  wallTime(): Date;
  /** Calls back once after `delayMs`; never early, never twice. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The machine's own clock. */
export class SystemClock implements Clock {
  nowMs(): number {
    return performance.now();
  }

  wallTime(): Date {
    return new Date();
  }

  after(delayMs: number, callback: () => void): Timer {
    return new SystemTimer(delayMs, callback);
  }
}

/** One small object: there are as many as transactions. */
class SystemTimer implements Timer {
  readonly #handle: NodeJS.Timeout;

  constructor(delayMs: number, callback: () => void) {
    this.#handle = setTimeout(callback, delayMs);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}
