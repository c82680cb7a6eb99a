/**
 * All records in memory with the indexes that routing and REST need. A group of changes is checked first and then made, so
 * that a durable store can write between the two and leave memory as it was when the disk refuses. Nothing here waits.
 */

import { StoreError } from "../base/errors.ts";
import type { RecordKind, RecordKinds } from "../trunking/records.ts";
import { SourceRanges } from "../trunking/source-ranges.ts";
import { OrderedRecords } from "./ordered-records.ts";
import { ordersOf, RECORD_KINDS, setsOf, uniqueName } from "./record-groups.ts";
import { RecordSet } from "./record-set.ts";
import type { Change, Listing, Sortable } from "./store.ts";

/** What a declarative file has beside accounts, in an order in which it can go: nothing before what names it. */
export const DECLARED_KINDS = [
  "phoneNumbers",
  "outgoingCallerIds",
  "originationUrls",
  "trunks",
  "sipDomains",
  "byocTrunks",
  "connectionPolicyTargets",
  "connectionPolicies",
  "credentialLists",
  "ipAcls",
] as const satisfies readonly RecordKind[];

type AnyRecord = RecordKinds[RecordKind];

/** Records of one kind. */
interface Table {
  /** By SID, in order of creation. */
  readonly records: Map<string, AnyRecord>;
  /** Unique name → SID. */
  readonly names: Map<string, string>;
  readonly sets: Map<string, RecordSet<AnyRecord>>;
  readonly orders: Map<string, OrderedRecords<AnyRecord & Sortable>>;
}

const newTable = (): Table => ({ records: new Map(), names: new Map(), sets: new Map(), orders: new Map() });

export class RecordIndex {
  readonly #tables = new Map<RecordKind, Table>(RECORD_KINDS.map((kind) => [kind, newTable()]));

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

  /** Records of a group of `setsOf`. The list is never changed: readers may keep it. */
  set<K extends RecordKind>(kind: K, group: string): readonly RecordKinds[K][] {
    return (this.#table(kind).sets.get(group)?.records() ?? []) as readonly RecordKinds[K][];
  }

  /** Whether a group of `setsOf` has any record, without making its list. */
  hasAny(kind: RecordKind, group: string): boolean {
    return this.#table(kind).sets.has(group);
  }

  /** Records of a group of `ordersOf`, newest first. */
  order<K extends RecordKind>(kind: K, group: string): Listing<RecordKinds[K] & Sortable> {
    const order = this.#table(kind).orders.get(group) ?? new OrderedRecords<AnyRecord & Sortable>();
    return order.newestFirst() as unknown as Listing<RecordKinds[K] & Sortable>;
  }

  countOf(kind: RecordKind, group: string): number {
    return this.#table(kind).orders.get(group)?.size ?? 0;
  }

  oldestOf<K extends RecordKind>(kind: K, group: string): RecordKinds[K] | undefined {
    return this.#table(kind).orders.get(group)?.oldest() as RecordKinds[K] | undefined;
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
      reorder(table, change.kind, before, next);
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

/** Takes a record out of the groups that it has left and puts it into those of its new state; where it stays it keeps its place. */
function regroup({ sets }: Table, kind: RecordKind, before: AnyRecord | undefined, next: AnyRecord | undefined): void {
  const to = next === undefined ? [] : setsOf(kind, next);
  if (before !== undefined)
    for (const group of setsOf(kind, before)) {
      if (to.includes(group)) continue;
      const set = sets.get(group);
      set?.remove(before.sid);
      if (set?.size === 0) sets.delete(group);
    }
  for (const group of to) {
    let set = sets.get(group);
    if (set === undefined) {
      set = new RecordSet();
      sets.set(group, set);
    }
    set.put(next!);
  }
}

function reorder(
  { orders }: Table,
  kind: RecordKind,
  before: AnyRecord | undefined,
  next: AnyRecord | undefined,
): void {
  const to = next === undefined ? [] : ordersOf(kind, next);
  if (before !== undefined) {
    const isPlaceKept = next !== undefined && dateOf(before) === dateOf(next);
    for (const group of ordersOf(kind, before)) {
      if (isPlaceKept && to.includes(group)) continue;
      const order = orders.get(group);
      order?.remove(before as AnyRecord & Sortable);
      if (order?.size === 0) orders.delete(group);
    }
  }
  for (const group of to) {
    let order = orders.get(group);
    if (order === undefined) {
      order = new OrderedRecords();
      orders.set(group, order);
    }
    order.put(next as AnyRecord & Sortable);
  }
}

function dateOf(record: AnyRecord): string | undefined {
  return "dateCreated" in record ? record.dateCreated : undefined;
}
