/** An INVITE whose sender was checked: what every kind of call begins with. */

import type { IncomingInvite } from "../sip/user-agent.ts";
import type { TerminationAccepted } from "../trunking/termination.ts";
import type { Note } from "./admission-notes.ts";

export interface AdmittedInvite {
  readonly invite: IncomingInvite;
  readonly verdict: TerminationAccepted;
  /** Number or URI of the caller and of the called party, as they are shown. */
  readonly from: string;
  readonly to: string;
  /** What was looked at, for the story of the call that it becomes. */
  readonly notes: readonly Note[];
}
