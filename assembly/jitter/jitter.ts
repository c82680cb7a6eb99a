/**
 * The jitter buffer of one leg: packets in by RTP timestamp, 160 octets of mu-law out every 20 ms. Holds back as much as
 * the arrivals ask for, grows at once when packets come late, shrinks by leaving out single frames, conceals what is
 * missing. What is played normally is bit-identical with what a PCMU sender sent.
 */

import {
  FRAME_SAMPLES,
  PLAY_CONCEALED,
  PLAY_NOISE,
  PLAY_NORMAL,
  PLAY_SILENCE,
  STATUS_DUPLICATE,
  STATUS_LATE,
  STATUS_MALFORMED,
} from "../abi";
import { ulawDecode, ulawEncode } from "../kernels/g711";
import {
  CONCEALMENT_BYTES,
  conceal,
  concealing,
  concealmentJoin,
  concealmentRemember,
  concealmentReset,
  JOINT_SAMPLES,
} from "./concealment";
import { DECIDE_CONCEAL, DECIDE_PLAY, DECIDE_SHORTEN, DECIDE_SILENCE, decide } from "./decision";
import { DELAY_BYTES, delayArrival, delayLate, delayReset, delayTargetMs, TARGET_MAX_MS } from "./delay";
import {
  PACKET_BUFFER_BYTES,
  packetBufferClear,
  packetBufferCount,
  packetBufferDrop,
  packetBufferHas,
  packetBufferPut,
  packetBufferTake,
  RING_SAMPLES,
} from "./packet-buffer";

const PAYLOAD_BYTES_MAX: i32 = 1400;
const FRAME: u32 = <u32>FRAME_SAMPLES;
const SILENCE: u8 = 0xff;
/** Late packets in a row after which the sender is believed to have jumped back. */
const LATE_RUN_MAX: i32 = 5;
/** Mean magnitude under which a frame may be left out without being missed. */
const QUIET_MEAN: i32 = 200;

// Fields of one buffer; then delay, concealment and packets.
const STARTED: usize = 0;
const PLAY_TIMESTAMP: usize = 4;
/** End of the newest samples that arrived. */
const NEWEST: usize = 8;
/** End of the last samples that were really played. */
const PLAYED_END: usize = 12;
const CONCEALED_FRAMES: usize = 16;
const EXCESS_FRAMES: usize = 20;
const SPARE_MIN: usize = 24;
const LATE_RUN: usize = 28;
const NOISE_LEVEL: usize = 32;
const HAS_PLAYED: usize = 36;
const NOISE_SEED: usize = 40;
const LATE: usize = 44;
const DUPLICATE: usize = 48;
const CONCEALED_TOTAL: usize = 52;
const START_MS: usize = 56;
const SHORTENED: usize = 60;
const FIELDS_BYTES: i32 = 64;
const DELAY: usize = <usize>FIELDS_BYTES;
const CONCEALMENT: usize = DELAY + <usize>DELAY_BYTES;
const PACKETS: usize = CONCEALMENT + <usize>CONCEALMENT_BYTES;

export const JITTER_BYTES: i32 = FIELDS_BYTES + DELAY_BYTES + CONCEALMENT_BYTES + PACKET_BUFFER_BYTES;

/** Two frames of 16-bit samples, for the tick that is being played. */
const SAMPLES = memory.data(640, 16);
const SCRATCH = memory.data(128, 16);

/** Empties the buffer; counters stay. @param startMs - what to hold back until the arrivals tell more */
export function jitterReset(jb: usize, startMs: i32): void {
  const late = load<u32>(jb, LATE);
  const duplicate = load<u32>(jb, DUPLICATE);
  const concealed = load<u32>(jb, CONCEALED_TOTAL);
  memory.fill(jb, 0, <usize>FIELDS_BYTES);
  store<u32>(jb, late, LATE);
  store<u32>(jb, duplicate, DUPLICATE);
  store<u32>(jb, concealed, CONCEALED_TOTAL);
  store<i32>(jb, startMs, START_MS);
  store<i32>(jb, -1, NOISE_LEVEL);
  store<u32>(jb, 0x2545f491, NOISE_SEED);
  delayReset(jb + DELAY, <f64>startMs);
  concealmentReset(jb + CONCEALMENT);
  packetBufferClear(jb + PACKETS);
}

