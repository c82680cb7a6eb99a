/** The SIP ladder of a call: caller, gateway and targets as columns, one line a message, repeats folded. */

import { clipText, safeText } from "./safe-text.ts";
import type { CallReport, MessageRecord } from "./types.ts";

export interface LadderLine {
  /** undefined: a heading. */
  readonly atMs: number | undefined;
  readonly guilty: boolean;
  /** Everything behind the time. */
  readonly text: string;
}

interface Lane {
  readonly name: string;
  readonly address: string;
}

interface Row {
  readonly message: MessageRecord;
  readonly lane: number;
  count: number;
  guilty: boolean;
  note: string;
}

/** More targets than this share one column. */
const TARGET_LANES_MAX = 2;
const GATEWAY = 1;

/**
 * @param width - of the text behind the time
 * @param rowsMax - messages that are shown; those in the middle are left out
 */
export function drawLadder(report: CallReport, width: number, rowsMax: number): LadderLine[] {
  if (report.messages.length === 0) return [];
  const { lanes, rows, isShared } = arrange(report);
  const at = positions(lanes, width, isShared);
  const lines = [
    heading(lanes, at, width, ({ name }) => name),
    heading(lanes, at, width, ({ address }) => address),
  ].map((text): LadderLine => ({ atMs: undefined, guilty: false, text }));
  const left = rows.length - rowsMax;
  const head = left > 0 ? Math.ceil(rowsMax / 2) : rows.length;
  rows.forEach((row, index) => {
    if (left > 0 && index === head)
      lines.push({ atMs: undefined, guilty: false, text: `    … ${left} more (--full shows all)` });
    if (left <= 0 || index < head || index >= head + left)
      lines.push({ atMs: row.message.atMs, guilty: row.guilty, text: draw(row, at, width, isShared) });
  });
  return lines;
}

/** Which message goes between which columns. */
function arrange(report: CallReport): { lanes: Lane[]; rows: Row[]; isShared: boolean } {
  const { messages, diagnosis } = report;
  const callerIds = new Set(report.legs.slice(0, 1).flatMap(({ sipCallId }) => sipCallId));
  if (callerIds.size === 0) callerIds.add(report.call.sipCallId);
  const isPlaced = report.legs[0]?.direction.startsWith("outbound") === true;
  const callerPeer = messages.find(({ sipCallId }) => callerIds.has(sipCallId))?.peer ?? report.call.remote;
  const lanes: Lane[] = [
    { name: isPlaced ? "far end" : "caller", address: callerPeer },
    { name: "gateway", address: "" },
  ];
  const peers = new Set(
    messages
      .filter(
        ({ sipCallId, direction, method }) => !callerIds.has(sipCallId) && direction === "out" && method === "INVITE",
      )
      .map(({ peer }) => peer),
  );
  const isShared = peers.size > TARGET_LANES_MAX;
  const laneOfPeer = new Map<string, number>();
  for (const peer of peers) {
    if (!isShared || lanes.length === 2)
      lanes.push({ name: isShared ? "targets" : "target", address: isShared ? `${peers.size} of them` : peer });
    laneOfPeer.set(peer, lanes.length - 1);
  }
  const rows: Row[] = [];
  const rowOf = new Map<string, Row>();
  const laneOfDialog = new Map<string, number>();
  messages.forEach((message, index) => {
    const { sipCallId, direction, method, status, cseq, peer } = message;
    const lane = callerIds.has(sipCallId) ? 0 : (laneOfPeer.get(peer) ?? laneOfDialog.get(sipCallId) ?? 2);
    laneOfDialog.set(sipCallId, lane);
    const key = `${sipCallId} ${direction} ${method} ${status} ${cseq} ${peer}`;
    const known = rowOf.get(key);
    if (known !== undefined) {
      known.count++;
      known.guilty ||= diagnosis.message === index;
      return;
    }
    const row: Row = { message, lane, count: 1, guilty: diagnosis.message === index, note: "" };
    rows.push(row);
    rowOf.set(key, row);
  });
  for (const row of rows) if (isUnanswered(row.message, messages)) row.note = "silent";
  return { lanes, rows, isShared };
}

