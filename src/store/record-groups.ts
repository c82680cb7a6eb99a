/**
 * Which records belong together, so that nobody has to walk all of a kind to find them. A record names the groups that it
 * is in; the index keeps them in step. To look records up in a new way: add a grouping here, and a method to `Store`.
 */

import { labelsAbove } from "../trunking/domains.ts";
import type { OriginationTarget, RecordKind, RecordKinds } from "../trunking/records.ts";
import type { OwnedKind } from "./store.ts";

type AnyRecord = RecordKinds[RecordKind];

/** Every kind. */
export const RECORD_KINDS: readonly RecordKind[] = [
  "accounts",
  "trunks",
  "originationUrls",
  "byocTrunks",
  "connectionPolicies",
  "connectionPolicyTargets",
  "sipDomains",
  "ipAcls",
  "credentialLists",
  "phoneNumbers",
  "outgoingCallerIds",
  "apiKeys",
  "applications",
  "ipRecords",
  "sourceIpMappings",
  "voiceSettings",
  "recordings",
];

/** Names that only one record of a kind may have. */
const UNIQUE_NAMES: { readonly [K in RecordKind]?: (record: RecordKinds[K]) => string | null } = {
  trunks: (trunk) => trunk.domainName,
  sipDomains: (domain) => domain.domainName,
  phoneNumbers: (number) => number.phoneNumber,
};

/** Groups that are read as a whole, in the order in which records came into them. */
const SETS: { readonly [K in RecordKind]?: (record: RecordKinds[K]) => readonly string[] } = {
  accounts: ({ parentSid }) => (parentSid === null ? [] : [belowGroup(parentSid)]),
  trunks: ({ domainName, ipAclSids, credentialListSids, carrierLink }) => [
    ...above(domainName),
    ...named(ipAclSids, credentialListSids, carrierLinkSids(carrierLink)),
  ],
  sipDomains: ({ domainName, ipAclSids, credentialListSids, byocTrunkSid }) => [
    ...above(domainName),
    ...named(ipAclSids, credentialListSids, [byocTrunkSid]),
  ],
  byocTrunks: ({ connectionPolicySid, fromDomainSid }) => named([connectionPolicySid, fromDomainSid]),
  phoneNumbers: ({ voiceApplicationSid }) => (voiceApplicationSid ? named([voiceApplicationSid]) : NONE),
  sourceIpMappings: ({ ipRecordSid, sipDomainSid }) => named([ipRecordSid, sipDomainSid]),
  originationUrls: targetGroup,
  connectionPolicyTargets: targetGroup,
  outgoingCallerIds: ({ accountSid, phoneNumber }) => [callerIdGroup(accountSid, phoneNumber)],
};

/** Groups that are long, or of which the oldest counts: kept in order of creation, read from the newest on. */
const ORDERS: { readonly [K in RecordKind]?: (record: RecordKinds[K]) => readonly string[] } = {
  phoneNumbers: ({ trunkSid }) => (trunkSid === null ? [] : [numbersGroup(trunkSid)]),
  byocTrunks: ({ accountSid, defaultCarrier }) => (defaultCarrier ? [carriersGroup(accountSid)] : []),
};

export function uniqueName(kind: RecordKind, record: AnyRecord): string | null {
  const name = UNIQUE_NAMES[kind] as ((record: AnyRecord) => string | null) | undefined;
  return name?.(record) ?? null;
}

const NONE: readonly string[] = [];

export function setsOf(kind: RecordKind, record: AnyRecord): readonly string[] {
  const groups = SETS[kind] as ((record: AnyRecord) => readonly string[]) | undefined;
  return groups?.(record) ?? NONE;
}

/** Beside its own, every record that has an owner is in the list of that account. */
export function ordersOf(kind: RecordKind, record: AnyRecord): readonly string[] {
  if (kind === "accounts") return NONE;
  const groups = ORDERS[kind] as ((record: AnyRecord) => readonly string[]) | undefined;
  return [accountGroup((record as RecordKinds[OwnedKind]).accountSid), ...(groups?.(record) ?? NONE)];
}

export const accountGroup = (accountSid: string): string => `of ${accountSid}`;
export const numbersGroup = (trunkSid: string): string => `on ${trunkSid}`;
export const carriersGroup = (accountSid: string): string => `carriers ${accountSid}`;
export const targetsGroup = (parentSid: string): string => `targets ${parentSid}`;
export const callerIdGroup = (accountSid: string, e164: string): string => `${accountSid} ${e164}`;
export const belowGroup = (accountSid: string): string => `below ${accountSid}`;
/** Records that have this SID in one of their fields. */
export const namedGroup = (sid: string): string => `names ${sid}`;
/** Sub-domains of a label (R-TERM-4). */
export const underGroup = (label: string): string => `under ${label}`;

function targetGroup({ parentSid }: OriginationTarget): readonly string[] {
  return [targetsGroup(parentSid)];
}

function named(...sids: readonly (readonly (string | null)[])[]): string[] {
  return [...new Set(sids.flat())].flatMap((sid) => (sid === null ? [] : [namedGroup(sid)]));
}

function carrierLinkSids(link: RecordKinds["trunks"]["carrierLink"]): readonly string[] {
  if (link === null || link.kind === "twiml") return NONE;
  return [link.kind === "byoc" ? link.byocTrunkSid : link.trunkSid];
}

function above(label: string | null): string[] {
  return label === null ? [] : labelsAbove(label).map(underGroup);
}
