/**
 * What arrived and was not played yet: mu-law octets in a ring by RTP timestamp, one bit a sample that says whether it is
 * there. Any packet length fits, reordering costs nothing, and a repeat finds its place taken.
 */

import { alawToUlaw } from "../kernels/g711";

/** Power of two: 512 ms at 8000 Hz. */
export const RING_SAMPLES: u32 = 4096;
const MASK: u32 = RING_SAMPLES - 1;
/** Octets, then marks. */
export const PACKET_BUFFER_BYTES: i32 = <i32>(RING_SAMPLES + RING_SAMPLES / 8);

/** The 64 marks that `timestamp` is one of. */
// @ts-expect-error: decorator
@inline
function marksAt(buffer: usize, timestamp: u32): usize {
  return buffer + RING_SAMPLES + (((timestamp & MASK) >> 6) << 3);
}

/** Forgets everything; what was heard does not stay in memory. */
export function packetBufferClear(buffer: usize): void {
  memory.fill(buffer, 0, PACKET_BUFFER_BYTES);
}

/** Sets or clears the marks of `n` samples, a word at a time. */
function mark(buffer: usize, timestamp: u32, n: u32, there: bool): void {
  while (n > 0) {
    const bit = timestamp & 63;
    const run = min<u32>(n, 64 - bit);
    const bits = (run === 64 ? ~(<u64>0) : ((<u64>1) << run) - 1) << bit;
    const place = marksAt(buffer, timestamp);
    const before = load<u64>(place);
    store<u64>(place, there ? before | bits : before & ~bits);
    timestamp += run;
    n -= run;
  }
}

/** Puts `n` octets at their places. The caller has checked that they lie inside the ring's window. */
export function packetBufferPut(buffer: usize, timestamp: u32, payload: usize, n: i32, alaw: bool): void {
  mark(buffer, timestamp, <u32>n, true);
  let left = <u32>n;
  while (left > 0) {
    const place = timestamp & MASK;
    const run = min<u32>(left, RING_SAMPLES - place);
    if (alaw) alawToUlaw(payload, buffer + place, <i32>run);
    else memory.copy(buffer + place, payload, run);
    payload += run;
    timestamp += run;
    left -= run;
  }
}

/** How many samples in a row, from `timestamp` on and at most `most`, are all there (or, with `there` false, all missing). */
export function packetBufferRun(buffer: usize, timestamp: u32, most: u32, there: bool): u32 {
  let run: u32 = 0;
  while (run < most) {
    const bit = (timestamp + run) & 63;
    const word = load<u64>(marksAt(buffer, timestamp + run));
    // The first mark of the other kind ends the run; shifting brings zeros in, so the rest of the word is counted alone.
    const other = (there ? ~word : word) >> bit;
    const here = min<u32>(other === 0 ? 64 : <u32>ctz<u64>(other), 64 - bit);
    run += here;
    if (here < 64 - bit) break;
  }
  return min<u32>(run, most);
}

/** Copies `n` octets out without forgetting them. */
export function packetBufferPeek(buffer: usize, timestamp: u32, out: usize, n: u32): void {
  while (n > 0) {
    const place = timestamp & MASK;
    const run = min<u32>(n, RING_SAMPLES - place);
    memory.copy(out, buffer + place, run);
    out += run;
    timestamp += run;
    n -= run;
  }
}

/** Frees the places of `n` samples. */
export function packetBufferDrop(buffer: usize, timestamp: u32, n: u32): void {
  mark(buffer, timestamp, min<u32>(n, RING_SAMPLES), false);
}
