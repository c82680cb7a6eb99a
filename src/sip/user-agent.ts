/**
 * What the stack offers to those who place and take calls: types only. `SipStack` (sip-stack.ts) makes these objects;
 * `calls/` uses them. One INVITE transaction with all its targets is an `OutgoingInvite` or an `IncomingInvite`; what it
 * leaves behind when it is accepted is a `Dialog` (RFC 3261 §12, §13, §14, §15).
 */

import type { GatewayError } from "../base/errors.ts";
import type { ExtraHeaders, Flow, NameAddr, SipBody, SipRequest, SipResponse } from "./message.ts";
import type { Located } from "./transport/locate.ts";
import type { SipUri } from "./uri.ts";

/** What an answer may carry besides its status. */
export interface AnswerOptions {
  readonly reason?: string;
  readonly body?: SipBody;
  readonly headers?: ExtraHeaders;
  /**
   * The answer of `reject` is repeated only when the INVITE is, not until its ACK comes: for sources that nobody vouches for,
   * since they may be forged (SIP-OVL-4). Default false.
   */
  readonly onlyWhenAsked?: boolean;
}

/** A request outside a dialog that is no INVITE (OPTIONS, REGISTER, unknown …), waiting for its one answer. */
export interface IncomingRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Sends the final answer; a second call does nothing. */
  respond(status: number, options?: AnswerOptions): void;
  /** Ends the transaction without any answer (R table 0.1: unknown domain). */
  drop(): void;
}

/** An INVITE that makes a new call here (UAS). 100 has been or will be sent by the stack within 200 ms (SIP-TXN-5). */
export interface IncomingInvite {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Our To tag, fixed from the start. */
  readonly localTag: string;
  /**
   * 101 to 199; reliable where the caller wants that (RFC 3262), and then in order behind the PRACK of the one before. The
   * 2xx of `accept` is held back until the PRACK of a session description came. To an INVITE without an offer a body may be
   * given once, and only if `takesEarlyOffer`: it is our offer, and `onEarlyAnswer` brings the answer.
   */
  progress(status: number, options?: AnswerOptions): void;
  /** 2xx; repeated by the stack until ACK (SIP-TXN-6). The dialog is usable at once for receiving; `onAck` tells when the ACK came. */
  accept(options: AnswerOptions): Dialog;
  /** 300 to 699. */
  reject(status: number, options?: AnswerOptions): void;
  /** Ends the transaction without any answer. */
  drop(): void;
  /** A provisional answer with a session description will be reliable: it may make an offer, and offers may follow it. */
  readonly takesEarlyOffer: boolean;
  /** PRACK with the answer to the offer that `progress` made; its body may be missing. After it `accept` takes no body. */
  onEarlyAnswer: ((prack: SipRequest) => void) | undefined;
  /**
   * A further offer before the 2xx, in UPDATE or PRACK (RFC 3311, SIP-PRK-5); after `accept` it goes to the dialog. Must be
   * answered; the default answer is 488.
   */
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  /**
   * CANCEL came (the stack has answered 200 and 487), the caller's connection died, or Expires ran out. `request` is the CANCEL, or the
   * BYE that came in its place. Called at most once, never after accept or reject; at once for a listener that comes late.
   */
  onCancelled: ((reason: string, request?: SipRequest) => void) | undefined;
}

export type { Located } from "./transport/locate.ts";

/** Options of an outgoing INVITE (UAC). */
export interface OutgoingInviteOptions {
  /** Request-URI; its host, port and transport parameter decide the next hop unless `nextHop` is given (RFC 3263). */
  readonly uri: SipUri;
  readonly nextHop?: SipUri;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly headers?: ExtraHeaders;
  /** SDP offer, or absent for a delayed offer. */
  readonly body?: SipBody;
  /** Default 70. */
  readonly maxForwards?: number;
  /** Addresses to send from, of which the first of the right family is taken; any that listens when absent. */
  readonly localAddresses?: readonly string[];
  /** Display name of our Contact; "" or absent for none. */
  readonly contactName?: string;
  /** Answers 401/407 once per realm (SIP-AUTH-7). */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** TLS: check chain and host name; default true. */
  readonly tlsVerify?: boolean;
  /** P1: ms without any answer before the next address of the same URI is tried; default 4000 (R-ORIG-17, R-ORIG-21). */
  readonly noAnswerMs?: number;
}

/** What the requests of one registration share (RFC 3261 §10.2): one Call-ID, one tag, a CSeq that grows. */
export interface RegistrationSession {
  readonly callId: string;
  readonly fromTag: string;
  /** User of our Contact, by which calls find back. */
  readonly contactUser: string;
  /** CSeq of the next request. */
  sequence: number;
  /** The connection or socket that the last request left by. */
  flow?: Flow;
}

