/**
 * Who may send a call elsewhere: 302 answers of targets (R-REDIR) and REFER of customers (R-XFER, SIP-REF-8). The same
 * places are closed to both (hardening R19).
 */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { addressInRange, parseRange } from "./acl.ts";
import { servedHost } from "./domains.ts";
import type { EdgeTable } from "./edges.ts";
import { destinationAllowed, isE164, withoutUserParams } from "./numbers.ts";
import type { PlannedInvite } from "./origination.ts";
import type { Trunk } from "./records.ts";
import { isHostName } from "./target-uri.ts";
import type { HeaderList, UriParts } from "./uri-parts.ts";

/** Where redirected and transferred calls may go. */
export interface DivertPolicy {
  /** DNS suffix and edges of the gateway. */
  readonly base: string;
  readonly edges: EdgeTable;
  /**
   * `private` (default of the product): private addresses, but neither loopback nor link-local. `public`: none of them.
   * `any`: all of them, for tests on one host.
   */
  readonly reach: "public" | "private" | "any";
  /** Host names, addresses or ranges that no call is sent to. */
  readonly denied: readonly string[];
}

/** Why a 302 or REFER goes nowhere. */
export interface DivertRefusal {
  readonly allowed: false;
  /** To the REFER, or for the call that was redirected. */
  readonly status: number;
  readonly alertCode: 32218 | 32219;
  readonly text: string;
}

export type RedirectRuling = { readonly allowed: true } | DivertRefusal;

/** The call that was answered with 302. */
export interface RedirectedCall {
  /** First URI of the first Contact header, or null when there is none that can be read (R-REDIR-3). */
  readonly contact: UriParts | null;
  /** Redirections that this call has followed (R-REDIR-2). */
  readonly followed: number;
  /** The call went to a registered endpoint (R-REDIR-5). */
  readonly toRegisteredEndpoint: boolean;
}

/** Rules on a 302 to an origination INVITE. A refusal fails the call with 480; no other target is tried. */
export function ruleRedirect(call: RedirectedCall, policy: DivertPolicy): RedirectRuling {
  const refuse = (text: string): DivertRefusal => ({ allowed: false, status: 480, alertCode: 32219, text });
  if (call.followed > 0) return refuse("a second redirection of one call is not followed");
  if (call.toRegisteredEndpoint) return refuse("calls to registered endpoints are not redirected");
  if (call.contact === null) return refuse("the 302 has no Contact with a URI that can be read");
  if (call.contact.scheme !== "sip" && call.contact.scheme !== "sips")
    return refuse(`a redirection to a ${quoted(call.contact.scheme)} URI is not followed`);
  if (servedHost(call.contact.host, policy.base, policy.edges) !== null)
    return refuse("a redirection to a domain of this gateway is not followed");
  const problem = placeProblem(call.contact.host, policy);
  return problem === null ? { allowed: true } : refuse(problem);
}

/** What a diverted call keeps of the call before it. */
export type DivertedCall = Pick<PlannedInvite, "headers" | "edge" | "security"> & {
  /** User for a URI without one. */
  readonly user: string | undefined;
};

/**
 * The INVITE to the Contact of an allowed 302 or the URI of an allowed REFER. Headers, edge and security are those of the
 * call before (R-REDIR-6 to R-REDIR-8, R-REDIR-13): a secure call stays on TLS whatever the URI says.
 */
export function planDiverted(uri: UriParts, call: DivertedCall): PlannedInvite {
  const asked = uri.scheme === "sips" ? "tls" : uri.params.get("transport")?.toLowerCase();
  const transport = call.security === "required" || asked === "tls" ? "tls" : asked === "tcp" ? "tcp" : "udp";
  const params = new Map<string, string>();
  for (const [name, value] of uri.params) if (!DROPPED_PARAMS.has(name.toLowerCase())) params.set(name, value);
  if (transport !== "udp") params.set("transport", transport);
  const { headers, edge, security } = call;
  const { host, port } = uri;
  return {
    requestUri: { scheme: "sip", user: uri.user ?? call.user, host, port, params, headers: [] },
    nextHop: { scheme: "sip", user: undefined, host, port, params: new Map([["transport", transport]]), headers: [] },
    transport,
    headers,
    edge,
    security,
  };
}

/** Parameters that are ours to decide; `maddr` would lead the call past the checks of its host (RFC 3261 §19.1.1). */
const DROPPED_PARAMS: ReadonlySet<string> = new Set([
  "edge",
  "region",
  "tnx",
  "secure",
  "transport",
  "method",
  "maddr",
  "ttl",
  "lr",
]);