/**
 * Takes one packet.
 * @param n - octets, which are samples: 1 to 1400
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
  if (n <= 0 || n > PAYLOAD_BYTES_MAX) return STATUS_MALFORMED;
  store<i32>(jb, -1, NOISE_LEVEL);
  if (load<i32>(jb, STARTED) === 0) begin(jb, timestamp);
  delayArrival(jb + DELAY, timestamp, nowMs);
  let ahead = <i32>(timestamp - load<u32>(jb, PLAY_TIMESTAMP));
  if (ahead + n > <i32>RING_SAMPLES || ahead < -8000) {
    // A jump of the sender's clock, or more held back than there is room for: begin again from here.
    packetBufferClear(jb + PACKETS);
    begin(jb, timestamp);
    ahead = <i32>(timestamp - load<u32>(jb, PLAY_TIMESTAMP));
  } else if (ahead < 0) {
    const status = takeLate(jb, timestamp, n, ahead);
    if (status !== 0) return status;
    ahead = <i32>(timestamp - load<u32>(jb, PLAY_TIMESTAMP));
  } else store<i32>(jb, 0, LATE_RUN);
  if (packetBufferHas(jb + PACKETS, timestamp) && packetBufferHas(jb + PACKETS, timestamp + <u32>n - 1)) {
    store<u32>(jb, load<u32>(jb, DUPLICATE) + 1, DUPLICATE);
    return STATUS_DUPLICATE;
  }
  packetBufferPut(jb + PACKETS, timestamp, payload, n, alaw !== 0);
  const end = timestamp + <u32>n;
  if (<i32>(end - load<u32>(jb, NEWEST)) > 0) store<u32>(jb, end, NEWEST);
  return 0;
}

/** The first packet is played when the target has passed. */
function begin(jb: usize, timestamp: u32): void {
  store<i32>(jb, 1, STARTED);
  store<u32>(jb, timestamp - <u32>(delayTargetMs(jb + DELAY) * 8), PLAY_TIMESTAMP);
  store<u32>(jb, timestamp, NEWEST);
  store<u32>(jb, timestamp, PLAYED_END);
  store<i32>(jb, 0, HAS_PLAYED);
  store<i32>(jb, 0, LATE_RUN);
  store<i32>(jb, 0, EXCESS_FRAMES);
}

/**
 * A packet whose time has come and gone. When nothing newer was played, playing steps back to it and the delay has grown;
 * else it is lost, and the target grows so that the next one is in time.
 */
function takeLate(jb: usize, timestamp: u32, n: i32, ahead: i32): i32 {
  const lateMs = <f64>-ahead / 8;
  const hasPlayed = load<i32>(jb, HAS_PLAYED) !== 0;
  const isFresh = !hasPlayed || <i32>(timestamp - load<u32>(jb, PLAYED_END)) >= 0;
  if (isFresh && lateMs <= TARGET_MAX_MS) {
    delayLate(jb + DELAY, lateMs / 2);
    store<u32>(jb, timestamp, PLAY_TIMESTAMP);
    store<i32>(jb, 0, LATE_RUN);
    return 0;
  }
  const isSeenBefore = !isFresh && ahead + n <= 0 && hasPlayed && lateMs < 60;
  store<u32>(jb, load<u32>(jb, LATE) + 1, LATE);
  const run = load<i32>(jb, LATE_RUN) + 1;
  store<i32>(jb, run, LATE_RUN);
  if (!isSeenBefore) delayLate(jb + DELAY, min<f64>(lateMs, 20));
  if (run < LATE_RUN_MAX || !isFresh) return STATUS_LATE;
  // Everything comes late: the sender went back in time, or the road became that much longer.
  packetBufferClear(jb + PACKETS);
  begin(jb, timestamp);
  return 0;
}

