/**
 * Requests of ours in a dialog (RFC 3261 §12.2.1): their numbers, targets and flows, challenges, and the ACKs that repeats
 * of a 2xx want again (§13.2.2.4).
 */

import { messageOf } from "../../base/errors.ts";
import { createRequest } from "../build.ts";
import { latin1 } from "../held-request.ts";
import type { ExtraHeaders, Flow, SipBody, SipRequest, SipResponse } from "../message.ts";
import type { SipUri } from "../uri.ts";
import { ChallengeMemory, ClientAuthentication } from "./authentication.ts";
import { contactFor, type Prepared, type SipCore, userAgent, viaFor } from "./core.ts";
import type { SenderSeed } from "./dialog-seed.ts";
import { supported } from "./extensions.ts";
import { prepareInDialog } from "./next-flow.ts";
import { routeRequest } from "./route-set.ts";

export interface RequestContent {
  readonly body?: SipBody;
  readonly headers?: ExtraHeaders;
}

/** ACKs that are kept: the last INVITEs of the dialog. */
const ACKS_MAX = 4;
const WITH_CONTACT: ReadonlySet<string> = new Set(["INVITE", "UPDATE", "REFER"]);

export class DialogSender {
  readonly #core: SipCore;
  readonly #seed: SenderSeed;
  /** By CSeq number of the INVITE. */
  readonly #acks = new Map<number, { readonly octets: string; readonly flow: Flow }>();
  /** Credentials of each INVITE go with its ACK (SIP-TXN-4). */
  #authorization: ExtraHeaders;
  readonly #challenges: ChallengeMemory;
  #sequence: number;
  #inviteSequence: number;
  remoteTarget: SipUri;
  flow: Flow;

  constructor(core: SipCore, seed: SenderSeed) {
    this.#core = core;
    this.#seed = seed;
    this.#authorization = seed.authorization ?? [];
    this.#challenges = seed.challenges ?? new ChallengeMemory();
    this.#sequence = seed.localSequence;
    this.#inviteSequence = seed.inviteSequence;
    this.remoteTarget = seed.remoteTarget;
    this.flow = seed.flow;
  }

  /** CSeq of our last request. */
  get sequence(): number {
    return this.#sequence;
  }

  /**
   * Sends a request and waits for its final answer; challenges are answered. The ACK to a 2xx is the caller's.
   * @throws TransactionTimeoutError, TransportError
   */
  async exchange(method: string, content: RequestContent): Promise<SipResponse> {
    const authentication = new ClientAuthentication(this.#seed.credentials, this.#challenges);
    authentication.foresee(method, routeRequest(this.remoteTarget, this.#seed.routes).uri);
    for (;;) {
      const sequence = ++this.#sequence;
      const headers = [...(content.headers ?? []), ...authentication.headers];
      const response = await this.#roundTrip(method, sequence, { ...content, headers });
      const { uri } = routeRequest(this.remoteTarget, this.#seed.routes);
      if (authentication.answer(response, method, uri)) continue;
      if (method === "INVITE" && response.status < 300) {
        this.#inviteSequence = sequence;
        this.#authorization = authentication.headers;
      }
      return response;
    }
  }

  /** ACK to the 2xx of the last INVITE. */
  async acknowledge(body?: SipBody): Promise<void> {
    const sequence = this.#inviteSequence;
    const build = this.#builder("ACK", sequence, {
      headers: this.#authorization,
      ...(body === undefined ? {} : { body }),
    });
    try {
      const { request, flow, octets } = await this.#prepare(build);
      const sent = this.#core.transports.send(request, flow, undefined, octets);
      this.#acks.set(sequence, { octets: latin1(sent), flow });
      if (this.#acks.size > ACKS_MAX) this.#acks.delete(this.#acks.keys().next().value!);
    } catch (error) {
      this.#core.log.debug("ACK could not be sent", { error: messageOf(error) });
    }
  }

  /** A repeat of that INVITE's 2xx came: the same ACK again. */
  repeatAck(sequence: number): void {
    const ack = this.#acks.get(sequence);
    if (ack !== undefined) this.#core.transports.repeat(ack.octets, ack.flow);
  }

  async #roundTrip(method: string, sequence: number, content: RequestContent): Promise<SipResponse> {
    const build = this.#builder(method, sequence, content);
    const { request, flow, octets } = await this.#prepare(build);
    let hasFinal = false;
    return new Promise((done, fail) => {
      const user = {
        onResponse: (response: SipResponse) => {
          if (response.status < 200) return;
          if (hasFinal) this.repeatAck(sequence);
          hasFinal = true;
          done(response);
        },
        onFailure: fail,
      };
      this.#core.transactions.request(request, flow, user, octets);
    });
  }

  #builder(method: string, sequence: number, content: RequestContent): (flow: Flow) => SipRequest {
    const { uri, routes } = routeRequest(this.remoteTarget, this.#seed.routes);
    const request = createRequest({
      method,
      uri: { ...uri, headers: [] },
      from: this.#seed.local,
      to: this.#seed.remote,
      callId: this.#seed.callId,
      cseq: { number: sequence, method },
      headers: [
        ...routes.map((route): [string, string] => ["Route", route]),
        ...(content.headers ?? []),
        ...userAgent(this.#core),
      ],
      ...(content.body === undefined ? {} : { body: content.body }),
    });
    return (flow) => {
      request.vias = [viaFor(this.#core, flow)];
      if (WITH_CONTACT.has(method)) {
        request.headers.set("Contact", contactFor(this.#core, flow));
        request.headers.set("Allow", this.#core.allow);
        request.headers.set("Supported", supported(this.#core));
      }
      return request;
    };
  }

  #prepare(build: (flow: Flow) => SipRequest): Promise<Prepared> {
    const { nextHop } = routeRequest(this.remoteTarget, this.#seed.routes);
    return prepareInDialog(this.#core, { nextHop, flow: this.flow, tlsVerify: this.#seed.tlsVerify }, build);
  }
}
