/** The store without a disk: for tests, for embedding, and for gateways whose objects all come from their configuration file. */

import type { OriginationTarget, RecordKind, RecordKinds } from "../trunking/records.ts";
import { RecordIndex } from "./record-index.ts";
import type { Change, Store } from "./store.ts";

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
    return this.index.targets("originationUrls", trunkSid);
  }

  policyTargets(policySid: string): readonly OriginationTarget[] {
    return this.index.targets("connectionPolicyTargets", policySid);
  }

  ownsCallerId(accountSid: string, e164: string): boolean {
    return this.index.ownsCallerId(accountSid, e164);
  }

  defaultCarrier(accountSid: string): RecordKinds["byocTrunks"] | undefined {
    return this.index.defaultCarrier(accountSid);
  }
}
