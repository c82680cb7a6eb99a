/**
 * Whether one more call may begin now: the limits of its trunk and of the gateway, and whether the gateway takes calls at all. Asked for calls that come in
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
  readonly #perSecondMax: number | null;
  #draining = false;

  /** @param perSecondMax - of all calls together; null: none */
  constructor(clock: Clock, calls: CallTable, perSecondMax: number | null) {
    this.#perSecondMax = perSecondMax;
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

  /** Checks the limits of the trunk and that of the gateway, and charges the rates. Calls of SIP domains have no trunk. */
  limits(trunk: Trunk | undefined): LimitVerdict {
    return admitCall(trunk, this.#callsOf(trunk), this.#rates, this.#clock.nowMs(), this.#perSecondMax);
  }

  /** Counted only where there is a limit: looking at all calls for each new one would cost more, the more there are. */
  #callsOf(trunk: Trunk | undefined): number {
    if (trunk === undefined || trunk.concurrentCallsMax === null) return 0;
    let up = 0;
    for (const call of this.#calls.live()) if (call.details.trunkSid === trunk.sid) up++;
    return up;
  }
}
