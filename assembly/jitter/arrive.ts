/**
 * Packets into the jitter buffer: what fits the run goes to its place, what is late steps playing back where that is still
 * possible, and what fits nothing begins another run once a second packet agrees with it.
 */

import { FRAME_SAMPLES, STATUS_DUPLICATE, STATUS_LATE, STATUS_MALFORMED } from "../abi";
import { delayArrival, delayRestart, heldSamples, samplesAt } from "./delay";
import { packetBufferClear, packetBufferDrop, packetBufferPut, packetBufferRun, RING_SAMPLES } from "./packet-buffer";
import { readNoisePayload } from "./comfort-noise";
import { delayOf, EVEN_PACKETS, Jitter, noiseOf, packetsOf } from "./state";

const PAYLOAD_BYTES_MAX: i32 = 1400;
/** Playing steps back to a late packet up to this delay: the longest hold and a frame. */
const HELD_MAX: i32 = 1600 + 160;
/** Timestamps further from what is played belong to another run: 1 s. */
const REACH: i32 = 8000;
/** What is kept when more comes at once than there is room for: half the ring. */
const KEEP: u32 = RING_SAMPLES / 2;

/**
 * Takes one packet.
 * @param n - octets, which are samples: 1 to 1400
 * @param alaw - not 0: the payload is A-law
 * @param marker - not 0: the packet begins a talkspurt (RFC 3551 §4.1)
 * @returns 0, STATUS_LATE, STATUS_DUPLICATE or STATUS_MALFORMED
 */
export function jitterInsert(
  jb: usize,
  sequenceNumber: i32,
  timestamp: u32,
  payload: usize,
  n: i32,
  alaw: i32,
  marker: i32,
  nowMs: f64,
): i32 {
  const jitter = changetype<Jitter>(jb);
  if (n <= 0 || n > PAYLOAD_BYTES_MAX) return STATUS_MALFORMED;
  if (isRepeated(jitter, sequenceNumber, timestamp)) return repeated(jitter);
  const now = samplesAt(nowMs);
  if (jitter.started === 0) begin(jitter, sequenceNumber, timestamp);
  const ahead = <i32>(timestamp - jitter.playTimestamp);
  if (ahead > REACH || ahead < -REACH) {
    if (marker === 0 && !isAnotherRun(jitter, timestamp, now)) return late(jitter);
    begin(jitter, sequenceNumber, timestamp);
  }
  delayArrival(delayOf(jitter), timestamp, n, nowMs);
  let from: i32 = 0;
  if (<i32>(timestamp - jitter.playTimestamp) < 0 && !stepBack(jitter, timestamp, now)) {
    if (isUnheard(jitter, timestamp) && (marker !== 0 || isAnotherRun(jitter, timestamp, now))) {
      begin(jitter, sequenceNumber, timestamp);
      delayArrival(delayOf(jitter), timestamp, n, nowMs);
    } else {
      // What is still to come of it is used.
      from = <i32>(jitter.playTimestamp - timestamp);
      if (from >= n) return late(jitter);
    }
  }
  const start = timestamp + <u32>from;
  const end = timestamp + <u32>n;
  if (end - jitter.playTimestamp > RING_SAMPLES) skipTo(jitter, end - KEEP);
  const packets = packetsOf(jitter);
  const octets = n - from;
  if (packetBufferRun(packets, start, <u32>octets, true) === <u32>octets) return repeated(jitter);
  packetBufferPut(packets, start, payload + <usize>from, octets, alaw !== 0);
  if (<i32>(end - jitter.newestEnd) > 0) jitter.newestEnd = end;
  const isEven = n % FRAME_SAMPLES === 0 && <i32>(timestamp - jitter.lastTimestamp) % FRAME_SAMPLES === 0;
  jitter.evenPackets = isEven ? min<i32>(jitter.evenPackets + 1, EVEN_PACKETS) : 0;
  jitter.lastTimestamp = timestamp;
  jitter.strayPending = 0;
  return 0;
}

function late(jitter: Jitter): i32 {
  jitter.late++;
  return STATUS_LATE;
}

function repeated(jitter: Jitter): i32 {
  jitter.duplicate++;
  return STATUS_DUPLICATE;
}

/** Nothing of this time or later was played yet. */
function isUnheard(jitter: Jitter, timestamp: u32): bool {
  return jitter.endKnown === 0 || <i32>(timestamp - jitter.playedEnd) >= 0;
}

