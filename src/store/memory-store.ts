/** The store without a disk: for tests, for embedding, and for gateways whose objects all come from their configuration file. */

import type { OriginationTarget, RecordKind, RecordKinds } from "../trunking/records.ts";
import {
  accountGroup,
  belowGroup,
  callerIdGroup,
  carriersGroup,
  namedGroup,
  numbersGroup,
  RECORD_KINDS,
  targetsGroup,
  underGroup,
} from "./record-groups.ts";
import { RecordIndex } from "./record-index.ts";
import type { Change, Listing, OwnedKind, Store, Use } from "./store.ts";

export class MemoryStore implements Store {
  protected readonly index = new RecordIndex();

  get<K extends RecordKind>(kind: K, sid: string): RecordKinds[K] | undefined {
    return this.index.get(kind, sid);
  }

  list<K extends RecordKind>(kind: K): Iterable<RecordKinds[K]> {
    return this.index.list(kind);
  }

  /** @throws StoreError STORE_CONFLICT when a domain name or number would belong to two records; nothing is changed then */
  async apply(changes: readonly Change[]): Promise<void> {
    this.index.check(changes);
    this.index.make(changes);
  }

  async close(): Promise<void> {}

  trunkByDomain(label: string): RecordKinds["trunks"] | undefined {
    return this.index.byName("trunks", label);
  }

  sipDomainByName(label: string): RecordKinds["sipDomains"] | undefined {
    return this.index.byName("sipDomains", label);
  }

  domainBySource(address: string): RecordKinds["sipDomains"] | undefined {
    return this.index.domainBySource(address);
  }

  phoneNumber(e164: string): RecordKinds["phoneNumbers"] | undefined {
    return this.index.byName("phoneNumbers", e164);
  }

  originationUrls(trunkSid: string): readonly OriginationTarget[] {
    return this.index.set("originationUrls", targetsGroup(trunkSid));
  }

  policyTargets(policySid: string): readonly OriginationTarget[] {
    return this.index.set("connectionPolicyTargets", targetsGroup(policySid));
  }

  ownsCallerId(accountSid: string, e164: string): boolean {
    if (this.index.byName("phoneNumbers", e164)?.accountSid === accountSid) return true;
    return this.index.hasAny("outgoingCallerIds", callerIdGroup(accountSid, e164));
  }

  defaultCarrier(accountSid: string): RecordKinds["byocTrunks"] | undefined {
    return this.index.oldestOf("byocTrunks", carriersGroup(accountSid));
  }

  listOf<K extends OwnedKind>(kind: K, accountSid: string): Listing<RecordKinds[K]> {
    return this.index.order(kind, accountGroup(accountSid));
  }

  countOf(kind: OwnedKind, accountSid: string): number {
    return this.index.countOf(kind, accountGroup(accountSid));
  }

  numbersOfTrunk(trunkSid: string): Listing<RecordKinds["phoneNumbers"]> {
    return this.index.order("phoneNumbers", numbersGroup(trunkSid));
  }

  subAccounts(parentSid: string): readonly RecordKinds["accounts"][] {
    return this.index.set("accounts", belowGroup(parentSid));
  }

  usesOf(sid: string): readonly Use[] {
    const group = namedGroup(sid);
    return RECORD_KINDS.flatMap((kind) => this.index.set(kind, group).map((record) => ({ kind, record }) as Use));
  }

  hasSubdomains(kind: "trunks" | "sipDomains", label: string): boolean {
    return this.index.hasAny(kind, underGroup(label));
  }
}
