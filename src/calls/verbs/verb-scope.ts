/** What every verb is given: the call that it acts on and the ways out of it. */

import type { CallContext } from "../call-context.ts";
import type { NextDocument } from "../call-control.ts";
import type { CallLeg } from "../call-leg.ts";
import type { CallStreams } from "../call-streams.ts";
import type { VoiceLeg } from "../voice-leg.ts";

export interface VerbScope {
  readonly ctx: CallContext;
  readonly leg: VoiceLeg;
  readonly streams: CallStreams;
  readonly accountSid: string;
  readonly authToken: string;
  /** Aborted when the caller has hung up or another document takes over: the verb has to end at once. */
  readonly signal: AbortSignal;
  /** Number of the caller, as it may be shown to the called party. */
  readonly callerId: string;
  /** Name of the caller, "" when none is known (R-CNAM-2). */
  readonly callerName: string;
  /** Max-Forwards for new legs (SIP-DLG-11). */
  readonly maxForwards: number;
  /** Answers the call if it is not yet (twiml.md 1.1). Undefined when the caller was faster to hang up. */
  answer(): Promise<CallLeg | undefined>;
  /** Has a further leg go on by itself with another document. */
  runApart(leg: CallLeg, next: NextDocument): void;
}
