/**
 * Keys heard as tones in the audio (ITU-T Q.23, Q.24): 20 ms frames of 16-bit samples in, keys out, each once. A window of
 * 15 ms moves on by 5 ms. It is correlated with the eight tones and their second harmonics; how the phase turns between
 * two windows tells how far a tone lies beside its place, so that detuned tones lose nothing and speech seldom fits.
 *
 * A window holds a key when, in this order: both tones are loud enough, they differ by no more than line and telephone
 * allow, each stands out of its group, together they are nearly all that is heard, each is near its place, and neither
 * has a second harmonic as voices have. Four windows that overlap make a press: 35 ms are always enough, 24 ms never.
 */

import { FRAME_SAMPLES } from "../abi";

const TONES: i32 = 8;
const BINS: i32 = 16;
const STEP_SAMPLES: i32 = 40;
const WINDOW_SAMPLES: f32 = 120;
const RATE_HZ: f64 = 8000;

/** Correlation tables: 40 samples of cosine and of negative sine for each bin, in 1/2048. */
const TABLE_SCALE: f64 = 2048;
const BIN_BYTES: usize = <usize>STEP_SAMPLES * 2;
const COSINES = memory.data(BINS * STEP_SAMPLES * 2, 16);
const SINES = memory.data(BINS * STEP_SAMPLES * 2, 16);
/** How far each bin turns in one step and in two: cosines, then sines. */
const TURN_1 = memory.data(BINS * 8, 16);
const TURN_2 = memory.data(BINS * 8, 16);
const HZ = memory.data<f32>([697, 770, 852, 941, 1209, 1336, 1477, 1633]);
/** Sums of one step: real parts of all bins, then imaginary ones. */
const SUMS_BYTES: i32 = BINS * 8;
const NOW = memory.data(SUMS_BYTES, 16);
const WINDOW = memory.data(SUMS_BYTES, 16);
const POWERS = memory.data(BINS * 4, 16);

// State: sums of the last two steps, tones of the last window, energies of the last two steps, and the press.
const BEFORE_2: usize = 0;
const BEFORE_1: usize = <usize>SUMS_BYTES;
const LAST: usize = 2 * <usize>SUMS_BYTES;
const LAST_IMAGINARY: usize = LAST + <usize>TONES * 4;
const ENERGY_2: usize = LAST + <usize>TONES * 8;
const ENERGY_1: usize = ENERGY_2 + 4;
const CANDIDATE: usize = ENERGY_2 + 8;
const HITS: usize = ENERGY_2 + 12;
const MISSES: usize = ENERGY_2 + 16;
/** The key that is down and was told, or -1. */
const PRESSED: usize = ENERGY_2 + 20;
/** Sum of the shares of the hits. */
const SHARES: usize = ENERGY_2 + 24;
/** Sums of how far both tones lay beside their places, Hz by Hz. */
const LOW_OFF: usize = ENERGY_2 + 28;
const HIGH_OFF: usize = ENERGY_2 + 32;
export const DTMF_DETECTOR_BYTES: i32 = <i32>ENERGY_2 + 40;

/** Each tone: -36 dBm0. The mean square of 0 dBm0 is 22368² / 2. */
const POWER_MIN: f32 = 63_000;
/** High tone to low tone: -8 to +4 dB (Q.24 table A-1), and room for noise. */
const TWIST_MIN: f32 = 0.063;
const TWIST_MAX: f32 = 4.5;
/** A tone above the others of its group: 5 dB, since the louder group reaches over. */
const GROUP_RATIO: f32 = 3;
/** Share of the two tones in all that is heard. */
const SHARE_MIN: f32 = 0.8;
/** The same on the average of a press: in a single window the tones may seem more or less than they are. */
const SHARE_MEAN_MIN: f32 = 0.88;
/** Accepted deviation in a window, and on the average of a press: 1.5 % must be taken, 3.5 % must not (Q.24). */
const DEVIATION_MAX: f32 = 0.026;
const DEVIATION_MEAN_MAX: f32 = 0.018;
/** Second harmonics: -10 dB, of the low tone -6 dB since the high tones lie beside it. */
const HIGH_HARMONIC_MAX: f32 = 0.1;
const LOW_HARMONIC_MAX: f32 = 0.25;
const HITS_MIN: i32 = 4;
/** Windows without the key: one is noise; so many are a pause of more than an interruption of 10 ms. */
const MISSES_IN_PRESS: i32 = 1;
const MISSES_MIN: i32 = 6;
/** Keys by row and column as RFC 4733 numbers them. */
const KEYS = memory.data<u8>([1, 2, 3, 12, 4, 5, 6, 13, 7, 8, 9, 14, 10, 0, 11, 15]);

