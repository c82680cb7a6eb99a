/** The states of one registration of ours at a carrier (RFC 3261 §10.2, RFC 5626 §4.5). */

import { type MachineTable, to } from "../../base/machine.ts";

/** `refreshing`: registered, and the next REGISTER is on its way. */
export type RegistrationState = "unregistered" | "registering" | "registered" | "refreshing" | "gone";

export type RegistrationEvent =
  /** It is time for the next REGISTER, or the connection that the last one used was lost. */
  | "due"
  | "accepted"
  | "refused"
  /** The trunk wants no registration any more, or the gateway stops. */
  | "removed";

export type RegistrationAction = "register" | "plan refresh" | "plan retry" | "unregister";

/** Rows that are missing come too late to matter. */
export const REGISTRATION_TABLE: MachineTable<RegistrationState, RegistrationEvent, RegistrationAction> = {
  unregistered: { due: to("registering", "register"), removed: to("gone") },
  registering: {
    accepted: to("registered", "plan refresh"),
    refused: to("unregistered", "plan retry"),
    // The REGISTER that is under way may still be accepted.
    removed: to("gone", "unregister"),
  },
  registered: { due: to("refreshing", "register"), removed: to("gone", "unregister") },
  refreshing: {
    accepted: to("registered", "plan refresh"),
    refused: to("unregistered", "plan retry"),
    removed: to("gone", "unregister"),
  },
  gone: {},
};
