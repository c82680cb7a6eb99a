/**
 * What a REFER that we accepted owes its sender (RFC 3515 §2.4, RFC 4488, SIP-REF-2, SIP-REF-3): 202, a NOTIFY at once, and
 * one with the outcome. Whether a REFER is accepted at all is decided above.
 */

import type { ExtraHeaders } from "../message.ts";
import { reasonPhrase } from "../reason-phrases.ts";
import type { Dialog, InDialogRequest } from "../user-agent.ts";

/** How long the sender may expect to hear more. */
const SUBSCRIPTION_SECONDS = 60;

/** Dialogs in which a REFER was accepted before: from the second on the event has an id (§2.4.6). */
const referred = new WeakSet<Dialog>();

export class ReferSubscription {
  readonly #dialog: Dialog;
  readonly #event: string;
  readonly #wanted: boolean;
  /** One NOTIFY at a time keeps them in order. */
  #last: Promise<unknown> = Promise.resolve();
  #ended = false;

  private constructor(dialog: Dialog, event: string, wanted: boolean) {
    this.#dialog = dialog;
    this.#event = event;
    this.#wanted = wanted;
  }

  /** Answers 202 and notifies of 100 Trying, unless the sender wants no notices (`Refer-Sub: false`). */
  static accept(dialog: Dialog, incoming: InDialogRequest): ReferSubscription {
    const { request } = incoming;
    const wanted = request.headers.get("Refer-Sub")?.trim().toLowerCase() !== "false";
    const event = referred.has(dialog) ? `refer;id=${request.cseq.number}` : "refer";
    referred.add(dialog);
    const subscription = new ReferSubscription(dialog, event, wanted);
    incoming.respond(202, wanted ? {} : { headers: [["Refer-Sub", "false"]] });
    subscription.progress(100);
    return subscription;
  }

  /** A provisional answer of the target. */
  progress(status: number, reason = reasonPhrase(status)): void {
    if (!this.#ended) this.#notify(status, reason, `active;expires=${SUBSCRIPTION_SECONDS}`);
  }

  /** Resolves when every notice so far was answered, or will not be. */
  get settled(): Promise<unknown> {
    return this.#last;
  }

  /** The final answer of the target; nothing follows. */
  finish(status: number, reason = reasonPhrase(status)): void {
    if (this.#ended) return;
    this.#notify(status, reason, "terminated;reason=noresource");
    this.#ended = true;
  }

  /** The dialog may be gone, and the sender need not listen: neither is our concern. */
  #notify(status: number, reason: string, state: string): void {
    if (!this.#wanted || this.#dialog.ended) return;
    const headers: ExtraHeaders = [
      ["Event", this.#event],
      ["Subscription-State", state],
    ];
    const body = { contentType: "message/sipfrag;version=2.0", content: `SIP/2.0 ${status} ${reason}\r\n` };
    this.#last = this.#last
      .then(() => (this.#dialog.ended ? undefined : this.#dialog.request("NOTIFY", { headers, body })))
      .catch(() => undefined);
  }
}
