/** Non-INVITE server transaction (RFC 3261 §17.2.2 figure 8; no 408, RFC 4320). */

import { type MachineTable, to } from "../../base/machine.ts";
import type { TimerName } from "./timers.ts";

export type NonInviteServerState = "trying" | "proceeding" | "completed" | "terminated";
export type NonInviteServerEvent = "request" | "send 1xx" | "send 200-699" | "timer J" | "transport error";
export type NonInviteServerAction = "send response" | "repeat response";

const to_ = to<NonInviteServerState, NonInviteServerAction>;

export const NON_INVITE_SERVER: MachineTable<NonInviteServerState, NonInviteServerEvent, NonInviteServerAction> = {
  trying: {
    "send 1xx": to_("proceeding", "send response"),
    "send 200-699": to_("completed", "send response"),
    "transport error": to_("terminated"),
  },
  proceeding: {
    request: to_("proceeding", "repeat response"),
    "send 1xx": to_("proceeding", "send response"),
    "send 200-699": to_("completed", "send response"),
    "transport error": to_("terminated"),
  },
  completed: {
    request: to_("completed", "repeat response"),
    "timer J": to_("terminated"),
    "transport error": to_("terminated"),
  },
  terminated: {},
};

export const NON_INVITE_SERVER_TIMERS: Readonly<Record<NonInviteServerState, readonly TimerName[]>> = {
  trying: [],
  proceeding: [],
  completed: ["J"],
  terminated: [],
};
