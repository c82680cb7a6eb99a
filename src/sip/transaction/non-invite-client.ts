/** Non-INVITE client transaction (RFC 3261 §17.1.2 figure 6). */

import { type MachineTable, to } from "../../base/machine.ts";
import type { TimerName } from "./timers.ts";

export type NonInviteClientState = "trying" | "proceeding" | "completed" | "terminated";
export type NonInviteClientEvent = "1xx" | "200-699" | "timer E" | "timer F" | "timer K" | "transport error";
export type NonInviteClientAction = "send request" | "deliver" | "report timeout" | "report transport error";

const to_ = to<NonInviteClientState, NonInviteClientAction>;

export const NON_INVITE_CLIENT: MachineTable<NonInviteClientState, NonInviteClientEvent, NonInviteClientAction> = {
  trying: {
    "timer E": to_("trying", "send request"),
    "timer F": to_("terminated", "report timeout"),
    "1xx": to_("proceeding", "deliver"),
    "200-699": to_("completed", "deliver"),
    "transport error": to_("terminated", "report transport error"),
  },
  proceeding: {
    "timer E": to_("proceeding", "send request"),
    "timer F": to_("terminated", "report timeout"),
    "1xx": to_("proceeding", "deliver"),
    "200-699": to_("completed", "deliver"),
    "transport error": to_("terminated", "report transport error"),
  },
  completed: {
    "timer K": to_("terminated"),
  },
  terminated: {},
};

export const NON_INVITE_CLIENT_TIMERS: Readonly<Record<NonInviteClientState, readonly TimerName[]>> = {
  trying: ["E", "F"],
  proceeding: ["E", "F"],
  completed: ["K"],
  terminated: [],
};
