/**
 * `<Dial>` (twiml.md 2.1 to 2.3): calls one or several targets, joins the first that answers with the caller, and reports
 * how that went. The caller's leg goes on with the next verb or the action afterwards.
 */

import type { Dial, DialNoun } from "../../voice/verbs.ts";
import { Call, listenerFaults } from "../call.ts";
import type { NextDocument } from "../call-control.ts";
import { endEventOf } from "../call-state.ts";
import { joinLegs } from "../join-legs.ts";
import type { OutboundLeg, OutboundTarget } from "../outbound-leg.ts";
import { RINGBACK } from "../ringback.ts";
import { StatusCallbacks } from "../status-callbacks.ts";
import { type HuntOutcome, statusOfHunt, TargetHunt } from "../target-hunt.ts";
import { targetsOfNoun } from "./dial-targets.ts";
import type { VerbScope } from "./verb-scope.ts";

export type DialCallStatus = "completed" | "busy" | "no-answer" | "failed" | "canceled";

/** What the action URL is told. */
export interface DialResult {
  readonly status: DialCallStatus;
  readonly callSid: string;
  /** Seconds both were together; undefined when they never were. */
  readonly durationSeconds: number | undefined;
  readonly bridged: boolean;
  /** Of a `<Sip>` target: Call-ID and final status. */
  readonly sipCallId: string | undefined;
  readonly sipResponseCode: number | undefined;
}

/** Seconds that are added to the timeout (twiml.md 2.1). */
const TIMEOUT_EXTRA_SECONDS = 5;

/** One target being called. */
interface Branch {
  readonly noun: DialNoun;
  readonly call: Call;
  readonly hunt: TargetHunt;
  readonly outcome: Promise<HuntOutcome>;
}

type Answered = Extract<HuntOutcome, { kind: "answered" }>;

export async function runDial(scope: VerbScope, verb: Dial): Promise<DialResult> {
  if (!verb.answerOnBridge && (await scope.answer()) === undefined) return failed("canceled");
  const groups = verb.sequential ? verb.targets.map((noun) => [noun]) : [verb.targets];
  let last: DialResult = failed("failed");
  for (const nouns of groups) {
    if (scope.signal.aborted) return failed("canceled");
    const result = await dialGroup(scope, verb, nouns);
    // The best of several results counts (twiml.md 2.1).
    if (rank(result.status) >= rank(last.status)) last = result;
    if (result.bridged) return result;
  }
  return last;
}

/** Rings all nouns at once; the first to answer wins, the others are cancelled. */
async function dialGroup(scope: VerbScope, verb: Dial, nouns: readonly DialNoun[]): Promise<DialResult> {
  const { ctx, leg: own, signal } = scope;
  const branches = nouns.map((noun) => startBranch(scope, verb, noun));
  const cancelAll = (): void => {
    for (const branch of branches) branch.hunt.cancel();
  };
  signal.addEventListener("abort", cancelAll, { once: true });
  if (signal.aborted) cancelAll();
  let timedOut = false;
  const timeout = ctx.clock.after((verb.timeoutSeconds + TIMEOUT_EXTRA_SECONDS) * 1000, () => {
    timedOut = true;
    cancelAll();
  });
  try {
    const winner = await firstAnswer(branches);
    if (winner === undefined) {
      const results = await Promise.all(branches.map((branch) => unanswered(branch, timedOut)));
      return results.reduce((best, one) => (rank(one.status) > rank(best.status) ? one : best));
    }
    timeout.cancel();
    for (const branch of branches)
      if (branch !== winner.branch) branch.hunt.cancel('SIP;cause=200;text="Call completed elsewhere"');
    for (const branch of branches) if (branch !== winner.branch) void settleLoser(branch);
    return await bridge(scope, verb, winner.branch, winner.outcome);
  } finally {
    timeout.cancel();
    signal.removeEventListener("abort", cancelAll);
    if (!own.ended) await own.media.stopPlay().catch(() => undefined);
  }
}

function startBranch(scope: VerbScope, verb: Dial, noun: DialNoun): Branch {
  const { ctx, leg: own } = scope;
  const call = new Call(
    {
      accountSid: scope.accountSid,
      direction: "outbound-dial",
      from: verb.callerId ?? scope.callerId,
      to: noun.noun === "Number" ? noun.number : noun.uri,
      parentSid: own.call.sid,
      edge: ctx.localEdges.ofCall(own.call).name,
      ...(noun.noun === "Number" && noun.byoc !== null ? { byocTrunkSid: noun.byoc } : {}),
    },
    ctx.clock,
    listenerFaults(ctx.log),
  );
  ctx.calls.add(call);
  new StatusCallbacks(ctx, call, noun.statusCallback, scope.authToken);
  const hunt = new TargetHunt(ctx, {
    call,
    worker: own.media.worker,
    targets: safeTargets(scope, verb, noun, call),
    ringLimitMs: ctx.settings.ringLimitMs,
    onProgress: (leg, _status, early) => void progress(scope, verb, leg, early),
  });
  return { noun, call, hunt, outcome: hunt.run() };
}

