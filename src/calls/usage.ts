/** What trunks were used for since the start (R-GEN-11): one row a trunk and BYOC trunk, in place of charges. */

import type { Call } from "./call.ts";

/** Counters of one trunk. */
export interface TrunkUsage {
  readonly trunkSid: string;
  readonly accountSid: string;
  /** Legs of calls, by the way they took, seen from the trunk. */
  calls: number;
  answered: number;
  /** Seconds from answer to end, each leg rounded up. */
  seconds: number;
  /** Names of callers that were asked for (R-CNAM-5). */
  lookups: number;
  recordings: number;
  transfers: number;
  /** Calls that the disaster recovery URL took. */
  disasterRecoveries: number;
}

export type UsageEvent = "lookups" | "recordings" | "transfers" | "disasterRecoveries";

interface TrunkName {
  readonly sid: string;
  readonly accountSid: string;
}

export class Usage {
  readonly #rows = new Map<string, TrunkUsage>();

  count({ sid, accountSid }: TrunkName, event: UsageEvent): void {
    this.#row(sid, accountSid)[event]++;
  }

  /** Takes a call into account that has ended. */
  ended({ details, answeredAt, durationSeconds }: Call): void {
    for (const sid of [details.trunkSid, details.byocTrunkSid]) {
      if (sid === undefined) continue;
      const row = this.#row(sid, details.accountSid);
      row.calls++;
      if (answeredAt === undefined) continue;
      row.answered++;
      row.seconds += durationSeconds;
    }
  }

  of(trunkSid: string): TrunkUsage | undefined {
    return this.#rows.get(trunkSid);
  }

  rows(): Iterable<TrunkUsage> {
    return this.#rows.values();
  }

  #row(trunkSid: string, accountSid: string): TrunkUsage {
    const found = this.#rows.get(trunkSid);
    if (found !== undefined) return found;
    const row: TrunkUsage = {
      trunkSid,
      accountSid,
      calls: 0,
      answered: 0,
      seconds: 0,
      lookups: 0,
      recordings: 0,
      transfers: 0,
      disasterRecoveries: 0,
    };
    this.#rows.set(trunkSid, row);
    return row;
  }
}
