/**
 * Writes records of recordings without anybody waiting: what comes while a write is under way goes out with the next one. A store
 * that cannot write is tried again; recording goes on meanwhile.
 */

import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Change, Store } from "../../store/store.ts";

const RETRY_MS = 2000;
/** Changes that may wait. Of what is left out only the files remain; they are found again at the next start. */
const WAITING_MAX = 20_000;

export class RecordWriter {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  #waiting: Change[] = [];
  #work: Promise<void> | undefined;
  #isClosing = false;

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  add(change: Change): void {
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
    this.#waiting.push(change);
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
    });
  }

  /** Resolves when nothing waits, or what waits has been refused once more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#work;
  }

  /** Resolves when all that was added is written. */
  async settled(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  async #run(): Promise<void> {
    let isTold = false;
    while (this.#waiting.length > 0) {
      const changes = this.#waiting;
      this.#waiting = [];
      try {
        await this.#store.apply(changes);
      } catch (error) {
        this.#waiting = [...changes, ...this.#waiting].slice(-WAITING_MAX);
        if (!isTold) this.#log.error("records of recordings cannot be written", { error: messageOf(error) });
        isTold = true;
        if (this.#isClosing) return;
        await new Promise<void>((done) => this.#clock.after(RETRY_MS, done));
      }
    }
  }
}
