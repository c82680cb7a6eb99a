/**
 * Which targets are left out of selection for now: those that missed two OPTIONS in a row, until one is answered (R-KEEP-6),
 * and those that answered 503 with Retry-After, for that time (SIP-OVL-3, RFC 3261 §21.5.4). A table and a clock, nothing
 * else: who asks the targets is in `target-pings.ts`, who reads the table in `plan-targets.ts`.
 */

/** Misses in a row that take a target out. */
const MISSES_MAX = 2;
/** A target says how long it wants to be left alone; it is believed so far (SIP-OVL-3). */
export const RETRY_AFTER_SECONDS_MAX = 60;
/** Targets that are remembered; more than a gateway of ten thousand trunks has. */
const TARGETS_MAX = 100_000;

interface Entry {
  label: string;
  /** OPTIONS in a row without an answer. */
  misses: number;
  /** Monotonic ms until which a 503 keeps it out. */
  backOffUntilMs: number;
  /** When what is true now became true, monotonic ms. */
  sinceMs: number;
}

/** One target as it is shown. */
export interface TargetState {
  readonly sid: string;
  readonly label: string;
  readonly usable: boolean;
  /** Why it is left out, or "". */
  readonly why: string;
}

export class TargetHealth {
  readonly #entries = new Map<string, Entry>();
  readonly #nowMs: () => number;

  /** @param nowMs - monotonic */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** True unless it is to be left out at this moment; a target that nothing is known of is usable. */
  isUsable(sid: string): boolean {
    return this.whyNot(sid) === "";
  }

  /** Why a target is left out, for the story of a call; "" when it is not. */
  whyNot(sid: string): string {
    const entry = this.#entries.get(sid);
    if (entry === undefined) return "";
    const leftMs = entry.backOffUntilMs - this.#nowMs();
    if (leftMs > 0) return `it answered 503 and wants to be left alone for ${Math.ceil(leftMs / 1000)} s more`;
    if (entry.misses < MISSES_MAX) return "";
    const seconds = Math.round((this.#nowMs() - entry.sinceMs) / 1000);
    return `it has not answered OPTIONS for ${seconds} s (${entry.misses} in a row)`;
  }

  /** It answered OPTIONS. @returns true when it was out for not answering */
  answered(sid: string, label: string): boolean {
    const entry = this.#entry(sid, label);
    const wasOut = entry.misses >= MISSES_MAX;
    entry.misses = 0;
    entry.sinceMs = this.#nowMs();
    return wasOut;
  }

  /** It left OPTIONS unanswered, or answered 503. @returns true when this takes it out */
  missed(sid: string, label: string): boolean {
    const entry = this.#entry(sid, label);
    if (entry.misses === 0) entry.sinceMs = this.#nowMs();
    entry.misses++;
    return entry.misses === MISSES_MAX;
  }

  /**
   * It answered 503 with Retry-After.
   * @param seconds - as it said; undefined or 0 changes nothing, more than 60 counts as 60
   */
  backOff(sid: string, label: string, seconds: number | undefined): void {
    if (seconds === undefined || seconds <= 0) return;
    this.#entry(sid, label).backOffUntilMs = this.#nowMs() + Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1000;
  }

  /** Asked no longer, so that nothing will bring it back: only a Retry-After that still runs is kept. */
  forgetMisses(sid: string): void {
    const entry = this.#entries.get(sid);
    if (entry === undefined) return;
    entry.misses = 0;
    if (entry.backOffUntilMs <= this.#nowMs()) this.#entries.delete(sid);
  }

  /** All targets that something is known of. */
  *list(): Generator<TargetState> {
    for (const [sid, { label }] of this.#entries) {
      const why = this.whyNot(sid);
      yield { sid, label, usable: why === "", why };
    }
  }

  #entry(sid: string, label: string): Entry {
    const known = this.#entries.get(sid);
    if (known !== undefined) {
      known.label = label;
      return known;
    }
    const made: Entry = { label, misses: 0, backOffUntilMs: Number.NEGATIVE_INFINITY, sinceMs: this.#nowMs() };
    this.#entries.set(sid, made);
    if (this.#entries.size > TARGETS_MAX) this.#entries.delete(this.#entries.keys().next().value!);
    return made;
  }
}
