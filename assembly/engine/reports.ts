/** RTCP of a leg (RFC 3550 §6): reports about every 5 s, BYE at the end, and what the other side reports. */

import { EVENT_RTCP_BYE, STATUS_AUTH_FAILED } from "../abi";
import { VOIP_METRICS_BYTES } from "../rtp/extended-report";
import {
  appendReportBlock,
  ntpMiddle,
  RTCP_BYTES_MAX,
  RtcpFindings,
  readRtcp,
  reportIntervalMs,
  roundTripMs,
  writeBye,
  writeDescription,
  writeReceiverReport,
  writeSenderReport,
} from "../rtp/rtcp";
import { fractionLost, packetsLost } from "../rtp/sequence";
import { unprotectRtcp } from "../srtp/transform";
import { tell } from "./events";
import { cname, countDrop, isSecure, Leg, receivedStream, receiveSession } from "./leg";
import { takeRandomFraction } from "./random";
import { outPlace, sendRtcp } from "./send";
import { judgeRtcpSource } from "./source";

const FINDINGS = memory.data(48, 16);

/** When the first report of a leg is due. */
export function firstReportMs(nowMs: f64): f64 {
  return nowMs + reportIntervalMs(takeRandomFraction(), true);
}

/** When the next report is due. */
export function nextReportMs(nowMs: f64): f64 {
  return nowMs + reportIntervalMs(takeRandomFraction(), false);
}

/** Sends SR or RR with SDES, and BYE when the leg ends. Nothing before the far end's place is known. */
export function report(leg: Leg, nowMs: f64, bye: bool): void {
  if (leg.rtcpPort == 0 || (isSecure(leg) && leg.sendTagBytes == 0)) return;
  const place = outPlace(RTCP_BYTES_MAX + 32);
  if (place == 0) return;
  const stream = receivedStream(leg);
  // Who has sent since the report before the last one is a sender (RFC 3550 §6.4).
  const isSender = leg.packetsSent != leg.packetsSentReportedBefore;
  leg.packetsSentReportedBefore = leg.packetsSentReported;
  leg.packetsSentReported = leg.packetsSent;
  let octets = isSender
    ? writeSenderReport(
        place,
        leg.ssrc,
        nowMs,
        timestampAt(leg, nowMs),
        leg.packetsSent,
        <u32>(<u64>leg.octetsSent & 0xffffffff),
      )
    : writeReceiverReport(place, leg.ssrc);
  // Only of sources that were heard since the last report (RFC 3550 §6.4).
  const isHeard = leg.packetsReceived != leg.packetsReceivedReported;
  leg.packetsReceivedReported = leg.packetsReceived;
  if (stream.started && isHeard) {
    const delay = leg.senderReportKnown ? <u32>((nowMs - leg.senderReportMs) * 65.536) : 0;
    octets = appendReportBlock(
      place,
      octets,
      stream.ssrc,
      fractionLost(stream),
      packetsLost(stream),
      <u32>stream.cycles + stream.highest,
      <u32>stream.jitter,
      leg.senderReportKnown ? leg.senderReportNtp : 0,
      delay,
    );
  }
  octets += writeDescription(place + octets, leg.ssrc, cname(leg));
  if (bye) octets += writeBye(place + octets, leg.ssrc);
  sendRtcp(leg, place, octets);
}

/** Timestamp that belongs to the same moment as the NTP time of a report (RFC 3550 §6.4.1). */
function timestampAt(leg: Leg, nowMs: f64): u32 {
  return leg.sentAny ? leg.lastTimestamp + <u32>(max<f64>(0, nowMs - leg.lastSentMs) * 8) : leg.lastTimestamp;
}

/** Takes one RTCP datagram. It informs and changes nothing that a call depends on (hardening R15). */
export function receiveReport(leg: Leg, entry: usize, packet: usize, length: i32, nowMs: f64): void {
  let octets = length;
  if (isSecure(leg)) {
    octets = leg.receiveTagBytes == 0 ? STATUS_AUTH_FAILED : unprotectRtcp(receiveSession(leg), packet, length);
    if (octets < 0) {
      countDrop(leg, octets);
      return;
    }
  } else {
    const verdict = judgeRtcpSource(leg, entry);
    if (verdict < 0) {
      countDrop(leg, verdict);
      return;
    }
  }
  const findings = changetype<RtcpFindings>(FINDINGS);
  const stream = receivedStream(leg);
  const status = readRtcp(packet, octets, leg.ssrc, stream.ssrc, stream.started != 0, findings);
  if (status < 0) {
    countDrop(leg, status);
    return;
  }
  leg.lastHeardMs = nowMs;
  leg.silentReported = 0;
  leg.reportsReceived++;
  leg.reportsForeign += <u32>findings.foreign;
  if (findings.senderReport) {
    leg.senderReportKnown = 1;
    leg.senderReportNtp = findings.senderReportNtp;
    leg.senderReportMs = nowMs;
  }
  if (findings.reportBlock) takeBlock(leg, findings, nowMs);
  if (findings.voipMetrics != 0) {
    leg.voipKnown = 1;
    memory.copy(changetype<usize>(leg) + offsetof<Leg>("voipMetrics"), findings.voipMetrics, VOIP_METRICS_BYTES);
  }
  if (findings.bye && !leg.byeReported) {
    leg.byeReported = 1;
    tell(leg, EVENT_RTCP_BYE);
  }
}

/** What the far end says about what we send. */
function takeBlock(leg: Leg, findings: RtcpFindings, nowMs: f64): void {
  leg.remoteKnown = 1;
  leg.remoteLost = findings.cumulativeLost;
  leg.remoteFraction = findings.fractionLost;
  leg.remoteJitter = findings.jitter;
  const trip = roundTripMs(findings, nowMs);
  if (trip < 0) return;
  leg.roundTripMs = trip;
  leg.roundTripMinMs = leg.roundTripMinMs < 0 ? trip : min<f64>(leg.roundTripMinMs, trip);
  leg.roundTripMaxMs = max<f64>(leg.roundTripMaxMs, trip);
}
