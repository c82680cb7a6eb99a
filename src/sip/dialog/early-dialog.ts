/**
 * A dialog that a provisional answer to our INVITE made (RFC 3261 §12.1.2): it acknowledges reliable answers with PRACK
 * (RFC 3262 §4) and takes the few requests that may come before the final answer. Forks have one each (SIP-DLG-1).
 */

import { messageOf } from "../../base/errors.ts";
import { createRequest, createResponse } from "../build.ts";
import { lists, readRSeq } from "../header-values.ts";
import type { Flow, NameAddr, SipRequest, SipResponse } from "../message.ts";
import type { ServerTransaction } from "../transaction/server-transaction.ts";
import type { SipUri } from "../uri.ts";
import { contactFor, type SipCore, server, userAgent, viaFor } from "./core.ts";
import type { DialogEndpoint } from "./dialog-table.ts";
import { unknownExtensions } from "./extensions.ts";
import { flowInDialog } from "./next-flow.ts";
import { contactOf, recordRoutes, routeRequest } from "./route-set.ts";

export class EarlyDialog implements DialogEndpoint {
  readonly #core: SipCore;
  readonly #invite: SipRequest;
  readonly #flow: Flow;
  readonly #tlsVerify: boolean;
  readonly #remote: NameAddr;
  readonly #localTag: string;
  readonly #remoteTag: string;
  readonly #routes: readonly NameAddr[];
  #remoteTarget: SipUri;
  #rseq: number | undefined;
  /** CSeq of the last request of ours and of theirs; the confirmed dialog goes on from there. */
  localSequence: number;
  remoteSequence = -1;

  constructor(core: SipCore, invite: SipRequest, flow: Flow, response: SipResponse, tlsVerify: boolean) {
    this.#core = core;
    this.#tlsVerify = tlsVerify;
    this.#invite = invite;
    this.#flow = flow;
    this.#remote = response.to;
    this.#localTag = invite.from.params.get("tag") ?? "";
    this.#remoteTag = response.to.params.get("tag") ?? "";
    this.#routes = recordRoutes(response.headers).reverse();
    this.#remoteTarget = contactOf(response.headers) ?? invite.uri;
    this.localSequence = invite.cseq.number;
    core.dialogs.add(invite.callId, this.#localTag, this.#remoteTag, this);
  }

  /**
   * A provisional answer in this dialog. False when it is a repeat or out of order, and is to be left out (§4).
   * A reliable one gets its PRACK.
   */
  take(response: SipResponse): boolean {
    if (!lists(response.headers, "Require", "100rel")) return true;
    const rseq = readRSeq(response.headers);
    if (rseq === undefined || (this.#rseq !== undefined && rseq !== this.#rseq + 1)) return false;
    this.#rseq = rseq;
    this.#remoteTarget = contactOf(response.headers) ?? this.#remoteTarget;
    void this.#prack(rseq);
    return true;
  }

  receive(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, headers: [string, string][] = []): void =>
      transaction.respond(createResponse(request, status, { headers: [...headers, ...server(this.#core)] }));
    if (request.cseq.number < this.remoteSequence) {
      respond(500);
      return;
    }
    this.remoteSequence = request.cseq.number;
    const unknown = unknownExtensions(this.#core, request);
    if (unknown.length > 0) respond(420, [["Unsupported", unknown.join(", ")]]);
    else if (request.method === "UPDATE" && request.body.length === 0) {
      this.#remoteTarget = contactOf(request.headers) ?? this.#remoteTarget;
      respond(200, [["Contact", contactFor(this.#core, flow)]]);
    } else if (request.method === "UPDATE")
      // Our offer is open until the INVITE is answered for good (RFC 3311 §5.2).
      respond(491);
    else if (request.method === "OPTIONS") respond(200, [["Allow", this.#core.allow]]);
    // A callee has no BYE before its 2xx (RFC 3261 §15), and nothing else to say to us.
    else respond(request.method === "BYE" ? 481 : 405, request.method === "BYE" ? [] : [["Allow", this.#core.allow]]);
  }

  acknowledged(): void {
    // We send ACKs here and get none.
  }

  /** The INVITE has a final answer: the confirmed dialog takes the place, or nobody. */
  close(): void {
    this.#core.dialogs.removeIf(this.#invite.callId, this.#localTag, this.#remoteTag, this);
  }

  async #prack(rseq: number): Promise<void> {
    const { uri, routes, nextHop } = routeRequest(this.#remoteTarget, this.#routes);
    const { number, method } = this.#invite.cseq;
    const request = createRequest({
      method: "PRACK",
      uri: { ...uri, headers: [] },
      from: this.#invite.from,
      to: this.#remote,
      callId: this.#invite.callId,
      cseq: { number: ++this.localSequence, method: "PRACK" },
      headers: [
        ...routes.map((route): [string, string] => ["Route", route]),
        ["RAck", `${rseq} ${number} ${method}`],
        ...userAgent(this.#core),
      ],
    });
    const build = (flow: Flow): SipRequest => ({ ...request, vias: [viaFor(this.#core, flow)] });
    try {
      const flow = await flowInDialog(this.#core, { nextHop, flow: this.#flow, tlsVerify: this.#tlsVerify }, build);
      this.#core.transactions.request(build(flow), flow, { onResponse: () => undefined, onFailure: () => undefined });
    } catch (error) {
      this.#core.log.debug("PRACK could not be sent", { error: messageOf(error) });
    }
  }
}
