/**
 * What is known of one received stream of packets: extended sequence number with wraps, restarts and repeats (RFC 3550
 * A.1), losses (A.3) and interarrival jitter (A.8). One SSRC at a time; who may change it is decided elsewhere.
 */

import { STATUS_DUPLICATE, STATUS_LATE } from "../abi";

/** Furthest jump forward, and furthest step back, that still belong to the same run of packets (RFC 3550 A.1). */
const MAX_DROPOUT: u32 = 3000;
const MAX_MISORDER: u32 = 100;
/** How far apart the two packets may be that prove a run elsewhere (the text of A.1 has 1, which 20 % loss defeats). */
const RESTART_WITHIN: u32 = 16;
const SEQUENCE_MODULUS: u32 = 0x10000;
const NO_SEQUENCE: u32 = 0xffffffff;

/** What `receivedSequence` found, beside the negative statuses. */
export const SEQUENCE_IN_RUN: i32 = 0;
/** The first packet, or the second of a run that begins elsewhere: nothing before it matters any more. */
export const SEQUENCE_RESTART: i32 = 1;

@unmanaged
export class ReceivedStream {
  started: i32;
  ssrc: u32;
  /** Highest sequence number so far, its wraps counted in `cycles` (multiples of 2^16). */
  highest: u32;
  cycles: i32;
  /** First extended sequence number of the run. */
  base: i32;
  /** Where a run that begins elsewhere would go on, or NO_SEQUENCE. */
  restartAt: u32;
  /** Extended sequence number of the packet accepted last. */
  extended: i32;
  received: i32;
  /** Of the runs before this one. */
  lostBefore: i32;
  expectedPrior: i32;
  receivedPrior: i32;
  reserved: i32;
  /** Bit n: the packet n before the highest was there; 128 of them. */
  seenLow: u64;
  seenHigh: u64;
  /** In timestamp units. */
  jitter: f64;
  transit: f64;
}

/** Forgets everything but the losses, which are summed up over all streams of a leg. */
export function beginStream(stream: ReceivedStream, ssrc: u32): void {
  stream.lostBefore = packetsLost(stream);
  stream.started = 0;
  stream.ssrc = ssrc;
  stream.jitter = 0;
}

/**
 * Takes note of one packet (RFC 3550 A.1).
 * @returns SEQUENCE_IN_RUN, SEQUENCE_RESTART, or DUPLICATE, or LATE for one too far off, ahead or behind
 */
export function receivedSequence(stream: ReceivedStream, sequenceNumber: u32): i32 {
  if (!stream.started) {
    stream.lostBefore = packetsLost(stream);
    begin(stream, sequenceNumber);
    return SEQUENCE_RESTART;
  }
  const ahead = (sequenceNumber - stream.highest) & 0xffff;
  if (ahead == 0) return STATUS_DUPLICATE;
  if (ahead < MAX_DROPOUT) {
    if (sequenceNumber < stream.highest) stream.cycles += SEQUENCE_MODULUS;
    stream.highest = sequenceNumber;
    shiftWindow(stream, ahead);
    stream.extended = stream.cycles + <i32>sequenceNumber;
    stream.received++;
    stream.restartAt = NO_SEQUENCE;
    return SEQUENCE_IN_RUN;
  }
  const behind = SEQUENCE_MODULUS - ahead;
  if (behind > MAX_MISORDER) {
    // The second packet of the new run, or one a little later: the network may have lost some in between.
    if (stream.restartAt != NO_SEQUENCE && ((sequenceNumber - stream.restartAt) & 0xffff) < RESTART_WITHIN) {
      stream.lostBefore = packetsLost(stream);
      begin(stream, sequenceNumber);
      return SEQUENCE_RESTART;
    }
    stream.restartAt = (sequenceNumber + 1) & 0xffff;
    return STATUS_LATE;
  }
  if (seen(stream, behind)) return STATUS_DUPLICATE;
  stream.extended = stream.cycles + <i32>stream.highest - <i32>behind;
  stream.received++;
  return SEQUENCE_IN_RUN;
}

function begin(stream: ReceivedStream, sequenceNumber: u32): void {
  stream.started = 1;
  stream.highest = sequenceNumber;
  stream.cycles = 0;
  stream.base = <i32>sequenceNumber;
  stream.extended = <i32>sequenceNumber;
  stream.restartAt = NO_SEQUENCE;
  stream.received = 1;
  stream.expectedPrior = 0;
  stream.receivedPrior = 0;
  stream.seenLow = 1;
  stream.seenHigh = 0;
  stream.transit = NaN;
}

function shiftWindow(stream: ReceivedStream, by: u32): void {
  if (by >= 128) {
    stream.seenHigh = 0;
    stream.seenLow = 0;
  } else if (by >= 64) {
    stream.seenHigh = stream.seenLow << (by - 64);
    stream.seenLow = 0;
  } else {
    stream.seenHigh = (stream.seenHigh << by) | (stream.seenLow >> (64 - by));
    stream.seenLow <<= by;
  }
  stream.seenLow |= 1;
}

/** True when the packet `behind` (1 to 127) before the highest was there; notes that it is there now. */
function seen(stream: ReceivedStream, behind: u32): bool {
  if (behind < 64) {
    const bit = (<u64>1) << behind;
    if (stream.seenLow & bit) return true;
    stream.seenLow |= bit;
  } else {
    const bit = (<u64>1) << (behind - 64);
    if (stream.seenHigh & bit) return true;
    stream.seenHigh |= bit;
  }
  return false;
}

/** Updates the jitter estimate (RFC 3550 A.8); `arrival` in timestamp units, any origin. */
export function receivedTimestamp(stream: ReceivedStream, timestamp: u32, arrival: f64): void {
  const transit = arrival - <f64>timestamp;
  const before = stream.transit;
  stream.transit = transit;
  if (isNaN(before)) return;
  const difference = abs<f64>(transit - before);
  // A timestamp that wrapped or was set anew says nothing about the network.
  if (difference > 80000) return;
  stream.jitter += (difference - stream.jitter) / 16;
}

/** Packets expected in this run so far. */
export function packetsExpected(stream: ReceivedStream): i32 {
  return stream.started ? stream.cycles + <i32>stream.highest - stream.base + 1 : 0;
}

/** Packets lost since the leg was opened; repeats that got through make it smaller (RFC 3550 A.3). */
export function packetsLost(stream: ReceivedStream): i32 {
  return stream.lostBefore + packetsExpected(stream) - (stream.started ? stream.received : 0);
}

/** Fraction lost since the last report as an 8-bit fixed point number (RFC 3550 A.3); begins the next interval. */
export function fractionLost(stream: ReceivedStream): u32 {
  const expected = packetsExpected(stream);
  const expectedInterval = expected - stream.expectedPrior;
  const lostInterval = expectedInterval - (stream.received - stream.receivedPrior);
  stream.expectedPrior = expected;
  stream.receivedPrior = stream.received;
  if (expectedInterval <= 0 || lostInterval <= 0) return 0;
  return min<u32>(255, ((<u32>lostInterval) << 8) / <u32>expectedInterval);
}