/** A REFER, its Refer-To taken apart. */
export interface TransferRequest {
  /** URIs of all Refer-To headers; exactly one is right (SIP-REF-1). */
  readonly referTo: readonly UriParts[];
  /** The dialog has answered one REFER that is still under way (SIP-REF-9). */
  readonly underWay: boolean;
}

/** What a permitted transfer calls. */
export type TransferRuling =
  | { readonly allowed: true; readonly to: "sip"; readonly uri: UriParts; readonly headers: HeaderList }
  /** A number, through the carrier link of the trunk. */
  | { readonly allowed: true; readonly to: "pstn"; readonly number: string; readonly headers: HeaderList }
  | DivertRefusal;

/** What forbids a transfer wherever it goes to, or null (R-XFER-11, SIP-REF-1, SIP-REF-9). */
export function transferProblem(request: TransferRequest, trunk: Pick<Trunk, "transferMode">): DivertRefusal | null {
  if (trunk.transferMode === "disable-all") return transferRefused(403, "transfers are switched off on this trunk");
  if (request.referTo.length !== 1) return transferRefused(400, "a REFER needs exactly one Refer-To");
  if (request.underWay) return transferRefused(491, "another transfer of this call is under way");
  return null;
}

function transferRefused(status: number, text: string): DivertRefusal {
  return { allowed: false, status, alertCode: 32218, text };
}

/** Rules on a REFER from a trunk's customer (R-XFER-2, R-XFER-9, R-XFER-11, SIP-REF-1, SIP-REF-8). */
export function ruleTransfer(
  request: TransferRequest,
  trunk: Pick<Trunk, "transferMode" | "destinationAllowList">,
  policy: DivertPolicy,
): TransferRuling {
  const problem = transferProblem(request, trunk);
  if (problem !== null) return problem;
  const refuse = transferRefused;
  const uri = request.referTo[0]!;
  if (uri.scheme !== "sip" && uri.scheme !== "sips" && uri.scheme !== "tel")
    return refuse(416, `Refer-To with a ${quoted(uri.scheme)} URI is not supported`);
  const headers = uri.headers
    .filter(([name, value]) => /^(x-.+|user-to-user)$/i.test(name) && isPlainHeader(name, value))
    .map(([name, value]): [string, string] => [name, value]);

  const served = uri.scheme === "tel" ? null : servedHost(uri.host, policy.base, policy.edges);
  if (served?.kind === "sip") return refuse(482, "Refer-To names a SIP domain of this gateway");
  if (uri.scheme === "tel" || served?.kind === "pstn") {
    const number = withoutUserParams(uri.user ?? "");
    if (trunk.transferMode === "sip-only")
      return refuse(403, "this trunk transfers to SIP targets only, not to numbers");
    if (!isE164(number)) return refuse(400, "the number of Refer-To is not in E.164 form");
    if (!destinationAllowed(number, trunk.destinationAllowList))
      return refuse(403, "the destination of the transfer is not permitted");
    return { allowed: true, to: "pstn", number, headers };
  }
  const place = placeProblem(uri.host, policy);
  return place === null ? { allowed: true, to: "sip", uri, headers } : refuse(403, place);
}

/** Why no call is sent to this host, or null. Names are judged by themselves; what they resolve to is not known here. */
export function placeProblem(host: string, policy: DivertPolicy): string | null {
  const family = isIP(host);
  if (family === 0) {
    if (!isHostName(host)) return "the host of the URI is no address or domain name";
    const name = (host.endsWith(".") ? host.slice(0, -1) : host).toLowerCase();
    if (policy.denied.some((denied) => sameOrBelow(name, denied.toLowerCase()))) return "the host is on the deny list";
    if (policy.reach !== "any" && sameOrBelow(name, "localhost")) return "calls to loopback addresses are not sent";
    return null;
  }
  for (const denied of policy.denied) {
    const range = parseRange(denied);
    if (range !== null && addressInRange(host, range.ipAddress, range.prefixLength))
      return "the host is on the deny list";
  }
  const kind = ipaddr.process(host).range();
  if (kind === "unspecified" || kind === "multicast" || kind === "broadcast") return "the host is no unicast address";
  if (policy.reach === "any") return null;
  if (kind === "loopback" || kind === "linkLocal") return "calls to loopback and link-local addresses are not sent";
  const privateKinds = ["private", "uniqueLocal", "carrierGradeNat"];
  if (policy.reach === "public" && privateKinds.includes(kind)) return "calls to private addresses are not sent";
  return null;
}

function sameOrBelow(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`);
}

function isPlainHeader(name: string, value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /^[A-Za-z0-9!%*_+`'~.-]+$/.test(name) && !/[\x00-\x1f\x7f]/.test(value);
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 20));
}
