/**
 * What an auditor keeps of one call (R-COMP-1, R-COMP-4, R-EDGE-10): where it was processed, which addresses and codecs it had,
 * whether it was encrypted, where its audio went, and what was stored of it. Facts that were noted while the call was made.
 */

import { safeText } from "./safe-text.ts";

/** One leg. */
export interface StatementLeg {
  readonly callSid: string;
  readonly direction: string;
  /** Name of the edge, or "". */
  readonly edge: string;
  /** Where its signalling came from or went to, or "". */
  readonly signalling: string;
  /** Our address and theirs, null where no media were agreed. */
  readonly media: {
    readonly local: string;
    readonly remote: string;
    readonly codec: string;
    /** SRTP suite, or null for plain RTP. */
    readonly encryption: string | null;
    readonly packetsReceived: number | null;
    readonly packetsSent: number | null;
  } | null;
}

/** A WebSocket that audio of the call went to. */
export interface StatementStream {
  readonly streamSid: string;
  readonly host: string;
  readonly encrypted: boolean;
}

/** A file that was made of the call's audio. */
export interface StatementFile {
  readonly kind: "recording" | "voice-trace";
  readonly sid: string;
  /** As of now; `deleted` for what is not there any more. */
  readonly status: string;
  readonly durationMs: number | null;
}

export interface CallStatement {
  readonly callSid: string;
  readonly accountSid: string;
  readonly from: string;
  readonly to: string;
  readonly status: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly answeredAt: string | null;
  readonly endedAt: string | null;
  readonly legs: readonly StatementLeg[];
  readonly streams: readonly StatementStream[];
  /** Empty: nothing was stored. */
  readonly stored: readonly StatementFile[];
  /** The switch compliance.noAudioAtRest. */
  readonly noAudioAtRest: boolean;
  readonly statedAt: string;
}

/** For people, one fact a line. */
export function renderStatement(statement: CallStatement): string {
  const { callSid, accountSid, from, to, status, startedAt, answeredAt, endedAt } = statement;
  const rows: [string, string][] = [
    ["Call", callSid],
    ["Account", accountSid],
    ["From", from],
    ["To", to],
    ["Status", status],
    ["Began", startedAt],
    ["Answered", answeredAt ?? "never"],
    ["Ended", endedAt ?? "not yet"],
    ...statement.legs.flatMap((leg, index): [string, string][] => [
      [`Leg ${index + 1}`, `${leg.callSid} ${leg.direction}`],
      ["  edge", leg.edge || "the only one"],
      ["  signalling", leg.signalling || "unknown"],
      ["  media", mediaText(leg.media)],
    ]),
    ["Audio went to", goesTo(statement)],
    ["Audio stored", storedText(statement)],
    ["noAudioAtRest", statement.noAudioAtRest ? "on: this gateway stores no audio" : "off"],
    ["Stated", statement.statedAt],
  ];
  return `${rows.map(([name, value]) => `${`${name}:`.padEnd(16)}${safeText(value)}`).join("\n")}\n`;
}

function mediaText(media: StatementLeg["media"]): string {
  if (media === null) return "none";
  const { local, remote, codec, encryption, packetsReceived, packetsSent } = media;
  const packets = packetsReceived === null ? "" : `, ${packetsReceived} packets came, ${packetsSent} were sent`;
  return `${codec}, ${encryption === null ? "RTP, not encrypted" : `SRTP ${encryption}`}, ${local} with ${remote}${packets}`;
}

function goesTo({ streams }: CallStatement): string {
  if (streams.length === 0) return "the parties of the call only";
  const places = streams.map(({ streamSid, host, encrypted }) => `${host} (${encrypted ? "wss" : "ws"}, ${streamSid})`);
  return `the parties, and by WebSocket ${places.join(", ")}`;
}

function storedText({ stored }: CallStatement): string {
  if (stored.length === 0) return "nothing";
  return stored
    .map(({ kind, sid, status, durationMs }) => {
      const length = durationMs === null ? "" : `, ${(durationMs / 1000).toFixed(1)} s`;
      return `${kind === "recording" ? "recording" : "voice trace"} ${sid} (${status}${length})`;
    })
    .join(", ");
}
