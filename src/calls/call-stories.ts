/**
 * What is remembered of recent calls, for those who may know: lists, and the material of one call's story. A call shows to its
 * account and to the operator; an INVITE that named no domain of ours belongs to nobody but the operator, or to the only
 * account where there is one.
 */

import { buildReport, type StoryMaterial } from "../explain/report.ts";
import { readSipLines } from "../explain/sip-lines.ts";
import type { CallStatement } from "../explain/statement.ts";
import type { CallHeader, CallReport, CallSummary, LegRecord } from "../explain/types.ts";
import type { Store } from "../store/store.ts";
import type { Alert, AlertLog } from "./alert-log.ts";
import type { Call } from "./call.ts";
import { callStatement } from "./call-statement.ts";
import { type CallTable, hasFailed } from "./call-table.ts";
import type { SipTrace, TracedDialog } from "./sip-trace.ts";

/** Who asks: the operator, or accounts (an account and those below it). */
export type Viewer = "operator" | ReadonlySet<string>;

export interface StoryFilter {
  readonly failedOnly: boolean;
  /** Part of the caller, of where it called from, or of the called party; "" fits all. */
  readonly from: string;
  readonly to: string;
  /** Whole Call-ID, "" fits all. */
  readonly callId: string;
  /** Failed ones before others; otherwise newest first alone. */
  readonly failedFirst: boolean;
  readonly limit: number;
}

/** What a call may have to be looked at for a list. */
const FAMILY_MAX = 50;

interface Lookup {
  readonly family: (root: Call) => readonly Call[];
  readonly alertsOf: (callSid: string) => readonly Alert[];
}

/** One thing of a list before its cause is known. */
interface Candidate {
  readonly startMs: number;
  readonly failed: boolean;
  readonly call: Call | undefined;
  readonly dialog: TracedDialog | undefined;
}

export class CallStories {
  readonly #calls: CallTable;
  readonly #alerts: AlertLog;
  readonly #trace: SipTrace;
  readonly #store: Store;

  constructor(calls: CallTable, alerts: AlertLog, trace: SipTrace, store: Store) {
    this.#calls = calls;
    this.#alerts = alerts;
    this.#trace = trace;
    this.#store = store;
  }

