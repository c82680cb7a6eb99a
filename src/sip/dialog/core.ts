/** What dialogs and invitations share: the layers below them and the values that we put into every message. */

import type { Clock } from "../../base/clock.ts";
import { randomHex } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { ExtraHeaders, Flow, SipRequest, Via } from "../message.ts";
import { serializeMessage } from "../serialize.ts";
import { quote } from "../tokens.ts";
import type { TimerSettings } from "../transaction/timers.ts";
import type { TransactionLayer } from "../transaction/transaction-layer.ts";
import type { Locator } from "../transport/locate.ts";
import type { Target } from "../transport/target.ts";
import type { TransportLayer } from "../transport/transport-layer.ts";
import { formatHostPort } from "../uri.ts";
import { BRANCH_COOKIE } from "../via.ts";
import type { DialogTable } from "./dialog-table.ts";
import type { SessionTimerSettings } from "./session-timer.ts";

export interface SipCore {
  readonly clock: Clock;
  readonly log: Log;
  readonly timers: TimerSettings;
  readonly transports: TransportLayer;
  readonly transactions: TransactionLayer;
  readonly locator: Locator;
  readonly dialogs: DialogTable;
  /** Reliable provisional answers, RFC 3262. */
  readonly reliable: boolean;
  /** RFC 4028; undefined: neither asked for nor offered. */
  readonly sessionTimer: SessionTimerSettings | undefined;
  /** Option tags of extensions that the user of the stack carries out. */
  readonly extensions: readonly string[];
  /** Requests in a dialog go where its last one came from, when the Contact is private and that is not (SIP-DLG-6). */
  readonly symmetric: boolean;
  /** Methods that we take, for Allow. */
  readonly allow: string;
  /** User-Agent in requests, Server in responses; "" for none. */
  readonly productName: string;
  readonly random: () => number;
}

/** 96 random bits behind the cookie (SIP-TXN-9). */
function newBranch(): string {
  return BRANCH_COOKIE + randomHex(12);
}

/** Our top Via for a request on this flow; rport on UDP (RFC 3581 §3). */
export function viaFor(core: SipCore, flow: Flow): Via {
  const { host, port } = core.transports.announced(flow);
  const params = new Map([["branch", newBranch()]]);
  if (flow.transport === "udp") params.set("rport", "");
  else if (flow.transport === "tls" && core.transports.offersAlias) params.set("alias", "");
  return { transport: flow.transport.toUpperCase(), host, port, params };
}

/**
 * Our Contact on this flow: announced address and transport, no names of users or inner hosts (SIP-DLG-10).
 * @param user - an opaque token, or undefined for none
 * @param displayName - who calls, or "" for none (R-CNAM-2)
 */
export function contactFor(core: SipCore, flow: Flow, user?: string, displayName = ""): string {
  const { host, port } = core.transports.announced(flow);
  const userPart = user === undefined ? "" : `${user}@`;
  const display = displayName === "" ? "" : `${quote(displayName)} `;
  return `${display}<sip:${userPart}${formatHostPort(host, port)}${flow.transport === "udp" ? "" : `;transport=${flow.transport}`}>`;
}

/** A request that is ready to go. */
export interface Prepared {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** When it was written to see how long it is. */
  readonly octets?: Uint8Array;
}

/**
 * Where a request goes: what is too large for a datagram goes over TCP if the far end takes that, else over UDP all the
 * same (RFC 3261 §18.1.1, SIP-TP-2).
 * @param build - the request as it would be sent on a flow
 * @throws TransportError when there is no way
 */
export async function prepare(core: SipCore, target: Target, build: (flow: Flow) => SipRequest): Promise<Prepared> {
  const flow = await core.transports.flowTo(target);
  const request = build(flow);
  if (flow.transport !== "udp") return { request, flow };
  const octets = serializeMessage(request);
  if (octets.length <= core.transports.udpRequestBytesMax) return { request, flow, octets };
  const stream = await core.transports.flowTo({ ...target, transport: "tcp" }).catch(() => undefined);
  return stream === undefined ? { request, flow, octets } : { request: build(stream), flow: stream };
}

/** User-Agent for requests. */
export function userAgent(core: SipCore): ExtraHeaders {
  return core.productName === "" ? [] : [["User-Agent", core.productName]];
}

/** Server for responses. */
export function server(core: SipCore): ExtraHeaders {
  return core.productName === "" ? [] : [["Server", core.productName]];
}
