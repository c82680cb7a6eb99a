/**
 * The life of a call as users see it (twiml.md 4.2). A call is one leg: its own SIP dialog, its own media leg, its own
 * Call SID. Final states never change, so a call ends with exactly one final status.
 */

import { type MachineTable, step, to } from "../base/machine.ts";

export type CallStatus =
  | "queued"
  | "initiated"
  | "ringing"
  | "in-progress"
  | "completed"
  | "busy"
  | "failed"
  | "no-answer"
  | "canceled";

/** What happens to a call. `end-…` events carry the way it ended when it was never answered. */
export type CallEvent =
  | "sent"
  | "rang"
  | "answered"
  | "hung-up"
  | "end-busy"
  | "end-failed"
  | "end-no-answer"
  | "end-canceled";

/** `report` tells listeners of the new status; `stop-clock` fixes the duration. */
export type CallAction = "report" | "start-clock" | "stop-clock";

const notAnswered = {
  "end-busy": to<CallStatus, CallAction>("busy", "report"),
  "end-failed": to<CallStatus, CallAction>("failed", "report"),
  "end-no-answer": to<CallStatus, CallAction>("no-answer", "report"),
  "end-canceled": to<CallStatus, CallAction>("canceled", "report"),
} as const;

const answer = to<CallStatus, CallAction>("in-progress", "start-clock", "report");

/** Rows that are missing are ignored: a second end, a ring after the answer. */
export const CALL_TABLE: MachineTable<CallStatus, CallEvent, CallAction> = {
  queued: { sent: to("initiated", "report"), rang: to("ringing", "report"), answered: answer, ...notAnswered },
  initiated: { rang: to("ringing", "report"), answered: answer, ...notAnswered },
  ringing: { answered: answer, ...notAnswered },
  // Whatever ended an answered call, its status is completed (twiml.md 5.3).
  "in-progress": {
    "hung-up": to("completed", "stop-clock", "report"),
    "end-busy": to("completed", "stop-clock", "report"),
    "end-failed": to("completed", "stop-clock", "report"),
    "end-no-answer": to("completed", "stop-clock", "report"),
    "end-canceled": to("completed", "stop-clock", "report"),
  },
  completed: {},
  busy: {},
  failed: {},
  "no-answer": {},
  canceled: {},
};

/** True when nothing more can happen to the call. */
export function isFinal(status: CallStatus): boolean {
  return Object.keys(CALL_TABLE[status]).length === 0;
}

/** One step of the table. */
export function nextCallStatus(status: CallStatus, event: CallEvent) {
  return step(CALL_TABLE, status, event);
}

/** How a leg that was never answered ends, from its final SIP status (twiml.md 2.1); 0 stands for silence. */
export function endEventOf(sipStatus: number): CallEvent {
  switch (sipStatus) {
    case 486:
    case 600:
    case 603:
      return "end-busy";
    case 0:
    case 408:
    case 480:
    case 487:
      return "end-no-answer";
    default:
      return "end-failed";
  }
}
