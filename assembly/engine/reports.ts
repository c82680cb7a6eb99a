/** RTCP of a leg (RFC 3550 §6): reports about every 5 s, BYE at the end, and what the other side reports. */

import { EVENT_RTCP_BYE, STATUS_AUTH_FAILED } from "../abi";
import {
  appendReportBlock,
  ntpMiddle,
  RTCP_BYTES_MAX,
  RtcpFindings,
  readRtcp,
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
import { nextTimestamp } from "./relay";
import { outPlace, sendRtcp } from "./send";
import { judgeRtcpSource } from "./source";

/** RFC 3550 §6.3.1: 5 s, between half and one and a half times that. */
const INTERVAL_MS: f64 = 5000;

const FINDINGS = memory.data(32, 16);

/** When the next report is due. */
export function nextReportMs(nowMs: f64): f64 {
  return nowMs + INTERVAL_MS * (0.5 + takeRandomFraction());
}

/** Sends SR or RR with SDES, and BYE when the leg ends. Nothing before the far end's place is known. */
export function report(leg: Leg, nowMs: f64, bye: bool): void {
  if (leg.rtcpPort == 0 || (isSecure(leg) && leg.sendTagBytes == 0)) return;
  const place = outPlace(RTCP_BYTES_MAX + 32);
  if (place == 0) return;
  const stream = receivedStream(leg);
  const isSender = leg.packetsSent != leg.packetsSentReported;
  leg.packetsSentReported = leg.packetsSent;
  let octets = isSender
    ? writeSenderReport(
        place,
        leg.ssrc,
        nowMs,
        nextTimestamp(leg, nowMs),
        leg.packetsSent,
        <u32>(<u64>leg.octetsSent & 0xffffffff),
      )
    : writeReceiverReport(place, leg.ssrc);
  if (stream.started) {
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
  const status = readRtcp(packet, octets, leg.ssrc, receivedStream(leg).ssrc, findings);
  if (status < 0) {
    countDrop(leg, status);
    return;
  }
  leg.lastHeardMs = nowMs;
  leg.silentReported = 0;
  if (findings.senderReport) {
    leg.senderReportKnown = 1;
    leg.senderReportNtp = findings.senderReportNtp;
    leg.senderReportMs = nowMs;
  }
  const trip = roundTripMs(findings, nowMs);
  if (trip >= 0) leg.roundTripMs = trip;
  if (findings.bye && !leg.byeReported) {
    leg.byeReported = 1;
    tell(leg, EVENT_RTCP_BYE);
  }
}
