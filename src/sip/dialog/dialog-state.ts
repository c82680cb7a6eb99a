/** The life of a dialog as both sides share it (RFC 3261 §12). */

import { type MachineTable, to } from "../../base/machine.ts";

export type DialogState = "waiting for ACK" | "confirmed" | "closing" | "ended";
export type DialogEvent = "ACK" | "hang up" | "BYE received" | "no ACK" | "lost";
export type DialogAction = "send BYE" | "report end" | "stop repeats";

const to_ = to<DialogState, DialogAction>;

export const DIALOG_TABLE: MachineTable<DialogState, DialogEvent, DialogAction> = {
  "waiting for ACK": {
    ACK: to_("confirmed", "stop repeats"),
    // A callee must not send BYE before the ACK (§15): it is kept until then.
    "hang up": to_("closing"),
    "BYE received": to_("ended", "stop repeats", "report end"),
    // 64·T1 without ACK: the session is ended with BYE (§13.3.1.4).
    "no ACK": to_("ended", "send BYE", "report end"),
    lost: to_("ended", "stop repeats", "report end"),
  },
  confirmed: {
    "hang up": to_("ended", "send BYE"),
    "BYE received": to_("ended", "report end"),
    lost: to_("ended", "report end"),
  },
  closing: {
    ACK: to_("ended", "stop repeats", "send BYE"),
    "BYE received": to_("ended", "stop repeats"),
    "no ACK": to_("ended", "send BYE"),
    lost: to_("ended", "stop repeats"),
  },
  ended: {},
};
