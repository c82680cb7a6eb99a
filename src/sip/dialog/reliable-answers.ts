/**
 * Reliable provisional answers of an INVITE that came to us (RFC 3262 §3): numbered, repeated until PRACK, one at a time.
 * What comes behind one that waits is kept in order.
 */

import type { Timer } from "../../base/clock.ts";
import { readRAck } from "../header-values.ts";
import type { ExtraHeaders, SipRequest } from "../message.ts";
import type { SipCore } from "./core.ts";

const WAITING_MAX = 16;

export class ReliableAnswers {
  readonly #core: SipCore;
  readonly #inviteSequence: number;
  readonly #onGivenUp: () => void;
  readonly #waiting: (() => void)[] = [];
  #sequence: number;
  #pending: { readonly rseq: number; readonly hasBody: boolean; acknowledged: boolean } | undefined;
  #repeat: Timer | undefined;
  #limit: Timer | undefined;
  #stopped = false;

  /**
   * @param inviteSequence - CSeq number of the INVITE
   * @param onGivenUp - no PRACK for 64·T1
   */
  constructor(core: SipCore, inviteSequence: number, onGivenUp: () => void) {
    this.#core = core;
    this.#inviteSequence = inviteSequence;
    this.#onGivenUp = onGivenUp;
    this.#sequence = Math.floor(core.random() * (2 ** 31 - 1));
  }

  /** A session description waits for its PRACK: no 2xx before it (§3, §5). */
  get bodyIsPending(): boolean {
    return this.#pending?.hasBody === true;
  }

  /** Runs now, or when the PRACK that is waited for has come. */
  whenFree(work: () => void): void {
    if (this.#pending === undefined) work();
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(work);
  }

  /** Sends one; `send` is called with its headers, now and again until PRACK. */
  send(hasBody: boolean, send: (headers: ExtraHeaders) => void): void {
    const rseq = ++this.#sequence;
    this.#pending = { rseq, hasBody, acknowledged: false };
    const headers: ExtraHeaders = [
      ["Require", "100rel"],
      ["RSeq", String(rseq)],
    ];
    const { clock, timers } = this.#core;
    const arm = (intervalMs: number): void => {
      this.#repeat = clock.after(intervalMs, () => {
        send(headers);
        arm(intervalMs * 2);
      });
    };
    send(headers);
    arm(timers.t1Ms);
    this.#limit = clock.after(64 * timers.t1Ms, () => {
      this.stop();
      this.#onGivenUp();
    });
  }

  /** True when the PRACK is for the answer that waits (§3), which is not repeated any more. `release` follows. */
  take(prack: SipRequest): boolean {
    const rack = readRAck(prack.headers);
    const pending = this.#pending;
    if (rack === undefined || pending === undefined || pending.acknowledged) return false;
    if (rack.rseq !== pending.rseq || rack.cseqNumber !== this.#inviteSequence || rack.method !== "INVITE")
      return false;
    pending.acknowledged = true;
    this.#repeat?.cancel();
    return true;
  }

  /** The PRACK was answered: what was waiting behind it goes out. */
  release(): void {
    this.#quiet();
    this.#pending = undefined;
    while (this.#pending === undefined && !this.#stopped && this.#waiting.length > 0) this.#waiting.shift()!();
  }

  /** No more repeats; a PRACK that is still on its way is recognised. */
  stop(): void {
    this.#quiet();
    this.#stopped = true;
    this.#waiting.length = 0;
  }

  #quiet(): void {
    this.#repeat?.cancel();
    this.#limit?.cancel();
  }
}
