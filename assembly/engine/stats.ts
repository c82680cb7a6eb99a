/** What the other side may know of a leg's traffic: counters, reports, the pattern of losses and levels. Rarely asked for. */

import {
  DROP_COUNTERS,
  STATS_BURST_MISSING,
  STATS_BURST_PACKETS,
  STATS_BURSTS,
  STATS_BYTES,
  STATS_DROPS,
  STATS_FRAMES_CONCEALED,
  STATS_GAPS,
  STATS_INBOUND_MEAN_SQUARE,
  STATS_JITTER_DEPTH_MS,
  STATS_JITTER_MS,
  STATS_LOSS_RUNS,
  STATS_OCTETS_RECEIVED,
  STATS_OCTETS_SENT,
  STATS_OUTBOUND_MEAN_SQUARE,
  STATS_PACKET_SAMPLES,
  STATS_PACKETS_LOST,
  STATS_PACKETS_RECEIVED,
  STATS_PACKETS_SENT,
  STATS_PATTERN_DISCARDED,
  STATS_PATTERN_MISSING,
  STATS_PATTERN_PACKETS,
  STATS_REMOTE_FRACTION,
  STATS_REMOTE_JITTER,
  STATS_REMOTE_KNOWN,
  STATS_REMOTE_LOST,
  STATS_REPORTS_FOREIGN,
  STATS_REPORTS_RECEIVED,
  STATS_ROUND_TRIP_MAX_MS,
  STATS_ROUND_TRIP_MIN_MS,
  STATS_ROUND_TRIP_MS,
  STATS_SRTP_HIGHEST,
  STATS_SRTP_KNOWN,
  STATS_SRTP_ROC,
  STATS_SRTP_RTCP_INDEX,
  STATS_SRTP_SSRC,
  STATS_VOIP_KNOWN,
  STATS_VOIP_METRICS,
  TRACK_INBOUND,
  TRACK_OUTBOUND,
} from "../abi";
import { jitterDepthMs } from "../jitter/jitter";
import { CONTROL } from "../memory";
import { VOIP_METRICS_BYTES } from "../rtp/extended-report";
import { LossPattern, patternClose, patternGaps } from "../rtp/loss-pattern";
import { packetsLost } from "../rtp/sequence";
import { highestOf, rocOf, rtcpIndexOf } from "../srtp/source";
import { dropCounters, jitterBuffer, Leg, lossPattern, meterOf, receivedStream, receiveSession } from "./leg";

/** The pattern is closed on a copy: the stream goes on. */
const PATTERN = memory.data(96, 16);

/** Writes the counters of a leg into the control block. */
export function writeStats(leg: Leg): void {
  const stream = receivedStream(leg);
  memory.fill(CONTROL, 0, STATS_BYTES);
  store<f64>(CONTROL + STATS_OCTETS_RECEIVED, leg.octetsReceived);
  store<f64>(CONTROL + STATS_OCTETS_SENT, leg.octetsSent);
  store<f64>(CONTROL + STATS_JITTER_MS, stream.jitter / 8);
  store<f64>(CONTROL + STATS_ROUND_TRIP_MS, leg.roundTripMs);
  store<f64>(CONTROL + STATS_ROUND_TRIP_MIN_MS, leg.roundTripMinMs);
  store<f64>(CONTROL + STATS_ROUND_TRIP_MAX_MS, leg.roundTripMaxMs);
  store<u32>(CONTROL + STATS_PACKETS_RECEIVED, leg.packetsReceived);
  store<u32>(CONTROL + STATS_PACKETS_SENT, leg.packetsSent);
  store<i32>(CONTROL + STATS_PACKETS_LOST, packetsLost(stream));
  store<u32>(CONTROL + STATS_FRAMES_CONCEALED, leg.framesConcealed);
  store<i32>(CONTROL + STATS_PACKET_SAMPLES, leg.packetSamples);
  store<i32>(CONTROL + STATS_JITTER_DEPTH_MS, leg.listening ? jitterDepthMs(jitterBuffer(leg)) : 0);
  store<u32>(CONTROL + STATS_REPORTS_RECEIVED, leg.reportsReceived);
  store<u32>(CONTROL + STATS_REPORTS_FOREIGN, leg.reportsForeign);
  store<i32>(CONTROL + STATS_REMOTE_KNOWN, leg.remoteKnown);
  store<i32>(CONTROL + STATS_REMOTE_LOST, leg.remoteLost);
  store<i32>(CONTROL + STATS_REMOTE_FRACTION, leg.remoteFraction);
  store<u32>(CONTROL + STATS_REMOTE_JITTER, leg.remoteJitter);
  store<i32>(CONTROL + STATS_VOIP_KNOWN, leg.voipKnown);
  memory.copy(CONTROL + STATS_VOIP_METRICS, changetype<usize>(leg) + offsetof<Leg>("voipMetrics"), VOIP_METRICS_BYTES);
  writeSrtp(leg, stream.ssrc);
  store<f64>(CONTROL + STATS_INBOUND_MEAN_SQUARE, meterOf(leg, TRACK_INBOUND).meanSquare);
  store<f64>(CONTROL + STATS_OUTBOUND_MEAN_SQUARE, meterOf(leg, TRACK_OUTBOUND).meanSquare);
  memory.copy(CONTROL + STATS_DROPS, dropCounters(leg), DROP_COUNTERS << 2);
  memory.copy(PATTERN, changetype<usize>(lossPattern(leg)), offsetof<LossPattern>());
  writePattern(changetype<LossPattern>(PATTERN));
}

/** Enough to go on elsewhere with the same key. */
function writeSrtp(leg: Leg, ssrc: u32): void {
  if (leg.receiveTagBytes == 0) return;
  const session = receiveSession(leg);
  const roc = rocOf(session, ssrc);
  if (roc < 0) return;
  store<i32>(CONTROL + STATS_SRTP_KNOWN, 1);
  store<u32>(CONTROL + STATS_SRTP_SSRC, ssrc);
  store<i32>(CONTROL + STATS_SRTP_ROC, roc);
  store<i32>(CONTROL + STATS_SRTP_HIGHEST, highestOf(session, ssrc));
  store<u32>(CONTROL + STATS_SRTP_RTCP_INDEX, rtcpIndexOf(session, ssrc));
}

function writePattern(pattern: LossPattern): void {
  patternClose(pattern);
  store<u32>(CONTROL + STATS_PATTERN_PACKETS, pattern.packets);
  store<u32>(CONTROL + STATS_PATTERN_MISSING, pattern.missing);
  store<u32>(CONTROL + STATS_PATTERN_DISCARDED, pattern.discarded);
  store<u32>(CONTROL + STATS_LOSS_RUNS, pattern.lossRuns);
  store<u32>(CONTROL + STATS_BURSTS, pattern.bursts);
  store<u32>(CONTROL + STATS_BURST_PACKETS, pattern.burstPackets);
  store<u32>(CONTROL + STATS_BURST_MISSING, pattern.burstMissing);
  store<u32>(CONTROL + STATS_GAPS, patternGaps(pattern));
}
