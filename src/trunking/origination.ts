/**
 * Calls that the gateway sends out to a target: what the INVITE looks like, and what an answer means for the next target
 * (R-ORIG-3 to R-ORIG-10, R-ORIG-17 to R-ORIG-19, R-SEC-5, R-SEC-6, R-SEC-19, R-BYOC-11, R-BYOC-17).
 */

import type { TargetTransport, TargetUri } from "./target-uri.ts";
import type { HeaderList, MadeUri } from "./uri-parts.ts";

/** Final answers that end the call instead of moving on to the next target, besides all 6xx (R-ORIG-18). */
const FINAL_FOR_THE_CALL: ReadonlySet<number> = new Set([400, 404, 405, 410, 416, 482, 484, 486]);

/**
 * True when this final answer of 300 to 699 is the result of the call: no other target, no disaster recovery
 * (R-ORIG-18, R-ORIG-19). A 302 that is followed never gets here.
 */
export function stopsFailover(status: number): boolean {
  return FINAL_FOR_THE_CALL.has(status) || status >= 600;
}

/** One INVITE to one target, all but From, To and SDP. */
export interface PlannedInvite {
  /** Request-URI as it is sent: without edge, region, tnx and secure. */
  readonly requestUri: MadeUri;
  /** Where it goes: the same host, with the transport spelled out. Default ports are those of the transport. */
  readonly nextHop: MadeUri;
  readonly transport: TargetTransport;
  /** Headers of the target URI, then Diversion. */
  readonly headers: HeaderList;
  /** Edge to leave from, or null: the one where the call arrived (R-ORIG-10). */
  readonly edge: string | null;
  /** SRTP in the offer or not (R-SEC-1, R-SEC-19). */
  readonly security: "required" | "none";
}

/** What a target is called with. */
export interface OriginationCall {
  /** The dialled number in E.164. */
  readonly dialled: string;
  /**
   * `byoc`: a target of a connection policy, where `;secure=true` asks for TLS and SRTP (R-BYOC-17). On trunks only
   * `secure` does (R-SEC-19).
   */
  readonly kind: "trunk" | "byoc";
  /** Trunks with `secure` on use TLS and SRTP whatever the URI says (R-SEC-5). Always false for `byoc` (R-BYOC-16). */
  readonly secure: boolean;
  /** Host of the Diversion URI, or null for calls that carry none (BYOC origination). */
  readonly diversionHost: string | null;
  /** Diversion values that came with the call, newest first; they follow ours (SIP-ID-5). */
  readonly diversions?: readonly string[];
}

/** Plans the INVITE to a trunk's origination URI or a policy's target. */
export function planInvite(target: TargetUri, call: OriginationCall): PlannedInvite {
  const secure = call.secure || (call.kind === "byoc" && target.secureMedia);
  // Keys in the SDP need a protected hop (hardening R13).
  const transport = secure ? "tls" : (target.transport ?? "udp");
  const params = new Map(target.params);
  // UDP is said only where the URI said it; TLS always, since the Request-URI is all that a further hop sees.
  if (transport !== "udp" || target.transport === "udp") params.set("transport", transport);
  const requestUri: MadeUri = {
    scheme: "sip",
    user: target.user ?? call.dialled,
    host: target.host,
    port: target.port,
    params,
    headers: [],
  };
  const headers: HeaderList = target.headers.map(([name, value]) => [name, value]);
  if (call.diversionHost !== null) headers.push(["Diversion", diversionValue(call.dialled, call.diversionHost)]);
  for (const value of call.diversions ?? []) headers.push(["Diversion", value]);
  return {
    requestUri,
    nextHop: { ...requestUri, user: undefined, params: new Map([["transport", transport]]), headers: [] },
    transport,
    headers,
    edge: target.edge,
    security: secure ? "required" : "none",
  };
}

/** `<sip:+E164@host>;reason=unconditional` (RFC 5806, R-ORIG-5). */
function diversionValue(dialled: string, host: string): string {
  return `<sip:${dialled}@${host}>;reason=unconditional`;
}

/** Weights and priorities a target may have; `parent` says whose (R-ORIG-12, R-ORIG-13). Returns what is wrong, or null. */
export function targetNumbersProblem(
  priority: number,
  weight: number,
  parent: "trunk" | "connection-policy",
): string | null {
  if (!Number.isInteger(priority) || priority < 0 || priority > 65535) return "the priority is 0 to 65535";
  const least = parent === "trunk" ? 0 : 1;
  if (!Number.isInteger(weight) || weight < least || weight > 65535) return `the weight is ${least} to 65535`;
  return null;
}

/** Most targets of one trunk or connection policy, and the REST code of one more (R-ORIG-1, R-BYOC-10). */
export const TARGETS_MAX = 10;
export const TARGETS_MAX_CODE = { trunk: 21249, "connection-policy": 21254 } as const;
