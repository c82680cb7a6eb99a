/**
 * Calls that begin here, asked for by REST (voice-rest.md 2.2, R-BYOC-13): one leg out, by the same hunt as `<Dial>`, and TwiML once
 * somebody has answered. What was asked for has been checked before.
 */

import type { Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { StatusCallbackAttributes } from "../voice/verbs.ts";
import type { Handler, VoiceSource } from "../voice/voice-source.ts";
import { Call, listenerFaults } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { endEventOf } from "./call-state.ts";
import type { OutboundTarget } from "./outbound-leg.ts";
import { type Destination, outwardTargets } from "./outward-targets.ts";
import { StatusCallbacks } from "./status-callbacks.ts";
import { type HuntOutcome, statusOfHunt, TargetHunt } from "./target-hunt.ts";
import { AnsweredLeg } from "./voice-leg.ts";
import { partiesOfCall } from "./voice-parties.ts";
import { VoiceSession } from "./voice-session.ts";

export type { Handler, StatusCallbackAttributes, VoiceSource };

/** One call to be made. */
export interface CallOrder {
  readonly accountSid: string;
  /** Edge or region that the call is to begin in, or null for the default one (R-EDGE-9). */
  readonly edge: string | null;
  /** As they are shown in the record. */
  readonly from: string;
  readonly to: string;
  readonly destination: Destination;
  /** User of From towards the far end. */
  readonly callerId: string;
  readonly source: VoiceSource;
  readonly fallback: Handler | undefined;
  readonly statusCallback: StatusCallbackAttributes;
  /** Keys to be pressed after the answer, `w` waits half a second; "" for none. */
  readonly sendDigits: string;
  /** Of ringing, without what is added to it. */
  readonly timeoutSeconds: number;
  /** Of the answered call. */
  readonly timeLimitSeconds: number;
}

/** Places calls for REST. */
export type PlaceCall = (order: CallOrder) => Call;

/** Seconds that are added to the timeout, as `<Dial>` does. */
const TIMEOUT_EXTRA_SECONDS = 5;

/** Begins the call and returns at once; the call is `queued` then. */
export function placeCall(ctx: CallContext, order: CallOrder): Call {
  const { accountSid, from, to, destination } = order;
  const byoc = destination.kind === "number" ? destination.byoc : null;
  const start = ctx.localEdges.start(order.edge);
  const edge = start.edge.name;
  const details = { accountSid, direction: "outbound-api", from, to, edge } as const;
  const call = new Call(
    byoc === null ? details : { ...details, byocTrunkSid: byoc },
    ctx.clock,
    listenerFaults(ctx.log),
  );
  ctx.calls.add(call);
  const authToken = ctx.store.get("accounts", accountSid)?.authToken ?? "";
  const callbacks = new StatusCallbacks(ctx, call, order.statusCallback, authToken);
  call.control.report = (where) => callbacks.change(where);
  if ("problem" in start) cannotStart(ctx, call, start.problem);
  else void run(ctx, order, call);
  return call;
}

/** The edge that was asked for is not there: another one is not what was asked for (R-EDGE-9, R-EDGE-12). */
function cannotStart(ctx: CallContext, call: Call, problem: string): void {
  ctx.alerts.raise({ code: 32010, text: problem, callSid: call.sid, accountSid: call.details.accountSid });
  call.note("routed", problem, { code: "route.bad-target", alert: 32010 });
  call.apply("end-failed");
}

async function run(ctx: CallContext, order: CallOrder, call: Call): Promise<void> {
  try {
    const worker = ctx.scheduler.place(2);
    worker.reserve(2);
    try {
      const hunt = new TargetHunt(ctx, {
        call,
        worker,
        targets: targetsOf(ctx, order, call),
        ringLimitMs: ctx.settings.ringLimitMs,
        onAttemptFailed: (target, failure) =>
          ctx.alerts.raise({
            code: 32011,
            level: "warning",
            text: `${target.label} did not take the call: ${failure.text}`,
            accountSid: order.accountSid,
            callSid: call.sid,
            remote: target.label,
            sipStatus: failure.status,
          }),
      });
      await converse(ctx, order, call, hunt);
    } finally {
      worker.release(2);
    }
  } catch (error) {
    ctx.log.error("a call that was asked for failed inside", { callSid: call.sid, error: messageOf(error) });
    call.control.end?.("the call failed inside");
  } finally {
    call.apply(call.answeredAt === undefined ? "end-failed" : "hung-up");
  }
}

/** The attempts; where none can be made the alert and the story say why. */
function* targetsOf(ctx: CallContext, order: CallOrder, call: Call): Generator<OutboundTarget> {
  const { accountSid, destination, callerId } = order;
  const made = outwardTargets(ctx, destination, { accountSid, call, callerNumber: callerId, maxForwards: 70 });
  if ("alert" in made) {
    ctx.alerts.raise({ ...made.alert, callSid: call.sid, accountSid });
    call.note("routed", made.alert.text, { code: "route.bad-target", alert: made.alert.code });
    return;
  }
  yield* made.targets;
}

async function converse(ctx: CallContext, order: CallOrder, call: Call, hunt: TargetHunt): Promise<void> {
  let timedOut = false;
  const ringing = ctx.clock.after((order.timeoutSeconds + TIMEOUT_EXTRA_SECONDS) * 1000, () => {
    timedOut = true;
    hunt.cancel();
  });
  const outcome = await hunt.run();
  ringing.cancel();
  if (outcome.kind !== "answered") {
    nobodyAnswered(call, outcome, timedOut);
    return;
  }
  const { leg } = outcome;
  ctx.recordings.watch({ call, media: leg.media }, undefined);
  call.apply("answered");
  let limit: Timer | undefined;
  const limitTo = (seconds: number): void => {
    limit?.cancel();
    const leftMs = Math.max(0, seconds * 1000 - call.answeredForMs);
    limit = ctx.clock.after(leftMs, () => leg.lose(`the limit of ${seconds} s was reached`));
  };
  limitTo(Math.min(order.timeLimitSeconds, ctx.settings.callDurationMaxMs / 1000));
  call.control.limit = limitTo;
  try {
    const { accountSid, source, fallback } = order;
    const application = { accountSid, source, fallback, extraParameters: [] };
    const session = new VoiceSession(ctx, new AnsweredLeg(leg), application, partiesOfCall(call));
    if (order.sendDigits !== "") await leg.media.sendDigits(order.sendDigits).catch(() => undefined);
    await session.run();
  } finally {
    limit?.cancel();
    leg.hangup();
  }
}

function nobodyAnswered(call: Call, outcome: Exclude<HuntOutcome, { kind: "answered" }>, timedOut: boolean): void {
  const status = statusOfHunt(outcome);
  call.sipStatus = status;
  if (outcome.kind === "cancelled") {
    call.note("answer", timedOut ? "nobody answered in time" : "cancelled", { code: "hunt.cancelled" });
    call.apply(timedOut ? "end-no-answer" : "end-canceled");
    return;
  }
  call.note("answer", `nobody answered: ${outcome.text}`, { code: "hunt.failed", status });
  // Without any attempt there was no silence either.
  const isUntried = outcome.kind === "exhausted" && outcome.attempts === 0;
  call.apply(isUntried ? "end-failed" : endEventOf(status));
}
