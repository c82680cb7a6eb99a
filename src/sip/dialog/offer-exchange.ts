/**
 * Offer and answer as the dialog sees them (RFC 3264 §4, RFC 3311 §5.2, RFC 6337 §2): one exchange at a time, whatever
 * carries it, from the INVITE to the last UPDATE. What an offer means is decided above.
 */

import type { ExtraHeaders } from "../message.ts";
import type { AnswerOptions, InDialogRequest } from "../user-agent.ts";

export class OfferExchange {
  #ours: boolean;
  #theirs: boolean;
  /** No offer is open any more. */
  onClosed: (() => void) | undefined;

  constructor(openedBy: "us" | "them" | "nobody") {
    this.#ours = openedBy === "us";
    this.#theirs = openedBy === "them";
  }

  /** An offer of ours has no answer yet. A called side that owes the first offer has one open too. */
  get ours(): boolean {
    return this.#ours;
  }

  set ours(isOpen: boolean) {
    this.#ours = isOpen;
    if (!this.isOpen) this.onClosed?.();
  }

  /** An offer of theirs has no answer yet, or they owe the first one. */
  get theirs(): boolean {
    return this.#theirs;
  }

  set theirs(isOpen: boolean) {
    this.#theirs = isOpen;
    if (!this.isOpen) this.onClosed?.();
  }

  get isOpen(): boolean {
    return this.#ours || this.#theirs;
  }

  /**
   * Hands an offer in a request to the user; the final answer closes the exchange. Another open offer refuses it: 491 for
   * one of ours, 500 with Retry-After for one of theirs (SIP-UPD-2). Without a user it gets 488.
   */
  take(offer: InDialogRequest, user: ((offer: InDialogRequest) => void) | undefined, random: () => number): void {
    if (this.ours) offer.respond(491);
    else if (this.theirs) offer.respond(500, { headers: retryAfter(random) });
    else if (user === undefined) offer.respond(488);
    else {
      this.theirs = true;
      const respond = once((status, options) => {
        if (status >= 200) this.theirs = false;
        offer.respond(status, options);
      });
      user({ request: offer.request, flow: offer.flow, respond });
    }
  }
}

/** RFC 3261 §14.2: 0 to 10 s. */
export function retryAfter(random: () => number): ExtraHeaders {
  return [["Retry-After", String(Math.floor(random() * 10))]];
}

/** A function that gives one final answer, and none after it. */
export function once(
  respond: (status: number, options?: AnswerOptions) => void,
): (status: number, options?: AnswerOptions) => void {
  let done = false;
  return (status, options) => {
    if (done) return;
    if (status >= 200) done = true;
    respond(status, options);
  };
}
