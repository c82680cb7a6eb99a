/**
 * The self test of a trunk (R-GEN-9): one call to a number of its own, as a carrier would deliver it, over its origination URIs in
 * their order. Whoever answers is hung up at once; who only rings is cancelled after a while.
 */

import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import type { Trunk } from "../trunking/records.ts";
import { Call, listenerFaults } from "./call.ts";
import { attemptsOf, type CallAttempt } from "./call-attempts.ts";
import type { CallContext } from "./call-context.ts";
import { endEventOf } from "./call-state.ts";
import { trunkRoute } from "./carrier-link.ts";
import { plannedTargets, redirectRule } from "./plan-targets.ts";
import { statusOfHunt, TargetHunt } from "./target-hunt.ts";

export interface TrunkTestResult {
  readonly callSid: string;
  readonly trunkSid: string;
  readonly number: string;
  /** `rang`: somebody rang, and did not answer in the time of the test. */
  readonly result: "answered" | "rang" | "failed";
  /** URI of the target that rang or answered; null when none did. */
  readonly target: string | null;
  /** Last SIP status: 200, 180 of one that only rang, or the refusal; 0 for silence. */
  readonly sipStatus: number;
  readonly text: string;
  readonly attempts: readonly CallAttempt[];
}

/** Tests one trunk, for REST. */
export type TestTrunk = (trunk: Trunk, number: string, ringMs: number) => Promise<TrunkTestResult>;

/** @param ringMs - how long a telephone may ring */
export async function testTrunk(
  ctx: CallContext,
  trunk: Trunk,
  number: string,
  ringMs: number,
): Promise<TrunkTestResult> {
  const edge = ctx.localEdges.start(null).edge;
  const { accountSid, sid: trunkSid } = trunk;
  const call = new Call(
    { accountSid, direction: "trunking-originating", from: number, to: number, trunkSid, edge: edge.name },
    ctx.clock,
    listenerFaults(ctx.log),
  );
  ctx.calls.add(call);
  call.note("routed", `test of trunk ${trunk.friendlyName}`, { code: "route.test", route: trunk.friendlyName });
  const worker = ctx.scheduler.place(1);
  worker.reserve(1);
  try {
    return await ring(ctx, trunk, call, worker, ringMs);
  } finally {
    worker.release(1);
    call.apply(call.answeredAt === undefined ? "end-failed" : "hung-up");
  }
}

async function ring(
  ctx: CallContext,
  trunk: Trunk,
  call: Call,
  worker: WorkerHandle,
  ringMs: number,
): Promise<TrunkTestResult> {
  const number = call.details.to;
  const route = trunkRoute(ctx, trunk, {
    edge: ctx.localEdges.ofCall(call),
    dialled: number,
    callerNumber: number,
    hidden: false,
    maxForwards: 70,
    diversions: [],
  });
  const note = (text: string): void => call.note("routed", text, { code: "route.left-out" });
  let rang: { readonly target: string; readonly status: number } | undefined;
  const hunt = new TargetHunt(ctx, {
    call,
    worker,
    targets: plannedTargets(ctx, route.records, route.plan, note),
    ringLimitMs: ctx.settings.ringLimitMs,
    redirect: redirectRule(ctx, route.plan),
    onProgress: (leg, status) => {
      rang = { target: leg.target.label, status };
    },
  });
  const limit = ctx.clock.after(ringMs, () => hunt.cancel());
  const outcome = await hunt.run();
  limit.cancel();
  const made = (rest: Pick<TrunkTestResult, "result" | "target" | "sipStatus" | "text">): TrunkTestResult => ({
    callSid: call.sid,
    trunkSid: trunk.sid,
    number,
    ...rest,
    attempts: attemptsOf(call),
  });
  if (outcome.kind === "answered") {
    call.apply("answered");
    outcome.leg.hangup();
    const target = outcome.target.label;
    const { status, reason } = outcome.response;
    return made({ result: "answered", target, sipStatus: status, text: `${target} answered ${status} ${reason}` });
  }
  const sipStatus = outcome.kind === "cancelled" ? 0 : statusOfHunt(outcome);
  call.sipStatus = sipStatus;
  call.apply(outcome.kind === "cancelled" ? "end-canceled" : endEventOf(sipStatus));
  if (outcome.kind !== "cancelled")
    return made({ result: "failed", target: null, sipStatus, text: `nobody answered: ${outcome.text}` });
  const seconds = ringMs / 1000;
  if (rang === undefined)
    return made({ result: "failed", target: null, sipStatus, text: `nobody rang within ${seconds} s` });
  const { target, status } = rang;
  const text = `${target} rang (${status}) and was cancelled after ${seconds} s`;
  return made({ result: "rang", target, sipStatus: status, text });
}
