/** The attempts of one leg to reach its targets, out of the call's story (R-ORIG-26). */

import type { Call } from "./call.ts";

export interface CallAttempt {
  /** URI as configured, without its headers. */
  readonly target: string;
  /** How it ended; `timeout` for one that stayed silent. */
  readonly result: "answered" | "status" | "timeout" | "unreachable" | "media" | "hung-up";
  /** Final SIP status; null when there was none. */
  readonly status: number | null;
  readonly ms: number;
}

const RESULTS = new Map<unknown, CallAttempt["result"]>([
  ["target.answered", "answered"],
  ["target.status", "status"],
  ["target.silent", "timeout"],
  ["target.unreachable", "unreachable"],
  ["target.media", "media"],
  ["target.hung-up", "hung-up"],
]);

/** Oldest first; empty when the story has been forgotten. */
export function attemptsOf(call: Call): CallAttempt[] {
  return call.decisions.entries.flatMap(({ fields }) => {
    const result = RESULTS.get(fields["code"]);
    if (result === undefined) return [];
    const status = result === "answered" ? 200 : Number(fields["status"] ?? 0);
    const isAnswer = result === "answered" || result === "status";
    return [
      { target: String(fields["target"] ?? ""), result, status: isAnswer ? status : null, ms: Number(fields["ms"]) },
    ];
  });
}
