/**
 * Rates and counts, given the time (R-TERM-15, R-KEEP-2, R-AUTH-15, hardening R19). State is bounded: a table that is
 * full forgets the key that was used longest ago.
 */

const SECOND_MS = 1000;
const KEYS_MAX = 10_000;

/** Map that forgets its oldest key when full; using a key makes it the newest. */
class RecentMap<V> {
  readonly #map = new Map<string, V>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value !== undefined) {
      this.#map.delete(key);
      this.#map.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size > this.#max) this.#map.delete(this.#map.keys().next().value!);
  }
}

/** When calls were counted, oldest first; those before `first` are longer ago than a second. */
interface Taken {
  readonly times: number[];
  first: number;
}

const PAST_MAX = 32;

/**
 * Calls per second of each trunk: never more than the limit within any one second (R-TERM-15). A bucket that refills
 * would let twice the limit through in the first second.
 */
export class CallRates {
  readonly #taken: RecentMap<Taken>;

  constructor(keysMax = KEYS_MAX) {
    this.#taken = new RecentMap(keysMax);
  }

  /**
   * Counts one call if it fits.
   * @param perSecondMax - whole number of at least 1
   * @param nowMs - monotonic
   * @returns false when the call is too much; it is not counted then
   */
  take(key: string, perSecondMax: number, nowMs: number): boolean {
    const taken = this.#taken.get(key) ?? { times: [], first: 0 };
    const { times } = taken;
    while (taken.first < times.length && nowMs - times[taken.first]! >= SECOND_MS) taken.first++;
    // Those of the past go in one piece now and then, so that a call costs the same at any rate.
    if (taken.first > PAST_MAX && taken.first * 2 > times.length) {
      times.splice(0, taken.first);
      taken.first = 0;
    }
    const fits = times.length - taken.first < perSecondMax;
    if (fits) times.push(nowMs);
    this.#taken.set(key, taken);
    return fits;
  }
}

interface Bucket {
  tokens: number;
  filledMs: number;
}

/** Token buckets by key: bursts up to `capacity`, then one token each `refillMs` (R-KEEP-2: 5 and 10 s). */
export class TokenBuckets {
  readonly #capacity: number;
  readonly #refillMs: number;
  readonly #buckets: RecentMap<Bucket>;

  constructor(capacity: number, refillMs: number, keysMax = KEYS_MAX) {
    if (!(capacity >= 1)) throw new RangeError(`capacity must be at least 1, got ${capacity}`);
    if (!(refillMs > 0)) throw new RangeError(`refillMs must be above 0, got ${refillMs}`);
    this.#capacity = capacity;
    this.#refillMs = refillMs;
    this.#buckets = new RecentMap(keysMax);
  }

  /** Takes a token; false when there is none. `nowMs` is monotonic. */
  take(key: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#capacity, filledMs: nowMs };
    const gained = Math.floor((nowMs - bucket.filledMs) / this.#refillMs);
    if (gained > 0) {
      bucket.tokens = Math.min(this.#capacity, bucket.tokens + gained);
      bucket.filledMs += gained * this.#refillMs;
    }
    if (bucket.tokens === this.#capacity) bucket.filledMs = nowMs;
    const fits = bucket.tokens >= 1;
    if (fits) bucket.tokens--;
    this.#buckets.set(key, bucket);
    return fits;
  }
}

interface Failures {
  /** Times of the failures of the last minute. */
  times: number[];
  blockedUntilMs: number;
}

/** Addresses that failed to authenticate too often are not answered for a while (R-AUTH-15). */
export class AuthFailures {
  readonly #limit: number;
  readonly #windowMs: number;
  readonly #blockMs: number;
  readonly #failures: RecentMap<Failures>;

  /** @param limit - failures within `windowMs` that are still answered */
  constructor(limit = 10, windowMs = 60_000, blockMs = 60_000, keysMax = KEYS_MAX) {
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#blockMs = blockMs;
    this.#failures = new RecentMap(keysMax);
  }

  /** Counts one failed response of an address. */
  failed(address: string, nowMs: number): void {
    const entry = this.#failures.get(address) ?? { times: [], blockedUntilMs: Number.NEGATIVE_INFINITY };
    entry.times = entry.times.filter((time) => nowMs - time < this.#windowMs);
    entry.times.push(nowMs);
    if (entry.times.length > this.#limit) {
      entry.blockedUntilMs = nowMs + this.#blockMs;
      entry.times = [];
    }
    this.#failures.set(address, entry);
  }

  /** True while requests of the address are dropped. */
  isBlocked(address: string, nowMs: number): boolean {
    const entry = this.#failures.get(address);
    return entry !== undefined && nowMs < entry.blockedUntilMs;
  }
}

/** Addresses that have shown who they are, for a while: limits for strangers don't hold for them (SIP-OVL-4). */
export class KnownSources {
  readonly #lifetimeMs: number;
  readonly #seen: RecentMap<number>;

  constructor(lifetimeMs: number, keysMax = KEYS_MAX) {
    this.#lifetimeMs = lifetimeMs;
    this.#seen = new RecentMap(keysMax);
  }

  add(address: string, nowMs: number): void {
    this.#seen.set(address, nowMs);
  }

  has(address: string, nowMs: number): boolean {
    const seenMs = this.#seen.get(address);
    return seenMs !== undefined && nowMs - seenMs < this.#lifetimeMs;
  }
}

/** Admission of one call by the limits of a trunk; null limits do not count. */
export type LimitVerdict =
  | { readonly admitted: true }
  | {
      readonly admitted: false;
      readonly limit: "calls-per-second" | "concurrent-calls" | "gateway-calls-per-second";
      readonly max: number;
    };

/** Key of the rate of all calls together; no SID is empty. */
const WHOLE_GATEWAY = "";

/**
 * Checks both limits of a trunk, then the rate of all calls together. The rates are only charged when the count fits, and that of
 * all only when the trunk's own fits: who calls too fast uses up nobody else's share.
 * @param trunk - undefined for a call of a SIP domain, which has no limits of its own
 * @param callsUp - calls of the trunk that are up now
 * @param gatewayPerSecondMax - null: none
 */
export function admitCall(
  trunk:
    | {
        readonly sid: string;
        readonly callsPerSecondMax: number | null;
        readonly concurrentCallsMax: number | null;
      }
    | undefined,
  callsUp: number,
  rates: CallRates,
  nowMs: number,
  gatewayPerSecondMax: number | null = null,
): LimitVerdict {
  if (trunk !== undefined) {
    const { callsPerSecondMax, concurrentCallsMax } = trunk;
    if (concurrentCallsMax !== null && callsUp >= concurrentCallsMax)
      return { admitted: false, limit: "concurrent-calls", max: concurrentCallsMax };
    if (callsPerSecondMax !== null && !rates.take(trunk.sid, callsPerSecondMax, nowMs))
      return { admitted: false, limit: "calls-per-second", max: callsPerSecondMax };
  }
  if (gatewayPerSecondMax !== null && !rates.take(WHOLE_GATEWAY, gatewayPerSecondMax, nowMs))
    return { admitted: false, limit: "gateway-calls-per-second", max: gatewayPerSecondMax };
  return { admitted: true };
}