/** Comfort noise (RFC 3389): from here on, silence is played as noise of this level until audio comes. */
export function jitterComfortNoise(jb: usize, timestamp: u32, level: i32, nowMs: f64): void {
  store<i32>(jb, level & 127, NOISE_LEVEL);
}

/** Writes the next 160 octets of mu-law. @returns PLAY_NORMAL, PLAY_CONCEALED, PLAY_SILENCE or PLAY_NOISE */
export function jitterTake(jb: usize, out: usize, nowMs: f64): i32 {
  if (load<i32>(jb, STARTED) === 0) return playNothing(jb, out);
  let play = load<u32>(jb, PLAY_TIMESTAMP);
  // Waiting for the first packet's time: nothing is missing yet.
  if (
    load<i32>(jb, HAS_PLAYED) === 0 &&
    packetBufferCount(jb + PACKETS, play, FRAME) === 0 &&
    <i32>(load<u32>(jb, NEWEST) - play) > 0
  ) {
    store<u32>(jb, play + FRAME, PLAY_TIMESTAMP);
    return playNothing(jb, out);
  }
  const present = packetBufferCount(jb + PACKETS, play, FRAME);
  watchDepth(jb, play);
  let decision = decide(
    present,
    load<i32>(jb, CONCEALED_FRAMES),
    <f64>load<i32>(jb, SPARE_MIN) / 8,
    delayTargetMs(jb + DELAY),
    load<i32>(jb, EXCESS_FRAMES),
    false,
  );
  if (decision === DECIDE_PLAY && load<i32>(jb, EXCESS_FRAMES) >= 10) decision = decideQuiet(jb, play, out);
  if (decision === DECIDE_SHORTEN) {
    packetBufferDrop(jb + PACKETS, play, FRAME);
    play += FRAME;
    store<i32>(jb, 0, EXCESS_FRAMES);
    store<u32>(jb, load<u32>(jb, SHORTENED) + 1, SHORTENED);
    decision = packetBufferCount(jb + PACKETS, play, FRAME) === FRAME ? DECIDE_PLAY : DECIDE_CONCEAL;
  }
  store<u32>(jb, play + FRAME, PLAY_TIMESTAMP);
  if (decision === DECIDE_SILENCE) {
    store<i32>(jb, load<i32>(jb, CONCEALED_FRAMES) + 1, CONCEALED_FRAMES);
    return playNothing(jb, out);
  }
  if (decision === DECIDE_CONCEAL) return playConcealed(jb, play, out);
  return playFrame(jb, play, out);
}

/** A cut in quiet audio is allowed sooner; the frame that would be left out is looked at. */
function decideQuiet(jb: usize, play: u32, scratch: usize): i32 {
  packetBufferPeek(jb + PACKETS, play, scratch);
  ulawDecode(scratch, SAMPLES, FRAME_SAMPLES);
  let sum: i32 = 0;
  for (let i: usize = 0; i < <usize>FRAME_SAMPLES; i++) sum += abs<i32>(<i32>load<i16>(SAMPLES + (i << 1)));
  return decide(
    FRAME,
    0,
    <f64>load<i32>(jb, SPARE_MIN) / 8,
    delayTargetMs(jb + DELAY),
    load<i32>(jb, EXCESS_FRAMES),
    sum < QUIET_MEAN * FRAME_SAMPLES,
  );
}

function packetBufferPeek(packets: usize, timestamp: u32, out: usize): void {
  for (let i: u32 = 0; i < FRAME; i++) store<u8>(out + i, load<u8>(packets + ((timestamp + i) & (RING_SAMPLES - 1))));
}

