/**
 * Nonces that prove themselves (SIP-AUTH-2, SIP-AUTH-3): time stamp and source under a keyed hash, so nothing has to be
 * stored for a challenge. Only nonces that were used successfully are remembered, to refuse a replayed count, and only
 * while they live. Time is monotonic: a step of the wall clock makes no nonce stale.
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";

/** What a nonce turned out to be. */
export type NonceVerdict = "good" | "stale" | "forged" | "replayed";

/** Counts of one nonce that were accepted: the highest, and which of the 31 below it. */
interface UsedCounts {
  highest: number;
  /** Bit n is set when `highest - n` was used. */
  window: number;
}

const USED_MAX = 20_000;
const STAMP_LENGTH = 11;
const HEAD_LENGTH = STAMP_LENGTH + 12;
const SEAL_LENGTH = 32;
const WINDOW = 32;

export class NonceBook {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;
  readonly #usedMax: number;
  readonly #used = new Map<string, UsedCounts>();
  /** Nonces of this time and before are stale: what was known of some of them had to be forgotten. */
  #floorMs = Number.NEGATIVE_INFINITY;

  /**
   * @param lifetimeMs - default 60 s
   * @param usedMax - nonces that are remembered; when more are in use, the oldest go stale early
   */
  constructor(clock: Clock, lifetimeMs = 60_000, usedMax = USED_MAX) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
    this.#usedMax = usedMax;
  }

  /** How many used nonces are remembered. */
  get usedCount(): number {
    return this.#used.size;
  }

  /** A fresh nonce, good for requests from `source` only (R-AUTH-10). */
  make(source: string): string {
    const stamp = Math.floor(this.#clock.nowMs()).toString(16).padStart(STAMP_LENGTH, "0");
    const head = stamp + randomBytes(6).toString("hex");
    return head + this.#seal(head, source);
  }

  /**
   * Judges the nonce of a request. Call `use` once the response has been verified.
   * @param nonceCount - nc; 0 when the client sent none, and then a nonce serves once
   */
  judge(nonce: string, source: string, nonceCount: number): NonceVerdict {
    const head = nonce.slice(0, HEAD_LENGTH);
    const given = Buffer.from(nonce.slice(HEAD_LENGTH, HEAD_LENGTH + SEAL_LENGTH + 1));
    const expected = Buffer.from(this.#seal(head, source));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "forged";
    const stampMs = stampOf(nonce);
    if (stampMs <= this.#floorMs || this.#clock.nowMs() - stampMs > this.#lifetimeMs) return "stale";
    const used = this.#used.get(nonce);
    return used !== undefined && wasUsed(used, nonceCount) ? "replayed" : "good";
  }

  /** Remembers that this count was accepted. */
  use(nonce: string, nonceCount: number): void {
    const used = this.#used.get(nonce);
    if (used !== undefined) {
      markUsed(used, nonceCount);
      return;
    }
    this.#forget();
    this.#used.set(nonce, { highest: nonceCount, window: 1 });
  }

  /** Drops what is too old to be replayed, and more when room is short. */
  #forget(): void {
    const oldestMs = this.#clock.nowMs() - this.#lifetimeMs;
    for (const nonce of this.#used.keys()) {
      const stampMs = stampOf(nonce);
      if (stampMs >= oldestMs) {
        if (this.#used.size < this.#usedMax) return;
        this.#floorMs = Math.max(this.#floorMs, stampMs);
      }
      this.#used.delete(nonce);
    }
  }

  #seal(head: string, source: string): string {
    return createHmac("sha256", this.#key).update(`${head} ${source}`).digest("hex").slice(0, SEAL_LENGTH);
  }
}

function stampOf(nonce: string): number {
  return Number.parseInt(nonce.slice(0, STAMP_LENGTH), 16);
}

/** Requests overtake each other on UDP, so counts may come a little out of order; each serves once. */
function wasUsed(used: UsedCounts, nonceCount: number): boolean {
  const behind = used.highest - nonceCount;
  if (behind < 0) return false;
  return behind >= WINDOW || ((used.window >>> behind) & 1) === 1;
}

function markUsed(used: UsedCounts, nonceCount: number): void {
  const ahead = nonceCount - used.highest;
  if (ahead > 0) {
    used.window = ahead >= WINDOW ? 1 : ((used.window << ahead) | 1) >>> 0;
    used.highest = nonceCount;
  } else if (-ahead < WINDOW) used.window = (used.window | (1 << -ahead)) >>> 0;
}
