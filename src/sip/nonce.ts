/**
 * Nonces that prove themselves (SIP-AUTH-2, SIP-AUTH-3): time stamp and source under a keyed hash, so nothing has to be
 * stored for a challenge. Only nonces that were used successfully are remembered, to refuse a replayed count.
 */

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../base/clock.ts";

/** What a nonce turned out to be. */
export type NonceVerdict = "good" | "stale" | "forged" | "replayed";

const USED_MAX = 10_000;
const STAMP_LENGTH = 11;

export class NonceBook {
  readonly #clock: Clock;
  readonly #key = randomBytes(32);
  readonly #lifetimeMs: number;
  /** nonce → highest nonce count that was accepted. */
  readonly #used = new Map<string, number>();

  constructor(clock: Clock, lifetimeMs = 60_000) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  /** A fresh nonce, good for requests from `source` only (R-AUTH-10). */
  make(source: string): string {
    const stamp = Math.floor(this.#clock.nowMs()).toString(16).padStart(STAMP_LENGTH, "0");
    const salt = randomBytes(6).toString("hex");
    return stamp + salt + this.#seal(stamp + salt, source);
  }

  /**
   * Judges the nonce of a request. Call `use` once the response has been verified.
   * @param nonceCount - nc, 0 when the client sent none
   */
  judge(nonce: string, source: string, nonceCount: number): NonceVerdict {
    const head = nonce.slice(0, STAMP_LENGTH + 12);
    const given = Buffer.from(nonce.slice(STAMP_LENGTH + 12));
    const expected = Buffer.from(this.#seal(head, source));
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return "forged";
    const ageMs = this.#clock.nowMs() - Number.parseInt(head.slice(0, STAMP_LENGTH), 16);
    if (!(ageMs <= this.#lifetimeMs)) return "stale";
    const last = this.#used.get(nonce);
    // Without nc a nonce serves once, with nc the count has to rise.
    if (last !== undefined && nonceCount <= last) return "replayed";
    return "good";
  }

  /** Remembers that this count was accepted. */
  use(nonce: string, nonceCount: number): void {
    this.#used.delete(nonce);
    this.#used.set(nonce, nonceCount);
    if (this.#used.size > USED_MAX) this.#used.delete(this.#used.keys().next().value!);
  }

  #seal(head: string, source: string): string {
    return createHmac("sha256", this.#key).update(`${head} ${source}`).digest("hex").slice(0, 32);
  }
}
