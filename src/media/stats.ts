/** Counters of one leg, decoded from the block that the engine fills. */

import { G711_EQUIPMENT_IMPAIRMENT, G711_LOSS_ROBUSTNESS, meanOpinionScore, rating } from "./e-model.ts";
import type { DropReason, LegStats, LossPattern, RemoteReport } from "./media-events.ts";
import { readVoipMetrics } from "./voip-metrics.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** Which status of the engine stands for which reason. */
export const STATUS_OF_REASON: Readonly<Record<DropReason, string>> = {
  "too-short": "TOO_SHORT",
  "too-long": "TOO_LONG",
  "not-rtp": "NOT_RTP",
  malformed: "MALFORMED",
  "auth-failed": "AUTH_FAILED",
  replayed: "REPLAYED",
  "ssrc-limit": "SSRC_LIMIT",
  "payload-type": "PAYLOAD_TYPE",
  "wrong-source": "WRONG_SOURCE",
  duplicate: "DUPLICATE",
  late: "LATE",
  "not-receiving": "NOT_RECEIVING",
  stun: "STUN",
  dtls: "DTLS",
};

type Read = (name: string) => number;

/** Lowest level that RFC 6464 knows: digital silence. */
const LEVEL_DBOV_MIN = -127;

/** Reads the statistics block; `engineStats` has just filled it. */
export function readStats(engine: WasmEngine): LegStats {
  const control = engine.place("CONTROL");
  const word = (name: string): number => engine.words[(control + engine.number(`STATS_${name}`)) >> 2]!;
  const float = (name: string): number => engine.floats[(control + engine.number(`STATS_${name}`)) >> 3]!;
  const dropsAt = (control + engine.number("STATS_DROPS")) >> 2;
  const drops = Object.fromEntries(
    Object.entries(STATUS_OF_REASON).map(([reason, status]) => [
      reason,
      engine.words[dropsAt - engine.number(`STATUS_${status}`)]! >>> 0,
    ]),
  ) as Record<DropReason, number>;
  const count: Read = (name) => word(name) >>> 0;
  const known = (value: number): number | null => (value < 0 ? null : value);
  const lossPercent = percent(count("PATTERN_MISSING"), count("PATTERN_PACKETS"));
  const lossPattern = readPattern(count);
  const packetMs = count("PACKET_SAMPLES") / 8;
  const oneWayDelayMs = Math.max(0, float("ROUND_TRIP_MS")) / 2 + word("JITTER_DEPTH_MS") + packetMs;
  const rate = (delayMs: number): number =>
    rating({
      delayMs,
      lossPercent,
      burstRatio: lossPattern.burstRatio,
      equipmentImpairment: G711_EQUIPMENT_IMPAIRMENT,
      lossRobustness: G711_LOSS_ROBUSTNESS,
    });
  const rListening = rate(0);
  const rConversational = rate(oneWayDelayMs);
  return {
    packetsReceived: word("PACKETS_RECEIVED") >>> 0,
    octetsReceived: float("OCTETS_RECEIVED"),
    packetsSent: word("PACKETS_SENT") >>> 0,
    octetsSent: float("OCTETS_SENT"),
    packetsLost: word("PACKETS_LOST"),
    packetsLate: drops.late,
    packetsDuplicate: drops.duplicate + drops.replayed,
    framesConcealed: word("FRAMES_CONCEALED") >>> 0,
    jitterMs: float("JITTER_MS"),
    roundTripMs: known(float("ROUND_TRIP_MS")),
    roundTripMinMs: known(float("ROUND_TRIP_MIN_MS")),
    roundTripMaxMs: known(float("ROUND_TRIP_MAX_MS")),
    lossPercent,
    packetsDiscarded: count("PATTERN_DISCARDED"),
    lossPattern,
    remoteReport: readRemote(word),
    remoteQuality:
      word("VOIP_KNOWN") === 0 ? null : readVoipMetrics(engine.bytes, control + engine.number("STATS_VOIP_METRICS")),
    reportsReceived: count("REPORTS_RECEIVED"),
    reportsForeign: count("REPORTS_FOREIGN"),
    oneWayDelayMs,
    rListening,
    rConversational,
    mosListening: meanOpinionScore(rListening),
    mosConversational: meanOpinionScore(rConversational),
    inboundLevelDbov: levelDbov(float("INBOUND_MEAN_SQUARE")),
    outboundLevelDbov: levelDbov(float("OUTBOUND_MEAN_SQUARE")),
    srtpReceiveState:
      word("SRTP_KNOWN") === 0
        ? null
        : {
            ssrc: count("SRTP_SSRC"),
            rolloverCounter: count("SRTP_ROC"),
            sequenceNumber: word("SRTP_HIGHEST"),
            rtcpIndex: count("SRTP_RTCP_INDEX"),
          },
    drops,
  };
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole;
}

function readPattern(count: Read): LossPattern {
  const packets = count("PATTERN_PACKETS");
  const missing = count("PATTERN_MISSING");
  const bursts = count("BURSTS");
  const burstPackets = count("BURST_PACKETS");
  const burstMissing = count("BURST_MISSING");
  const gaps = count("GAPS");
  const packetMs = count("PACKET_SAMPLES") / 8;
  // Random loss of probability p has runs of 1 / (1 - p) on the average (ITU-T G.107 clause 3.5).
  const meanRun = missing === 0 ? 1 : missing / count("LOSS_RUNS");
  return {
    burstDensityPercent: percent(burstMissing, burstPackets),
    gapDensityPercent: percent(missing - burstMissing, packets - burstPackets),
    burstDurationMs: bursts === 0 ? 0 : (burstPackets * packetMs) / bursts,
    gapDurationMs: gaps === 0 ? 0 : ((packets - burstPackets) * packetMs) / gaps,
    bursts,
    burstRatio: packets === 0 ? 1 : Math.max(1, meanRun * (1 - missing / packets)),
  };
}

function readRemote(word: Read): RemoteReport | null {
  if (word("REMOTE_KNOWN") === 0) return null;
  return {
    packetsLost: word("REMOTE_LOST"),
    lossPercent: percent(word("REMOTE_FRACTION"), 256),
    jitterMs: (word("REMOTE_JITTER") >>> 0) / 8,
  };
}

function levelDbov(meanSquare: number): number {
  return meanSquare <= 0 ? LEVEL_DBOV_MIN : Math.max(LEVEL_DBOV_MIN, 10 * Math.log10(meanSquare));
}
