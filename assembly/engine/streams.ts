/**
 * Streams and raw taps: 20 ms of a leg's audio out of the engine, as whole WebSocket frames or as mu-law octets. Numbers
 * and times follow media-streams.md 5: one sequence over all messages, a chunk count for each track, one time origin.
 */

import {
  FLAG_DETECT_DTMF,
  FLAG_RECEIVING,
  FRAME_ENTRY_BYTES,
  FRAME_LENGTH,
  FRAME_POINTER,
  FRAME_SAMPLES,
  FRAME_STREAM,
  FRAME_TRACK,
  STATE_FRAME_COUNT,
  STATE_FRAMES_DROPPED,
  STATUS_NO_SLOT,
  STREAM_FILL_SILENCE,
  STREAM_INBOUND,
  STREAM_OUTBOUND,
  STREAM_RAW,
  TRACK_INBOUND,
  TRACK_OUTBOUND,
} from "../abi";
import { jitterReset } from "../jitter/jitter";
import { FRAME_TEMPLATE_BYTES, frameTemplate, templateSid, templateSidLength, writeMediaFrame } from "../kernels/media-frame";
import {
  FRAME_COUNT_MAX,
  FRAME_ENTRIES,
  FRAME_STRIDE,
  FRAMES,
  STAGE,
  STATE,
  STREAM_COUNT_MAX,
  STREAM_POOL,
  STREAMS,
} from "../memory";
import { FRAME_MS } from "./clock";
import { jitterBuffer, Leg, legAt } from "./leg";
import { Pool, poolGive, poolTake } from "./pool";
import { randomLeft, takeRandom } from "./random";

@unmanaged
class Stream {
  open: i32;
  leg: i32;
  /** Next stream of the same leg, or -1. */
  next: i32;
  options: i32;
  congested: i32;
  sequence: u32;
  chunkInbound: u32;
  chunkOutbound: u32;
  /** Time of the next frame since `start`, ms; negative while the track has not begun. */
  timeInbound: i32;
  timeOutbound: i32;
  startMs: f64;
  /** The frame that comes next on the media clock: where one is missing, time goes on without it. */
  dueInboundMs: f64;
  dueOutboundMs: f64;
}

const TEMPLATE_AT: usize = (offsetof<Stream>() + 15) & ~15;
export const STREAM_BYTES: i32 = <i32>((TEMPLATE_AT + <usize>FRAME_TEMPLATE_BYTES + 15) & ~15);

/** ms of a frame as the stream's times have it. */
const FRAME: i32 = <i32>FRAME_MS;

function streamAt(slot: i32): Stream {
  return changetype<Stream>(STREAMS + <usize>slot * <usize>STREAM_BYTES);
}

function isOpenStream(slot: i32): bool {
  return <u32>slot < <u32>STREAM_COUNT_MAX && streamAt(slot).open != 0;
}

/** @param sidLength - octets of the streamSid in the staging area; 0 for a raw tap */
export function openStream(leg: Leg, options: i32, sidLength: i32, nowMs: f64): i32 {
  const slot = poolTake(changetype<Pool>(STREAM_POOL));
  if (slot < 0) return STATUS_NO_SLOT;
  const stream = streamAt(slot);
  memory.fill(changetype<usize>(stream), 0, STREAM_BYTES);
  stream.open = 1;
  stream.leg = leg.slot;
  stream.options = options;
  stream.timeInbound = -1;
  stream.timeOutbound = -1;
  stream.startMs = nowMs;
  if (sidLength > 0) frameTemplate(changetype<usize>(stream) + TEMPLATE_AT, STAGE, sidLength);
  stream.next = leg.firstStream;
  leg.firstStream = slot;
  updateListening(leg);
  return slot;
}

export function closeStream(slot: i32): void {
  if (!isOpenStream(slot)) return;
  const stream = streamAt(slot);
  stream.open = 0;
  const leg = legAt(stream.leg);
  if (leg.firstStream == slot) leg.firstStream = stream.next;
  else {
    let before = leg.firstStream;
    while (before >= 0 && streamAt(before).next != slot) before = streamAt(before).next;
    if (before >= 0) streamAt(before).next = stream.next;
  }
  poolGive(changetype<Pool>(STREAM_POOL), slot);
  updateListening(leg);
}

/** Ends all streams of a leg. */
export function closeStreamsOf(leg: Leg): void {
  while (leg.firstStream >= 0) closeStream(leg.firstStream);
}

export function setCongested(slot: i32, congested: i32): void {
  if (isOpenStream(slot)) streamAt(slot).congested = congested;
}

export function nextSequence(slot: i32): u32 {
  if (!isOpenStream(slot)) return 0;
  const stream = streamAt(slot);
  stream.sequence++;
  return stream.sequence;
}

