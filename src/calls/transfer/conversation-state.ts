/** The states of two parties that were joined (R-XFER-3 to R-XFER-5, RFC 3891). */

import { type MachineTable, to } from "../../base/machine.ts";

/** `transferring`: a REFER was accepted, its target is being called, and the two parties do not hear each other. */
export type ConversationState = "together" | "transferring" | "over";

export type ConversationEvent =
  | "referred"
  | "target answered"
  | "target failed"
  /** Another leg has taken the place of one party. */
  | "exchanged"
  /** One party was given to another conversation. */
  | "given away"
  /** One party hung up or was lost, the time is over, or the media failed. */
  | "party left";

export type ConversationAction = "part" | "join" | "cancel transfer" | "hang up";

/** Rows that are missing cannot happen, or come too late to matter. */
export const CONVERSATION_TABLE: MachineTable<ConversationState, ConversationEvent, ConversationAction> = {
  together: {
    referred: to("transferring", "part"),
    exchanged: to("together", "join"),
    "given away": to("over", "hang up"),
    "party left": to("over", "hang up"),
  },
  transferring: {
    "target answered": to("together", "join"),
    // R-XFER-4: the call is taken off hold and goes on.
    "target failed": to("together", "join"),
    // R-XFER-5.
    "party left": to("over", "cancel transfer", "hang up"),
  },
  over: {},
};
