/** What a leg's media was like, in one line of its story. */

import type { LegStats } from "../media/media-events.ts";
import type { Decision } from "./decisions.ts";

export function mediaSummary(stats: LegStats): string {
  if (stats.packetsReceived === 0) return `no media came; ${stats.packetsSent} packets were sent`;
  const { packetsReceived, packetsSent, packetsLost, lossPercent, jitterMs, mosListening } = stats;
  return (
    `${packetsReceived} packets came, ${Math.max(0, packetsLost)} lost (${lossPercent.toFixed(1)} %), ` +
    `jitter ${jitterMs.toFixed(1)} ms, MOS ${mosListening.toFixed(2)}; ${packetsSent} sent`
  );
}

export function mediaFields(stats: LegStats): Decision["fields"] {
  return {
    code: stats.packetsReceived === 0 ? "media.none-came" : "media.summary",
    packetsReceived: stats.packetsReceived,
    packetsSent: stats.packetsSent,
    packetsLost: stats.packetsLost,
    lossPercent: stats.lossPercent,
    jitterMs: stats.jitterMs,
    mosListening: stats.mosListening,
    wrongSource: stats.drops["wrong-source"],
    authFailed: stats.drops["auth-failed"],
  };
}
