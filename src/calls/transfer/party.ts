/** One side of a trunk call while it is up: its leg, its number, and whose customer it is. */

import type { CallLeg } from "../call-leg.ts";

export interface Party {
  readonly leg: CallLeg;
  /** As it is shown to others: E.164, a SIP URI, or undefined for one that hides. */
  readonly number: string | undefined;
  /** The trunk whose customer this side is, and by whose rules it may transfer (R-XFER-1); undefined for a carrier's side. */
  readonly trunkSid: string | undefined;
}
