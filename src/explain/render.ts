/** A report as text: what happened, why, what to do, then the story and the ladder. Fits its width; pure. */

import { drawLadder } from "./ladder.ts";
import { clipText, safeText, wrapText } from "./safe-text.ts";
import type { CallReport, CallSummary, StoryStep } from "./types.ts";

export interface RenderOptions {
  /** Characters in a line, 60 at least. */
  readonly width: number;
  readonly colour: boolean;
  /** With every message, masked. */
  readonly full: boolean;
}

const RED = "\u001b[31m";
const GREEN = "\u001b[32m";
const BOLD = "\u001b[1m";
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";

/** `>> 123456 ` before every line of story and ladder. */
const GUTTER = 10;
/** Ladder rows of the short form: with the story it is one screen for most calls. */
const LADDER_ROWS = 18;
const STEPS = 22;

type Paint = (text: string, ...codes: readonly string[]) => string;

export function renderReport(report: CallReport, options: RenderOptions): string {
  const paint: Paint = (text, ...codes) => (options.colour ? `${codes.join("")}${text}${RESET}` : text);
  const lines = [
    ...header(report, options.width, paint),
    ...verdict(report, options.width, paint),
    "",
    ...story(report, options, paint),
    ...ladder(report, options, paint),
    ...(options.full ? fullMessages(report, paint) : []),
  ];
  return `${lines.join("\n")}\n`;
}

function header({ call, diagnosis, legs }: CallReport, width: number, paint: Paint): string[] {
  const word = clipText(safeText(diagnosis.failed ? call.status.toUpperCase() : call.status), 14);
  const status = paint(word, diagnosis.failed ? RED : GREEN, BOLD);
  const answer = call.sipStatus === 0 ? "" : ` (SIP ${call.sipStatus})`;
  const name = clipText(safeText(call.callSid ?? "INVITE without a call"), 34);
  const parts = [
    `from ${call.from}${call.remote === "" ? "" : ` at ${call.remote}`} to ${call.to}`,
    `${call.startedAt.replace("T", " ")}, ${lasted(call.lastedMs)}, ${call.direction}, Call-ID ${call.sipCallId}`,
  ];
  const others = legs.filter(({ callSid }) => callSid !== call.callSid);
  if (others.length > 0) {
    const named = others.slice(0, 3).map((leg) => `leg ${legs.indexOf(leg) + 1} ${leg.callSid} ${leg.status}`);
    parts.push(`with ${named.join(", ")}${others.length > 3 ? ` and ${others.length - 3} more` : ""}`);
  }
  return [`${name}  ${status}${answer}`, ...parts.flatMap((part) => indented(safeText(part), width, 2))];
}

