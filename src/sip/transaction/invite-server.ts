/** INVITE server transaction (RFC 3261 §17.2.1 figure 7, with the Accepted state of RFC 6026 §7.1). */

import { type MachineTable, to } from "../../base/machine.ts";
import type { TimerName } from "./timers.ts";

export type InviteServerState = "proceeding" | "completed" | "confirmed" | "accepted" | "terminated";
export type InviteServerEvent =
  | "INVITE"
  | "ACK"
  | "send 1xx"
  | "send 2xx"
  | "send 300-699"
  | "timer G"
  | "timer H"
  | "timer I"
  | "timer L"
  | "transport error";
export type InviteServerAction =
  | "send response"
  | "repeat response"
  /** Timer G: nobody asked for it. */
  | "repeat unasked"
  | "deliver ACK"
  | "report no ACK"
  | "report transport error";

const to_ = to<InviteServerState, InviteServerAction>;

export const INVITE_SERVER: MachineTable<InviteServerState, InviteServerEvent, InviteServerAction> = {
  proceeding: {
    INVITE: to_("proceeding", "repeat response"),
    "send 1xx": to_("proceeding", "send response"),
    "send 2xx": to_("accepted", "send response"),
    "send 300-699": to_("completed", "send response"),
    // A failure to send is told and changes nothing, so that repeats of the INVITE stay absorbed (RFC 6026 §7.1).
    "transport error": to_("proceeding", "report transport error"),
  },
  completed: {
    INVITE: to_("completed", "repeat response"),
    ACK: to_("confirmed"),
    "timer G": to_("completed", "repeat unasked"),
    "timer H": to_("terminated", "report no ACK"),
    "transport error": to_("completed", "report transport error"),
  },
  confirmed: {
    "timer I": to_("terminated"),
  },
  accepted: {
    // Repeats of the INVITE are absorbed; repeats of the 2xx are the core's (RFC 6026 §7.1).
    "send 2xx": to_("accepted", "send response"),
    ACK: to_("accepted", "deliver ACK"),
    "timer L": to_("terminated"),
    "transport error": to_("accepted", "report transport error"),
  },
  terminated: {},
};

export const INVITE_SERVER_TIMERS: Readonly<Record<InviteServerState, readonly TimerName[]>> = {
  proceeding: [],
  completed: ["G", "H"],
  confirmed: ["I"],
  accepted: ["L"],
  terminated: [],
};