for (let bin: i32 = 0; bin < BINS; bin++) {
  const hz = <f64>load<f32>(HZ + <usize>((bin % TONES) << 2)) * (bin < TONES ? 1 : 2);
  const turn = (2 * Math.PI * hz) / RATE_HZ;
  for (let i: i32 = 0; i < STEP_SAMPLES; i++) {
    const place = <usize>bin * BIN_BYTES + <usize>(i << 1);
    store<i16>(COSINES + place, <i16>nearest(TABLE_SCALE * Math.cos(turn * <f64>i)));
    store<i16>(SINES + place, <i16>nearest(-TABLE_SCALE * Math.sin(turn * <f64>i)));
  }
  const at = <usize>(bin << 2);
  store<f32>(TURN_1 + at, <f32>Math.cos(turn * STEP_SAMPLES));
  store<f32>(TURN_1 + at, <f32>Math.sin(turn * STEP_SAMPLES), BINS * 4);
  store<f32>(TURN_2 + at, <f32>Math.cos(turn * STEP_SAMPLES * 2));
  store<f32>(TURN_2 + at, <f32>Math.sin(turn * STEP_SAMPLES * 2), BINS * 4);
}

export function dtmfDetectorReset(state: usize): void {
  memory.fill(state, 0, <usize>DTMF_DETECTOR_BYTES);
  store<i32>(state, -1, CANDIDATE);
  store<i32>(state, -1, PRESSED);
}

/**
 * Takes the next 160 samples.
 * @returns the key that has been down for long enough, told once: its RFC 4733 event, or -1
 */
export function dtmfDetect(state: usize, samples: usize): i32 {
  let told: i32 = -1;
  for (let step: i32 = 0; step < FRAME_SAMPLES; step += STEP_SAMPLES) {
    const key = take(state, samples + <usize>(step << 1));
    if (key >= 0) told = key;
  }
  return told;
}

/** 20 ms of silence. */
export function dtmfDetectSilence(state: usize): void {
  memory.fill(state, 0, CANDIDATE);
  for (let step: i32 = 0; step < FRAME_SAMPLES; step += STEP_SAMPLES) follow(state, -1);
}

/** One step of 5 ms. */
function take(state: usize, samples: usize): i32 {
  const energy = correlate(samples);
  const total = energy + load<f32>(state, ENERGY_1) + load<f32>(state, ENERGY_2);
  combine(state);
  // Quieter than two tones may be: not worth a look.
  const key = total < POWER_MIN * WINDOW_SAMPLES ? -1 : judge(state, total / WINDOW_SAMPLES);
  memory.copy(state + BEFORE_2, state + BEFORE_1, SUMS_BYTES);
  memory.copy(state + BEFORE_1, NOW, SUMS_BYTES);
  memory.copy(state + LAST, WINDOW, TONES * 4);
  memory.copy(state + LAST_IMAGINARY, WINDOW + BINS * 4, TONES * 4);
  store<f32>(state, load<f32>(state, ENERGY_1), ENERGY_2);
  store<f32>(state, energy, ENERGY_1);
  return follow(state, key);
}

