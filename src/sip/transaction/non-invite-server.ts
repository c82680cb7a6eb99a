/** Non-INVITE server transaction (RFC 3261 §17.2.2 figure 8; no 408, RFC 4320). */

import { type MachineTable, to } from "../../base/machine.ts";
import type { TimerName } from "./timers.ts";

export type NonInviteServerState = "trying" | "proceeding" | "completed" | "terminated";
export type NonInviteServerEvent = "request" | "send 1xx" | "send 200-699" | "timer J" | "transport error";
export type NonInviteServerAction = "send response" | "repeat response" | "report transport error";

const to_ = to<NonInviteServerState, NonInviteServerAction>;

export const NON_INVITE_SERVER: MachineTable<NonInviteServerState, NonInviteServerEvent, NonInviteServerAction> = {
  trying: {
    "send 1xx": to_("proceeding", "send response"),
    "send 200-699": to_("completed", "send response"),
  },
  proceeding: {
    request: to_("proceeding", "repeat response"),
    "send 1xx": to_("proceeding", "send response"),
    "send 200-699": to_("completed", "send response"),
    // A failure to send is told and changes nothing (RFC 6026 §8.8).
    "transport error": to_("proceeding", "report transport error"),
  },
  completed: {
    request: to_("completed", "repeat response"),
    "timer J": to_("terminated"),
    "transport error": to_("completed", "report transport error"),
  },
  terminated: {},
};

export const NON_INVITE_SERVER_TIMERS: Readonly<Record<NonInviteServerState, readonly TimerName[]>> = {
  trying: [],
  proceeding: [],
  completed: ["J"],
  terminated: [],
};
