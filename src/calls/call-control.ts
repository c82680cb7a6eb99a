/** What may be asked of a call from outside while it is up (voice-rest.md 2.4). Whoever holds its leg puts in what it can do. */

import type { StatusCallbackAttributes } from "../voice/verbs.ts";
import type { Handler, VoiceSource } from "../voice/voice-source.ts";

/** TwiML that takes over from what a call runs now. */
export interface NextDocument {
  readonly source: VoiceSource;
  /** Undefined: the one that the call has. */
  readonly fallback?: Handler | undefined;
}

export interface CallControl {
  /** Ends the call in whatever state it is, with CANCEL, a final answer or BYE. */
  end?: (text: string) => void;
  /** Has the call run another document; false when it ends already. Absent where no TwiML can run. */
  redirect?: (next: NextDocument) => boolean;
  /** Ends the call so many seconds after its answer. */
  limit?: (seconds: number) => void;
  /** From now on the callbacks go there. */
  report?: (to: Partial<StatusCallbackAttributes>) => void;
}
