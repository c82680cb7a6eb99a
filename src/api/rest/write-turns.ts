/**
 * Requests that write come one after the other: what a handler has read is still so when its change is made, whatever others
 * ask for at the same time, so that no change is lost and no limit is passed. While a database is locked, requests pile up;
 * none waits longer than it makes sense to its client.
 */

import type { Clock } from "../../base/clock.ts";
import { REST_CODES, RestError } from "./rest-error.ts";

const WAITING_MAX = 1000;
/** The client gives up after 30 s (trunking-rest.md 1.8); the write itself may take its own two seconds besides. */
const WAIT_MAX_MS = 5000;

export class WriteTurns {
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Runs a handler when all those before it are done.
   * @throws RestError 503 when too many wait, or when its turn comes too late
   */
  async take<T>(handle: () => T | Promise<T>): Promise<T> {
    if (this.#waiting >= WAITING_MAX) throw late();
    const askedMs = this.#clock.nowMs();
    this.#waiting++;
    const turn = this.#last.then(() => {
      this.#waiting--;
      if (this.#clock.nowMs() - askedMs > WAIT_MAX_MS) throw late();
      return handle();
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function late(): RestError {
  return new RestError(503, REST_CODES.unavailable, "nothing was changed: too many writes wait for the data file");
}
