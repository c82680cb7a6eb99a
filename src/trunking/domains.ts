/**
 * Termination host names: `{name}.pstn[.{edge}].BASE` for trunks, `{name}.sip[.{edge}].BASE` for SIP domains (R-TERM-1 to
 * R-TERM-4, R-TERM-9, R-BYOC-3, R-EDGE-2). `{name}` may itself have dots: sub-domains.
 */

import type { EdgeTable } from "./edges.ts";

/** `pstn` names trunks, `sip` names SIP domains. */
export type DomainKind = "pstn" | "sip";

/** A host of ours. */
export interface ServedHost {
  readonly kind: DomainKind;
  /** What stands before `.pstn` or `.sip`, lower case. */
  readonly label: string;
  /** Edge that the host names, or null. */
  readonly edge: string | null;
}

const HOST_LENGTH_MAX = 253;
const LABEL_LENGTH_MAX = 63;

/**
 * Takes the host part of a Request-URI apart (R-TERM-5).
 * @param base - DNS suffix of the gateway, e.g. `voice.example.net`
 * @returns null when the host is none of ours
 */
export function servedHost(host: string, base: string, edges: EdgeTable): ServedHost | null {
  if (host.length > HOST_LENGTH_MAX) return null;
  const suffix = `.${base.toLowerCase()}`;
  const name = host.endsWith(".") ? host.slice(0, -1).toLowerCase() : host.toLowerCase();
  if (!name.endsWith(suffix)) return null;
  const labels = name.slice(0, -suffix.length).split(".");
  let edge: string | null = null;
  if (!isKind(labels.at(-1))) {
    const resolved = edges.resolve(labels.pop()!);
    if (resolved === undefined) return null;
    edge = resolved;
  }
  const kind = labels.pop();
  const label = labels.join(".");
  if (!isKind(kind) || !isDomainLabel(label)) return null;
  return { kind, label, edge };
}

/** True for labels of letters, digits and inner `-`, separated by dots; lower case is expected (R-TERM-2). */
export function isDomainLabel(label: string): boolean {
  if (label.length > HOST_LENGTH_MAX) return false;
  return label
    .split(".")
    .every(
      (part) =>
        part.length >= 1 &&
        part.length <= LABEL_LENGTH_MAX &&
        /^[a-z0-9-]+$/.test(part) &&
        !part.startsWith("-") &&
        !part.endsWith("-"),
    );
}

/**
 * The label in a full domain name as the REST resources take it.
 * @param domainName - `{name}.pstn.BASE` or `{name}.sip.BASE`, any letter case
 * @returns the label in lower case, or null when the name is not of that form
 */
export function labelOfDomainName(domainName: string, kind: DomainKind, base: string): string | null {
  const name = domainName.toLowerCase();
  const suffix = `.${kind}.${base.toLowerCase()}`;
  if (!name.endsWith(suffix)) return null;
  const label = name.slice(0, -suffix.length);
  return isDomainLabel(label) ? label : null;
}

/** The full name of a label: what REST shows and From headers carry. */
export function domainNameOf(label: string, kind: DomainKind, base: string): string {
  return `${label}.${kind}.${base}`;
}

/** The label that `label` is a sub-domain of, or null for one without a dot. */
function parentLabel(label: string): string | null {
  const dot = label.indexOf(".");
  return dot < 0 ? null : label.slice(dot + 1);
}

/** Who owns a domain, for the sub-domain rule. */
export interface DomainOwner {
  readonly accountSid: string;
}

/**
 * The sub-domain rule: the parent domain has to exist and belong to the same account or to its parent account (R-TERM-3).
 * @param owner - finds the record of a label
 * @param parentAccountSid - parent of the account that asks, or null
 * @returns what is wrong, or null (REST: 400, code 21247)
 */
export function subdomainProblem(
  label: string,
  accountSid: string,
  parentAccountSid: string | null,
  owner: (label: string) => DomainOwner | undefined,
): string | null {
  const parent = parentLabel(label);
  if (parent === null) return null;
  const record = owner(parent);
  if (record === undefined) return `the parent domain "${parent}" does not exist`;
  if (record.accountSid === accountSid || record.accountSid === parentAccountSid) return null;
  return `the parent domain "${parent}" belongs to another account`;
}

/** All labels that `label` lies under, nearest first: `a.b.c` lies under `b.c` and `c`. Those are neither deleted nor renamed (R-TERM-4). */
export function labelsAbove(label: string): string[] {
  const labels: string[] = [];
  for (let above = parentLabel(label); above !== null; above = parentLabel(above)) labels.push(above);
  return labels;
}

function isKind(text: string | undefined): text is DomainKind {
  return text === "pstn" || text === "sip";
}
