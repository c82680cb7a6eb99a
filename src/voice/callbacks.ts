/** Requests whose answer nobody waits for: in order for each key, one at a time, bounded, never delaying a call (twiml.md 4.3). */

import { messageOf, WebhookError } from "../base/errors.ts";
import type { HttpMethod } from "../base/http.ts";
import type { Parameter } from "./signature.ts";
import type { WebhookClient } from "./webhook.ts";

export interface Callback {
  /** Callbacks of one key are sent one after the other: a call and its URL, or a stream. */
  readonly key: string;
  readonly url: string;
  readonly method: HttpMethod;
  readonly parameters: readonly Parameter[];
  readonly authToken: string;
  /** Whose it is, for the alert when it fails. */
  readonly accountSid?: string;
  readonly callSid?: string;
}

export interface CallbackCounters {
  sent: number;
  failed: number;
  /** Left out because too many waited. */
  dropped: number;
}

const WAITING_MAX = 10_000;

export class CallbackQueue {
  readonly #client: Pick<WebhookClient, "request">;
  readonly #onFailure: (callback: Callback, alertCode: number, message: string) => void;
  readonly #queues = new Map<string, Callback[]>();
  readonly #idle = new Set<() => void>();
  readonly counters: CallbackCounters = { sent: 0, failed: 0, dropped: 0 };
  #waiting = 0;

  constructor(
    client: Pick<WebhookClient, "request">,
    onFailure: (callback: Callback, alertCode: number, message: string) => void,
  ) {
    this.#client = client;
    this.#onFailure = onFailure;
  }

  enqueue(callback: Callback): void {
    if (this.#waiting >= WAITING_MAX) {
      this.counters.dropped++;
      return;
    }
    this.#waiting++;
    const queue = this.#queues.get(callback.key);
    if (queue === undefined) {
      this.#queues.set(callback.key, [callback]);
      void this.#drain(callback.key);
    } else queue.push(callback);
  }

  /** Callbacks that were not sent yet, the ones under way included. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    if (this.#waiting > 0) await new Promise<void>((done) => this.#idle.add(done));
  }

  async #drain(key: string): Promise<void> {
    const queue = this.#queues.get(key)!;
    while (queue.length > 0) {
      const callback = queue[0]!;
      try {
        await this.#client.request({
          url: callback.url,
          method: callback.method,
          parameters: callback.parameters,
          authToken: callback.authToken,
        });
        this.counters.sent++;
      } catch (error) {
        this.counters.failed++;
        this.#onFailure(callback, error instanceof WebhookError ? error.alertCode : 11200, messageOf(error));
      }
      queue.shift();
      this.#waiting--;
    }
    this.#queues.delete(key);
    if (this.#waiting > 0) return;
    for (const done of this.#idle) done();
    this.#idle.clear();
  }
}
