/**
 * Brings a store in step with the objects of a configuration file. Declared objects are created, changed and removed as the
 * file says; objects that REST made stay. The file has the last word on what it declares.
 */

import { isDeepStrictEqual } from "node:util";
import { DECLARED_KINDS } from "../store/record-index.ts";
import type { Secrets } from "../store/secrets.ts";
import type { Change, Store } from "../store/store.ts";
import type { RecordKind, RecordKinds } from "../trunking/records.ts";
import { declaredRecords, type NamedRecord } from "./declared-records.ts";
import type { DeclaredObjects } from "./declared-schema.ts";
import { isDeclaredSid } from "./declared-sid.ts";

/** One line of what changed. */
export interface DeclaredChange {
  readonly action: "created" | "updated" | "removed";
  readonly kind: RecordKind;
  readonly name: string;
  readonly sid: string;
}

export interface DeclaredPlan {
  /** For `store.apply`, as one group. */
  readonly changes: readonly Change[];
  readonly summary: readonly DeclaredChange[];
  /** Declared objects that are as the file says already. */
  readonly unchanged: number;
}

export interface DeclareOptions {
  readonly store: Store;
  readonly secrets: Secrets;
  /** ISO 8601. */
  readonly now: string;
  /** `media.symmetricDefault`. */
  readonly symmetricDefault: boolean;
}

/** For the log. */
export interface LogLine {
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/** A first start with a large file is not to bury all else. */
const LINES_MAX = 50;

/** Works out what has to change; changes nothing itself. */
export function planDeclared(objects: DeclaredObjects, options: DeclareOptions): DeclaredPlan {
  const { store, secrets } = options;
  const sealedBefore = sealedPasswords(store);
  const seal = (password: string, sid: string): string => {
    const before = sealedBefore.get(sid);
    if (before !== undefined && opens(secrets, before, sid, password)) return before;
    return secrets.seal(password, sid);
  };
  const declared = declaredRecords(objects, { now: options.now, symmetricDefault: options.symmetricDefault, seal });
  const changes: Change[] = [];
  const summary: DeclaredChange[] = [];
  const kept = new Set<string>();

  for (const item of declared) {
    const { kind, name } = item;
    const { sid } = item.record;
    kept.add(sid);
    const before = store.get(kind, sid);
    const next = withDates(item, before);
    if (before !== undefined && isDeepStrictEqual(before, next)) continue;
    changes.push({ kind, put: next } as Change);
    summary.push({ action: before === undefined ? "created" : "updated", kind, name, sid });
  }
  const removed = new Set<string>();
  // Accounts own records of REST and are never removed.
  for (const kind of DECLARED_KINDS) {
    for (const record of store.list(kind)) {
      if (!isDeclaredSid(record.sid) || kept.has(record.sid)) continue;
      removed.add(record.sid);
      changes.push({ kind, remove: record.sid } as Change);
      summary.push({ action: "removed", kind, name: wordFor(kind, record), sid: record.sid });
    }
  }
  changes.push(...detachments(store, removed, kept, options.now));
  const unchanged = declared.length - summary.filter(({ action }) => action !== "removed").length;
  return { changes, summary, unchanged };
}

/** The same, and makes the changes. @returns what changed */
export async function applyDeclared(objects: DeclaredObjects, options: DeclareOptions): Promise<DeclaredPlan> {
  const plan = planDeclared(objects, options);
  if (plan.changes.length > 0) await options.store.apply(plan.changes);
  return plan;
}

/** What is said at start: how many of each, and one line each up to a bound. */
export function declaredLines({ summary, unchanged }: Pick<DeclaredPlan, "summary" | "unchanged">): readonly LogLine[] {
  const count = (action: DeclaredChange["action"]): number => summary.filter((one) => one.action === action).length;
  const counts = {
    added: count("created"),
    changed: count("updated"),
    removed: count("removed"),
    unchanged,
  };
  const lines: LogLine[] = summary
    .slice(0, LINES_MAX)
    .map(({ action, kind, name, sid }) => ({ text: `${action} ${kind} "${name}"`, fields: { sid } }));
  const rest = summary.length - lines.length;
  if (rest > 0) lines.push({ text: `and ${rest} more declared objects`, fields: {} });
  return [{ text: "declared objects", fields: counts }, ...lines];
}

/** What REST made for a declared trunk or policy that is gone: numbers are let go, targets go with it (R-NUM-5). */
function detachments(store: Store, removed: ReadonlySet<string>, kept: ReadonlySet<string>, now: string): Change[] {
  const changes: Change[] = [];
  for (const number of store.list("phoneNumbers")) {
    if (number.trunkSid === null || !removed.has(number.trunkSid) || removed.has(number.sid) || kept.has(number.sid))
      continue;
    changes.push({ kind: "phoneNumbers", put: { ...number, trunkSid: null, dateUpdated: now } });
  }
  for (const kind of ["originationUrls", "connectionPolicyTargets"] as const)
    for (const target of store.list(kind))
      if (removed.has(target.parentSid) && !removed.has(target.sid))
        changes.push({ kind, remove: target.sid } as Change);
  return changes;
}

/** A record that is there keeps its date of creation, and all of its dates when nothing else differs. */
function withDates(
  { kind, record }: NamedRecord,
  before: RecordKinds[RecordKind] | undefined,
): RecordKinds[RecordKind] {
  if (before === undefined) return record;
  const { dateCreated, dateUpdated } = before;
  // Accounts of older data files have no dates.
  if (dateCreated === undefined || dateUpdated === undefined) return record;
  // Whether an account is suspended is not declared: REST has the last word.
  const status = kind === "accounts" ? (before as RecordKinds["accounts"]).status : undefined;
  const kept = { ...record, ...(status === undefined ? {} : { status }), dateCreated } as RecordKinds[RecordKind];
  const unchanged = { ...kept, dateUpdated } as RecordKinds[RecordKind];
  return isDeepStrictEqual(unchanged, before) ? unchanged : kept;
}

function sealedPasswords(store: Store): Map<string, string> {
  const sealed = new Map<string, string>();
  for (const { credentials } of store.list("credentialLists"))
    for (const { sid, sealedPassword } of credentials) sealed.set(sid, sealedPassword);
  return sealed;
}

function opens(secrets: Secrets, sealed: string, sid: string, password: string): boolean {
  try {
    return secrets.unseal(sealed, sid) === password;
  } catch {
    // Sealed with a key of the past: it is sealed anew.
    return false;
  }
}

function wordFor(kind: RecordKind, record: RecordKinds[RecordKind]): string {
  if ("phoneNumber" in record) return record.phoneNumber;
  if (kind === "sipDomains") return (record as RecordKinds["sipDomains"]).domainName;
  return "friendlyName" in record ? record.friendlyName : record.sid;
}
