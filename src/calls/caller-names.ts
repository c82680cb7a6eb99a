/**
 * Names of callers (CNAM, R-CNAM-1 to R-CNAM-6): asked for before a call goes on, remembered for a while, and never waited for
 * longer than the limit. Who has no name, or one that does not come in time, is called by the number alone.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { isUsOrCanada } from "../trunking/area-codes.ts";
import type { CnamProvider } from "../voice/cnam-provider.ts";

export interface CallerNamesOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Undefined: there is no source, and no lookup. */
  readonly provider: CnamProvider | undefined;
  /** Longest that a call waits (R-CNAM-4). */
  readonly limitMs: number;
  readonly cacheMs: number;
  readonly cacheMax: number;
}

/** By convention of North America. */
const NAME_LENGTH_MAX = 15;
/** A source that failed is not asked again for the same number so soon: each question costs a call the whole limit. */
const FAILURE_MS = 60_000;

interface Remembered {
  readonly name: string;
  readonly untilMs: number;
}

export class CallerNames {
  readonly #options: CallerNamesOptions;
  /** Oldest first. */
  readonly #cache = new Map<string, Remembered>();
  /** Questions under way, so that two calls of one number ask once. */
  readonly #asked = new Map<string, Promise<string>>();
  readonly counters = { lookups: 0, cached: 0, failed: 0 };

  constructor(options: CallerNamesOptions) {
    this.#options = options;
  }

  /**
   * The name of a caller, "" for none. Never rejects, never later than the limit.
   * @param onLookup - told when the source is asked, whatever comes of it (R-CNAM-5)
   */
  async of(number: string, onLookup: () => void): Promise<string> {
    const { provider, clock } = this.#options;
    if (provider === undefined || !isUsOrCanada(number)) return "";
    const known = this.#cache.get(number);
    if (known !== undefined && known.untilMs > clock.nowMs()) {
      this.counters.cached++;
      return known.name;
    }
    let asked = this.#asked.get(number);
    if (asked === undefined) {
      this.counters.lookups++;
      onLookup();
      asked = this.#ask(provider, number).finally(() => this.#asked.delete(number));
      this.#asked.set(number, asked);
    }
    return await asked;
  }

  async close(): Promise<void> {
    await this.#options.provider?.close();
  }

  async #ask(provider: CnamProvider, number: string): Promise<string> {
    const { clock, log, limitMs, cacheMs } = this.#options;
    const controller = new AbortController();
    let timer: Timer | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = clock.after(limitMs, () => {
        controller.abort();
        reject(new Error(`no name within ${limitMs} ms`));
      });
    });
    try {
      const name = cleanName(await Promise.race([provider.nameOf(number, controller.signal), late]));
      this.#remember(number, name, cacheMs);
      return name;
    } catch (error) {
      this.counters.failed++;
      this.#remember(number, "", Math.min(FAILURE_MS, cacheMs));
      log.warn("the name of a caller could not be had", { error: messageOf(error) });
      return "";
    } finally {
      timer?.cancel();
    }
  }

  #remember(number: string, name: string, forMs: number): void {
    const { clock, cacheMax } = this.#options;
    this.#cache.delete(number);
    this.#cache.set(number, { name, untilMs: clock.nowMs() + forMs });
    if (this.#cache.size > cacheMax) this.#cache.delete(this.#cache.keys().next().value!);
  }
}

/** One line of at most 15 characters without control and format characters (R-CNAM-6); quotes are escaped where it is written. */
export function cleanName(text: string): string {
  const plain = text
    .slice(0, 1000)
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return [...plain].slice(0, NAME_LENGTH_MAX).join("").trim();
}
