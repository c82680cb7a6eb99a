/**
 * May this INVITE come in? The checks of a termination call in their order, as data: each says yes or names status, alert
 * and reason (requirements 0.1, R-TERM-5 to R-TERM-8, R-AUTH-1 to R-AUTH-4, R-CID-3, R-SEC-3). Pure but for the two
 * questions that are asked through `ask`: the digest, only after the access control list (R-AUTH-4), and the limits, last
 * of all since asking takes a call from the rate.
 */

import type { TrunkingAlertCode } from "./alerts.ts";
import type { LimitVerdict } from "./limits.ts";
import { guardsSources, listedSource, type RequestSource } from "./listed-source.ts";
import {
  type CallerId,
  type CallerIdentity,
  callerIdOf,
  destinationAllowed,
  isE164,
  readPrivacy,
  withoutUserParams,
} from "./numbers.ts";
import type { IpAcl, SipDomain, Trunk } from "./records.ts";

/** The domain that the Request-URI names. */
export type TerminationDomain =
  | { readonly kind: "trunk"; readonly record: Trunk }
  /** `bySource`: found by where the INVITE came from, which is authentication by address already (R-NET-6). */
  | { readonly kind: "sip-domain"; readonly record: SipDomain; readonly bySource?: true };

/** What is known of the INVITE. */
export interface TerminationRequest {
  /** Host part of the Request-URI, for texts. */
  readonly host: string;
  /** User part of the Request-URI. */
  readonly user: string | undefined;
  readonly transport: "udp" | "tcp" | "tls";
  readonly source: RequestSource;
  readonly identity: CallerIdentity;
  /** The INVITE takes the place of a party of another call (RFC 3891), so it calls no number; default false. */
  readonly takesPlace?: boolean;
}

/** Outcome of the digest check over the credential lists of the domain. */
export type CredentialVerdict =
  | { readonly kind: "valid"; readonly username: string }
  /** No credentials for our realm. */
  | { readonly kind: "absent" }
  /** Right but for a nonce that is too old (SIP-AUTH-3). */
  | { readonly kind: "stale" }
  | { readonly kind: "wrong" };

/** Records and answers that the checks need. */
export interface TerminationContext {
  /** The access control lists that are mapped to the domain. */
  readonly acls: readonly IpAcl[];
  /** R-TERM-8. */
  readonly shortCodes: readonly string[];
  /** What an unknown host gets. */
  readonly unknownDomain: "drop" | "404";
  /** False for an account that is suspended or closed. */
  readonly isActive: (accountSid: string) => boolean;
  readonly ownsCallerId: (accountSid: string, number: string) => boolean;
  readonly ask: {
    readonly credentials: () => CredentialVerdict;
    /** @param trunk - undefined for a call of a SIP domain */
    readonly limits: (trunk: Trunk | undefined) => LimitVerdict;
  };
}

/** True for a domain whose access control lists are not asked, since the source address has led to it (R-NET-6). */
export function isBySource(domain: TerminationDomain): boolean {
  return domain.kind === "sip-domain" && domain.bySource === true;
}

/** Names of the checks, in the order in which they are made. */
export type TerminationCheck =
  | "domain"
  | "authentication-mapped"
  | "access-control-list"
  | "credentials"
  | "account"
  | "secure"
  | "privacy"
  | "called-number"
  | "caller-id-form"
  | "caller-id-owned"
  | "destination"
  | "limits";

export interface TerminationAccepted {
  readonly outcome: "accept";
  readonly domain: TerminationDomain;
  /** User part without parameters; E.164 or a short code on trunks, anything on SIP domains. */
  readonly called: string;
  readonly caller: CallerId;
  /** User of the digest, or null. */
  readonly username: string | null;
  readonly passed: readonly TerminationCheck[];
}