/** A request of ours that nobody at that address said a word to. */
function isUnanswered(one: MessageRecord, messages: readonly MessageRecord[]): boolean {
  return (
    one.direction === "out" &&
    one.status === 0 &&
    one.method !== "ACK" &&
    !messages.some(
      ({ direction, status, sipCallId, cseq, method, peer }) =>
        direction === "in" &&
        status > 0 &&
        sipCallId === one.sipCallId &&
        cseq === one.cseq &&
        method === one.method &&
        peer === one.peer,
    )
  );
}

/** Columns of the bars. */
function positions(lanes: readonly Lane[], width: number, isShared: boolean): number[] {
  const margin = 5;
  // Arrows to a shared column carry addresses.
  if (isShared) return [margin, margin + Math.floor((width - 2 * margin) * 0.38), width - margin];
  const span = Math.floor((width - 2 * margin) / (lanes.length - 1));
  return lanes.map((_lane, index) => margin + index * span);
}

function heading(lanes: readonly Lane[], at: readonly number[], width: number, of: (lane: Lane) => string): string {
  const span = at[1]! - at[0]!;
  const letters: string[] = [];
  lanes.forEach((lane, index) => {
    const text = clipText(safeText(of(lane)), span - 1);
    const centred = at[index]! - Math.floor(text.length / 2);
    put(letters, index === 0 ? 0 : Math.min(centred, width - text.length), text);
  });
  return filled(letters).trimEnd();
}

function draw({ message, lane, count, note }: Row, at: readonly number[], width: number, isShared: boolean): string {
  const letters: string[] = [];
  for (const position of at) letters[position] = "|";
  const far = Math.min(lane, at.length - 1);
  const left = at[Math.min(far, GATEWAY)]!;
  const right = at[Math.max(far, GATEWAY)]!;
  // The gateway stands between caller and targets.
  const isRightward = far < GATEWAY === (message.direction === "in");
  for (let column = left + 1; column < right; column++) letters[column] = "-";
  letters[isRightward ? right - 1 : left + 1] = isRightward ? ">" : "<";
  const label = labelOf(message, count, note, isShared && far > GATEWAY, right - left - 6);
  put(letters, left + 1 + Math.max(2, Math.floor((right - left - 1 - label.length - 2) / 2)), ` ${label} `);
  return filled(letters.slice(0, width)).trimEnd();
}

/** What stands on an arrow: the more there is to say, the less of it where there is little room. */
function labelOf(message: MessageRecord, count: number, note: string, withPeer: boolean, room: number): string {
  const { status, method, reason, cseq, sdp, authorized, peer } = message;
  const what = status === 0 ? method : `${status} ${reason}`;
  const number = status === 0 || method === "INVITE" ? `(${cseq})` : `(${cseq} ${method})`;
  const auth = authorized ? "+auth" : "";
  const marks = `${auth}${sdp ? "+sdp" : ""}`;
  const times = count > 1 ? `x${count}` : "";
  const where = withPeer ? peer : "";
  const variants = [
    [what, marks, number, times, note, where],
    [what, auth, number, times, note, where],
    [what, number, times, note, where],
    [what, times, note, where],
  ].map((parts) => safeText(parts.filter((part) => part !== "").join(" ")));
  const fitting = variants.find((text) => text.length <= room);
  if (fitting !== undefined) return fitting;
  const tail = safeText([number, times, note, where].filter((part) => part !== "").join(" "));
  const head = clipText(safeText(what), Math.max(3, room - tail.length - 1));
  return clipText(`${head} ${tail}`, room);
}

function put(letters: string[], start: number, text: string): void {
  for (const [index, letter] of [...text].entries()) letters[start + index] = letter;
}

function filled(letters: readonly string[]): string {
  return Array.from(letters, (letter) => letter ?? " ").join("");
}
