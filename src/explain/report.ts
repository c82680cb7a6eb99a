/** From what was kept of a call to its story: one order of time, what decided it, and which line is to blame. Pure. */

import { attemptsOf, causeOf } from "./causes.ts";
import { maskSecrets } from "./mask-octets.ts";
import { readSipLines } from "./sip-lines.ts";
import type { CallHeader, CallReport, Diagnosis, LegRecord, MessageRecord, StepFields, StoryStep } from "./types.ts";

/** What was kept, with times of the monotonic clock. */
export interface StoryMaterial {
  readonly call: CallHeader;
  readonly legs: readonly LegRecord[];
  /** The call, or the one that it is a part of, went wrong. */
  readonly failed: boolean;
  /** Call-IDs of the caller's own leg. */
  readonly callerIds: readonly string[];
  readonly decisions: readonly {
    readonly atMs: number;
    readonly callSid: string | null;
    readonly step: string;
    readonly text: string;
    readonly fields: StepFields;
  }[];
  readonly alerts: readonly {
    readonly atMs: number;
    readonly callSid: string;
    readonly code: number;
    readonly level: "error" | "warning";
    readonly text: string;
  }[];
  readonly messages: readonly {
    readonly atMs: number;
    readonly direction: "in" | "out";
    readonly transport: string;
    readonly peer: string;
    readonly sipCallId: string;
    readonly octets: Uint8Array;
  }[];
  readonly omitted: CallReport["omitted"];
  readonly trace: CallReport["trace"];
}

/** Alerts of single attempts, which the attempts tell better. */
const TOLD_BY_ATTEMPTS = 32011;
/** Messages of one answer, and how many of them are the last ones. */
const MESSAGES_MAX = 500;
const TAIL_MESSAGES = 100;

/** @param withText - messages carry their text */
export function buildReport(material: StoryMaterial, withText: boolean): CallReport {
  const times = [...material.decisions, ...material.alerts, ...material.messages].map(({ atMs }) => atMs);
  const zero = times.reduce((least, atMs) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  const at = (ms: number): number => Math.max(0, Math.round(ms - zero));
  const kept = ends([...material.messages].sort(byTime));
  const messages = kept.map((message): MessageRecord => {
    const text = Buffer.from(message.octets).toString();
    const { from: _from, to: _to, requestUri: _uri, ...lines } = readSipLines(text);
    const { direction, sipCallId, transport, peer } = message;
    const bytes = message.octets.length;
    return {
      atMs: at(message.atMs),
      direction,
      sipCallId,
      transport,
      peer,
      ...lines,
      bytes,
      text: withText ? text : "",
    };
  });
  const steps = stepsOf(material, at);
  return {
    call: material.call,
    legs: material.legs,
    diagnosis: diagnose(material, steps, messages),
    steps,
    messages,
    omitted: {
      steps: material.omitted.steps,
      messages: material.omitted.messages + material.messages.length - kept.length,
    },
    trace: material.trace,
  };
}

function stepsOf(material: StoryMaterial, at: (ms: number) => number): StoryStep[] {
  const told = new Set(material.decisions.map(({ fields }) => fields["alert"]));
  const decided = material.decisions.map(({ atMs, callSid, step, text, fields }): StoryStep => {
    const { code, ...rest } = fields;
    return { atMs: at(atMs), callSid, step, code: String(code ?? ""), text: maskText(text), fields: maskFields(rest) };
  });
  const alerted = material.alerts
    .filter(({ code }) => !told.has(code) && code !== TOLD_BY_ATTEMPTS)
    .map(
      ({ atMs, callSid, code, level, text }): StoryStep => ({
        atMs: at(atMs),
        callSid,
        step: "alert",
        code: `alert.${code}`,
        text: maskText(`${code} ${text}`),
        fields: { level, alert: code },
      }),
    );
  return [...decided, ...alerted].sort(byTime);
}

/** Beginning and end of what is too long for one answer. */
function ends<T>(all: readonly T[]): readonly T[] {
  if (all.length <= MESSAGES_MAX) return all;
  return [...all.slice(0, MESSAGES_MAX - TAIL_MESSAGES), ...all.slice(-TAIL_MESSAGES)];
}

/** Array.sort is stable, so what was noted in one millisecond stays in order. */
function byTime(a: { readonly atMs: number }, b: { readonly atMs: number }): number {
  return a.atMs - b.atMs;
}

/** Passwords and tokens that stand in URIs of a text. */
function maskText(text: string): string {
  // A line of a body: no header name is looked for.
  const octets = Buffer.from(`a b\r\ns: ${text.replace(/[\r\n]/g, " ")}`);
  maskSecrets(octets, 0, octets.length);
  return octets.toString().slice(8);
}

function maskFields(fields: StepFields): StepFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === "string" ? maskText(value) : value]),
  );
}

