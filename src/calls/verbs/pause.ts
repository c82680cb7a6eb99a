/** `<Pause>` (twiml.md 2.10): as the first verb it waits in 180, later in silence. */

import type { Pause } from "../../voice/verbs.ts";
import type { VerbScope } from "./verb-scope.ts";
import { wait } from "./wait.ts";

export async function runPause(scope: VerbScope, verb: Pause): Promise<void> {
  await wait(scope.ctx.clock, verb.lengthSeconds * 1000, scope.signal);
}
