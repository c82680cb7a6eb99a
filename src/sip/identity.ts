/**
 * Who says to be calling: From, Remote-Party-ID, P-Asserted-Identity and what Privacy asks for (RFC 3323, RFC 3325, SIP-ID-1
 * to SIP-ID-4, R-CID-1, R-CID-2). Only reads; who is believed is decided elsewhere.
 */

import { SipParseError } from "../base/errors.ts";
import type { Headers } from "./headers.ts";
import type { NameAddr, SipRequest } from "./message.ts";
import { parseNameAddr, parseNameAddrList } from "./name-addr.ts";

/** User parts as received, parameters included; undefined for a missing header or user. */
export interface CallerIdentityFields {
  readonly fromUser: string | undefined;
  readonly remotePartyIdUser: string | undefined;
  readonly assertedUser: string | undefined;
  readonly preferredUser: string | undefined;
  /** Values of the Privacy headers. */
  readonly privacy: readonly string[];
}

export function readCallerIdentity(request: SipRequest): CallerIdentityFields {
  return {
    fromUser: request.from.uri.user,
    remotePartyIdUser: remoteParty(request.headers)?.uri.user,
    assertedUser: assertedIdentities(request.headers).find((identity) => identity.uri.user !== undefined)?.uri.user,
    preferredUser: preferredIdentity(request.headers)?.uri.user,
    privacy: request.headers.all("Privacy"),
  };
}

/** P-Asserted-Identity: at most one sip or sips and one tel value, the first of each (SIP-ID-3). Malformed lines are ignored. */
export function assertedIdentities(headers: Headers): NameAddr[] {
  const found = new Map<"sip" | "tel", NameAddr>();
  for (const line of headers.all("P-Asserted-Identity"))
    for (const identity of ignoringFaults(() => parseNameAddrList(line, "P-Asserted-Identity")) ?? []) {
      const { scheme } = identity.uri;
      const kind = scheme === "tel" ? "tel" : "sip";
      if ((scheme === "tel" || scheme.startsWith("sip")) && !found.has(kind)) found.set(kind, identity);
    }
  return [...found.values()];
}

/** The first Remote-Party-ID of the caller that can be read; those of the called party are passed over. */
export function remoteParty(headers: Headers): NameAddr | undefined {
  for (const line of headers.all("Remote-Party-ID"))
    for (const value of ignoringFaults(() => parseNameAddrList(line, "Remote-Party-ID")) ?? []) {
      const party = value.params.get("party")?.toLowerCase() ?? "calling";
      if (party === "calling") return value;
    }
  return undefined;
}

/** P-Preferred-Identity (RFC 3325 §9.2), by which a caller chooses among numbers of its own; undefined when unreadable. */
export function preferredIdentity(headers: Headers): NameAddr | undefined {
  const value = headers.get("P-Preferred-Identity");
  return value === undefined ? undefined : ignoringFaults(() => parseNameAddr(value, "P-Preferred-Identity"));
}

/** These headers are not needed for a call: what cannot be read is as if it were not there (SIP-MSG-13). */
function ignoringFaults<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SipParseError) return undefined;
    throw error;
  }
}