function lasted(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 1000)} s`;
}

function verdict({ diagnosis }: CallReport, width: number, paint: Paint): string[] {
  const block = (name: string, text: string, ...codes: readonly string[]): string[] =>
    wrapText(safeText(text), width - 7).map(
      (line, index) => `${index === 0 ? paint(name.padEnd(7), BOLD) : " ".repeat(7)}${paint(line, ...codes)}`,
    );
  return [
    "",
    ...block("CAUSE", diagnosis.cause, ...(diagnosis.failed ? [RED] : [GREEN])),
    ...(diagnosis.cure === "" ? [] : block("CURE", diagnosis.cure, BOLD)),
  ];
}

function story(report: CallReport, { width, full }: RenderOptions, paint: Paint): string[] {
  const { steps, diagnosis, omitted } = report;
  const left = full ? 0 : Math.max(0, steps.length - STEPS);
  const lines = [paint(`    ms    STORY`, DIM)];
  steps.forEach((step, index) => {
    const isGuilty = index === diagnosis.step;
    const isMiddle = left > 0 && index >= STEPS / 2 && index < STEPS / 2 + left;
    if (left > 0 && index === STEPS / 2) lines.push(`${" ".repeat(GUTTER)}… ${left} more (--full shows all)`);
    if (isMiddle && !isGuilty) return;
    for (const [row, text] of wrapText(sentence(step, report), width - GUTTER).entries()) {
      const line = `${row === 0 ? gutter(step.atMs, isGuilty) : " ".repeat(GUTTER)}${text}`;
      lines.push(isGuilty ? paint(line, RED, BOLD) : line);
    }
  });
  if (omitted.steps > 0) lines.push(`${" ".repeat(GUTTER)}… ${omitted.steps} more were not kept`);
  return lines;
}

/** What every leg has names the leg. */
function sentence({ step, text, callSid }: StoryStep, { legs }: CallReport): string {
  const index = legs.findIndex((leg) => leg.callSid === callSid);
  const leg = index > 0 && (step === "media" || step === "ended") ? ` (leg ${index + 1})` : "";
  return safeText(`${step}${leg}: ${text}`);
}

function gutter(atMs: number | undefined, isGuilty: boolean): string {
  return `${isGuilty ? ">>" : "  "}${atMs === undefined ? " ".repeat(7) : String(atMs).padStart(7)} `;
}

function ladder(report: CallReport, { width, full }: RenderOptions, paint: Paint): string[] {
  const { trace, omitted } = report;
  if (report.messages.length === 0) return ["", paint(WHY_NO_MESSAGES[trace], DIM)];
  const rows = drawLadder(report, width - GUTTER, full ? Number.POSITIVE_INFINITY : LADDER_ROWS);
  const lines = rows.map(({ atMs, guilty, text }, index) => {
    const line = `${gutter(atMs, guilty)}${text}`;
    return guilty ? paint(line, RED, BOLD) : index < 2 ? paint(line, DIM) : line;
  });
  return [
    "",
    ...lines,
    ...(omitted.messages > 0 ? [`${" ".repeat(GUTTER)}… ${omitted.messages} more were not kept`] : []),
  ];
}

const WHY_NO_MESSAGES: Readonly<Record<CallReport["trace"], string>> = {
  kept: "No SIP message of this call was kept.",
  gone: "Its SIP messages made room for those of newer calls (explain.dialogsMax, explain.bytesMax).",
  off: "SIP messages are not kept (explain.dialogsMax or explain.bytesMax is 0).",
  withheld: "Its SIP messages are shown to the operator only: another account has a call of the same Call-ID.",
};

function fullMessages({ messages }: CallReport, paint: Paint): string[] {
  return messages.flatMap(({ atMs, direction, transport, peer, text, bytes }) => [
    "",
    paint(
      safeText(`--- ${atMs} ms, ${direction === "in" ? "from" : "to"} ${transport} ${peer}, ${bytes} octets`),
      BOLD,
    ),
    ...text
      .replace(/\r?\n$/, "")
      .split(/\r?\n/)
      .map(safeText),
  ]);
}

function indented(text: string, width: number, by: number): string[] {
  return wrapText(text, width - by).map((line) => " ".repeat(by) + line);
}

/** Calls in a table: what to ask for, how it went, who called whom, and why in one sentence. */
export function renderList(calls: readonly CallSummary[], { width, colour }: Omit<RenderOptions, "full">): string {
  if (calls.length === 0) return "No call is remembered that fits.\n";
  const lines = calls.flatMap((call) => {
    const status = call.status + (call.sipStatus === 0 ? "" : ` ${call.sipStatus}`);
    const first = `${call.startedAt.slice(11, 19)} ${status.padEnd(14)} ${call.id}`;
    const second = clipText(
      safeText(`${shortAddress(call.from)} -> ${shortAddress(call.to)}: ${call.cause}`),
      width - 9,
    );
    const shown = clipText(safeText(first), width);
    const painted = colour && call.failed ? `${RED}${shown}${RESET}` : shown;
    return [painted, `         ${second}`];
  });
  return `${lines.join("\n")}\n\ntandem explain ID tells the story of one.\n`;
}

/** The user part of a SIP URI, where it has one. */
function shortAddress(address: string): string {
  return /^sips?:([^@;?]{1,40})@/.exec(address)?.[1] ?? address;
}