  /**
   * The story of one call.
   * @param id - a Call SID or a SIP Call-ID
   * @returns undefined when there is none that the viewer may see
   */
  report(id: string, viewer: Viewer, withText: boolean): CallReport | undefined {
    const call = this.#calls.bySid(id) ?? this.#byCallId(id, viewer);
    if (call !== undefined)
      return this.#maySee(viewer, call.details.accountSid)
        ? buildReport(this.#materialOf(call, viewer), withText)
        : undefined;
    const dialog = this.#trace.of(id);
    if (dialog === undefined || !this.#maySee(viewer, dialog.accountSid)) return undefined;
    return buildReport(strangerMaterial(dialog), withText);
  }

  /** Calls that fit, each with its cause. */
  /**
   * What an auditor keeps of a call; undefined when it is not remembered, or not the viewer's.
   * @param noAudioAtRest - the switch of that name
   */
  statement(sid: string, viewer: Viewer, noAudioAtRest: boolean, now: Date): CallStatement | undefined {
    const call = this.#calls.bySid(sid);
    if (call === undefined || !this.#maySee(viewer, call.details.accountSid)) return undefined;
    const root = this.#rootOf(call);
    const visible = this.#maySee(viewer, root.details.accountSid) ? root : call;
    const family = this.#lookup()
      .family(visible)
      .filter((one) => one !== visible && this.#maySee(viewer, one.details.accountSid));
    return callStatement([visible, ...family.slice(0, FAMILY_MAX)], this.#store, noAudioAtRest, now);
  }

  list(filter: StoryFilter, viewer: Viewer): CallSummary[] {
    const candidates = [...this.#candidates(filter, viewer)];
    const look = this.#lookup();
    candidates.sort((a, b) => {
      const byFailure = filter.failedFirst ? Number(b.failed) - Number(a.failed) : 0;
      return byFailure !== 0 ? byFailure : b.startMs - a.startMs;
    });
    return candidates.slice(0, filter.limit).map(({ call, dialog, failed }) => {
      const material = call === undefined ? strangerMaterial(dialog!) : this.#materialOf(call, viewer, look);
      const { cause } = buildReport(material, false).diagnosis;
      const header = material.call;
      return { ...header, id: header.callSid ?? header.sipCallId, failed, cause };
    });
  }

  *#candidates(filter: StoryFilter, viewer: Viewer): Generator<Candidate> {
    for (const call of [...this.#calls.ended(), ...this.#calls.live()]) {
      if (call.details.parentSid !== undefined || !this.#maySee(viewer, call.details.accountSid)) continue;
      if (filter.callId !== "" && !call.sipCallIds.includes(filter.callId)) continue;
      const failed = hasFailed(call);
      if (filter.failedOnly && !failed) continue;
      const { from, to, remote = "" } = call.details;
      if (fits(`${from} ${remote}`, filter.from) && fits(to, filter.to))
        yield { startMs: call.startMs, failed, call, dialog: undefined };
    }
    for (const dialog of this.#trace.strangers()) {
      if (!this.#maySee(viewer, dialog.accountSid)) continue;
      if (filter.callId !== "" && dialog.callId !== filter.callId) continue;
      const { from, to, remote } = strangerHeader(dialog);
      if (fits(`${from} ${remote}`, filter.from) && fits(to, filter.to))
        yield { startMs: dialog.startMs, failed: true, call: undefined, dialog };
    }
  }

  /** The newest call of a Call-ID, with the caller's own leg before legs that we placed. */
  #byCallId(callId: string, viewer: Viewer): Call | undefined {
    if (callId === "") return undefined;
    const found = [...this.#calls.ended(), ...this.#calls.live()].filter(
      (call) => call.sipCallIds.includes(callId) && this.#maySee(viewer, call.details.accountSid),
    );
    return found.at(-1);
  }

  #maySee(viewer: Viewer, accountSid: string): boolean {
    if (viewer === "operator" || viewer.has(accountSid)) return true;
    if (accountSid !== "") return false;
    const accounts = [...this.#store.list("accounts")];
    return accounts.length === 1 && viewer.has(accounts[0]!.sid);
  }

  /** Found once for a whole list: a search for each call would hold everything else up. */
  #lookup(): Lookup {
    const children = new Map<string, Call[]>();
    for (const call of [...this.#calls.ended(), ...this.#calls.live()])
      if (call.details.parentSid !== undefined) add(children, call.details.parentSid, call);
    const alerts = new Map<string, Alert[]>();
    for (const alert of this.#alerts.all()) if (alert.callSid !== "") add(alerts, alert.callSid, alert);
    return {
      family: (call) => [call, ...(children.get(call.sid) ?? [])],
      alertsOf: (sid) => alerts.get(sid) ?? [],
    };
  }

  #materialOf(call: Call, viewer: Viewer, look: Lookup = this.#lookup()): StoryMaterial {
    const root = this.#rootOf(call);
    // A parent of another account, as a transfer may have, stays hidden.
    const visible = this.#maySee(viewer, root.details.accountSid) ? root : call;
    const family = look
      .family(visible)
      .filter(({ details }) => this.#maySee(viewer, details.accountSid))
      .sort((a, b) => a.startMs - b.startMs || Number(b === visible) - Number(a === visible))
      .slice(0, FAMILY_MAX);
    const dialogs = family.flatMap(({ sipCallIds }) => sipCallIds.flatMap((callId) => this.#trace.of(callId) ?? []));
    const shown = dialogs.filter(({ shared }) => viewer === "operator" || !shared);
    const wallOffsetMs = visible.createdAt.getTime() - visible.startMs;
    return {
      call: headerOf(call),
      legs: family.map((leg): LegRecord => ({ ...headerOf(leg), parentSid: leg.details.parentSid ?? null })),
      failed: hasFailed(call) || hasFailed(visible),
      callerIds: visible.sipCallIds,
      decisions: [
        // What was said to the INVITEs of this dialog before one of them became a call.
        ...shown.flatMap((dialog) => decisionsOf(dialog, visible)),
        ...family.flatMap((leg) =>
          leg.decisions.entries.map(({ atMs, step, text, fields }) => ({
            atMs: leg.startMs + atMs,
            callSid: leg.sid,
            step,
            text,
            fields,
          })),
        ),
      ],
      alerts: family.flatMap((leg) =>
        look.alertsOf(leg.sid).map(({ at, callSid, code, level, text }) => ({
          atMs: at.getTime() - wallOffsetMs,
          callSid,
          code,
          level,
          text,
        })),
      ),
      messages: shown.flatMap(messagesOf),
      omitted: {
        steps: family.reduce((sum, { decisions }) => sum + decisions.dropped, 0),
        messages: shown.reduce((sum, { omitted }) => sum + omitted, 0),
      },
      trace: !this.#trace.enabled
        ? "off"
        : shown.length < dialogs.length
          ? "withheld"
          : dialogs.length === 0
            ? "gone"
            : "kept",
    };
  }

  #rootOf(call: Call): Call {
    let root = call;
    for (let depth = 0; depth < 8; depth++) {
      const { parentSid } = root.details;
      const parent = parentSid === undefined ? undefined : this.#calls.bySid(parentSid);
      if (parent === undefined) break;
      root = parent;
    }
    return root;
  }
}

function add<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function fits(text: string, part: string): boolean {
  return part === "" || text.toLowerCase().includes(part.toLowerCase());
}

function headerOf(call: Call): CallHeader {
  const { accountSid, direction, from, to, remote = "" } = call.details;
  return {
    callSid: call.sid,
    sipCallId: call.sipCallId,
    accountSid,
    direction,
    from,
    to,
    remote,
    status: call.status,
    sipStatus: call.sipStatus,
    startedAt: call.createdAt.toISOString(),
    lastedMs: Math.round(call.lastedMs),
    durationSeconds: call.durationSeconds,
  };
}

function messagesOf({ callId, messages }: TracedDialog): StoryMaterial["messages"] {
  return messages.map(({ atMs, direction, transport, remoteAddress, remotePort, octets }) => ({
    atMs,
    direction,
    transport,
    peer: remoteAddress.includes(":") ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`,
    sipCallId: callId,
    octets,
  }));
}

function decisionsOf(dialog: TracedDialog, call: Call | undefined): StoryMaterial["decisions"] {
  return dialog.decisions.map(({ atMs, step, text, fields }) => ({
    atMs: dialog.startMs + atMs,
    callSid: call?.sid ?? null,
    step,
    text,
    fields,
  }));
}

function strangerHeader(dialog: TracedDialog): CallHeader {
  const [first] = dialog.messages;
  const lines = readSipLines(first === undefined ? "" : Buffer.from(first.octets).toString());
  const last = dialog.messages.at(-1);
  const answer = dialog.messages.findLast(({ direction }) => direction === "out");
  const sipStatus = answer === undefined ? 0 : readSipLines(Buffer.from(answer.octets).toString()).status;
  return {
    callSid: null,
    sipCallId: dialog.callId,
    accountSid: dialog.accountSid,
    direction: "inbound",
    from: lines.from,
    to: lines.requestUri || lines.to,
    remote: first === undefined ? "" : `${first.remoteAddress}:${first.remotePort}`,
    status: sipStatus === 0 ? "dropped" : "refused",
    sipStatus,
    startedAt: dialog.startedAt.toISOString(),
    lastedMs: Math.round((last?.atMs ?? dialog.startMs) - dialog.startMs),
    durationSeconds: 0,
  };
}

function strangerMaterial(dialog: TracedDialog): StoryMaterial {
  return {
    call: strangerHeader(dialog),
    legs: [],
    failed: true,
    callerIds: [dialog.callId],
    decisions: decisionsOf(dialog, undefined),
    alerts: [],
    messages: messagesOf(dialog),
    omitted: { steps: 0, messages: dialog.omitted },
    trace: "kept",
  };
}