/**
 * A packet came after its time, but nothing newer was played: what bridged the gap is taken for a pause, and playing goes on
 * with the packet. No word is lost, the delay has grown, and it shrinks again if the target says so.
 */
function stepBack(jitter: Jitter, timestamp: u32, now: u32): bool {
  if (!isUnheard(jitter, timestamp) || <i32>(jitter.newestEnd - timestamp) > <i32>RING_SAMPLES) return false;
  if (heldSamples(delayOf(jitter), timestamp, now) > HELD_MAX) return false;
  jitter.playTimestamp = timestamp;
  return true;
}

/**
 * True for the second packet in a row that fits nothing but its forerunner (as RFC 3550 A.1 has it for sequence numbers).
 * They must come about as fast as they are played: a backlog that arrives all at once is late, not another run.
 */
function isAnotherRun(jitter: Jitter, timestamp: u32, now: u32): bool {
  const step = <i32>(timestamp - jitter.strayTimestamp);
  if (jitter.strayPending === 0 || step <= 0 || step > REACH) {
    jitter.strayPending = 1;
    jitter.strayFirst = timestamp;
    jitter.strayAt = now;
    jitter.strayTimestamp = timestamp;
    return false;
  }
  jitter.strayTimestamp = timestamp;
  return (now - jitter.strayAt) * 2 >= timestamp - jitter.strayFirst;
}

/** A run begins: its first packet is played when the target has passed. */
function begin(jitter: Jitter, sequenceNumber: i32, timestamp: u32): void {
  if (jitter.started !== 0) {
    packetBufferClear(packetsOf(jitter));
    delayRestart(delayOf(jitter));
    jitter.restarts++;
  }
  // Where timestamps go on behind what was played, nothing of that is played again.
  const since = <i32>(timestamp - jitter.playedEnd);
  if (since < 0 || since > REACH) jitter.endKnown = 0;
  jitter.started = 1;
  jitter.waiting = 1;
  jitter.playTimestamp = timestamp;
  jitter.newestEnd = timestamp;
  jitter.strayPending = 0;
  jitter.pauseKnown = 0;
  jitter.highestSequence = sequenceNumber & 0xffff;
  jitter.seen = 1;
  jitter.lastTimestamp = timestamp;
  jitter.evenPackets = EVEN_PACKETS;
}

/** Makes room for what is newer than the ring reaches. */
function skipTo(jitter: Jitter, timestamp: u32): void {
  const samples = timestamp - jitter.playTimestamp;
  packetBufferDrop(packetsOf(jitter), jitter.playTimestamp, samples);
  jitter.skipped += samples;
  jitter.playTimestamp = timestamp;
  jitter.playedEnd = timestamp;
  jitter.endKnown = 1;
}

/** True for a packet that came already; notes that it did. What is newer than all others is none, whatever its number. */
function isRepeated(jitter: Jitter, sequenceNumber: i32, timestamp: u32): bool {
  const ahead = (sequenceNumber - jitter.highestSequence) & 0xffff;
  const behind = (0x10000 - ahead) & 0xffff;
  const isNewest = jitter.started === 0 || <i32>(timestamp - jitter.newestEnd) >= 0;
  if (isNewest || (ahead !== 0 && ahead < 0x8000)) {
    jitter.seen = ahead < 64 ? (jitter.seen << ahead) | 1 : 1;
    jitter.highestSequence = sequenceNumber & 0xffff;
    return false;
  }
  // Older than is remembered: its timestamp decides.
  if (behind >= 64) return false;
  const bit = (<u64>1) << behind;
  if (jitter.seen & bit) return true;
  jitter.seen |= bit;
  return false;
}

/**
 * Comfort noise (RFC 3389): from `timestamp` on the sender pauses, and the noise that it describes is played until audio
 * comes (CN-1). Further descriptions change the noise.
 * @param octets - 1 or more; the first is the level, the rest are reflection coefficients
 * @returns 0 or STATUS_MALFORMED
 */
export function jitterComfortNoise(jb: usize, sequenceNumber: i32, timestamp: u32, payload: usize, octets: i32): i32 {
  const jitter = changetype<Jitter>(jb);
  if (octets < 1) return STATUS_MALFORMED;
  isRepeated(jitter, sequenceNumber, timestamp);
  readNoisePayload(noiseOf(jitter), payload, octets);
  const isInPause = jitter.pauseKnown !== 0 && <i32>(jitter.playTimestamp - jitter.pauseTimestamp) >= 0;
  if (!isInPause) jitter.pauseTimestamp = timestamp;
  jitter.pauseKnown = 1;
  return 0;
}
