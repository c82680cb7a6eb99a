/** The engine as JavaScript calls it: slots and numbers in, lengths, counts or negative statuses out. Nothing throws. */

import { DIGITS_MAX, PLAYBACK_BYTES, STATUS_NO_SLOT, STATUS_SLOW_PATH } from "../abi";
import { abandonLeg, bridge, closeLeg, configure, openLeg, unbridge, writeStats } from "../engine/control";
import { digitsPending, queueDigit } from "../engine/digits";
import { isOpen, LEG_BYTES, legAt, playbackRing } from "../engine/leg";
import { receive } from "../engine/receive";
import { discardUnprotected } from "../engine/send";
import { closeStream, nextSequence, openStream, STREAM_BYTES, setCongested } from "../engine/streams";
import { tick } from "../engine/tick";
import { JITTER_BYTES } from "../jitter/jitter";
import { readMediaPayload } from "../kernels/media-message";
import { DECODED, MESSAGE, placeAreas, STAGE } from "../memory";

const DECODED_BYTES: i32 = 49152;

export function engineInit(legCountMax: i32, streamCountMax: i32): i32 {
  return placeAreas(legCountMax, LEG_BYTES, (JITTER_BYTES + 63) & ~63, streamCountMax, STREAM_BYTES);
}

export function engineOpenLeg(nowMs: f64): i32 {
  return openLeg(nowMs);
}

export function engineConfigureLeg(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  configure(legAt(leg), nowMs);
  return 0;
}

export function engineCloseLeg(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  closeLeg(legAt(leg), nowMs);
  return 0;
}

export function engineAbandonLeg(leg: i32): i32 {
  discardUnprotected();
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  abandonLeg(legAt(leg));
  return 0;
}

export function engineBridge(a: i32, b: i32, nowMs: f64): i32 {
  if (!isOpen(a) || !isOpen(b) || a == b) return STATUS_NO_SLOT;
  bridge(legAt(a), legAt(b));
  return 0;
}

export function engineUnbridge(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  unbridge(legAt(leg));
  return 0;
}

export function engineStats(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  writeStats(legAt(leg));
  return 0;
}

export function engineReceive(count: i32, nowMs: f64): i32 {
  receive(count, nowMs);
  return count;
}

export function engineTick(nowMs: f64): i32 {
  return tick(nowMs);
}

export function enginePlaybackRoom(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  const slot = legAt(leg);
  return PLAYBACK_BYTES - <i32>(slot.playbackWritten - slot.playbackRead);
}

/** Takes octets from the staging area. */
export function enginePlaybackWrite(leg: i32, octets: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  const slot = legAt(leg);
  const count = min<i32>(max<i32>(octets, 0), enginePlaybackRoom(leg));
  const ring = playbackRing(slot);
  const at = slot.playbackWritten % <u32>PLAYBACK_BYTES;
  const first = min<u32>(<u32>count, <u32>PLAYBACK_BYTES - at);
  memory.copy(ring + at, STAGE, first);
  memory.copy(ring, STAGE + first, <u32>count - first);
  slot.playbackWritten += <u32>count;
  return count;
}

export function enginePlaybackClear(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  const slot = legAt(leg);
  // What was dropped was not played: the count of played octets stays, the end of the queue comes back to it.
  slot.playbackWritten = slot.playbackRead;
  slot.outboundOctets = 0;
  return 0;
}

export function enginePlayedOctets(leg: i32): u32 {
  return isOpen(leg) ? legAt(leg).playbackRead : 0;
}

export function engineSendDigit(leg: i32, event: i32, durationMs: i32): i32 {
  if (!isOpen(leg) || <u32>event > 15) return STATUS_NO_SLOT;
  return queueDigit(legAt(leg), event, durationMs);
}

export function engineDigitsPending(leg: i32): i32 {
  return isOpen(leg) ? min<i32>(digitsPending(legAt(leg)), DIGITS_MAX + 1) : STATUS_NO_SLOT;
}

export function engineOpenStream(leg: i32, options: i32, streamSidLength: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  return openStream(legAt(leg), options, streamSidLength, nowMs);
}

export function engineCloseStream(stream: i32): i32 {
  closeStream(stream);
  return 0;
}

export function engineStreamCongested(stream: i32, congested: i32): i32 {
  setCongested(stream, congested);
  return 0;
}

export function engineStreamNextSequence(stream: i32): u32 {
  return nextSequence(stream);
}

/** Reads the message in the message area; its octets go to the decoded area. */
export function engineReadMessage(length: i32): i32 {
  return length < 0 ? STATUS_SLOW_PATH : readMediaPayload(MESSAGE, length, DECODED, DECODED_BYTES);
}
