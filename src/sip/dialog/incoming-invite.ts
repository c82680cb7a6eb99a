/** An INVITE that makes a new call here (RFC 3261 §13.3): 100, provisional answers, one final answer, CANCEL, Expires. */

import type { Timer } from "../../base/clock.ts";
import { createResponse } from "../build.ts";
import type { Flow, SipRequest } from "../message.ts";
import { parseDecimal } from "../tokens.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { AnswerOptions, Dialog, IncomingInvite } from "../user-agent.ts";
import { ConfirmedDialog } from "./confirmed-dialog.ts";
import { contactFor, type SipCore, server } from "./core.ts";
import type { DialogEndpoint } from "./dialog-table.ts";
import { contactOf, recordRoutes } from "./route-set.ts";

/** An answer that is not there yet is announced by 100 well inside the 200 ms of SIP-TXN-5. */
const TRYING_AFTER_MS = 100;
/** RFC 3261 §13.3.1.1: a provisional answer is repeated each minute, so that proxies keep the transaction. */
const KEEP_PROVISIONAL_MS = 60_000;

export class UasInvite implements IncomingInvite, DialogEndpoint {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly localTag: string;
  onCancelled: ((reason: string) => void) | undefined;

  readonly #core: SipCore;
  readonly #transaction: ServerTransaction;
  #final = false;
  #trying: Timer | undefined;
  #expires: Timer | undefined;
  #keep: Timer | undefined;

  constructor(core: SipCore, transaction: ServerTransaction) {
    this.#core = core;
    this.#transaction = transaction;
    this.request = transaction.request;
    this.localTag = transaction.localTag;
    this.flow = transaction.flow;
    core.dialogs.addEarly(this.request.callId, this.localTag, this);
    this.#trying = core.clock.after(TRYING_AFTER_MS, () => {
      if (transaction.lastResponse === undefined) transaction.respond(createResponse(this.request, 100));
    });
    const expiresSeconds = parseDecimal(this.request.headers.get("Expires")?.trim() ?? "", 2 ** 31);
    if (expiresSeconds !== undefined && expiresSeconds > 0)
      this.#expires = core.clock.after(Math.min(expiresSeconds * 1000, 2 ** 31 - 1), () =>
        this.#cancelled("the INVITE expired"),
      );
    transaction.onCancel = (cancel) => this.#cancelled(cancel.headers.get("Reason") ?? "");
    transaction.onFailure = (reason) => this.#unreachable(reason);
  }

  progress(status: number, options: AnswerOptions = {}): void {
    if (status <= 100 || status >= 200) throw new RangeError(`status: 101 to 199, not ${status}`);
    if (this.#final) return;
    const send = (): void => {
      this.#respond(status, options, true);
      this.#keep = this.#core.clock.after(KEEP_PROVISIONAL_MS, send);
    };
    this.#keep?.cancel();
    send();
  }

  accept(options: AnswerOptions): Dialog {
    if (this.#final) throw new TypeError("accept: the INVITE has a final answer already");
    const target = contactOf(this.request.headers);
    const { request, flow } = this;
    this.#finish();
    const to = { ...request.to, params: new Map([...request.to.params, ["tag", this.localTag] as const]) };
    const dialog = new ConfirmedDialog(this.#core, {
      role: "uas",
      callId: request.callId,
      local: to,
      remote: request.from,
      localTag: this.localTag,
      remoteTag: request.from.params.get("tag") ?? "",
      localSequence: Math.floor(this.#core.random() * 2 ** 16) + 1,
      remoteSequence: request.cseq.number,
      // A peer without Contact is reached where it sent from.
      remoteTarget: target ?? { ...request.from.uri, host: flow.remoteAddress, port: flow.remotePort, headers: [] },
      routes: recordRoutes(request.headers),
      flow,
      tlsVerify: false,
    });
    const send = (): void => this.#respond(200, options, true);
    send();
    dialog.answered(send);
    return dialog;
  }

  reject(status: number, options: AnswerOptions = {}): void {
    if (status < 300 || status > 699) throw new RangeError(`status: 300 to 699, not ${status}`);
    if (this.#final) return;
    this.#finish();
    this.#respond(status, options, false);
  }

  drop(): void {
    if (this.#final) return;
    this.#finish();
    this.#transaction.drop();
  }

  /** BYE on the early dialog: the caller gives up (RFC 3261 §15). */
  receive(transaction: ServerTransaction): void {
    if (transaction.request.method !== "BYE") {
      transaction.respond(createResponse(transaction.request, transaction.request.method === "UPDATE" ? 500 : 481));
      return;
    }
    transaction.respond(createResponse(transaction.request, 200));
    this.#cancelled("BYE before the answer");
  }

  acknowledged(): void {
    // An ACK before any 2xx means nothing.
  }

  #cancelled(reason: string): void {
    if (this.#final) return;
    this.#finish();
    this.#respond(487, {}, false);
    this.onCancelled?.(reason === "" ? "the caller gave up" : reason);
  }

  /** No answer reaches the caller any more, so there is nobody to call for. Over UDP the next repeat may get through. */
  #unreachable(reason: string): void {
    if (this.#final || this.flow.transport === "udp") return;
    this.#finish();
    this.#transaction.drop();
    this.onCancelled?.(`the caller cannot be reached: ${reason}`);
  }

  #finish(): void {
    this.#final = true;
    this.#trying?.cancel();
    this.#expires?.cancel();
    this.#keep?.cancel();
    this.#core.dialogs.removeEarly(this.request.callId, this.localTag);
  }

  #respond(status: number, options: AnswerOptions, withContact: boolean): void {
    const headers: [string, string][] = [...((options.headers ?? []) as [string, string][])];
    if (withContact) headers.push(["Contact", contactFor(this.#core, this.flow)], ["Allow", this.#core.allow]);
    headers.push(...(server(this.#core) as [string, string][]));
    this.#transaction.respond(
      createResponse(this.request, status, {
        toTag: this.localTag,
        headers,
        ...(options.reason === undefined ? {} : { reason: options.reason }),
        ...(options.body === undefined ? {} : { body: options.body }),
      }),
    );
  }
}
