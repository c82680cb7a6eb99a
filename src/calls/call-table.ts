/** All calls that are up, and a bounded memory of those that ended. Calls that failed are remembered longer than others. */

import { FifoSet } from "../base/fifo-set.ts";
import { type Log, type LogFields, silentLog } from "../base/log.ts";
import type { Call } from "./call.ts";

const ENDED_MAX = 10_000;
/** Of the memory, for calls that failed. */
const FAILED_SHARE = 0.5;
/** Calls that went well whose decisions are remembered; the other ones keep their record. */
const TOLD_MAX = 2000;

/** Who keeps what belongs to a call. */
export interface CallKeeper {
  claim(callId: string, accountSid: string): void;
  settle(callId: string, failed: boolean): void;
}

export class CallTable {
  readonly #live = new Map<string, Call>();
  /** Insertion order is order of ending, so the first one is the oldest. */
  readonly #ended = new Map<string, Call>();
  readonly #well = new FifoSet<Call>();
  readonly #failed = new FifoSet<Call>();
  /** Of those that went well, the ones that can still be told of; oldest first. */
  readonly #told = new FifoSet<Call>();
  readonly #endedMax: number;
  readonly #keeper: CallKeeper | undefined;
  readonly #log: Log;

  /** Told of every call that has ended. */
  onEnded: ((call: Call) => void) | undefined;

  /**
   * @param keeper - is told of calls that begin and end
   * @param log - gets one line for each leg that ends (R-GEN-7)
   */
  constructor(keeper?: CallKeeper, endedMax = ENDED_MAX, log: Log = silentLog) {
    this.#keeper = keeper;
    this.#endedMax = endedMax;
    this.#log = log;
  }

  /** Adds a call; it moves to the ended ones by itself. */
  add(call: Call): void {
    this.#live.set(call.sid, call);
    for (const callId of call.sipCallIds) this.#keeper?.claim(callId, call.details.accountSid);
    call.events.on("status", () => {
      if (!call.ended) return;
      // It is remembered for long; those who listened need not be.
      call.events.clear();
      this.#log.info("call ended", lineOf(call));
      this.#live.delete(call.sid);
      this.#ended.set(call.sid, call);
      if (hasFailed(call)) this.#failed.add(call);
      else this.#endedWell(call);
      for (const callId of call.sipCallIds) this.#keeper?.settle(callId, hasFailed(call));
      this.onEnded?.(call);
      if (this.#ended.size > this.#endedMax) this.#forgetOne();
    });
  }

  /** Removes an ended call from memory. */
  forget(call: Call): void {
    this.#well.delete(call);
    this.#failed.delete(call);
    this.#told.delete(call);
    this.#ended.delete(call.sid);
  }

  #endedWell(call: Call): void {
    this.#well.add(call);
    this.#told.add(call);
    if (this.#told.size > TOLD_MAX) this.#told.takeOldest()?.decisions.forget();
  }

  #forgetOne(): void {
    const isFailedTurn = this.#well.size === 0 || this.#failed.size > this.#endedMax * FAILED_SHARE;
    const group = isFailedTurn ? this.#failed : this.#well;
    const oldest = group.takeOldest();
    if (oldest !== undefined) this.forget(oldest);
  }

  bySid(sid: string): Call | undefined {
    return this.#live.get(sid) ?? this.#ended.get(sid);
  }

  get liveCount(): number {
    return this.#live.size;
  }

  live(): Iterable<Call> {
    return this.#live.values();
  }

  /** Newest last. */
  ended(): Iterable<Call> {
    return this.#ended.values();
  }
}

/** True for a call that did not come to be, or that an error was told of. A caller who gave up is no failure. */
export function hasFailed(call: Call): boolean {
  return call.hasError || call.status === "failed" || call.status === "busy" || call.status === "no-answer";
}

function lineOf({ sid, status, sipStatus, durationSeconds, details }: Call): LogFields {
  const { parentSid, direction } = details;
  const parent = parentSid === undefined ? {} : { parentCallSid: parentSid };
  return { callSid: sid, ...parent, direction, status, sipStatus, seconds: durationSeconds };
}