/** Sums of one step for all bins into NOW. @returns its energy */
function correlate(samples: usize): f32 {
  const x0 = v128.load(samples);
  const x1 = v128.load(samples, 16);
  const x2 = v128.load(samples, 32);
  const x3 = v128.load(samples, 48);
  const x4 = v128.load(samples, 64);
  for (let bin: usize = 0; bin < <usize>BINS; bin++) {
    const cosines = COSINES + bin * BIN_BYTES;
    const sines = SINES + bin * BIN_BYTES;
    store<f32>(NOW + (bin << 2), <f32>dot(cosines, x0, x1, x2, x3, x4));
    store<f32>(NOW + (bin << 2), <f32>dot(sines, x0, x1, x2, x3, x4), BINS * 4);
  }
  let squares = f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(x0, x0));
  squares = f32x4.add(squares, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(x1, x1)));
  squares = f32x4.add(squares, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(x2, x2)));
  squares = f32x4.add(squares, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(x3, x3)));
  squares = f32x4.add(squares, f32x4.convert_i32x4_u(i32x4.dot_i16x8_s(x4, x4)));
  return (
    f32x4.extract_lane(squares, 0) +
    f32x4.extract_lane(squares, 1) +
    f32x4.extract_lane(squares, 2) +
    f32x4.extract_lane(squares, 3)
  );
}