export interface TerminationRefused {
  /** `drop`: no answer at all. `challenge`: 407 with Proxy-Authenticate. */
  readonly outcome: "drop" | "challenge" | "reject";
  /** SIP status; 0 for `drop`. */
  readonly status: number;
  /** Reason phrase. */
  readonly reason: string;
  /** Alert to write, or null. */
  readonly alertCode: TrunkingAlertCode | null;
  /** The check that failed and what it found, for logs and `explain`. */
  readonly check: TerminationCheck;
  readonly text: string;
  /** With `challenge`: only the nonce was too old. */
  readonly stale: boolean;
  readonly passed: readonly TerminationCheck[];
}

export type TerminationVerdict = TerminationAccepted | TerminationRefused;

/** A call while it is being checked. */
interface Candidate {
  readonly request: TerminationRequest;
  readonly context: TerminationContext;
  readonly domain: TerminationDomain;
  readonly called: string;
  readonly caller: CallerId;
  username: string | null;
}

type Refusal = Pick<TerminationRefused, "outcome" | "status" | "reason" | "alertCode" | "text"> & { stale?: boolean };

type Check = (candidate: Candidate) => Refusal | null;

/** After the domain is known. Nothing may change state before `credentials` has passed (hardening R7). */
const CHECKS: readonly (readonly [TerminationCheck, Check])[] = [
  ["authentication-mapped", checkAuthenticationMapped],
  ["access-control-list", checkAccessControlList],
  ["credentials", checkCredentials],
  ["account", checkAccount],
  ["secure", checkSecure],
  ["privacy", checkPrivacy],
  // After authentication, so that a stranger learns nothing from the answer (R-TERM-7).
  ["called-number", checkCalledNumber],
  ["caller-id-form", checkCallerIdForm],
  ["caller-id-owned", checkCallerIdOwned],
  ["destination", checkDestination],
  ["limits", checkLimits],
];

/**
 * Judges an INVITE.
 * @param domain - undefined when no trunk or SIP domain has the host of the Request-URI
 */
export function judgeTermination(
  request: TerminationRequest,
  domain: TerminationDomain | undefined,
  context: TerminationContext,
): TerminationVerdict {
  const passed: TerminationCheck[] = [];
  if (domain === undefined) return { ...unknownDomain(request, context), check: "domain", stale: false, passed };
  passed.push("domain");
  const candidate: Candidate = {
    request,
    context,
    domain,
    called: withoutUserParams(request.user ?? ""),
    caller: callerIdOf(request.identity),
    username: null,
  };
  for (const [name, check] of CHECKS) {
    const refusal = check(candidate);
    if (refusal !== null) return { stale: false, ...refusal, check: name, passed };
    passed.push(name);
  }
  const { called, caller, username } = candidate;
  return { outcome: "accept", domain, called, caller, username, passed };
}

function reject(status: number, reason: string, alertCode: TrunkingAlertCode | null, text: string): Refusal {
  return { outcome: "reject", status, reason, alertCode, text };
}

function unknownDomain(request: TerminationRequest, context: TerminationContext): Refusal {
  const text = `no trunk or SIP domain has the name ${JSON.stringify(request.host.slice(0, 100))}`;
  if (context.unknownDomain === "404") return reject(404, "Not Found", null, text);
  return { outcome: "drop", status: 0, reason: "", alertCode: null, text };
}

function checkAuthenticationMapped({ domain }: Candidate): Refusal | null {
  // The mappings count, not the lists behind them: a mapped list that is gone must not open the domain.
  if (isBySource(domain) || guardsSources(domain.record)) return null;
  if (domain.record.credentialListSids.length > 0) return null;
  return reject(
    403,
    "Forbidden",
    32200,
    "neither an access control list nor a credential list is mapped to the domain",
  );
}

function checkAccessControlList({ domain, context, request }: Candidate): Refusal | null {
  if (isBySource(domain) || !guardsSources(domain.record)) return null;
  if (listedSource(domain.record, context.acls, request.source) !== undefined) return null;
  const { remoteAddress } = request.source;
  return reject(403, "Forbidden", 32201, `${remoteAddress} is in no access control list of the domain`);
}

