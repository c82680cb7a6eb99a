/**
 * What keeps the records. Reads are synchronous and come from memory, since they route calls; writes resolve when they
 * are durable. A store that cannot write rejects with `StoreError` and leaves memory as it was.
 */

import type { RecordKind, RecordKinds } from "../trunking/records.ts";

/** One change of an atomic group. */
export type Change = {
  [K in RecordKind]: { readonly kind: K; readonly put: RecordKinds[K] } | { readonly kind: K; readonly remove: string };
}[RecordKind];

/** Kinds of which each record belongs to an account. */
export type OwnedKind = Exclude<RecordKind, "accounts">;

/** What lists are ordered by: date of creation (ISO 8601), then SID. */
export interface Sortable {
  readonly sid: string;
  readonly dateCreated: string;
}

/** Records from the newest to the oldest, read as far as somebody wants. It follows changes: to be read at once, not kept. */
export interface Listing<T> extends Iterable<T> {
  /** Only what is older than this key, whether or not its record is still there; found without a walk. */
  olderThan(key: Sortable): Listing<T>;
  filter(keep: (record: T) => boolean): Listing<T>;
}

/** A record that has a SID in one of its fields. */
export type Use = { [K in RecordKind]: { readonly kind: K; readonly record: RecordKinds[K] } }[RecordKind];

export interface Store {
  get<K extends RecordKind>(kind: K, sid: string): RecordKinds[K] | undefined;
  /** All records of a kind in order of creation. */
  list<K extends RecordKind>(kind: K): Iterable<RecordKinds[K]>;
  /** All changes or none; resolves once durable. */
  apply(changes: readonly Change[]): Promise<void>;
  close(): Promise<void>;

  /** Indexes that routing needs, O(1). */
  trunkByDomain(label: string): RecordKinds["trunks"] | undefined;
  sipDomainByName(label: string): RecordKinds["sipDomains"] | undefined;
  /** The SIP domain that traffic of a source address is for, by IP records and source IP mappings (R-NET-6). */
  domainBySource(address: string): RecordKinds["sipDomains"] | undefined;
  phoneNumber(e164: string): RecordKinds["phoneNumbers"] | undefined;
  originationUrls(trunkSid: string): readonly RecordKinds["originationUrls"][];
  policyTargets(policySid: string): readonly RecordKinds["connectionPolicyTargets"][];
  /** True when the number is one of the account's own or a verified caller id (R-CID-3). */
  ownsCallerId(accountSid: string, e164: string): boolean;
  /** The oldest BYOC trunk of the account that is marked as default carrier. */
  defaultCarrier(accountSid: string): RecordKinds["byocTrunks"] | undefined;

  /** Indexes that REST needs; none walks all records of a kind. */
  listOf<K extends OwnedKind>(kind: K, accountSid: string): Listing<RecordKinds[K]>;
  countOf(kind: OwnedKind, accountSid: string): number;
  numbersOfTrunk(trunkSid: string): Listing<RecordKinds["phoneNumbers"]>;
  subAccounts(parentSid: string): readonly RecordKinds["accounts"][];
  /** Records that name this list, policy, domain, trunk, application or IP record; for the numbers of a trunk see `numbersOfTrunk`. */
  usesOf(sid: string): readonly Use[];
  /** True when some domain of the kind lies under this label (R-TERM-4). */
  hasSubdomains(kind: "trunks" | "sipDomains", label: string): boolean;
}
