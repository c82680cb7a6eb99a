/** All calls that are up, and a bounded memory of those that ended. */

import type { Call } from "./call.ts";

const ENDED_MAX = 10_000;

export class CallTable {
  readonly #live = new Map<string, Call>();
  /** Insertion order is order of ending, so the first key is the oldest. */
  readonly #ended = new Map<string, Call>();
  readonly #endedMax: number;

  constructor(endedMax = ENDED_MAX) {
    this.#endedMax = endedMax;
  }

  /** Adds a call; it moves to the ended ones by itself. */
  add(call: Call): void {
    this.#live.set(call.sid, call);
    call.events.on("status", () => {
      if (!call.ended) return;
      this.#live.delete(call.sid);
      this.#ended.set(call.sid, call);
      if (this.#ended.size > this.#endedMax) this.#ended.delete(this.#ended.keys().next().value!);
    });
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

  /** Every call that belongs to `sid`: itself, its parent, its children. */
  family(sid: string): Call[] {
    return [...this.#ended.values(), ...this.#live.values()].filter(
      (call) => call.sid === sid || call.details.parentSid === sid,
    );
  }
}
