/**
 * The front door of the SIP stack: listens, takes invitations and other requests, places invitations. What is no concern
 * of a user (parse errors, unknown methods and extensions, requests for dialogs that are gone) is answered here.
 */

import type { Clock } from "../base/clock.ts";
import { messageOf, type SipParseError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { createResponse } from "./build.ts";
import type { SipCore } from "./dialog/core.ts";
import { server } from "./dialog/core.ts";
import { DialogTable } from "./dialog/dialog-table.ts";
import { supported, unknownExtensions } from "./dialog/extensions.ts";
import { UasInvite } from "./dialog/incoming-invite.ts";
import { isKnownMethod, METHODS } from "./dialog/methods.ts";
import { UacInvite } from "./dialog/outgoing-invite.ts";
import { sendOutOfDialog } from "./dialog/outgoing-request.ts";
import { readRecordRoutes } from "./dialog/route-set.ts";
import { isTooShort, SESSION_TIMER_DEFAULTS, type SessionTimerSettings } from "./dialog/session-timer.ts";
import type { ExtraHeaders, Flow, SipRequest, SipResponse } from "./message.ts";
import { unsupportedBody } from "./multipart.ts";
import { UnacceptableRequestError } from "./parse-failure.ts";
import type { ServerTransaction } from "./transaction/server-transaction.ts";
import { statelessTag } from "./transaction/stateless-tag.ts";
import { TIMER_DEFAULTS, type TimerSettings } from "./transaction/timers.ts";
import { TransactionLayer } from "./transaction/transaction-layer.ts";
import type { KeepAlive } from "./transport/connection.ts";
import { Locator } from "./transport/locate.ts";
import type { Resolver } from "./transport/resolver.ts";
import { SystemResolver } from "./transport/system-resolver.ts";
import type { ListenAddress, ListenOptions } from "./transport/target.ts";
import type { TlsOptions } from "./transport/tls-options.ts";
import { type MessageObserver, TransportLayer } from "./transport/transport-layer.ts";
import { stampVia } from "./transport/via-rules.ts";
import { sipUri } from "./uri.ts";
import type {
  IncomingInvite,
  IncomingRequest,
  OutgoingInvite,
  OutgoingInviteOptions,
  OutgoingRequestOptions,
} from "./user-agent.ts";

export type { KeepAlive } from "./transport/connection.ts";
export type { ListenAddress, ListenOptions } from "./transport/target.ts";
export type { TlsIdentity, TlsOptions } from "./transport/tls-options.ts";

export interface SipStackOptions {
  readonly listen: readonly ListenOptions[];
  /** Needed to listen on TLS; also the client certificate and authorities of outgoing connections. */
  readonly tls?: TlsOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly timers?: Partial<TimerSettings>;
  /** Reliable provisional answers (RFC 3262); default true. */
  readonly reliable?: boolean;
  /** Session timers (RFC 4028); null neither asks for nor offers them. Default 1800 s, 90 s at least. */
  readonly sessionTimer?: Partial<SessionTimerSettings> | null;
  /** Option tags that the user of the stack carries out itself, such as `replaces` (RFC 3891); default none. */
  readonly extensions?: readonly string[];
  /** UDP peers behind NAT are reached where they sent from (SIP-DLG-6); default true. */
  readonly symmetric?: boolean;
  /** User-Agent and Server; default "Tandem". */
  readonly userAgentName?: string;
  /** Default: the hosts file, and then `dnsServers`. */
  readonly resolver?: Resolver;
  /** `address` or `address:port`; default those of the system. */
  readonly dnsServers?: readonly string[];
  /** Ask for NAPTR where a URI names neither transport nor port (SIP-DNS-2); default false. */
  readonly naptr?: boolean;
  /** Requests above it go over TCP where the far end takes it (RFC 3261 §18.1.1); default 1300. */
  readonly udpRequestBytesMax?: number;
  /** Default 2000 (SIP-TP-7). */
  readonly connectTimeoutMs?: number;
  /** Accepted connections in all and of one source address (SIP-TP-15); default 20 000 and 1000. */
  readonly connectionsMax?: number;
  readonly connectionsPerSourceMax?: number;
  /** Of these for peers that `isKnownPeer` vouches for (hardening R16); default a tenth. */
  readonly connectionsReserved?: number;
  /** Pings on connections that we opened (RFC 5626 §4.4.1); default none. */
  readonly keepAlive?: KeepAlive;
  /**
   * Give a UDP destination up as soon as an ICMP message says that nobody listens there (SIP-TP-14). Linux only, not on port 0. Shares the
   * listening port among sockets of this user. Default false: silence for P1 ends the attempt.
   */
  readonly watchDestinations?: boolean;
  /** DSCP of what is sent (SIP-TP-16), 0 to 63; default 0. */
  readonly dscp?: number;
  /** Default Math.random: weights and waiting times, nothing secret. */
  readonly random?: () => number;
}

/** A TLS peer that was not verified, by order of the user (R-SEC-14). */
export interface UnverifiedTls {
  /** `address:port` */
  readonly remote: string;
  /** Name that its certificate should carry. */
  readonly tlsName: string;
  /** What a check would have said; undefined when the certificate is good. */
  readonly fault: string | undefined;
}

/** What to do with a request before any state is kept for it. */
export type Admission =
  | "accept"
  | "drop"
  | { readonly status: number; readonly reason?: string; readonly headers?: ExtraHeaders };

/** Counters since the start. */
export interface SipCounters {
  received: number;
  parseErrors: number;
  dropped: number;
  refused: number;
  /** Messages that ran into a defect of ours. */
  faults: number;
}

export class SipStack {
  readonly #core: SipCore;
  readonly #transports: TransportLayer;
  readonly #transactions: TransactionLayer;
  readonly counters: SipCounters = { received: 0, parseErrors: 0, dropped: 0, refused: 0, faults: 0 };
  /** A new call. Without a listener it is answered 480. */
  onInvite: ((invite: IncomingInvite) => void) | undefined;
  /** OPTIONS, REGISTER and their like outside a dialog. Without a listener they are answered 405. */
  onRequest: ((request: IncomingRequest) => void) | undefined;
  /** A connection was lost or closed. */
  onFlowLost: ((flow: Flow) => void) | undefined;
  /** Asked for every request outside a dialog before a transaction is made; not for repeats of one that has its transaction. */
  admit: ((request: SipRequest, flow: Flow) => Admission) | undefined;

  /** Vouches for addresses of peers whose connections must get in, however many strangers there are. Asked only then. */
  isKnownPeer: ((address: string) => boolean) | undefined;
  /** A TLS connection was opened without a check of its certificate. Without a listener it is logged. */
  onUnverifiedTls: ((peer: UnverifiedTls) => void) | undefined;

  /** The handshake of a connection to us failed. */
  onHandshakeFailed: ((code: string, remote: string) => void) | undefined;
  /** A request that was let in has no hops left, and got 483 (RFC 3261 §16.3). */
  onTooManyHops: ((request: SipRequest, flow: Flow) => void) | undefined;

  constructor(options: SipStackOptions) {
    const timers = { ...TIMER_DEFAULTS, ...options.timers };
    const reliable = options.reliable ?? true;
    const random = options.random ?? Math.random;
    this.#transports = new TransportLayer(
      { ...options, random },
      {
        onMessage: (message, flow, octets) => {
          this.counters.received++;
          if (message.kind === "response") this.#transactions.receiveResponse(message, flow);
          else this.#transactions.receiveRequest(message, flow, octets);
        },
        onParseError: (error, flow) => this.#unreadable(error, flow),
        onFault: (error, flow) => {
          this.counters.faults++;
          options.log.error("a message could not be handled", {
            remote: `${flow.remoteAddress}:${flow.remotePort}`,
            error: error instanceof Error ? (error.stack ?? error.message) : String(error),
          });
        },
        isKnownPeer: (address) => this.isKnownPeer?.(address) ?? false,
        onHandshakeFailed: (code, remote) => this.onHandshakeFailed?.(code, remote),
        onUnverified: ({ address, port, tlsName }, fault) => {
          const peer = { remote: `${address}:${port}`, tlsName, fault };
          if (this.onUnverifiedTls !== undefined) this.onUnverifiedTls(peer);
          else options.log.warn("TLS connection without a check of its certificate", { ...peer });
        },
        onRefused: (address, port) => this.#transactions.refused(address, port),
        isAwaited: (flow) => this.#transactions.waitsOn(flow),
        onFlowLost: (flow, reason) => {
          this.#transactions.flowLost(flow, reason);
          this.onFlowLost?.(flow);
        },
      },
    );
    this.#transactions = new TransactionLayer(
      {
        clock: options.clock,
        timers,
        random,
        sendRequest: (request, flow, observer, octets) => this.#transports.send(request, flow, observer, octets),
        sendResponse: (response, flow, observer) => this.#transports.sendResponse(response, flow, observer),
        repeat: (octets, flow, observer) => this.#transports.repeat(octets, flow, observer),
      },
      {
        isAdmitted: (request, flow) => this.#admitted(request, flow),
        onRequest: (transaction) => this.#newRequest(transaction),
        onAck: (ack, flow) => this.#core.dialogs.find(ack)?.acknowledged(ack, flow),
        // Its transaction lived for 64·T1; a 2xx after that belongs to nobody.
        onStray2xx: () => undefined,
      },
    );
    this.#core = {
      clock: options.clock,
      log: options.log,
      timers,
      transports: this.#transports,
      transactions: this.#transactions,
      locator: new Locator({
        resolver: options.resolver ?? new SystemResolver({ clock: options.clock, servers: options.dnsServers ?? [] }),
        clock: options.clock,
        random,
        naptr: options.naptr ?? false,
      }),
      dialogs: new DialogTable(),
      reliable,
      sessionTimer: options.sessionTimer === null ? undefined : { ...SESSION_TIMER_DEFAULTS, ...options.sessionTimer },
      extensions: options.extensions ?? [],
      symmetric: options.symmetric ?? true,
      allow: [...METHODS, ...(reliable ? ["PRACK"] : [])].join(", "),
      productName: options.userAgentName ?? "Tandem",
      random,
    };
  }

  /** Binds all listening addresses. @throws TransportError naming what could not be bound and the cure */
  start(): Promise<ListenAddress[]> {
    return this.#transports.start();
  }

  /** Closes everything at once; hang calls up before. */
  async stop(): Promise<void> {
    this.#transactions.stop();
    await this.#transports.stop();
  }

  get listening(): ListenAddress[] {
    return this.#transports.listening;
  }

  /** Called with every message in and out, for traces. Bodies may hold keys: mask them before they are kept. */
  set onMessage(observer: MessageObserver | undefined) {
    this.#transports.onObserved = observer;
  }

  get activeTransactions(): number {
    return this.#transactions.clientCount + this.#transactions.serverCount;
  }

  get activeDialogs(): number {
    return this.#core.dialogs.size + this.#core.dialogs.earlySize;
  }

  get connectionCount(): number {
    return this.#transports.connectionCount;
  }

  /** Sends an INVITE; set the callbacks before returning to the event loop. */
  invite(options: OutgoingInviteOptions): OutgoingInvite {
    return new UacInvite(this.#core, options);
  }

  /**
   * Sends a request outside of dialogs and waits for its final answer.
   * @throws TransactionTimeoutError, TransportError
   */
  request(options: OutgoingRequestOptions): Promise<SipResponse> {
    return sendOutOfDialog(this.#core, options);
  }

  /** All addresses of a host, by the stack's own name servers and cache. @throws TransportError TRANSPORT_DNS when there is none */
  async addressesOf(host: string): Promise<readonly string[]> {
    // With a port no service records are asked for (RFC 3263 §4.2).
    const found = await this.#core.locator.locate(sipUri(undefined, host, 5060));
    return found.map(({ address }) => address);
  }

  #admitted(request: SipRequest, flow: Flow): boolean {
    const verdict = this.admit?.(request, flow) ?? "accept";
    if (verdict === "accept") return true;
    if (verdict === "drop") {
      this.counters.dropped++;
      return false;
    }
    this.#refuse(request, flow, verdict.status, verdict.reason, verdict.headers);
    return false;
  }

  /** An answer without a transaction: a repeat of the request gets it again. */
  #refuse(request: SipRequest, flow: Flow, status: number, reason?: string, headers: ExtraHeaders = []): void {
    this.counters.refused++;
    if (request.method === "ACK") return;
    this.#transports.sendResponse(
      createResponse(request, status, {
        toTag: statelessTag(request),
        headers: [...headers, ...server(this.#core)],
        ...(reason === undefined ? {} : { reason }),
      }),
      flow,
    );
  }

  #unreadable(error: SipParseError, flow: Flow): void {
    this.counters.parseErrors++;
    if (!(error instanceof UnacceptableRequestError)) return;
    const { request } = error;
    stampVia(request, flow);
    // A Request-URI that could not be read names no domain, so admission has nothing to judge.
    if (request.uri.host !== "invalid" && !request.to.params.has("tag") && this.admit?.(request, flow) === "drop") {
      this.counters.dropped++;
      return;
    }
    this.#refuse(request, flow, error.status, error.message.slice(0, 120));
  }

  #newRequest(transaction: ServerTransaction): void {
    const { request, flow } = transaction;
    const respond = (status: number, headers: ExtraHeaders = [], reason?: string): void =>
      transaction.respond(
        createResponse(request, status, {
          toTag: transaction.localTag,
          headers: [...headers, ...server(this.#core)],
          ...(reason === undefined ? {} : { reason }),
        }),
      );
    const allow: ExtraHeaders = [["Allow", this.#core.allow]];
    if (request.to.params.has("tag")) {
      const dialog = this.#core.dialogs.find(request);
      if (dialog === undefined) respond(481);
      else dialog.receive(transaction);
      return;
    }
    if (!isKnownMethod(request.method)) {
      respond(501, allow);
      return;
    }
    if (request.maxForwards === 0 && request.method !== "OPTIONS") {
      respond(483);
      this.onTooManyHops?.(request, flow);
      return;
    }
    const unsupported = unknownExtensions(this.#core, request);
    if (unsupported.length > 0) {
      respond(420, [["Unsupported", unsupported.join(", ")]]);
      return;
    }
    switch (request.method) {
      case "INVITE":
        this.#newInvite(transaction, respond);
        break;
      case "BYE":
      case "UPDATE":
      case "INFO":
      case "NOTIFY":
      case "PRACK":
        respond(481);
        break;
      case "REFER":
        respond(403);
        break;
      case "SUBSCRIBE":
      case "MESSAGE":
      case "PUBLISH":
        respond(405, allow);
        break;
      default:
        if (this.onRequest === undefined) respond(405, allow);
        else {
          // R-KEEP-1: OPTIONS tells what we can do.
          const described = (status: number): ExtraHeaders => [
            ...(status === 405 || request.method === "OPTIONS" ? allow : []),
            ...(request.method === "OPTIONS" ? [["Supported", supported(this.#core)] as const] : []),
          ];
          this.onRequest({
            request,
            flow,
            respond: (status, options = {}) =>
              respond(status, [...described(status), ...(options.headers ?? [])], options.reason),
            drop: () => transaction.drop(),
          });
        }
    }
  }

  #newInvite(
    transaction: ServerTransaction,
    respond: (status: number, headers?: ExtraHeaders, reason?: string) => void,
  ): void {
    const { request } = transaction;
    try {
      readRecordRoutes(request.headers);
    } catch (error) {
      // Without its route set the dialog could not be spoken in.
      respond(400, [], messageOf(error));
      return;
    }
    const { sessionTimer } = this.#core;
    if (sessionTimer !== undefined && isTooShort(request, sessionTimer)) {
      respond(422, [["Min-SE", String(sessionTimer.minSeconds)]]);
      return;
    }
    const problem = unsupportedBody(request);
    if (problem === "type") {
      respond(415, [["Accept", "application/sdp"]]);
      return;
    }
    if (problem === "encoding") {
      respond(415, [["Accept-Encoding", "identity"]]);
      return;
    }
    const accept = request.headers.all("Accept").join(",").toLowerCase();
    if (accept.trim() !== "" && !/application\/(sdp|\*)|\*\/\*/.test(accept)) {
      respond(406);
      return;
    }
    if (this.onInvite === undefined) respond(480);
    else this.onInvite(new UasInvite(this.#core, transaction));
  }
}
