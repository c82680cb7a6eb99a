/**
 * What keeps the records. Reads are synchronous and come from memory, since they route calls; writes resolve when they
 * are durable. A store that cannot write rejects with `StoreError` and leaves memory as it was.
 */

import type { RecordKind, RecordKinds } from "../trunking/records.ts";

/** One change of an atomic group. */
export type Change = {
  [K in RecordKind]: { readonly kind: K; readonly put: RecordKinds[K] } | { readonly kind: K; readonly remove: string };
}[RecordKind];

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
  defaultCarrier(accountSid: string): RecordKinds["byocTrunks"] | undefined;
}
