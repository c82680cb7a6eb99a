/**
 * Calls that come back to us (SIP-DLG-11): a trunk whose carrier link leads to itself would fill the gateway within Max-Forwards.
 * A back-to-back user agent leaves no Via to see them by (RFC 3261 §16.3), but the Call-ID of our own INVITE comes back.
 */

import type { Clock } from "../base/clock.ts";
import type { SipRequest } from "../sip/message.ts";

/** One call may pass the gateway so often, under other numbers each time. */
const PASSES_MAX = 8;
/** A loop comes back at once. Paths are kept for one to two of these. */
const KEPT_MS = 60_000;

/** Users and domains under which one call has come to us, oldest first. */
export type CallPath = readonly string[];

export class LoopGuard {
  readonly #clock: Clock;
  /** By Call-ID of our INVITEs, young and old; the old ones are forgotten at once. */
  #young = new Map<string, CallPath>();
  #old = new Map<string, CallPath>();
  #turnedMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turnedMs = clock.nowMs();
  }

  /** The path of a call that comes in, itself included. */
  pathOf(request: SipRequest): CallPath {
    return [...this.#before(request.callId), keyOf(request)];
  }

  /** True for a call that was here under the same Request-URI, or too often. */
  isLoop(request: SipRequest): boolean {
    const before = this.#before(request.callId);
    return before.length >= PASSES_MAX || before.includes(keyOf(request));
  }

  /** Our INVITE with this Call-ID is for a call that came along `path`. */
  sent(callId: string, path: CallPath): void {
    if (path.length === 0) return;
    this.#turn();
    this.#young.set(callId, path);
  }

  #before(callId: string): CallPath {
    this.#turn();
    return this.#young.get(callId) ?? this.#old.get(callId) ?? [];
  }

  #turn(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#turnedMs < KEPT_MS) return;
    this.#old = nowMs - this.#turnedMs < 2 * KEPT_MS ? this.#young : new Map();
    this.#young = new Map();
    this.#turnedMs = nowMs;
  }
}

/** Ports and parameters change on the way; who is called, and by which domain, does not. */
function keyOf({ uri }: SipRequest): string {
  return `${uri.user ?? ""}@${uri.host.toLowerCase()}`;
}
