/**
 * Playing a little longer or shorter without changing the voice: one pitch period is left out or played twice, and the two
 * neighbours glide into each other over the whole period (overlap and add, in the manner of WSOLA). Where nothing is heard
 * a piece of any length goes, up to a whole frame. All samples outside the glide stay octet by octet as they came.
 */

import { FRAME_SAMPLES } from "../abi";
import { ulawDecode, ulawEncode } from "../kernels/g711";
import { PITCH_MAX, PITCH_MIN, pitchFind, pitchLikeness, pitchScale } from "./pitch";

/** The longest piece: one frame. */
export const PIECE_MAX: i32 = FRAME_SAMPLES;
/** What `timeScaleLook` may be given beyond the frame. */
export const AHEAD_MAX: i32 = FRAME_SAMPLES + PIECE_MAX;

/** One frame of the past, then what comes: octets, samples, and samples scaled for the search. */
const OCTETS = memory.data(480, 16);
const SAMPLES = memory.data(960, 16);
const SCALED = memory.data(960, 16);
const GLIDE = memory.data(320, 16);

/** Where to put the octets that come: `timeScaleLook` reads them there. */
export function timeScaleAhead(): usize {
  return OCTETS + FRAME_SAMPLES;
}

/** Samples of what comes, after `timeScaleLook`. */
export function timeScaleSamples(): usize {
  return SAMPLES + FRAME_SAMPLES * 2;
}

/** Takes the past 160 octets; `ahead` octets that come are at `timeScaleAhead` already. */
export function timeScaleLook(past: usize, ahead: i32): void {
  memory.copy(OCTETS, past, FRAME_SAMPLES);
  ulawDecode(OCTETS, SAMPLES, FRAME_SAMPLES + ahead);
}

/** A period that may be left out of what comes, at least so much like the next one; 0: none. */
export function findSurplus(ahead: i32, likeness: f64): i32 {
  const most = min<i32>(ahead - FRAME_SAMPLES, PITCH_MAX);
  if (most < PITCH_MIN) return 0;
  pitchScale(SAMPLES, SCALED, FRAME_SAMPLES + ahead);
  const lag = pitchFind(SCALED + FRAME_SAMPLES * 2, PITCH_MIN, most, FRAME_SAMPLES, true);
  return pitchLikeness() >= likeness ? lag : 0;
}

/**
 * A period of the past that what comes may be put off by, at least so much like its beginning; 0: none.
 * @param ahead - samples that are there
 * @param least - samples that have to be gained
 */
export function findRepeat(ahead: i32, least: i32, likeness: f64): i32 {
  const window = min<i32>(ahead, FRAME_SAMPLES);
  const from = max<i32>(least, PITCH_MIN);
  const most = min<i32>(window, PITCH_MAX);
  if (most < from) return 0;
  pitchScale(SAMPLES, SCALED, FRAME_SAMPLES + window);
  const lag = pitchFind(SCALED + FRAME_SAMPLES * 2, from, most, window, false);
  return pitchLikeness() >= likeness ? lag : 0;
}

/** Glides from one place of the samples to another over `n`, as octets at `out`. */
function glide(from: usize, to: usize, n: i32, out: usize): void {
  for (let i: i32 = 0; i < n; i++) {
    const at = <usize>i << 1;
    store<i16>(GLIDE + at, <i16>((<i32>load<i16>(from + at) * (n - i) + <i32>load<i16>(to + at) * i) / n));
  }
  ulawEncode(GLIDE, out, n);
}

/** One frame that leaves `piece` samples out; 160 + `piece` samples are used up. */
export function playShorter(piece: i32, out: usize): void {
  const samples = timeScaleSamples();
  glide(samples, samples + (<usize>piece << 1), piece, out);
  memory.copy(out + <usize>piece, timeScaleAhead() + <usize>(2 * piece), <usize>(FRAME_SAMPLES - piece));
}

/** One frame that repeats `piece` samples of the past; 160 - `piece` samples are used up. */
export function playLonger(piece: i32, out: usize): void {
  const samples = timeScaleSamples();
  glide(samples, samples - (<usize>piece << 1), piece, out);
  memory.copy(out + <usize>piece, timeScaleAhead(), <usize>(FRAME_SAMPLES - piece));
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeTimeScale(): void {
  memory.fill(OCTETS, 0, 480);
  memory.fill(SAMPLES, 0, 960);
  memory.fill(SCALED, 0, 960);
  memory.fill(GLIDE, 0, 320);
}
