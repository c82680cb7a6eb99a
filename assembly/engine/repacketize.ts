/**
 * Audio that is relayed to a leg whose ptime is another than the sender's: cut into shorter packets, or joined into
 * longer ones. Only what is needed: packets of the right length go on whole. Octets wait in the outbound buffer of the
 * leg, in its law; their timestamps are those of the samples, so no cut or pause moves them.
 */

import { STATUS_LATE } from "../abi";
import { RTP_HEADER_BYTES, rtpMarker, rtpTimestamp, writeRtpHeader } from "../rtp/header";
import { ReceivedStream } from "../rtp/sequence";
import { Leg, outboundBuffer } from "./leg";
import { copyPayload, isLate, noteSent, REBASE_ALL, REBASE_SEQUENCE, relayMark, relayWhole, tie } from "./relay";
import { outPlace, sendRtp } from "./send";

/** What waits for longer than this is too old to be sent. */
const WAITING_MS_MAX: f64 = 100;
/** A jump of their clock further than this, a minute, is taken as it is. */
const GAP_SAMPLES_MAX: u32 = 480_000;

/** Sends audio on in packets of the leg's ptime. @returns 0, or LATE when it comes too late to be sent on */
export function relayAudio(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  payload: usize,
  octets: i32,
  law: i32,
  nowMs: f64,
): i32 {
  if (isLate(to, stream)) return STATUS_LATE;
  if (octets == to.ptimeSamples && to.outboundOctets == 0) {
    relayWhole(to, stream, packet, payload, octets, law, nowMs);
    return 0;
  }
  const timestamp = rtpTimestamp(packet);
  to.marker |= rtpMarker(packet);
  if (to.relayRebase == REBASE_ALL) {
    to.outboundOctets = 0;
    to.marker = 1;
    tie(to, stream, timestamp, nowMs);
  } else if (stream.extended <= to.relayHighest) return STATUS_LATE;
  const missing = stream.extended - to.relayHighest - 1;
  to.relayHighest = stream.extended;
  const own = timestamp + to.relayTimestampOffset;
  if (to.outboundOctets != 0 && own != to.outboundTimestamp + <u32>to.outboundOctets) sendWaiting(to, nowMs);
  if (to.outboundOctets == 0) {
    // Lost packets leave a gap in our numbers as well, as many as their time takes.
    const gap = own - (to.lastTimestamp + to.lastSamples);
    if (missing > 0) to.nextSequence += gap > GAP_SAMPLES_MAX ? 1 : max<u32>(1, gap / <u32>to.ptimeSamples);
    to.outboundTimestamp = own;
  }
  cut(to, payload, octets, law, nowMs);
  return 0;
}

/** Adds octets to what waits and sends each packet that is full. */
function cut(to: Leg, payload: usize, octets: i32, law: i32, nowMs: f64): void {
  const buffer = outboundBuffer(to);
  // The ptime may have become shorter.
  if (to.outboundOctets >= to.ptimeSamples) send(to, nowMs);
  while (octets > 0) {
    const part = min<i32>(octets, to.ptimeSamples - to.outboundOctets);
    copyPayload(to, law, payload, buffer + to.outboundOctets, part);
    to.outboundOctets += part;
    payload += part;
    octets -= part;
    if (to.outboundOctets == to.ptimeSamples) send(to, nowMs);
  }
}

/** Sends what waits as one packet. */
function send(to: Leg, nowMs: f64): void {
  const octets = to.outboundOctets;
  const place = outPlace(RTP_HEADER_BYTES + octets);
  const sequence = to.nextSequence++;
  // The next packet that goes on whole is numbered behind this one.
  to.relayRebase = REBASE_SEQUENCE;
  to.outboundOctets = 0;
  noteSent(to, to.outboundTimestamp, <u32>octets, nowMs);
  to.outboundTimestamp += <u32>octets;
  if (place == 0) return;
  writeRtpHeader(place, to.marker, to.payloadType, sequence & 0xffff, to.lastTimestamp, to.ssrc);
  to.marker = 0;
  memory.copy(place + RTP_HEADER_BYTES, outboundBuffer(to), octets);
  sendRtp(to, place, RTP_HEADER_BYTES + octets, octets);
}

/** A pause or a loss comes behind what waits: it goes out short, unless it is too old. */
function sendWaiting(to: Leg, nowMs: f64): void {
  if (nowMs - to.lastSentMs <= WAITING_MS_MAX) send(to, nowMs);
  to.outboundOctets = 0;
}

/** Sends on an event or comfort noise, behind the audio that came before it. @returns 0, or LATE */
export function relayBetween(
  to: Leg,
  stream: ReceivedStream,
  packet: usize,
  payload: usize,
  octets: i32,
  payloadType: i32,
  nowMs: f64,
): i32 {
  if (isLate(to, stream)) return STATUS_LATE;
  if (to.outboundOctets != 0) sendWaiting(to, nowMs);
  relayMark(to, stream, packet, payload, octets, payloadType, nowMs);
  return 0;
}
