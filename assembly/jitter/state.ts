/** One jitter buffer in memory: fields, then arrivals, concealment, noise and packets. */

import { CONCEALMENT_BYTES, Concealment } from "./concealment";
import { NOISE_BYTES, Noise } from "./comfort-noise";
import { DELAY_BYTES, Delay } from "./delay";
import { PACKET_BUFFER_BYTES } from "./packet-buffer";

/** Packets of whole frames in a row after which a sender is believed to send nothing else. */
export const EVEN_PACKETS: i32 = 50;

@unmanaged
export class Jitter {
  /** The buffer was used since it was wiped. */
  opened: i32;
  /** A run of packets has begun. */
  started: i32;
  /** Its first packet is held back; nothing of it was played. */
  waiting: i32;
  /** Audio was played, of this run or of one before: there is a past to go on from. */
  hasPlayed: i32;
  /** `playedEnd` says something about this run. */
  endKnown: i32;
  /** Timestamp of the sample that is played next. */
  playTimestamp: u32;
  /** End of the last samples that were really played: nothing before it is played any more. */
  playedEnd: u32;
  /** End of the newest samples that arrived. */
  newestEnd: u32;
  /** Timestamp of the packet that came last; packets since one did not lie towards the frames like its forerunner. */
  lastTimestamp: u32;
  evenPackets: i32;
  startMs: i32;
  /** Frames in a row of which nothing was there, and what the last of them was (PLAY_…). */
  missingFrames: i32;
  lastPlay: i32;
  /** Frames since the last change of length. */
  restFrames: i32;
  /** Frames in a row in which little had to be held back. */
  calmFrames: i32;
  /** Frames until a period is looked for again, after none was found. */
  searchFrames: i32;
  /** Frames until the background is looked at again. */
  lookFrames: i32;
  /** A packet that does not fit the run: where it was, and when the first of such was seen. */
  strayPending: i32;
  strayTimestamp: u32;
  strayFirst: u32;
  strayAt: u32;
  /** The sender described the noise from here on. */
  pauseKnown: i32;
  pauseTimestamp: u32;
  /** Highest sequence number, and the 64 before it: bit n for the one n below. */
  highestSequence: i32;
  seen: u64;
  /** Mean square of the background, negative when unknown. */
  floor: f64;

  // Counters, which outlive a reset: packets up to `restarts`, frames up to `noisy`, samples.
  late: u32;
  duplicate: u32;
  restarts: u32;
  played: u32;
  concealed: u32;
  silent: u32;
  noisy: u32;
  shortened: u32;
  lengthened: u32;
  skipped: u32;
  madeUp: u32;
}

/** First counter; they reach to the end of the fields. */
export const COUNTERS_AT: usize = offsetof<Jitter>("late");
export const FIELDS_BYTES: usize = offsetof<Jitter>();

const DELAY_AT: usize = (FIELDS_BYTES + 15) & ~15;
const CONCEALMENT_AT: usize = (DELAY_AT + DELAY_BYTES + 15) & ~15;
const NOISE_AT: usize = CONCEALMENT_AT + CONCEALMENT_BYTES;
const PACKETS_AT: usize = (NOISE_AT + NOISE_BYTES + 15) & ~15;

/** Octets of one jitter buffer; nothing else is kept for a leg. */
export const JITTER_BYTES: i32 = <i32>PACKETS_AT + PACKET_BUFFER_BYTES;

// @ts-expect-error: decorator
@inline
export function delayOf(jitter: Jitter): Delay {
  return changetype<Delay>(changetype<usize>(jitter) + DELAY_AT);
}
// @ts-expect-error: decorator
@inline
export function concealmentOf(jitter: Jitter): Concealment {
  return changetype<Concealment>(changetype<usize>(jitter) + CONCEALMENT_AT);
}
// @ts-expect-error: decorator
@inline
export function noiseOf(jitter: Jitter): Noise {
  return changetype<Noise>(changetype<usize>(jitter) + NOISE_AT);
}
// @ts-expect-error: decorator
@inline
export function packetsOf(jitter: Jitter): usize {
  return changetype<usize>(jitter) + PACKETS_AT;
}
