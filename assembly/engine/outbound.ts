/**
 * What a leg is to play becomes RTP: 20 ms frames of mu-law, from its playback ring or from a conference, gathered into
 * packets of its ptime. Timestamps follow the samples, so they stay true when the ptime changes.
 */

import { FRAME_SAMPLES, LAW_ALAW, TRACK_OUTBOUND } from "../abi";
import { ulawDecode, ulawEncode, ulawToAlaw } from "../kernels/g711";
import { g711Energy } from "../kernels/level";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/header";
import { stepDigits } from "./digits";
import { canSend, isRelayed, Leg, legAt, outboundBuffer, playbackRing } from "./leg";
import { meter } from "./meter";
import { describePause, judgePause, SEND_AUDIO } from "./pauses";
import { nextTimestamp } from "./relay";
import { ringRead } from "./ring";
import { outPlace, sendRtp } from "./send";
import { writeFrames } from "./streams";
import { toneDue, writeTone } from "./tone-digits";

const SILENCE: u8 = 0xff;
/** A pause of who holds that is no pause between two packets any more. */
const HOLD_QUIET_MS: f64 = 200;
const SILENT_FRAME = memory.data(FRAME_SAMPLES, 16);
const OWN_SAMPLES = memory.data(FRAME_SAMPLES * 2, 16);
const HEARD_SAMPLES = memory.data(FRAME_SAMPLES * 2, 16);

/**
 * 20 ms towards the far end of a leg that nothing is relayed to.
 * @param heard - 160 octets of mu-law under its own playback, or 0
 * @param maySend - false in a tick that is so late that nothing is sent for this frame any more
 */
export function speak(leg: Leg, heard: usize, frameMs: f64, nowMs: f64, maySend: bool): void {
  const sends = maySend && canSend(leg);
  if (sends && leg.eventSendPayloadType < 0) {
    if (toneDue(leg)) {
      speakTone(leg, frameMs, nowMs);
      return;
    }
  } else if (sends && (leg.digitActive || leg.digitsRead != leg.digitsWritten)) {
    const isRelay = isRelayed(leg);
    // A digit begins where the audio before it ends.
    if (!isRelay && !leg.digitActive) sendRest(leg);
    if (stepDigits(leg, nowMs)) {
      if (!isRelay) skip(leg, frameMs);
      return;
    }
  }
  // What a bridge brings is told to streams when the peer hears it.
  if (isRelayed(leg)) {
    if (sends && isHeldInSilence(leg, nowMs)) fill(leg, nowMs);
    return;
  }
  if (!sends) {
    skip(leg, frameMs);
    return;
  }
  const frame = place(leg, nowMs);
  const octets = ringRead(playbackRing(leg), leg.playbackWritten, leg.playbackRead, frame);
  leg.playbackRead += octets;
  leg.playbackFrames = (leg.playbackFrames << 8) | octets;
  if (heard != 0) {
    if (octets == 0) memory.copy(frame, heard, FRAME_SAMPLES);
    else addOver(frame, heard);
  }
  meter(leg, TRACK_OUTBOUND, g711Energy(frame, FRAME_SAMPLES, 0), FRAME_SAMPLES, nowMs);
  writeFrames(leg, TRACK_OUTBOUND, frame, true, frameMs);
  const description = judgePause(leg, frame);
  if (description != SEND_AUDIO) {
    sendRest(leg);
    if (description > 0) describePause(leg, description, leg.outboundTimestamp);
    return;
  }
  leg.outboundOctets += FRAME_SAMPLES;
  while (leg.outboundOctets >= leg.ptimeSamples) packetize(leg, leg.ptimeSamples);
}

/**
 * The other side of the bridge holds us (it is sent nothing) and plays nothing either: ours would hear no packet at all, and
 * telephones with a watch over RTP hang up (SDP-9).
 */
function isHeldInSilence(leg: Leg, nowMs: f64): bool {
  return !canSend(legAt(leg.peer)) && nowMs - leg.relayedMs > HOLD_QUIET_MS;
}

/** 20 ms of silence in place of what is not relayed. */
function fill(leg: Leg, nowMs: f64): void {
  memory.fill(place(leg, nowMs), SILENCE, FRAME_SAMPLES);
  leg.outboundOctets += FRAME_SAMPLES;
  while (leg.outboundOctets >= leg.ptimeSamples) packetize(leg, leg.ptimeSamples);
}