function diagnose(material: StoryMaterial, steps: readonly StoryStep[], messages: readonly MessageRecord[]): Diagnosis {
  const { failed, call } = material;
  const causes = steps.flatMap((step, index) => {
    const told = causeOf(step, steps);
    return told === undefined ? [] : [{ ...told, index }];
  });
  // Of equal weight the last one decided.
  const worst = failed ? causes.reduce((best, one) => (one.weight >= best.weight ? one : best), causes[0]!) : undefined;
  if (worst === undefined)
    return {
      failed,
      code: call.status,
      cause: failed
        ? `The call ended with ${call.sipStatus === 0 ? "no answer" : call.sipStatus}.`
        : wellEnded(call, steps),
      cure: failed ? "Look at the ladder, and with --full at the messages." : "",
      step: null,
      message: failed ? refusalOf(material, messages) : null,
    };
  let guilty = worst.index;
  if (steps[guilty]!.code === "hunt.failed") {
    // The attempt that was tried last says why.
    const last = attemptsOf(steps).at(-1);
    if (last !== undefined) guilty = steps.indexOf(last);
  }
  const step = steps[guilty]!;
  const isTarget = step.code.startsWith("target.");
  const isQuestion = step.code.startsWith("challenged");
  return {
    failed,
    code: step.code,
    cause: worst.cause,
    cure: worst.cure,
    step: guilty,
    message: isQuestion
      ? lastOf(messages, ({ status }) => status === 407 || status === 401)
      : ((isTarget ? targetMessage(material, messages, step) : null) ?? refusalOf(material, messages)),
  };
}

function lastOf(messages: readonly MessageRecord[], isIt: (message: MessageRecord) => boolean): number | null {
  const index = messages.findLastIndex(isIt);
  return index < 0 ? null : index;
}

/** Our refusal of the caller, or theirs of us on a call that we placed. */
function refusalOf({ callerIds }: StoryMaterial, messages: readonly MessageRecord[]): number | null {
  const index = messages.findLastIndex(
    ({ sipCallId, status, method }) => callerIds.includes(sipCallId) && isRefusal(status) && method === "INVITE",
  );
  return index < 0 ? null : index;
}

/** What a target answered; when it was silent, what we sent. */
function targetMessage(
  { callerIds }: StoryMaterial,
  messages: readonly MessageRecord[],
  step: StoryStep,
): number | null {
  const isTarget = ({ sipCallId, method }: MessageRecord): boolean =>
    !callerIds.includes(sipCallId) && method === "INVITE";
  const dialog = messages.findLast((message) => isTarget(message) && message.status === 0 && message.atMs <= step.atMs);
  const index =
    step.code === "target.status"
      ? messages.findLastIndex(
          (message) => isTarget(message) && message.direction === "in" && isRefusal(message.status),
        )
      : messages.findIndex(({ sipCallId }) => sipCallId === dialog?.sipCallId);
  return index < 0 ? null : index;
}

/** 401 and 407 are questions. */
function isRefusal(status: number): boolean {
  return status >= 300 && status !== 401 && status !== 407;
}

function wellEnded({ status, durationSeconds }: CallHeader, steps: readonly StoryStep[]): string {
  switch (status) {
    case "completed": {
      const end = steps.findLast(({ code }) => code.startsWith("ended.") && code !== "ended.local");
      return `Nothing went wrong: the call was answered and lasted ${durationSeconds} s${end === undefined ? "" : `; ${end.text}`}.`;
    }
    case "canceled":
      return "Nothing went wrong here: the caller gave up before anybody answered.";
    default:
      return "Nothing went wrong so far: the call is up.";
  }
}
