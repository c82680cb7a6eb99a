/**
 * Whether a trunk may begin one more call now: its limits, and whether the gateway takes calls at all. Asked for calls that come in
 * and for those that a REFER makes (R-TERM-15, hardening R19).
 */

import type { Clock } from "../base/clock.ts";
import { admitCall, CallRates, type LimitVerdict } from "../trunking/limits.ts";
import type { Trunk } from "../trunking/records.ts";
import type { CallTable } from "./call-table.ts";

export class TrunkAdmission {
  readonly #clock: Clock;
  readonly #calls: CallTable;
  readonly #rates = new CallRates();
  #draining = false;

  constructor(clock: Clock, calls: CallTable) {
    this.#clock = clock;
    this.#calls = calls;
  }

  /** From now on no call begins. */
  drain(): void {
    this.#draining = true;
  }

  /** True once `drain` was called. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Checks both limits of the trunk and charges its rate. */
  limits(trunk: Trunk): LimitVerdict {
    return admitCall(trunk, this.#callsOf(trunk), this.#rates, this.#clock.nowMs());
  }

  /** Counted only where there is a limit: looking at all calls for each new one would cost more, the more there are. */
  #callsOf(trunk: Trunk): number {
    if (trunk.concurrentCallsMax === null) return 0;
    let up = 0;
    for (const call of this.#calls.live()) if (call.details.trunkSid === trunk.sid) up++;
    return up;
  }
}
