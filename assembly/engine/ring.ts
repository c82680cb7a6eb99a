/** A ring of mu-law octets that wait to be played, counted modulo 2^32 on both ends. The counts belong to its owner. */

import { FRAME_SAMPLES, PLAYBACK_BYTES } from "../abi";

const SILENCE: u8 = 0xff;

/** Puts `count` octets behind those that were written; the caller has seen that there is room. */
export function ringWrite(ring: usize, written: u32, from: usize, count: u32): void {
  const at = written % <u32>PLAYBACK_BYTES;
  const first = min<u32>(count, <u32>PLAYBACK_BYTES - at);
  memory.copy(ring + at, from, first);
  memory.copy(ring, from + first, count - first);
}

/**
 * Writes the next 160 octets to `to`, padded with silence (media-streams.md 6.2).
 * @returns how many of them were waiting
 */
export function ringRead(ring: usize, written: u32, read: u32, to: usize): u32 {
  const octets = min<u32>(written - read, FRAME_SAMPLES);
  const from = read % <u32>PLAYBACK_BYTES;
  const first = min<u32>(octets, <u32>PLAYBACK_BYTES - from);
  memory.copy(to, ring + from, first);
  memory.copy(to + first, ring, octets - first);
  memory.fill(to + octets, SILENCE, <u32>FRAME_SAMPLES - octets);
  return octets;
}
