/**
 * Offers of ours in a confirmed dialog (RFC 3261 §14.1, RFC 3311 §5.1): one at a time, behind what is open already, and once
 * more after a 491 (SIP-INV-7).
 */

import { TransportError } from "../../base/errors.ts";
import type { SipResponse } from "../message.ts";
import type { SipCore } from "./core.ts";
import type { RequestContent } from "./dialog-sender.ts";
import type { OfferExchange } from "./offer-exchange.ts";

/** What of the dialog an offer depends on. */
export interface OfferingDialog {
  isEnded(): boolean;
  /** A 2xx of ours has no ACK yet. */
  awaitsAck(): boolean;
  send(method: "INVITE" | "UPDATE", content: RequestContent): Promise<SipResponse>;
}

export class OwnOffers {
  readonly #core: SipCore;
  /** We made the Call-ID. */
  readonly #isOwner: boolean;
  readonly #exchange: OfferExchange;
  readonly #dialog: OfferingDialog;
  readonly #waiting: (() => void)[] = [];
  #isUnderWay = false;

  constructor(core: SipCore, isOwner: boolean, exchange: OfferExchange, dialog: OfferingDialog) {
    this.#core = core;
    this.#isOwner = isOwner;
    this.#exchange = exchange;
    this.#dialog = dialog;
    exchange.onClosed = () => this.wake();
  }

  /** One is open, or waits for its turn. */
  get isUnderWay(): boolean {
    return this.#isUnderWay;
  }

  /** Looks again whether something is in the way: an exchange was closed, an ACK came, or the dialog ended. */
  wake(): void {
    for (const free of this.#waiting.splice(0)) free();
  }

  /** @throws TransportError when the dialog ends before it is sent; what `send` throws */
  async make(method: "INVITE" | "UPDATE", content: RequestContent): Promise<SipResponse> {
    if (this.#isUnderWay) throw new TypeError("reoffer: an offer is open already");
    this.#isUnderWay = true;
    try {
      for (let attempt = 0; ; attempt++) {
        await this.#turn();
        const response = await this.#send(method, content);
        if (response.status !== 491 || attempt > 0 || this.#dialog.isEnded()) return response;
        // Theirs may come in the meantime: ours is not open then.
        await new Promise<void>((done) => this.#core.clock.after(this.#glareMs(), done));
        if (this.#dialog.isEnded()) return response;
      }
    } finally {
      this.#isUnderWay = false;
    }
  }

  /** An offer of theirs goes first, and so does the ACK to our answer. */
  async #turn(): Promise<void> {
    while (this.#exchange.isOpen || this.#dialog.awaitsAck()) {
      await new Promise<void>((free) => this.#waiting.push(free));
      if (this.#dialog.isEnded())
        throw new TransportError("TRANSPORT_LOST", "the dialog ended before the offer could be made");
    }
  }

  async #send(method: "INVITE" | "UPDATE", content: RequestContent): Promise<SipResponse> {
    this.#exchange.ours = true;
    try {
      return await this.#dialog.send(method, content);
    } finally {
      this.#exchange.ours = false;
    }
  }

  /** §14.1: who owns the Call-ID waits 2.1 to 4 s, the other up to 2 s, in units of 10 ms. */
  #glareMs(): number {
    const units = Math.floor(this.#core.random() * (this.#isOwner ? 191 : 201));
    return (this.#isOwner ? 2100 : 0) + 10 * units;
  }
}
