/**
 * The jitter buffer of one leg: packets in by RTP timestamp, 160 octets of mu-law out every 20 ms. It holds back as much as
 * the arrivals ask for, plays single pitch periods more or less to get there and to follow the sender's clock, and conceals
 * what is missing. This file opens it and tells about it; packets come in by `arrive.ts` and are played by `play.ts`.
 */

import { PLAY_CONCEALED, PLAY_NOISE, PLAY_NORMAL } from "../abi";
import { COUNTERS_AT, concealmentOf, delayOf, Jitter, JITTER_BYTES, noiseOf, packetsOf } from "./state";
import { concealmentReset } from "./concealment";
import { delayReset, delayRestart } from "./delay";
import { noiseReset } from "./comfort-noise";
import { packetBufferClear } from "./packet-buffer";

export { jitterComfortNoise, jitterInsert } from "./arrive";
export { jitterTake } from "./play";
export { JITTER_BYTES } from "./state";

/** Empties the buffer; counters stay. @param startMs - what to hold back until the arrivals tell more */
export function jitterReset(jb: usize, startMs: i32): void {
  const jitter = changetype<Jitter>(jb);
  memory.fill(jb, 0, COUNTERS_AT);
  jitter.opened = 1;
  jitter.startMs = min<i32>(max<i32>(startMs, 0), 200);
  jitter.floor = -1;
  delayReset(delayOf(jitter), jitter.startMs);
  concealmentReset(concealmentOf(jitter));
  noiseReset(noiseOf(jitter));
  packetBufferClear(packetsOf(jitter));
}

/**
 * Another stream begins (another SSRC, numbers that start anew; RTP-5): what waits is forgotten. The end of the old one fades
 * as in any gap, and the delay that the road needed is where the new one starts.
 */
export function jitterRestart(jb: usize): void {
  const jitter = changetype<Jitter>(jb);
  if (jitter.started === 0) return;
  packetBufferClear(packetsOf(jitter));
  delayRestart(delayOf(jitter));
  jitter.started = 0;
  jitter.endKnown = 0;
  jitter.strayPending = 0;
  jitter.pauseKnown = 0;
}

/** Overwrites all that was heard, and the counters (R-COMP-7). Memory that was never used is not touched. */
export function jitterWipe(jb: usize): void {
  if (changetype<Jitter>(jb).opened !== 0) memory.fill(jb, 0, JITTER_BYTES);
}

/** Held back now, ms. */
export function jitterDepthMs(jb: usize): i32 {
  const jitter = changetype<Jitter>(jb);
  return jitter.started === 0 ? 0 : max<i32>(<i32>(jitter.newestEnd - jitter.playTimestamp), 0) >> 3;
}

/** Delay that the target covers, ms. */
export function jitterTargetMs(jb: usize): i32 {
  return delayOf(changetype<Jitter>(jb)).targetMs;
}

/** RTP timestamp of the sample that is played next; 0 before the first packet. */
export function jitterPosition(jb: usize): u32 {
  return changetype<Jitter>(jb).playTimestamp;
}

/** Packets that came too late to be used. */
export function jitterLate(jb: usize): u32 {
  return changetype<Jitter>(jb).late;
}

export function jitterDuplicates(jb: usize): u32 {
  return changetype<Jitter>(jb).duplicate;
}

/** Frames of which all or some was made up. */
export function jitterConcealed(jb: usize): u32 {
  return changetype<Jitter>(jb).concealed;
}

/** Times that another run of packets began: the sender's clock jumped. */
export function jitterRestarts(jb: usize): u32 {
  return changetype<Jitter>(jb).restarts;
}

/** Samples that were left out to hold back less. */
export function jitterShortened(jb: usize): u32 {
  return changetype<Jitter>(jb).shortened;
}

/** Samples that were repeated to hold back more. */
export function jitterLengthened(jb: usize): u32 {
  return changetype<Jitter>(jb).lengthened;
}

/** Samples that were thrown away because more came at once than there is room for. */
export function jitterSkipped(jb: usize): u32 {
  return changetype<Jitter>(jb).skipped;
}

/** Samples that were made up. */
export function jitterMadeUp(jb: usize): u32 {
  return changetype<Jitter>(jb).madeUp;
}

/** Frames that were played as one of PLAY_NORMAL, PLAY_CONCEALED, PLAY_SILENCE and PLAY_NOISE: together one each tick. */
export function jitterFrames(jb: usize, play: i32): u32 {
  const jitter = changetype<Jitter>(jb);
  if (play === PLAY_NORMAL) return jitter.played;
  if (play === PLAY_CONCEALED) return jitter.concealed;
  return play === PLAY_NOISE ? jitter.noisy : jitter.silent;
}
