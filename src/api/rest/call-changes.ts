/** Changes of a call that is up: its end, another document, its limits and callbacks (voice-rest.md 2.4). */

import { setImmediate } from "node:timers/promises";
import type { Call } from "../../calls/call.ts";
import type { NextDocument } from "../../calls/call-control.ts";
import type { StatusCallbackAttributes } from "../../calls/place-call.ts";
import { RestError } from "./rest-error.ts";

/** What a request asks for. */
export interface CallChange {
  readonly status: "canceled" | "completed" | undefined;
  readonly next: NextDocument | undefined;
  readonly timeLimitSeconds: number | undefined;
  readonly statusCallback: Partial<StatusCallbackAttributes> | undefined;
}

const WRONG_STATE = 21220;
/** Turns of the event loop that the end of a call may take to reach its record. */
const TURNS_MAX = 200;

/** @throws RestError 400 when the call is not in a state for it; nothing has been changed then */
export async function changeCall(call: Call, change: CallChange): Promise<void> {
  const { status, next, timeLimitSeconds, statusCallback } = change;
  if (next !== undefined && status === undefined) {
    if (call.ended) throw wrongState("the call has ended");
    const isOpen = call.status === "in-progress" || call.details.direction === "inbound";
    if (!isOpen || call.control.redirect === undefined)
      throw wrongState(isOpen ? "the call runs no TwiML" : `the call is not in progress but ${call.status}`);
  }
  if (statusCallback !== undefined) call.control.report?.(statusCallback);
  if (timeLimitSeconds !== undefined) call.control.limit?.(timeLimitSeconds);
  const isEnding = status === "completed" || (status === "canceled" && call.answeredAt === undefined);
  if (isEnding) await endCall(call, status);
  else if (next !== undefined && call.control.redirect?.(next) !== true) throw wrongState("the call is ending");
}

/** Resolves when the record shows it: clients look for the new status in the answer. */
async function endCall(call: Call, status: string): Promise<void> {
  call.control.end?.(`ended by REST with Status=${status}`);
  for (let turn = 0; !call.ended && turn < TURNS_MAX; turn++) await setImmediate();
}

function wrongState(text: string): RestError {
  return new RestError(400, WRONG_STATE, `Call is not in a state for this: ${text}`);
}