function checkCredentials(candidate: Candidate): Refusal | null {
  if (candidate.domain.record.credentialListSids.length === 0) return null;
  const verdict = candidate.context.ask.credentials();
  switch (verdict.kind) {
    case "valid":
      candidate.username = verdict.username;
      return null;
    case "wrong":
      return reject(403, "Forbidden", 32202, "user name or password is wrong");
    default: {
      const stale = verdict.kind === "stale";
      const text = stale ? "the nonce is too old" : "no credentials were sent";
      const reason = "Proxy Authentication Required";
      return { outcome: "challenge", status: 407, reason, alertCode: null, text, stale };
    }
  }
}

function checkAccount({ domain, context }: Candidate): Refusal | null {
  if (context.isActive(domain.record.accountSid)) return null;
  return reject(403, "Forbidden", 10001, "the account of the domain is suspended or closed");
}

function checkSecure({ domain, request }: Candidate): Refusal | null {
  if (!domain.record.secure || request.transport === "tls") return null;
  return reject(
    403,
    "Forbidden",
    32209,
    `the domain is secure, the request came over ${request.transport.toUpperCase()}`,
  );
}

function checkPrivacy({ request }: Candidate): Refusal | null {
  if (!readPrivacy(request.identity.privacy).unmet) return null;
  return reject(500, "Privacy Cannot Be Provided", null, "Privacy demands something critical that is not known here");
}

function checkCalledNumber({ domain, called, context, request }: Candidate): Refusal | null {
  if (request.takesPlace === true) return null;
  // The users of SIP domains are free (R-BYOC-9).
  if (domain.kind === "sip-domain" || isE164(called) || context.shortCodes.includes(called)) return null;
  return reject(400, "Bad Request", 32101, "the called number is not + and 2 to 15 digits (E.164)");
}

function checkCallerIdForm({ domain, caller }: Candidate): Refusal | null {
  if (domain.kind === "sip-domain" || caller.number === undefined || isE164(caller.number)) return null;
  return reject(400, "Bad Request", 32206, `the caller id in ${caller.source} is not + and 2 to 15 digits (E.164)`);
}

function checkCallerIdOwned({ domain, caller, context, request }: Candidate): Refusal | null {
  if (request.takesPlace === true) return null;
  if (domain.kind === "sip-domain" || domain.record.callerIdPolicy === "any") return null;
  if (caller.number === undefined)
    return reject(403, "Forbidden", 32204, "no caller id in From, Remote-Party-ID or P-Asserted-Identity");
  if (context.ownsCallerId(domain.record.accountSid, caller.number)) return null;
  return reject(
    403,
    "Forbidden",
    32204,
    `the caller id in ${caller.source} is neither a number of the account nor verified`,
  );
}

function checkDestination({ domain, called, context, request }: Candidate): Refusal | null {
  if (request.takesPlace === true) return null;
  if (domain.kind === "sip-domain" || context.shortCodes.includes(called)) return null;
  if (destinationAllowed(called, domain.record.destinationAllowList)) return null;
  return reject(403, "Forbidden", 32205, "the called number is not in the trunk's allow list");
}

function checkLimits({ domain, context }: Candidate): Refusal | null {
  const verdict = context.ask.limits(domain.kind === "trunk" ? domain.record : undefined);
  if (verdict.admitted) return null;
  if (verdict.limit === "gateway-calls-per-second")
    return reject(503, "Gateway CPS limit exceeded", 32012, `the gateway takes ${verdict.max} calls per second`);
  if (verdict.limit === "calls-per-second")
    return reject(503, "Trunk CPS limit exceeded", 32001, `the trunk takes ${verdict.max} calls per second`);
  return reject(503, "Trunk concurrent calls limit exceeded", 32001, `the trunk takes ${verdict.max} calls at a time`);
}
