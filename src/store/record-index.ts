/**
 * All records in memory with the indexes that routing needs. A group of changes is checked first and then made, so that
 * a durable store can write between the two and leave memory as it was when the disk refuses. Nothing here waits.
 */

import { StoreError } from "../base/errors.ts";
import type { OriginationTarget, RecordKind, RecordKinds } from "../trunking/records.ts";
import { SourceRanges } from "../trunking/source-ranges.ts";
import type { Change } from "./store.ts";

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
];

type AnyRecord = RecordKinds[RecordKind];

/** Names that only one record of a kind may have. */
const UNIQUE_NAMES: { readonly [K in RecordKind]?: (record: RecordKinds[K]) => string | null } = {
  trunks: (trunk) => trunk.domainName,
  sipDomains: (domain) => domain.domainName,
  phoneNumbers: (number) => number.phoneNumber,
};

/** Lists in which records are looked up by something else than their SID. */
const GROUPS: { readonly [K in RecordKind]?: (record: RecordKinds[K]) => string } = {
  originationUrls: (target) => target.parentSid,
  connectionPolicyTargets: (target) => target.parentSid,
  byocTrunks: (trunk) => trunk.accountSid,
  outgoingCallerIds: (callerId) => callerIdKey(callerId.accountSid, callerId.phoneNumber),
};

/** Records of one kind. */
interface Table {
  /** By SID, in order of creation. */
  readonly records: Map<string, AnyRecord>;
  /** Unique name → SID. */
  readonly names: Map<string, string>;
  /** Group → its records in order of creation. Lists are replaced, never changed, so readers may keep them. */
  readonly groups: Map<string, readonly AnyRecord[]>;
}

export class RecordIndex {
  readonly #tables = new Map<RecordKind, Table>(
    RECORD_KINDS.map((kind) => [kind, { records: new Map(), names: new Map(), groups: new Map() }]),
  );

  #sources = SourceRanges.NONE;

  get<K extends RecordKind>(kind: K, sid: string): RecordKinds[K] | undefined {
    return this.#tables.get(kind)?.records.get(sid) as RecordKinds[K] | undefined;
  }

  list<K extends RecordKind>(kind: K): Iterable<RecordKinds[K]> {
    return this.#table(kind).records.values() as Iterable<RecordKinds[K]>;
  }

  /** The record that has the unique name: domain label, or number in E.164. */
  byName<K extends RecordKind>(kind: K, name: string): RecordKinds[K] | undefined {
    const sid = this.#table(kind).names.get(name);
    return sid === undefined ? undefined : this.get(kind, sid);
  }

  /** Targets of a trunk or connection policy. */
  targets(kind: "originationUrls" | "connectionPolicyTargets", parentSid: string): readonly OriginationTarget[] {
    return this.#group(kind, parentSid);
  }

  ownsCallerId(accountSid: string, e164: string): boolean {
    if (this.byName("phoneNumbers", e164)?.accountSid === accountSid) return true;
    return this.#group("outgoingCallerIds", callerIdKey(accountSid, e164)).length > 0;
  }

  /** The oldest BYOC trunk of the account that is marked as default carrier. */
  defaultCarrier(accountSid: string): RecordKinds["byocTrunks"] | undefined {
    return this.#group("byocTrunks", accountSid).find((trunk) => trunk.defaultCarrier);
  }

  domainBySource(address: string): RecordKinds["sipDomains"] | undefined {
    const sid = this.#sources.find(address);
    return sid === undefined ? undefined : this.get("sipDomains", sid);
  }

  /**
   * Says whether `make` would succeed. A group may hand a name from one record to another in any order.
   * @throws StoreError STORE_CONFLICT when a domain name, number or source address would belong to two records
   * @throws TypeError for a kind that does not exist
   */
  check(changes: readonly Change[]): void {
    const claims = new Map<Table, Map<string, string | null>>();
    const claimsOf = (table: Table): Map<string, string | null> => {
      const found = claims.get(table) ?? new Map<string, string | null>();
      claims.set(table, found);
      return found;
    };
    for (const change of changes) {
      const table = this.#table(change.kind);
      const before = table.records.get(sidOf(change));
      const name = before === undefined ? null : uniqueName(change.kind, before);
      if (name !== null) claimsOf(table).set(name, null);
    }
    for (const change of changes) {
      if (!("put" in change)) continue;
      const table = this.#table(change.kind);
      const name = uniqueName(change.kind, change.put);
      if (name === null) continue;
      const claimed = claimsOf(table).get(name);
      const holder = claimed === undefined ? table.names.get(name) : claimed;
      if (holder !== null && holder !== undefined && holder !== change.put.sid)
        throw new StoreError("STORE_CONFLICT", `${JSON.stringify(name)} already belongs to ${holder}`);
      claimsOf(table).set(name, change.put.sid);
    }
    if (changes.some(movesSources)) this.#sourcesAfter(changes);
  }

  /** Makes changes that were checked. */
  make(changes: readonly Change[]): void {
    // All old names go before any new one comes: a name may pass from one record of the group to another.
    for (const change of changes) this.#forgetName(change);
    for (const change of changes) {
      const table = this.#table(change.kind);
      const sid = sidOf(change);
      const before = table.records.get(sid);
      const next = "put" in change ? change.put : undefined;
      // Only a record that the group puts twice still has a name here.
      const oldName = before === undefined ? null : uniqueName(change.kind, before);
      if (oldName !== null && table.names.get(oldName) === sid) table.names.delete(oldName);
      if (next === undefined) table.records.delete(sid);
      else table.records.set(sid, next);
      const name = next === undefined ? null : uniqueName(change.kind, next);
      if (name !== null) table.names.set(name, sid);
      regroup(table, change.kind, before, next);
    }
    if (changes.some(movesSources)) this.#sources = this.#sourcesAfter([]);
  }

  /**
   * Ranges of all source IP mappings once the changes are made.
   * @throws StoreError STORE_CONFLICT when two of them overlap (R-NET-8)
   */
  #sourcesAfter(changes: readonly Change[]): SourceRanges {
    const records = new Map(this.#table("ipRecords").records) as Map<string, RecordKinds["ipRecords"]>;
    const mappings = new Map(this.#table("sourceIpMappings").records) as Map<string, RecordKinds["sourceIpMappings"]>;
    for (const change of changes) {
      if (change.kind === "ipRecords") putOrRemove(records, change);
      if (change.kind === "sourceIpMappings") putOrRemove(mappings, change);
    }
    const ranges = [...mappings.values()].flatMap(({ ipRecordSid, sipDomainSid }) => {
      const record = records.get(ipRecordSid);
      return record === undefined ? [] : { ...record, sipDomainSid };
    });
    const sources = SourceRanges.of(ranges);
    if ("overlap" in sources)
      throw new StoreError("STORE_CONFLICT", `${sources.overlap.join(" and ")} overlap: one source, two domains`);
    return sources;
  }

  #forgetName(change: Change): void {
    const table = this.#table(change.kind);
    const before = table.records.get(sidOf(change));
    const name = before === undefined ? null : uniqueName(change.kind, before);
    if (name !== null) table.names.delete(name);
  }

  #table(kind: RecordKind): Table {
    const table = this.#tables.get(kind);
    if (table === undefined) throw new TypeError(`kind must be one of ${RECORD_KINDS.join(", ")}, got ${String(kind)}`);
    return table;
  }

  #group<K extends RecordKind>(kind: K, key: string): readonly RecordKinds[K][] {
    return (this.#table(kind).groups.get(key) ?? []) as readonly RecordKinds[K][];
  }
}

