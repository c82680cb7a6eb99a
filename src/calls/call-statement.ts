/** The statement of one call out of what was noted of its legs (explain/statement.ts). */

import type { CallStatement, StatementFile, StatementLeg } from "../explain/statement.ts";
import type { Store } from "../store/store.ts";
import type { KeptFact } from "./audio-facts.ts";
import type { Call } from "./call.ts";

/** @param family - the call that is asked for first, then all that belong to it */
export function callStatement(
  family: readonly [Call, ...Call[]],
  store: Store,
  noAudioAtRest: boolean,
  now: Date,
): CallStatement {
  const [call] = family;
  return {
    callSid: call.sid,
    accountSid: call.details.accountSid,
    from: call.details.from,
    to: call.details.to,
    status: call.status,
    startedAt: call.createdAt.toISOString(),
    answeredAt: call.answeredAt?.toISOString() ?? null,
    endedAt: call.endedAt?.toISOString() ?? null,
    legs: family.map(legOf),
    streams: family.flatMap(({ audio }) => audio.streams),
    stored: family.flatMap(({ audio }) => audio.kept).map((fact) => fileOf(fact, store)),
    noAudioAtRest,
    statedAt: now.toISOString(),
  };
}

function legOf({ sid, details, audio, mediaStats }: Call): StatementLeg {
  return {
    callSid: sid,
    direction: details.direction,
    edge: details.edge ?? "",
    signalling: details.remote ?? "",
    media:
      audio.media === undefined
        ? null
        : {
            ...audio.media,
            packetsReceived: mediaStats?.packetsReceived ?? null,
            packetsSent: mediaStats?.packetsSent ?? null,
          },
  };
}

function fileOf({ kind, sid }: KeptFact, store: Store): StatementFile {
  if (kind === "voice-trace") return { kind, sid, status: "kept for its retention time", durationMs: null };
  const recording = store.get("recordings", sid);
  return { kind, sid, status: recording?.status ?? "deleted", durationMs: recording?.durationMs ?? null };
}