/** How much lies behind the frame that is played now; the least of it since the last cut is what can be spared. */
function watchDepth(jb: usize, play: u32): void {
  const spare = max<i32>(<i32>(load<u32>(jb, NEWEST) - play) - FRAME_SAMPLES, 0);
  const isExcess = <f64>spare / 8 > delayTargetMs(jb + DELAY);
  const frames = load<i32>(jb, EXCESS_FRAMES);
  if (!isExcess) {
    store<i32>(jb, 0, EXCESS_FRAMES);
    store<i32>(jb, spare, SPARE_MIN);
    return;
  }
  store<i32>(jb, frames === 0 ? spare : min<i32>(spare, load<i32>(jb, SPARE_MIN)), SPARE_MIN);
  store<i32>(jb, frames + 1, EXCESS_FRAMES);
}

function playFrame(jb: usize, play: u32, out: usize): i32 {
  packetBufferTake(jb + PACKETS, play, out, FRAME);
  ulawDecode(out, SAMPLES, FRAME_SAMPLES);
  if (concealing(jb + CONCEALMENT)) {
    concealmentJoin(jb + CONCEALMENT, SAMPLES, SCRATCH);
    ulawEncode(SAMPLES, out, JOINT_SAMPLES);
  }
  concealmentRemember(jb + CONCEALMENT, SAMPLES, FRAME_SAMPLES);
  store<i32>(jb, 0, CONCEALED_FRAMES);
  store<i32>(jb, 1, HAS_PLAYED);
  store<u32>(jb, play + FRAME, PLAYED_END);
  return PLAY_NORMAL;
}

/** Fills what is missing of the frame from the past, and keeps what is there. */
function playConcealed(jb: usize, play: u32, out: usize): i32 {
  conceal(jb + CONCEALMENT, SAMPLES, FRAME_SAMPLES);
  concealmentRemember(jb + CONCEALMENT, SAMPLES, FRAME_SAMPLES);
  ulawEncode(SAMPLES, out, FRAME_SAMPLES);
  packetBufferTake(jb + PACKETS, play, out, FRAME);
  store<i32>(jb, load<i32>(jb, CONCEALED_FRAMES) + 1, CONCEALED_FRAMES);
  store<u32>(jb, load<u32>(jb, CONCEALED_TOTAL) + 1, CONCEALED_TOTAL);
  return PLAY_CONCEALED;
}

function playNothing(jb: usize, out: usize): i32 {
  const level = load<i32>(jb, NOISE_LEVEL);
  if (level < 0) {
    memory.fill(out, SILENCE, FRAME);
    return PLAY_SILENCE;
  }
  // White noise whose power lies `level` dB below full scale; uniform, so its peak is sqrt(3) times the effective value.
  const peak = 32_768 * Math.sqrt(3.0) * 10 ** (<f64>-level / 20);
  let seed = load<u32>(jb, NOISE_SEED);
  for (let i: usize = 0; i < <usize>FRAME_SAMPLES; i++) {
    seed = seed * 1664525 + 1013904223;
    const sample = (<f64>(<i32>seed) / 2147483648.0) * peak;
    store<i16>(SAMPLES + (i << 1), <i16>min<f64>(max<f64>(sample, -32_768), 32_767));
  }
  store<u32>(jb, seed, NOISE_SEED);
  ulawEncode(SAMPLES, out, FRAME_SAMPLES);
  return PLAY_NOISE;
}

/** Held back now, ms. */
export function jitterDepthMs(jb: usize): i32 {
  return load<i32>(jb, STARTED) === 0
    ? 0
    : max<i32>(<i32>(load<u32>(jb, NEWEST) - load<u32>(jb, PLAY_TIMESTAMP)), 0) >> 3;
}

/** What it is aimed to hold back, ms. */
export function jitterTargetMs(jb: usize): i32 {
  return <i32>delayTargetMs(jb + DELAY);
}

export function jitterLate(jb: usize): u32 {
  return load<u32>(jb, LATE);
}

export function jitterDuplicates(jb: usize): u32 {
  return load<u32>(jb, DUPLICATE);
}

export function jitterConcealed(jb: usize): u32 {
  return load<u32>(jb, CONCEALED_TOTAL);
}