// @ts-expect-error: decorator
@inline
function dot(table: usize, x0: v128, x1: v128, x2: v128, x3: v128, x4: v128): i32 {
  let sum = i32x4.dot_i16x8_s(x0, v128.load(table));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(x1, v128.load(table, 16)));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(x2, v128.load(table, 32)));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(x3, v128.load(table, 48)));
  sum = i32x4.add(sum, i32x4.dot_i16x8_s(x4, v128.load(table, 64)));
  const pairs = i32x4.add(sum, i8x16.shuffle(sum, sum, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return i32x4.extract_lane(pairs, 0) + i32x4.extract_lane(pairs, 1);
}

/** Joins three steps to a window, each turned to where it lies, and takes the powers of all bins. */
function combine(state: usize): void {
  const scale = f32x4.splat(<f32>(2.0 / (120.0 * 120.0 * 2048.0 * 2048.0)));
  const imaginary: usize = BINS * 4;
  for (let at: usize = 0; at < imaginary; at += 16) {
    const c1 = v128.load(TURN_1 + at);
    const s1 = v128.load(TURN_1 + at + imaginary);
    const c2 = v128.load(TURN_2 + at);
    const s2 = v128.load(TURN_2 + at + imaginary);
    const r1 = v128.load(state + BEFORE_1 + at);
    const i1 = v128.load(state + BEFORE_1 + at + imaginary);
    const r2 = v128.load(NOW + at);
    const i2 = v128.load(NOW + at + imaginary);
    const re = f32x4.add(
      v128.load(state + BEFORE_2 + at),
      f32x4.add(
        f32x4.add(f32x4.mul(r1, c1), f32x4.mul(i1, s1)),
        f32x4.add(f32x4.mul(r2, c2), f32x4.mul(i2, s2)),
      ),
    );
    const im = f32x4.add(
      v128.load(state + BEFORE_2 + at + imaginary),
      f32x4.add(
        f32x4.sub(f32x4.mul(i1, c1), f32x4.mul(r1, s1)),
        f32x4.sub(f32x4.mul(i2, c2), f32x4.mul(r2, s2)),
      ),
    );
    v128.store(WINDOW + at, re);
    v128.store(WINDOW + at + imaginary, im);
    v128.store(POWERS + at, f32x4.mul(scale, f32x4.add(f32x4.mul(re, re), f32x4.mul(im, im))));
  }
}

// Of the window that was judged last.
let share: f32 = 0;
let lowOff: f32 = 0;
let highOff: f32 = 0;

function power(bin: i32): f32 {
  return load<f32>(POWERS + <usize>(bin << 2));
}

/** The strongest of four bins that stands out of its group, or -1. */
function strongest(first: i32): i32 {
  let best = first;
  for (let bin = first + 1; bin < first + 4; bin++) if (power(bin) > power(best)) best = bin;
  const peak = power(best);
  for (let bin = first; bin < first + 4; bin++) if (bin != best && power(bin) * GROUP_RATIO > peak) return -1;
  return best;
}

/** The key that a window holds, or -1. @param mean - square of all samples of the window */
function judge(state: usize, mean: f32): i32 {
  const low = strongest(0);
  const high = strongest(4);
  if (low < 0 || high < 0) return -1;
  lowOff = deviation(state, low);
  highOff = deviation(state, high);
  if (abs<f32>(lowOff) > DEVIATION_MAX * hertz(low) || abs<f32>(highOff) > DEVIATION_MAX * hertz(high)) return -1;
  const lowPower = power(low) / response(lowOff);
  const highPower = power(high) / response(highOff);
  if (lowPower < POWER_MIN || highPower < POWER_MIN) return -1;
  if (highPower < TWIST_MIN * lowPower || highPower > TWIST_MAX * lowPower) return -1;
  share = (lowPower + highPower) / mean;
  if (share < SHARE_MIN) return -1;
  if (power(high + TONES) > HIGH_HARMONIC_MAX * highPower) return -1;
  const beside = <f32>2 * hertz(low) - hertz(high) - highOff;
  if (power(low + TONES) > LOW_HARMONIC_MAX * lowPower + <f32>2 * highPower * response(beside)) return -1;
  return load<u8>(KEYS + <usize>((low << 2) + high - 4));
}

function hertz(tone: i32): f32 {
  return load<f32>(HZ + <usize>(tone << 2));
}

/** How far beside its place a tone lies, Hz: from the turn of its phase since the window before, 5 ms ago. */
function deviation(state: usize, tone: i32): f32 {
  const at = <usize>(tone << 2);
  const re = load<f32>(WINDOW + at);
  const im = load<f32>(WINDOW + at, BINS * 4);
  const lastRe = load<f32>(state + LAST + at);
  const lastIm = load<f32>(state + LAST_IMAGINARY + at);
  // Turned by what the tone turns at its place, the last window lies where this one would.
  const c = load<f32>(TURN_1 + at);
  const s = load<f32>(TURN_1 + at, BINS * 4);
  const wantedRe = lastRe * c - lastIm * s;
  const wantedIm = lastIm * c + lastRe * s;
  const angle = Mathf.atan2(im * wantedRe - re * wantedIm, re * wantedRe + im * wantedIm);
  return angle * <f32>(8000.0 / (2.0 * 3.14159265358979 * 40.0));
}

/** Power that a window shows of a tone so far beside the place of its bin: sinc². */
function response(offHz: f32): f32 {
  const x = offHz * <f32>((3.14159265358979 * 120.0) / 8000.0);
  if (abs<f32>(x) < 0.001) return 1;
  const sinc = Mathf.sin(x) / x;
  return sinc * sinc;
}

/** Puts windows together to presses. */
function follow(state: usize, key: i32): i32 {
  if (key < 0) {
    const misses = load<i32>(state, MISSES) + 1;
    store<i32>(state, misses, MISSES);
    if (misses > MISSES_IN_PRESS) begin(state, -1);
    if (misses >= MISSES_MIN) store<i32>(state, -1, PRESSED);
    return -1;
  }
  if (key != load<i32>(state, CANDIDATE)) begin(state, key);
  store<i32>(state, 0, MISSES);
  store<i32>(state, load<i32>(state, HITS) + 1, HITS);
  store<f32>(state, load<f32>(state, SHARES) + share, SHARES);
  store<f32>(state, load<f32>(state, LOW_OFF) + lowOff, LOW_OFF);
  store<f32>(state, load<f32>(state, HIGH_OFF) + highOff, HIGH_OFF);
  if (key == load<i32>(state, PRESSED) || !convinces(state, key)) return -1;
  store<i32>(state, key, PRESSED);
  return key;
}

function begin(state: usize, key: i32): void {
  store<i32>(state, key, CANDIDATE);
  store<i32>(state, 0, HITS);
  store<f32>(state, 0, SHARES);
  store<f32>(state, 0, LOW_OFF);
  store<f32>(state, 0, HIGH_OFF);
}

/** The windows so far are enough, and on the average better than each has to be. */
function convinces(state: usize, key: i32): bool {
  const hits = load<i32>(state, HITS);
  if (hits < HITS_MIN || load<f32>(state, SHARES) < SHARE_MEAN_MIN * <f32>hits) return false;
  const limit = DEVIATION_MEAN_MAX * <f32>hits;
  let place: i32 = 0;
  while (<i32>load<u8>(KEYS + <usize>place) != key) place++;
  return (
    abs<f32>(load<f32>(state, LOW_OFF)) <= limit * hertz(place >> 2) &&
    abs<f32>(load<f32>(state, HIGH_OFF)) <= limit * hertz((place & 3) + 4)
  );
}
