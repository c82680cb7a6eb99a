/**
 * What arrived and was not played yet: mu-law octets in a ring by RTP timestamp, one mark a sample. Any packet length fits,
 * reordering costs nothing, and a duplicate finds its place taken.
 */

import { alawToUlaw } from "../kernels/g711";

/** Power of two: 512 ms at 8000 Hz. */
export const RING_SAMPLES: u32 = 4096;
const MASK: u32 = RING_SAMPLES - 1;
/** Octets, then marks. */
export const PACKET_BUFFER_BYTES: i32 = <i32>RING_SAMPLES * 2;

/** Forgets everything. */
export function packetBufferClear(buffer: usize): void {
  memory.fill(buffer + RING_SAMPLES, 0, RING_SAMPLES);
}

/** True when the place of this sample is taken. */
export function packetBufferHas(buffer: usize, timestamp: u32): bool {
  return load<u8>(buffer + RING_SAMPLES + (timestamp & MASK)) !== 0;
}

/** Puts `n` octets at their places. The caller has checked that they lie inside the ring's window. */
export function packetBufferPut(buffer: usize, timestamp: u32, payload: usize, n: i32, alaw: bool): void {
  let left = <u32>n;
  while (left > 0) {
    const place = timestamp & MASK;
    const run = min<u32>(left, RING_SAMPLES - place);
    if (alaw) alawToUlaw(payload, buffer + place, <i32>run);
    else memory.copy(buffer + place, payload, run);
    memory.fill(buffer + RING_SAMPLES + place, 1, run);
    payload += run;
    timestamp += run;
    left -= run;
  }
}

/** How many of the `n` samples from `timestamp` on are there. */
export function packetBufferCount(buffer: usize, timestamp: u32, n: u32): u32 {
  let count: u32 = 0;
  for (let i: u32 = 0; i < n; i++) count += load<u8>(buffer + RING_SAMPLES + ((timestamp + i) & MASK));
  return count;
}

/** Moves `n` samples out: those that are there go to `out`, and their places become free. */
export function packetBufferTake(buffer: usize, timestamp: u32, out: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) {
    const place = (timestamp + i) & MASK;
    if (load<u8>(buffer + RING_SAMPLES + place) !== 0) {
      store<u8>(out + i, load<u8>(buffer + place));
      store<u8>(buffer + RING_SAMPLES + place, 0);
    }
  }
}

/** Frees the places of `n` samples. */
export function packetBufferDrop(buffer: usize, timestamp: u32, n: u32): void {
  for (let i: u32 = 0; i < n; i++) store<u8>(buffer + RING_SAMPLES + ((timestamp + i) & MASK), 0);
}