function movesSources({ kind }: Change): boolean {
  return kind === "ipRecords" || kind === "sourceIpMappings";
}

function putOrRemove<T>(records: Map<string, T>, change: { put: T & { sid: string } } | { remove: string }): void {
  if ("put" in change) records.set(change.put.sid, change.put);
  else records.delete(change.remove);
}

function sidOf(change: Change): string {
  return "put" in change ? change.put.sid : change.remove;
}

function uniqueName(kind: RecordKind, record: AnyRecord): string | null {
  const name = UNIQUE_NAMES[kind] as ((record: AnyRecord) => string | null) | undefined;
  return name?.(record) ?? null;
}

function groupKey(kind: RecordKind, record: AnyRecord): string | undefined {
  const key = GROUPS[kind] as ((record: AnyRecord) => string) | undefined;
  return key?.(record);
}

function callerIdKey(accountSid: string, e164: string): string {
  return `${accountSid} ${e164}`;
}

/** Moves a record from the group of its old state to that of its new one; in the same group it keeps its place. */
function regroup(table: Table, kind: RecordKind, before: AnyRecord | undefined, next: AnyRecord | undefined): void {
  const from = before === undefined ? undefined : groupKey(kind, before);
  const to = next === undefined ? undefined : groupKey(kind, next);
  if (from !== undefined && from === to) {
    const list = table.groups.get(from)!;
    table.groups.set(
      from,
      list.map((record) => (record.sid === next!.sid ? next! : record)),
    );
    return;
  }
  if (from !== undefined) {
    const rest = table.groups.get(from)!.filter((record) => record.sid !== before!.sid);
    if (rest.length > 0) table.groups.set(from, rest);
    else table.groups.delete(from);
  }
  if (to !== undefined) table.groups.set(to, [...(table.groups.get(to) ?? []), next!]);
}
