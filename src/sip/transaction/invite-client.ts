/** INVITE client transaction (RFC 3261 §17.1.1 figure 5, with the Accepted state of RFC 6026 §7.2). */

import { type MachineTable, to } from "../../base/machine.ts";
import type { TimerName } from "./timers.ts";

export type InviteClientState = "calling" | "proceeding" | "completed" | "accepted" | "terminated";
export type InviteClientEvent =
  | "1xx"
  | "2xx"
  | "300-699"
  | "timer A"
  | "timer B"
  | "timer D"
  | "timer M"
  | "transport error";
export type InviteClientAction = "send request" | "deliver" | "send ACK" | "report timeout" | "report transport error";

const to_ = to<InviteClientState, InviteClientAction>;

export const INVITE_CLIENT: MachineTable<InviteClientState, InviteClientEvent, InviteClientAction> = {
  calling: {
    "timer A": to_("calling", "send request"), // §17.1.1.2
    "timer B": to_("terminated", "report timeout"),
    "1xx": to_("proceeding", "deliver"),
    "2xx": to_("accepted", "deliver"), // RFC 6026 §8.4
    "300-699": to_("completed", "send ACK", "deliver"),
    "transport error": to_("terminated", "report transport error"), // §17.1.4
  },
  proceeding: {
    "1xx": to_("proceeding", "deliver"),
    "2xx": to_("accepted", "deliver"),
    "300-699": to_("completed", "send ACK", "deliver"),
    "transport error": to_("terminated", "report transport error"),
  },
  completed: {
    "300-699": to_("completed", "send ACK"), // a repeat: our ACK was lost
    "timer D": to_("terminated"),
    "transport error": to_("terminated"),
  },
  accepted: {
    // Every 2xx goes up: repeats want another ACK, other To tags are forks (RFC 6026 §7.2).
    "2xx": to_("accepted", "deliver"),
    "timer M": to_("terminated"),
  },
  terminated: {},
};

/** Timers that run in each state. */
export const INVITE_CLIENT_TIMERS: Readonly<Record<InviteClientState, readonly TimerName[]>> = {
  calling: ["A", "B"],
  proceeding: [],
  completed: ["D"],
  accepted: ["M"],
  terminated: [],
};
