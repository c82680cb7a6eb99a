/** `<Connect><Stream>`, `<Start><Stream>` and `<Stop>` (twiml.md 2.5, media-streams.md 1 and 2). */

import type { Connect, Start, Stop } from "../../voice/verbs.ts";
import type { StreamEnding } from "../call-streams.ts";
import type { VerbScope } from "./verb-scope.ts";

const SCHEMA_WARNING = 12200;

/** Blocks until the stream ends or the call does. Undefined when there was nothing to connect to. */
export async function runConnect(
  scope: VerbScope,
  verb: Connect,
  documentUrl: string | null,
): Promise<StreamEnding | undefined> {
  if (verb.stream === null || (await scope.answer()) === undefined) return undefined;
  const { ended } = await scope.streams.start(verb.stream, "bidirectional", documentUrl);
  if (scope.signal.aborted) void scope.streams.stopAll("bidirectional");
  else scope.signal.addEventListener("abort", () => void scope.streams.stopAll("bidirectional"), { once: true });
  return await ended;
}

/** Does not wait for the handshake: the next verb runs at once. */
export async function runStart(scope: VerbScope, verb: Start, documentUrl: string | null): Promise<void> {
  if ((await scope.answer()) === undefined) return;
  for (const noun of verb.streams) await scope.streams.start(noun, "unidirectional", documentUrl);
}

export function runStop(scope: VerbScope, verb: Stop): void {
  for (const name of verb.streamNames) {
    if (scope.streams.stop(name)) continue;
    scope.ctx.alerts.raise({
      code: SCHEMA_WARNING,
      level: "warning",
      text: `Stop: no stream named "${name.slice(0, 80)}" runs on this call`,
      callSid: scope.leg.call.sid,
      accountSid: scope.accountSid,
    });
  }
}