/** 20 ms of a digit for a far end that takes no events, in the place of all other audio. */
function speakTone(leg: Leg, frameMs: f64, nowMs: f64): void {
  const isRelay = isRelayed(leg);
  // What waits there came by the relay road, perhaps in the other law.
  if (isRelay && leg.toneFrames == 0) leg.outboundOctets = 0;
  const frame = place(leg, nowMs);
  const goesOn = writeTone(leg, frame);
  meter(leg, TRACK_OUTBOUND, g711Energy(frame, FRAME_SAMPLES, 0), FRAME_SAMPLES, nowMs);
  // Nothing of it came from the ring.
  leg.playbackFrames <<= 8;
  if (!isRelay) writeFrames(leg, TRACK_OUTBOUND, frame, true, frameMs);
  leg.outboundOctets += FRAME_SAMPLES;
  while (leg.outboundOctets >= leg.ptimeSamples) packetize(leg, leg.ptimeSamples);
  if (isRelay && !goesOn) sendRest(leg);
}

/** A frame that is not sent: the outbound track goes on with silence. */
function skip(leg: Leg, frameMs: f64): void {
  if (!leg.tracks) return;
  memory.fill(SILENT_FRAME, SILENCE, FRAME_SAMPLES);
  writeFrames(leg, TRACK_OUTBOUND, SILENT_FRAME, false, frameMs);
}

/** Where the next frame goes; what waits there is sent first when the clock has jumped meanwhile. */
function place(leg: Leg, nowMs: f64): usize {
  const timestamp = nextTimestamp(leg, nowMs);
  if (leg.outboundOctets != 0 && timestamp != leg.outboundTimestamp + <u32>leg.outboundOctets) sendRest(leg);
  if (leg.outboundOctets == 0) leg.outboundTimestamp = timestamp;
  leg.sentAny = 1;
  leg.lastTimestamp = timestamp;
  leg.lastSamples = FRAME_SAMPLES;
  leg.lastSentMs = nowMs;
  return outboundBuffer(leg) + leg.outboundOctets;
}

/** Adds what is heard to what is played, saturated. */
function addOver(frame: usize, heard: usize): void {
  ulawDecode(frame, OWN_SAMPLES, FRAME_SAMPLES);
  ulawDecode(heard, HEARD_SAMPLES, FRAME_SAMPLES);
  for (let at: usize = 0; at < <usize>(FRAME_SAMPLES * 2); at += 16)
    v128.store(OWN_SAMPLES + at, i16x8.add_sat_s(v128.load(OWN_SAMPLES + at), v128.load(HEARD_SAMPLES + at)));
  ulawEncode(OWN_SAMPLES, frame, FRAME_SAMPLES);
}

/** Sends what waits, though it is shorter than a packet. */
function sendRest(leg: Leg): void {
  if (leg.outboundOctets != 0) packetize(leg, leg.outboundOctets);
}

/** Sends the first `samples` octets of what waits. */
function packetize(leg: Leg, samples: i32): void {
  const octets = outboundBuffer(leg);
  const target = outPlace(RTP_HEADER_BYTES + samples);
  if (target != 0) {
    writeRtpHeader(target, leg.marker, leg.payloadType, leg.nextSequence & 0xffff, leg.outboundTimestamp, leg.ssrc);
    if (leg.law == LAW_ALAW) ulawToAlaw(octets, target + RTP_HEADER_BYTES, samples);
    else memory.copy(target + RTP_HEADER_BYTES, octets, samples);
    sendRtp(leg, target, RTP_HEADER_BYTES + samples, samples);
    leg.nextSequence++;
    leg.marker = 0;
    // Sequence numbers were used up: what is relayed next has to be tied to them anew.
    leg.relayRebase = 1;
  }
  leg.outboundTimestamp += <u32>samples;
  leg.outboundOctets -= samples;
  memory.copy(octets, octets + samples, leg.outboundOctets);
}

/** Octets of the ring that have left as RTP, modulo 2^32; those that wait to fill a packet have not. */
export function playedOctets(leg: Leg): u32 {
  return leg.playbackRead - unsentOctets(leg);
}

function unsentOctets(leg: Leg): u32 {
  let unsent: u32 = 0;
  let frames = leg.playbackFrames;
  // Each frame has its octets of the ring in front; the newest frames lie at the end of what waits.
  for (let waiting = leg.outboundOctets; waiting > 0; waiting -= FRAME_SAMPLES) {
    const sent = FRAME_SAMPLES - min<i32>(waiting, FRAME_SAMPLES);
    unsent += <u32>max<i32>(<i32>(frames & 255) - sent, 0);
    frames >>= 8;
  }
  return unsent;
}

/** Drops what is queued; what waits to fill a packet becomes silence. What was dropped was not played. */
export function clearPlayback(leg: Leg): void {
  leg.playbackRead -= unsentOctets(leg);
  leg.playbackWritten = leg.playbackRead;
  leg.playbackFrames = 0;
  memory.fill(outboundBuffer(leg), SILENCE, leg.outboundOctets);
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeOutbound(): void {
  memory.fill(OWN_SAMPLES, 0, FRAME_SAMPLES * 2);
  memory.fill(HEARD_SAMPLES, 0, FRAME_SAMPLES * 2);
}
