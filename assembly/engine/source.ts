/**
 * Where media may come from (R-MEDIA-1 to R-MEDIA-3, hardening R8). A packet that carries a valid SRTP tag is taken from
 * anywhere, since the tag proves its sender; plain packets only from where negotiation or latching says.
 */

import { EVENT_LATCHED, INPUT_ADDRESS, INPUT_PORT, SOURCE_ADDRESS, SOURCE_LATCH, STATUS_WRONG_SOURCE } from "../abi";
import { rtpPayloadType, rtpSequenceNumber, rtpSsrc } from "../rtp/header";
import { tellSource } from "./events";
import {
  candidateAddress,
  copyAddress,
  Leg,
  negotiatedRtcpAddress,
  negotiatedRtpAddress,
  rtcpAddress,
  rtpAddress,
  sameAddress,
} from "./leg";

/** A latched source that has been silent so long may be replaced. */
const LATCH_SILENT_MS: f64 = 5000;

/** True for a payload type that was negotiated. */
export function isNegotiated(leg: Leg, payloadType: i32): bool {
  return (
    payloadType == leg.receivePayloadType ||
    payloadType == leg.alternatePayloadType ||
    payloadType == leg.eventReceivePayloadType ||
    payloadType == leg.comfortNoisePayloadType
  );
}

function isFrom(entry: usize, address: usize, port: i32): bool {
  return load<i32>(entry + INPUT_PORT) == port && sameAddress(entry + INPUT_ADDRESS, address);
}

/** Judges a plain RTP packet; latches when that is due. @returns 0 or WRONG_SOURCE */
export function judgeRtpSource(leg: Leg, entry: usize, packet: usize, nowMs: f64): i32 {
  if (leg.sourcePolicy != SOURCE_LATCH) {
    if (leg.negotiatedRtpPort == 0 || !sameAddress(entry + INPUT_ADDRESS, negotiatedRtpAddress(leg)))
      return STATUS_WRONG_SOURCE;
    return leg.sourcePolicy == SOURCE_ADDRESS || load<i32>(entry + INPUT_PORT) == leg.negotiatedRtpPort
      ? 0
      : STATUS_WRONG_SOURCE;
  }
  if (leg.latched) {
    if (isFrom(entry, rtpAddress(leg), leg.rtpPort)) return 0;
    if (nowMs - leg.lastRtpMs < LATCH_SILENT_MS) return STATUS_WRONG_SOURCE;
  }
  if (!isNegotiated(leg, rtpPayloadType(packet))) return STATUS_WRONG_SOURCE;
  const sequence = <u32>rtpSequenceNumber(packet);
  const ssrc = rtpSsrc(packet);
  const follows =
    leg.candidatePort != 0 &&
    isFrom(entry, candidateAddress(leg), leg.candidatePort) &&
    leg.candidateSsrc == ssrc &&
    ((leg.candidateSequence + 1) & 0xffff) == sequence;
  leg.candidatePort = load<i32>(entry + INPUT_PORT);
  copyAddress(candidateAddress(leg), entry + INPUT_ADDRESS);
  leg.candidateSsrc = ssrc;
  leg.candidateSequence = sequence;
  if (!follows) return STATUS_WRONG_SOURCE;
  latch(leg, entry);
  return 0;
}

/** An authenticated packet came: with symmetric RTP its source is where media goes from now on. */
export function latchAuthenticated(leg: Leg, entry: usize, nowMs: f64): void {
  if (leg.sourcePolicy != SOURCE_LATCH) return;
  if (leg.latched && (isFrom(entry, rtpAddress(leg), leg.rtpPort) || nowMs - leg.lastRtpMs < LATCH_SILENT_MS)) return;
  latch(leg, entry);
}

function latch(leg: Leg, entry: usize): void {
  const port = load<i32>(entry + INPUT_PORT);
  leg.latched = 1;
  leg.rtpPort = port;
  copyAddress(rtpAddress(leg), entry + INPUT_ADDRESS);
  tellSource(leg, EVENT_LATCHED, entry + INPUT_ADDRESS, port);
}

/** Judges plain RTCP: from the negotiated place, or with symmetric RTP from the address that RTP settled on. */
export function judgeRtcpSource(leg: Leg, entry: usize): i32 {
  const address = entry + INPUT_ADDRESS;
  if (leg.sourcePolicy == SOURCE_LATCH) {
    if (!leg.latched || !sameAddress(address, rtpAddress(leg))) return STATUS_WRONG_SOURCE;
    if (!leg.rtcpLatched) {
      leg.rtcpLatched = 1;
      leg.rtcpPort = load<i32>(entry + INPUT_PORT);
      copyAddress(rtcpAddress(leg), address);
    }
    return 0;
  }
  if (leg.negotiatedRtcpPort == 0 || !sameAddress(address, negotiatedRtcpAddress(leg))) return STATUS_WRONG_SOURCE;
  return leg.sourcePolicy == SOURCE_ADDRESS || load<i32>(entry + INPUT_PORT) == leg.negotiatedRtcpPort
    ? 0
    : STATUS_WRONG_SOURCE;
}
