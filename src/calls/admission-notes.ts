/** What was looked at before an INVITE was let in or turned away, as decisions for its story. Names what was found, no secret. */

import { parseCredentials } from "../sip/digest.ts";
import type { Flow, SipRequest } from "../sip/message.ts";
import { guardsSources, listedSource } from "../trunking/listed-source.ts";
import type { CredentialList, IpAcl } from "../trunking/records.ts";
import type { TerminationAccepted, TerminationDomain, TerminationRefused } from "../trunking/termination.ts";
import type { Decision } from "./decisions.ts";

export type Note = Omit<Decision, "atMs">;

export interface AdmissionFindings {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly domain: TerminationDomain | undefined;
  readonly realm: string;
  readonly acls: readonly IpAcl[];
  readonly lists: readonly CredentialList[];
  readonly verdict: TerminationAccepted | TerminationRefused;
}

/** Checks that have a line of their own when they pass. */
const TOLD_APART: ReadonlySet<string> = new Set([
  "domain",
  "authentication-mapped",
  "access-control-list",
  "credentials",
]);
/** Entries and lists that are named; a story is no listing. */
const NAMED_MAX = 4;

/** In the order in which it was decided. */
export function admissionNotes(findings: AdmissionFindings): Note[] {
  const { domain, flow, verdict, acls, lists } = findings;
  const notes: Note[] = [
    {
      step: "received",
      text: `INVITE over ${flow.transport.toUpperCase()} from ${flow.remoteAddress}:${flow.remotePort}`,
      fields: { code: "received", transport: flow.transport, address: flow.remoteAddress, port: flow.remotePort },
    },
  ];
  if (domain !== undefined) notes.push(matched(findings, domain));
  if (domain !== undefined && verdict.passed.includes("access-control-list") && guardsSources(domain.record)) {
    const listed = listedSource(domain.record, acls, flow);
    if (listed?.by === "address")
      notes.push({
        step: "authentication",
        text: `${flow.remoteAddress} is in access control list "${listed.acl.friendlyName}" (${rangeOf(listed.entry)})`,
        fields: { code: "acl.listed", list: listed.acl.friendlyName, range: rangeOf(listed.entry) },
      });
    else if (listed?.by === "certificate")
      notes.push({
        step: "authentication",
        text: `${flow.remoteAddress} showed the certificate of ${listed.name}, which stands in for an address of a list`,
        fields: { code: "certificate.listed", name: listed.name },
      });
  }
  if (verdict.passed.includes("credentials") && lists.length > 0) {
    const username = "username" in verdict ? verdict.username : usernameOf(findings);
    notes.push({
      step: "authentication",
      text: `user "${username ?? ""}" proved to know the password`,
      fields: { code: "credentials.valid", username },
    });
  }
  const others = verdict.passed.filter((check) => !TOLD_APART.has(check));
  if (others.length > 0)
    notes.push({
      step: "checked",
      text: `passed ${others.map((check) => check.replaceAll("-", " ")).join(", ")}`,
      fields: { code: "checks.passed", checks: others.join(" ") },
    });
  if (verdict.outcome !== "accept") notes.push(refusal(findings, verdict));
  return notes;
}

function matched({ request, realm }: AdmissionFindings, { kind, record }: TerminationDomain): Note {
  const name = record.friendlyName;
  return {
    step: "matched",
    text: `${kind === "trunk" ? "trunk" : "SIP domain"} "${name}", by the host ${request.uri.host.slice(0, 100)}`,
    fields: { code: "domain.matched", kind, name, sid: record.sid, host: request.uri.host.slice(0, 253), realm },
  };
}

function refusal(findings: AdmissionFindings, verdict: TerminationRefused): Note {
  const { flow, acls, domain } = findings;
  const fields = {
    code: `refused.${verdict.check}`,
    status: verdict.status,
    alert: verdict.alertCode,
    outcome: verdict.outcome,
    domain: domain?.record.friendlyName ?? "",
    host: findings.request.uri.host.slice(0, 253),
  };
  if (verdict.check === "access-control-list") {
    const named = acls.slice(0, NAMED_MAX).map((acl) => `"${acl.friendlyName}" (${rangesOf(acl)})`);
    const more = acls.length > NAMED_MAX ? ` and ${acls.length - NAMED_MAX} more` : "";
    const lists = named.length === 0 ? "in no access control list" : `not in ${named.join(", ")}${more}`;
    const certificates = domain?.record.certificateNames ?? [];
    const shown = certificates.length === 0 ? "" : `, and showed no certificate of ${namesOf(certificates)}`;
    return {
      step: "authentication",
      text: `${flow.remoteAddress} is ${lists}${shown}`,
      fields: { ...fields, address: flow.remoteAddress, list: acls[0]?.friendlyName ?? "" },
    };
  }
  if (verdict.check !== "credentials") return { step: "checked", text: verdict.text, fields };
  const username = usernameOf(findings);
  const list = findings.lists.find(({ credentials }) => credentials.some((one) => one.username === username));
  const given = { ...fields, username, list: list?.friendlyName ?? findings.lists[0]?.friendlyName ?? "" };
  if (verdict.outcome === "challenge")
    return {
      step: "authentication",
      text: `${verdict.text}: asked for credentials of realm ${findings.realm}`,
      fields: { ...given, code: verdict.stale ? "challenged.stale" : "challenged", realm: findings.realm },
    };
  return list === undefined
    ? {
        step: "authentication",
        text: `user "${username ?? ""}" is in no credential list of the domain`,
        fields: { ...given, code: "refused.user-unknown" },
      }
    : {
        step: "authentication",
        text: `user "${username ?? ""}" is in credential list "${list.friendlyName}", but the password is another`,
        fields: { ...given, code: "refused.password" },
      };
}

/** Who the caller says to be, whether or not it is true. */
function usernameOf({ request, realm }: AdmissionFindings): string | null {
  for (const value of request.headers.all("Proxy-Authorization")) {
    try {
      const credentials = parseCredentials(value);
      if (credentials?.realm === realm) return credentials.username.slice(0, 64);
    } catch {
      // A header that cannot be read names nobody.
    }
  }
  return null;
}

function namesOf(names: readonly string[]): string {
  const named = names.slice(0, NAMED_MAX).join(" or ");
  return names.length > NAMED_MAX ? `${named} or ${names.length - NAMED_MAX} more` : named;
}

function rangesOf({ addresses }: IpAcl): string {
  const named = addresses.slice(0, NAMED_MAX).map(rangeOf);
  return addresses.length > NAMED_MAX
    ? `${named.join(", ")} and ${addresses.length - NAMED_MAX} more`
    : named.join(", ");
}

function rangeOf({ ipAddress, prefixLength }: IpAcl["addresses"][number]): string {
  return `${ipAddress}/${prefixLength}`;
}
