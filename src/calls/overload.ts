/**
 * Is the gateway too busy for new calls (SIP-OVL-1)? It is while the main thread is late for everything, or while every media
 * worker is late for its frames. Entered above the limit, left below half of it, so that it does not flicker. Calls that
 * are up never ask here.
 */

import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { LoopLag } from "../base/loop-lag.ts";

/** What is read of a media worker. */
export interface WatchedWorker {
  readonly index: number;
  readonly alive: boolean;
  /** Its last report; a new object each second. */
  readonly load: { readonly worstLatenessMs: number } | undefined;
}

export interface OverloadOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Lateness that is too much; 0 never is. */
  readonly lagMaxMs: number;
  readonly workers: () => readonly WatchedWorker[];
}

/** A worker is late when so many reports in a row say so: one late frame is no load. */
const LATE_REPORTS = 2;

interface Watch {
  report: WatchedWorker["load"];
  late: number;
}

export class Overload {
  readonly #options: OverloadOptions;
  readonly #lag: LoopLag;
  readonly #watches = new Map<number, Watch>();
  #reason = "";

  constructor(options: OverloadOptions) {
    this.#options = options;
    this.#lag = new LoopLag(options.clock, () => this.#probed());
  }

  start(): void {
    if (this.#options.lagMaxMs > 0) this.#lag.start();
  }

  stop(): void {
    this.#lag.stop();
  }

  /** What is overloaded, or "". */
  get reason(): string {
    return this.#reason;
  }

  /** Median lateness of the main thread, ms. */
  get lagMs(): number {
    return this.#lag.medianMs;
  }

  #probed(): void {
    const { lagMaxMs, log } = this.#options;
    const before = this.#reason;
    const limitMs = before === "" ? lagMaxMs : lagMaxMs / 2;
    this.#reason = "";
    if (this.#areWorkersLate(limitMs)) this.#reason = "media workers are late";
    if (this.#lag.medianMs > limitMs) this.#reason = "the main thread is late";
    if (before === "" && this.#reason !== "")
      log.warn("overload: new calls are refused", { why: this.#reason, lagMs: Math.round(this.#lag.medianMs) });
    else if (before !== "" && this.#reason === "") log.info("overload is over: new calls are taken");
  }

  #areWorkersLate(limitMs: number): boolean {
    const alive = this.#options.workers().filter((worker) => worker.alive);
    let late = 0;
    for (const { index, load } of alive) {
      const watch = this.#watches.get(index) ?? { report: undefined, late: 0 };
      if (load !== undefined && load !== watch.report) {
        watch.report = load;
        watch.late = load.worstLatenessMs > limitMs ? watch.late + 1 : 0;
      }
      this.#watches.set(index, watch);
      if (watch.late >= LATE_REPORTS) late++;
    }
    return alive.length > 0 && late === alive.length;
  }
}