/** A request outside of dialogs that is no INVITE: OPTIONS to see whether a next hop is there, REGISTER to be found. */
export interface OutgoingRequestOptions {
  readonly method: "OPTIONS" | "REGISTER";
  readonly headers?: ExtraHeaders;
  /** Answers 401 and 407 (SIP-AUTH-7). */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** For REGISTER: kept from one to the next, changed by each. */
  readonly registration?: RegistrationSession;
  /** Request-URI. */
  readonly uri: SipUri;
  readonly nextHop?: SipUri;
  readonly from: NameAddr;
  readonly to: NameAddr;
  /** As for an INVITE. */
  readonly localAddresses?: readonly string[];
  /** ms for each address without a final answer; connecting counts. */
  readonly timeoutMs: number;
  /** TLS: check chain and host name; default true. */
  readonly tlsVerify?: boolean;
}

/** An INVITE on its way, over all addresses of its URI. Exactly one of onAccepted, onRejected, onFailed is called, once. */
export interface OutgoingInvite {
  readonly callId: string;
  /** Sends CANCEL as soon as that is allowed (SIP-CAN-1); a crossing 2xx is ACKed and BYEd by the stack. After cancel only onRejected (487) or onFailed follows. */
  cancel(reason?: string): void;
  /**
   * Gives the attempt up at once without another callback; late provisional answers get CANCEL, a late 2xx gets ACK and BYE (R-ORIG-22).
   */
  abandon(): void;
  /** 101 to 199; the To tag tells forks apart. Reliable ones come once and in order, their PRACK has been sent (RFC 3262). */
  onProgress: ((response: SipResponse) => void) | undefined;
  /**
   * UPDATE with an offer on an early dialog whose first exchange is over (RFC 3311 §5); From has the tag of the fork. Must be
   * answered; the default answer is 488.
   */
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  /**
   * The offer in a reliable provisional answer to an INVITE without one. `answer` sends it with the PRACK (SIP-PRK-5) and
   * must be called; undefined ends the attempt with CANCEL, which is the default.
   */
  onOffer: ((response: SipResponse, answer: (body: SipBody | undefined) => void) => void) | undefined;
  /** First answer of any kind (100 included). */
  onFirstAnswer: (() => void) | undefined;
  /**
   * First 2xx. The ACK is sent by the stack at once when the INVITE had an offer or `onOffer` answered one, else by
   * `dialog.acknowledge(sdp)`.
   */
  onAccepted: ((response: SipResponse, dialog: Dialog) => void) | undefined;
  /** Final 300 to 699 of the last address. */
  onRejected: ((response: SipResponse) => void) | undefined;
  /** What the next hop resolved to (RFC 3263), in the order in which it will be tried. */
  onLocated: ((addresses: readonly Located[]) => void) | undefined;
  /** One address was given up: silence, a connection or certificate that failed, 503. Another may follow. */
  onAddressFailed: ((address: Located, error: GatewayError) => void) | undefined;
  /** No answer from any address (TransactionTimeoutError), or none reachable (TransportError). */
  onFailed: ((error: GatewayError) => void) | undefined;
}

/** A request inside a dialog, waiting for its answer. */
export interface InDialogRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  respond(status: number, options?: AnswerOptions): void;
}

/** How a dialog ended. */
export type DialogEnd =
  | { readonly by: "remote"; readonly request: SipRequest }
  | { readonly by: "local" }
  | { readonly by: "error"; readonly error: GatewayError };

/** A confirmed dialog (RFC 3261 §12). Set the callbacks before returning to the event loop. */
export interface Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly local: NameAddr;
  readonly remote: NameAddr;
  readonly ended: boolean;
  /** ACK with an SDP answer for a delayed offer; otherwise the stack sends it. */
  acknowledge(body?: SipBody): void;
  /** re-INVITE or UPDATE with an offer; resolves with the final answer (ACK sent), rejects on timeout. 491 is retried by the stack once (SIP-INV-7). */
  reoffer(method: "INVITE" | "UPDATE", body: SipBody, headers?: ExtraHeaders): Promise<SipResponse>;
  /** Any other request in the dialog: INFO, REFER, NOTIFY, OPTIONS. */
  request(method: string, options?: { body?: SipBody; headers?: ExtraHeaders }): Promise<SipResponse>;
  /** Ends the call; a callee's BYE waits for the ACK (SIP-INV-9). Does nothing when ended. */
  bye(headers?: ExtraHeaders): void;
  /**
   * re-INVITE, or UPDATE with an offer, from the far end. Must be answered; the default answer is 488. UPDATE without an offer
   * and the session timer (RFC 4028) are the stack's own.
   */
  onReoffer: ((request: InDialogRequest) => void) | undefined;
  /**
   * INFO, REFER, and NOTIFY for a REFER of ours. OPTIONS, PRACK and other NOTIFYs are answered by the stack. Default answer
   * 405. `ReferSubscription` accepts a REFER and sends its notices.
   */
  onRequest: ((request: InDialogRequest) => void) | undefined;
  /** ACK of our 2xx (first or re-INVITE), with its body when there is one. */
  onAck: ((ack: SipRequest) => void) | undefined;
  /**
   * 2xx to a re-INVITE by which the stack refreshed the session: what we said last was offered again, and its body is the
   * answer to that (RFC 4028 §7.4).
   */
  onRefreshed: ((response: SipResponse) => void) | undefined;
  /** Called once. */
  onEnded: ((end: DialogEnd) => void) | undefined;
}
