/**
 * The relay road: what one leg of a bridge receives leaves by the other, packet by packet, without a jitter buffer. Own
 * SSRC, own sequence numbers without a gap that the network did not make, own timestamps that go on where ours were.
 * Packets of another length than the leg's ptime are cut or joined in repacketize.ts.
 */

import { LAW_ALAW } from "../abi";
import { alawToUlaw, ulawToAlaw } from "../kernels/g711";
import { RTP_HEADER_BYTES, rtpMarker, rtpTimestamp, writeRtpHeader } from "../rtp/header";
import { ReceivedStream } from "../rtp/sequence";
import { canSend, isRelayed, Leg, legAt } from "./leg";
import { outPlace, sendRtp } from "./send";

/** A packet this far behind the newest is of no use to anybody. */
const BEHIND_MAX: i32 = 512;

/** How `relayRebase` says that the next packet is tied anew: to number and time, or to the number alone. */
export const REBASE_ALL: i32 = 1;
export const REBASE_SEQUENCE: i32 = 2;

/** The leg that takes what `leg` receives, or null. */
export function relayTarget(leg: Leg): Leg | null {
  if (leg.peer < 0) return null;
  const to = legAt(leg.peer);
  return isRelayed(to) && canSend(to) && !to.digitActive ? to : null;
}

/** True for a packet from before the numbers were tied, or one that nobody waits for any more. */
export function isLate(to: Leg, stream: ReceivedStream): bool {
  if (to.relayRebase == REBASE_ALL) return false;
  if (to.relayRebase == REBASE_SEQUENCE) return stream.extended <= to.relayHighest;
  return stream.extended < to.relayBase || stream.extended <= to.relayHighest - BEHIND_MAX;
}

/** Sends audio on as one packet. @param law - of the payload */
export function relayWhole(
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
  copyPayload(to, law, payload, place + RTP_HEADER_BYTES, octets);
  sendRtp(to, place, RTP_HEADER_BYTES + octets, octets);
}

/** Octets of `law` in the law that `to` is sent. */
export function copyPayload(to: Leg, law: i32, from: usize, target: usize, octets: i32): void {
  if (law == to.law) memory.copy(target, from, <usize>octets);
  else if (law == LAW_ALAW) alawToUlaw(from, target, octets);
  else ulawToAlaw(from, target, octets);
}

/**
 * Sends on what takes no time of its own under the other side's number: a telephone-event (DTMF-5), whose length the
 * audio behind it tells, or comfort noise (RFC 3389). Dropped where the other side has no such format.
 */
export function relayMark(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  payload: usize,
  octets: i32,
  payloadType: i32,
  nowMs: f64,
): void {
  if (payloadType < 0) return;
  const place = begin(to, stream, packet, octets, nowMs, payloadType, 0);
  if (place == 0) return;
  memory.copy(place + RTP_HEADER_BYTES, payload, <usize>octets);
  sendRtp(to, place, RTP_HEADER_BYTES + octets, octets);
}

/** Ties our numbers to the peer's when that is due. @returns true when a talkspurt begins */
export function tie(to: Leg, stream: ReceivedStream, timestamp: u32, nowMs: f64): bool {
  if (to.relayRebase == 0) return false;
  const isAll = to.relayRebase == REBASE_ALL;
  to.relayRebase = 0;
  to.relayBase = stream.extended;
  to.relayHighest = stream.extended - 1;
  to.relaySequenceOffset = to.nextSequence - <u32>stream.extended;
  if (isAll) to.relayTimestampOffset = nextTimestamp(to, nowMs) - timestamp;
  return isAll;
}

/** Writes the header of the packet; returns where it lies, or 0 when there is no room. */
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
  const marker = tie(to, stream, timestamp, nowMs) ? 1 : rtpMarker(packet);
  to.marker = 0;
  const place = outPlace(RTP_HEADER_BYTES + octets);
  if (place == 0) return 0;
  const sequence = <u32>stream.extended + to.relaySequenceOffset;
  const ownTimestamp = timestamp + to.relayTimestampOffset;
  writeRtpHeader(place, marker, payloadType, sequence & 0xffff, ownTimestamp, to.ssrc);
  if (stream.extended > to.relayHighest) {
    to.relayHighest = stream.extended;
    to.nextSequence = sequence + 1;
    noteSent(to, ownTimestamp, samples, nowMs);
  }
  return place;
}

/** Where our stream stands now: what is sent next goes on from there. */
export function noteSent(to: Leg, timestamp: u32, samples: u32, nowMs: f64): void {
  to.lastTimestamp = timestamp;
  to.lastSamples = samples;
  to.sentAny = 1;
  to.lastSentMs = nowMs;
  to.relayedMs = nowMs;
}

/** Timestamp that a packet sent now has: after a pause it has moved on like the clock did. */
export function nextTimestamp(leg: Leg, nowMs: f64): u32 {
  if (!leg.sentAny) return leg.lastTimestamp;
  const passed = <u32>(max<f64>(0, nowMs - leg.lastSentMs) * 8);
  // Small differences are the jitter of our own clock: the stream goes on without a gap.
  return leg.lastTimestamp + (passed > leg.lastSamples + 160 ? passed : leg.lastSamples);
}