/** Where the streamSid of a Media Stream lies; 0 when the slot holds none. */
export function streamSid(slot: i32): usize {
  if (!isOpenStream(slot) || (streamAt(slot).options & STREAM_RAW) != 0) return 0;
  return templateSid(changetype<usize>(streamAt(slot)) + TEMPLATE_AT);
}

/** Octets of the streamSid of a slot that has one. */
export function streamSidLength(slot: i32): i32 {
  return templateSidLength(changetype<usize>(streamAt(slot)) + TEMPLATE_AT);
}

/** Sets which jitter buffers have to run: of a leg whose inbound track is wanted, or that of the peer whose outbound is. */
export function updateListening(leg: Leg): void {
  leg.tracks = wanted(leg);
  refresh(leg);
  if (leg.peer >= 0) refresh(legAt(leg.peer));
}

function wanted(leg: Leg): i32 {
  let tracks: i32 = 0;
  for (let slot = leg.firstStream; slot >= 0; slot = streamAt(slot).next)
    tracks |= streamAt(slot).options & (STREAM_INBOUND | STREAM_OUTBOUND);
  return tracks;
}

function refresh(leg: Leg): void {
  const isHeard =
    (leg.tracks & STREAM_INBOUND) != 0 ||
    leg.conference >= 0 ||
    (leg.flags & FLAG_DETECT_DTMF) != 0 ||
    (leg.peer >= 0 && (legAt(leg.peer).tracks & STREAM_OUTBOUND) != 0);
  if (isHeard && !leg.listening) {
    leg.hasListened = 1;
    leg.heard = 0;
    jitterReset(jitterBuffer(leg), leg.jitterStartMs);
  }
  leg.listening = isHeard ? 1 : 0;
}

/**
 * Gives 20 ms of a track to all streams of a leg that want it.
 * @param sounding - false for silence because nothing comes
 */
export function writeFrames(leg: Leg, track: i32, octets: usize, sounding: bool, frameMs: f64): void {
  const want = track == TRACK_INBOUND ? STREAM_INBOUND : STREAM_OUTBOUND;
  for (let slot = leg.firstStream; slot >= 0; slot = streamAt(slot).next) {
    const stream = streamAt(slot);
    if (stream.options & want) writeFrame(stream, slot, track, octets, sounding, frameMs);
  }
}

function writeFrame(stream: Stream, slot: i32, track: i32, octets: usize, sounding: bool, frameMs: f64): void {
  const isInbound = track == TRACK_INBOUND;
  let time = isInbound ? stream.timeInbound : stream.timeOutbound;
  const fills = (stream.options & STREAM_FILL_SILENCE) != 0;
  if (time < 0) {
    // A track begins with audio, the inbound one also with silence that is to be filled.
    if (!sounding && !(fills && isInbound)) return;
    time = max<i32>(0, <i32>(frameMs - stream.startMs));
  } else {
    const missing = (frameMs - (isInbound ? stream.dueInboundMs : stream.dueOutboundMs)) / FRAME_MS;
    if (missing >= 1) time += <i32>min<f64>(Math.floor(missing), 1000000) * FRAME;
  }
  if (isInbound) {
    stream.timeInbound = time + FRAME;
    stream.dueInboundMs = frameMs + FRAME_MS;
  } else {
    stream.timeOutbound = time + FRAME;
    stream.dueOutboundMs = frameMs + FRAME_MS;
  }
  if (!sounding && !fills) return;
  let chunk: u32;
  if (isInbound) chunk = ++stream.chunkInbound;
  else chunk = ++stream.chunkOutbound;
  if (stream.congested) return;
  const count = load<i32>(STATE + STATE_FRAME_COUNT);
  if (count >= FRAME_COUNT_MAX || randomLeft() < 4) {
    store<u32>(STATE + STATE_FRAMES_DROPPED, load<u32>(STATE + STATE_FRAMES_DROPPED) + 1);
    return;
  }
  const place = FRAMES + <usize>(count * FRAME_STRIDE);
  let length: i32 = FRAME_SAMPLES;
  if (stream.options & STREAM_RAW) memory.copy(place, octets, FRAME_SAMPLES);
  else {
    stream.sequence++;
    length = writeMediaFrame(
      changetype<usize>(stream) + TEMPLATE_AT,
      track == TRACK_INBOUND ? 0 : 1,
      stream.sequence,
      chunk,
      <u32>time,
      octets,
      FRAME_SAMPLES,
      takeRandom(),
      place,
    );
  }
  const entry = FRAME_ENTRIES + <usize>(count * FRAME_ENTRY_BYTES);
  store<i32>(entry + FRAME_STREAM, slot);
  store<i32>(entry + FRAME_TRACK, track);
  store<u32>(entry + FRAME_POINTER, place);
  store<i32>(entry + FRAME_LENGTH, length);
  store<i32>(STATE + STATE_FRAME_COUNT, count + 1);
}
