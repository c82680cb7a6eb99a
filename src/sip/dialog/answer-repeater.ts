/** A 2xx to INVITE is repeated by the core until its ACK comes, on every transport (RFC 3261 §13.3.1.4, SIP-TXN-6). */

import type { Clock, Timer } from "../../base/clock.ts";
import type { TimerSettings } from "../transaction/timers.ts";

export class AnswerRepeater {
  #timer: Timer | undefined;
  #limit: Timer | undefined;

  /** @param onGivenUp - no ACK for 64·T1 */
  constructor(clock: Clock, timers: TimerSettings, repeat: () => void, onGivenUp: () => void) {
    const arm = (intervalMs: number): void => {
      this.#timer = clock.after(intervalMs, () => {
        repeat();
        arm(Math.min(intervalMs * 2, timers.t2Ms));
      });
    };
    arm(timers.t1Ms);
    this.#limit = clock.after(64 * timers.t1Ms, () => {
      this.stop();
      onGivenUp();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#limit?.cancel();
    this.#timer = undefined;
    this.#limit = undefined;
  }
}
