/**
 * The relay road: what one leg of a bridge receives leaves by the other, packet by packet, without a jitter buffer. Own
 * SSRC, own sequence numbers without a gap that the network did not make, own timestamps that go on where ours were.
 */

import { LAW_ALAW } from "../abi";
import { alawToUlaw, ulawToAlaw } from "../kernels/g711";
import { RTP_HEADER_BYTES, rtpMarker, rtpTimestamp, writeRtpHeader } from "../rtp/header";
import { ReceivedStream } from "../rtp/sequence";
import { canSend, isRelayed, Leg, legAt } from "./leg";
import { outPlace, sendRtp } from "./send";

/** A packet this far behind the newest is of no use to anybody. */
const BEHIND_MAX: i32 = 512;

/** The leg that takes what `leg` receives, or null. */
export function relayTarget(leg: Leg): Leg | null {
  if (leg.peer < 0) return null;
  const to = legAt(leg.peer);
  return isRelayed(to) && canSend(to) && !to.digitActive ? to : null;
}

/** Sends audio on. @param law - of the payload */
export function relayAudio(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  payload: usize,
  octets: i32,
  law: i32,
  nowMs: f64,
): void {
  const place = begin(to, stream, packet, octets, nowMs, to.payloadType, <u32>octets);
  if (place == 0) return;
  const target = place + RTP_HEADER_BYTES;
  if (law == to.law) memory.copy(target, payload, <usize>octets);
  else if (law == LAW_ALAW) alawToUlaw(payload, target, octets);
  else ulawToAlaw(payload, target, octets);
  sendRtp(to, place, RTP_HEADER_BYTES + octets, octets);
}

/** Sends a telephone-event on under the other side's number (DTMF-5); dropped where the other side has none. */
export function relayEvent(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  payload: usize,
  octets: i32,
  nowMs: f64,
): void {
  if (to.eventSendPayloadType < 0) return;
  // An event takes no time of its own: the audio that follows says how long it was.
  const place = begin(to, stream, packet, octets, nowMs, to.eventSendPayloadType, 0);
  if (place == 0) return;
  memory.copy(place + RTP_HEADER_BYTES, payload, <usize>octets);
  sendRtp(to, place, RTP_HEADER_BYTES + octets, octets);
}

/** Writes the header of the packet; returns where it lies, or 0 when it is not to be sent. */
function begin(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  octets: i32,
  nowMs: f64,
  payloadType: i32,
  samples: u32,
): usize {
  const timestamp = rtpTimestamp(packet);
  let marker = rtpMarker(packet);
  if (to.relayRebase) {
    to.relayRebase = 0;
    to.relayBase = stream.extended;
    to.relayHighest = stream.extended - 1;
    to.relaySequenceOffset = to.nextSequence - <u32>stream.extended;
    to.relayTimestampOffset = nextTimestamp(to, nowMs) - timestamp;
    marker = 1;
  }
  if (stream.extended < to.relayBase || stream.extended <= to.relayHighest - BEHIND_MAX) return 0;
  const place = outPlace(RTP_HEADER_BYTES + octets);
  if (place == 0) return 0;
  const sequence = <u32>stream.extended + to.relaySequenceOffset;
  const ownTimestamp = timestamp + to.relayTimestampOffset;
  writeRtpHeader(place, marker, payloadType, sequence & 0xffff, ownTimestamp, to.ssrc);
  if (stream.extended > to.relayHighest) {
    to.relayHighest = stream.extended;
    to.nextSequence = sequence + 1;
    to.lastTimestamp = ownTimestamp;
    to.lastSamples = samples;
    to.sentAny = 1;
    to.lastSentMs = nowMs;
  }
  return place;
}

/** Timestamp that a packet sent now has: after a pause it has moved on like the clock did. */
export function nextTimestamp(leg: Leg, nowMs: f64): u32 {
  if (!leg.sentAny) return leg.lastTimestamp;
  const passed = <u32>(max<f64>(0, nowMs - leg.lastSentMs) * 8);
  // Small differences are the jitter of our own clock: the stream goes on without a gap.
  return leg.lastTimestamp + (passed > leg.lastSamples + 160 ? passed : leg.lastSamples);
}
