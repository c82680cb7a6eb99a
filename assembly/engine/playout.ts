/**
 * The playout road, 20 ms at a time: what a leg hears comes out of its jitter buffer, what it is to play goes into RTP.
 * A clock that was late plays what is missing on the inbound side, and sends no more than three packets at once.
 */

import {
  FRAME_SAMPLES,
  LAW_ALAW,
  PLAY_CONCEALED,
  PLAY_NORMAL,
  PLAY_SILENCE,
  PLAYBACK_BYTES,
  STREAM_OUTBOUND,
  TRACK_INBOUND,
  TRACK_OUTBOUND,
} from "../abi";
import { jitterTake } from "../jitter/jitter";
import { ulawToAlaw } from "../kernels/g711";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/header";
import { stepDigits } from "./digits";
import { canSend, inboundFrame, isRelayed, jitterBuffer, Leg, legAt, outboundBuffer, playbackRing } from "./leg";
import { nextTimestamp } from "./relay";
import { outPlace, sendRtp } from "./send";
import { writeFrames } from "./streams";

const FRAME_MS: f64 = 20;
const SILENCE: u8 = 0xff;
/** Packets of one late tick (RTP-3), and frames of it towards streams: half a second. */
const BURST_PACKETS_MAX: i32 = 3;
const BURST_FRAMES_MAX: i32 = 25;

/** Serves a leg whose frame is due; returns false when none is. */
export function playout(leg: Leg, nowMs: f64): bool {
  if (nowMs < leg.frameDueMs) return false;
  const missed = <i32>min<f64>((nowMs - leg.frameDueMs) / FRAME_MS, 1000000) + 1;
  const frames = min<i32>(missed, BURST_FRAMES_MAX);
  // Beyond half a second the clock goes on from now: nobody wants to hear the past.
  if (missed > frames) leg.frameDueMs += <f64>(missed - frames) * FRAME_MS;
  for (let frame: i32 = 0; frame < frames; frame++) {
    hear(leg, leg.frameDueMs);
    speak(leg, nowMs, frame >= frames - BURST_PACKETS_MAX);
    leg.frameDueMs += FRAME_MS;
  }
  return true;
}

/** 20 ms of what came in. */
function hear(leg: Leg, frameMs: f64): void {
  if (!leg.listening) return;
  const frame = inboundFrame(leg);
  const played = jitterTake(jitterBuffer(leg), frame, frameMs);
  if (played == PLAY_CONCEALED) leg.framesConcealed++;
  const sounding = played != PLAY_SILENCE;
  writeFrames(leg, TRACK_INBOUND, frame, sounding, frameMs);
  // What one side of a bridge says is what the other is sent.
  if (leg.peer < 0) return;
  const peer = legAt(leg.peer);
  if ((peer.tracks & STREAM_OUTBOUND) != 0 && isRelayed(peer))
    writeFrames(peer, TRACK_OUTBOUND, frame, sounding, frameMs);
}

/** 20 ms towards the far end of a leg that nothing is relayed to. */
function speak(leg: Leg, nowMs: f64, mayPacketize: bool): void {
  if (!canSend(leg)) return;
  if ((leg.digitActive || leg.digitsRead != leg.digitsWritten) && mayPacketize && stepDigits(leg, nowMs)) return;
  if (isRelayed(leg)) return;
  if (!mayPacketize) return;
  const buffer = outboundBuffer(leg);
  const start = leg.outboundOctets;
  takePlayback(leg, buffer + start);
  writeFrames(leg, TRACK_OUTBOUND, buffer + start, true, leg.frameDueMs);
  leg.outboundOctets = start + FRAME_SAMPLES;
  const samples = leg.ptimeSamples;
  while (leg.outboundOctets >= samples) {
    packetize(leg, buffer, samples, nowMs);
    leg.outboundOctets -= samples;
    memory.copy(buffer, buffer + samples, leg.outboundOctets);
  }
}

/** The next 160 octets of playback, padded with silence (media-streams.md 6.2). */
function takePlayback(leg: Leg, to: usize): void {
  const waiting = leg.playbackWritten - leg.playbackRead;
  const octets = min<u32>(waiting, FRAME_SAMPLES);
  const ring = playbackRing(leg);
  const from = leg.playbackRead % <u32>PLAYBACK_BYTES;
  const first = min<u32>(octets, <u32>PLAYBACK_BYTES - from);
  memory.copy(to, ring + from, first);
  memory.copy(to + first, ring, octets - first);
  memory.fill(to + octets, SILENCE, <u32>FRAME_SAMPLES - octets);
  leg.playbackRead += octets;
}

function packetize(leg: Leg, octets: usize, samples: i32, nowMs: f64): void {
  const place = outPlace(RTP_HEADER_BYTES + samples);
  const timestamp = nextTimestamp(leg, nowMs);
  leg.lastTimestamp = timestamp;
  leg.lastSamples = <u32>samples;
  leg.lastSentMs = nowMs;
  const marker = leg.sentAny ? leg.marker : 1;
  leg.sentAny = 1;
  leg.marker = 0;
  if (place == 0) return;
  writeRtpHeader(place, marker, leg.payloadType, leg.nextSequence & 0xffff, timestamp, leg.ssrc);
  leg.nextSequence++;
  if (leg.law == LAW_ALAW) ulawToAlaw(octets, place + RTP_HEADER_BYTES, samples);
  else memory.copy(place + RTP_HEADER_BYTES, octets, samples);
  sendRtp(leg, place, RTP_HEADER_BYTES + samples, samples);
}