/** A target that cannot be made (unknown trunk, bad URI) is told in the story and tried as none. */
function* safeTargets(scope: VerbScope, verb: Dial, noun: DialNoun, call: Call): Generator<OutboundTarget> {
  const made = targetsOfNoun(scope, verb, noun, call);
  if ("alert" in made) {
    scope.ctx.alerts.raise({ ...made.alert, callSid: call.sid, accountSid: scope.accountSid });
    call.note("routed", made.alert.text, { code: "route.bad-target", alert: made.alert.code });
    return;
  }
  yield* made.targets;
}

/** Carrier ringback reaches the caller where the leg may carry media: answered already, or early with answerOnBridge. */
async function progress(scope: VerbScope, verb: Dial, leg: OutboundLeg, early: boolean): Promise<void> {
  const { leg: own } = scope;
  if (own.ended) return;
  if (verb.answerOnBridge && !own.answered) {
    if (!early) {
      own.ring();
      return;
    }
    await own.early();
  }
  if (early) {
    await own.media.stopPlay().catch(() => undefined);
    await own.media.bridge(leg.media).catch(() => undefined);
  } else if (own.answered) {
    await own.media.play(RINGBACK).catch(() => undefined);
  }
}

async function firstAnswer(branches: readonly Branch[]): Promise<{ branch: Branch; outcome: Answered } | undefined> {
  try {
    return await Promise.any(
      branches.map(async (branch) => {
        const outcome = await branch.outcome;
        if (outcome.kind !== "answered") throw new Error("not answered");
        return { branch, outcome };
      }),
    );
  } catch {
    return undefined;
  }
}

/** A branch that lost the race may still have answered at the same moment: it is hung up. */
async function settleLoser(branch: Branch): Promise<void> {
  const outcome = await branch.outcome;
  if (outcome.kind === "answered") outcome.leg.hangup();
  branch.call.apply("end-canceled");
}

async function unanswered(branch: Branch, timedOut: boolean): Promise<DialResult> {
  const outcome = await branch.outcome;
  const status = outcome.kind === "answered" ? outcome.response.status : statusOfHunt(outcome);
  const event = outcome.kind === "cancelled" && !timedOut ? "end-canceled" : endEventOf(status);
  branch.call.sipStatus = status;
  branch.call.apply(event);
  return {
    ...failed(statusOf(branch.call)),
    callSid: branch.call.sid,
    ...(branch.noun.noun === "Sip"
      ? { sipCallId: branch.call.sipCallId, sipResponseCode: status === 0 ? undefined : status }
      : {}),
  };
}

async function bridge(scope: VerbScope, verb: Dial, branch: Branch, outcome: Answered): Promise<DialResult> {
  const { ctx, leg: own } = scope;
  const { leg } = outcome;
  const released = new AbortController();
  let next: NextDocument | undefined;
  branch.call.control.redirect = (document) => {
    next = document;
    released.abort();
    return !leg.ended;
  };
  branch.call.apply("answered");
  await own.media.stopPlay().catch(() => undefined);
  const parent = await scope.answer();
  if (parent === undefined || parent.ended) {
    leg.hangup();
    branch.call.apply("hung-up");
    return { ...failed("canceled"), callSid: branch.call.sid };
  }
  if (branch.noun.noun === "Number" && branch.noun.sendDigits !== "")
    await leg.media.sendDigits(branch.noun.sendDigits).catch(() => undefined);
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  scope.signal.addEventListener("abort", abort, { once: true });
  if (verb.hangupOnStar) {
    parent.onDtmf = (digit) => {
      if (digit === "*") controller.abort();
    };
  }
  const end = await joinLegs(ctx, parent, leg, {
    limitMs: verb.timeLimitSeconds * 1000,
    signal: controller.signal,
    release: released.signal,
  });
  if (end === "released" && next !== undefined) scope.runApart(leg, next);
  parent.onDtmf = undefined;
  scope.signal.removeEventListener("abort", abort);
  return {
    status: "completed",
    callSid: branch.call.sid,
    durationSeconds: branch.call.ended ? branch.call.durationSeconds : Math.ceil(branch.call.answeredForMs / 1000),
    bridged: true,
    sipCallId: branch.noun.noun === "Sip" ? branch.call.sipCallId : undefined,
    sipResponseCode: branch.noun.noun === "Sip" ? outcome.response.status : undefined,
  };
}

function statusOf(call: Call): DialCallStatus {
  switch (call.status) {
    case "completed":
    case "busy":
    case "no-answer":
    case "canceled":
      return call.status;
    default:
      return "failed";
  }
}

function rank(status: DialCallStatus): number {
  return ["canceled", "failed", "no-answer", "busy", "completed"].indexOf(status);
}

function failed(status: DialCallStatus): DialResult {
  return {
    status,
    callSid: "",
    durationSeconds: undefined,
    bridged: false,
    sipCallId: undefined,
    sipResponseCode: undefined,
  };
}
