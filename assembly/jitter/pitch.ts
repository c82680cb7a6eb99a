/**
 * The lag at which a signal looks most like itself: normalised correlation over all lags of a voice, as ITU-T G.711
 * Appendix I has it (66 to 200 Hz), eight samples at a time. Samples come in scaled to 13 bits, so that sums stay in 32.
 */

/** Lags at 8000 Hz. */
export const PITCH_MIN: i32 = 40;
export const PITCH_MAX: i32 = 120;
/** Samples that are compared: 20 ms. */
export const PITCH_WINDOW: i32 = 160;
/** Right shift that brings 16-bit samples to 13 bits. */
const SCALE: i32 = 3;

/** Copies samples scaled down. */
export function pitchScale(from: usize, to: usize, n: i32): void {
  const end = <usize>n & ~7;
  for (let i: usize = 0; i < end; i += 8) v128.store(to + (i << 1), i16x8.shr_s(v128.load(from + (i << 1)), SCALE));
  for (let i: usize = end; i < <usize>n; i++) store<i16>(to + (i << 1), load<i16>(from + (i << 1)) >> <i16>SCALE);
}

function dot(a: usize, b: usize, n: i32): i64 {
  let sums = i32x4.splat(0);
  const end = <usize>n & ~7;
  for (let i: usize = 0; i < end; i += 8)
    sums = i32x4.add(sums, i32x4.dot_i16x8_s(v128.load(a + (i << 1)), v128.load(b + (i << 1))));
  let sum =
    <i64>i32x4.extract_lane(sums, 0) +
    <i64>i32x4.extract_lane(sums, 1) +
    <i64>i32x4.extract_lane(sums, 2) +
    <i64>i32x4.extract_lane(sums, 3);
  for (let i: usize = end; i < <usize>n; i++) sum += <i64>(<i32>load<i16>(a + (i << 1)) * <i32>load<i16>(b + (i << 1)));
  return sum;
}

/** Likeness at the lag found last: -1 to 1. */
let likeness: f64 = 0;
export function pitchLikeness(): f64 {
  return likeness;
}

/**
 * Finds the lag, `lagMin` to `lagMax`, at which the window at `fixed` is most like the one `lag` samples later (`later`) or
 * earlier. `pitchLikeness` then tells how much; for silence it is 0.
 */
export function pitchFind(fixed: usize, lagMin: i32, lagMax: i32, window: i32, later: bool): i32 {
  const own = <f64>dot(fixed, fixed, window);
  let best = lagMax;
  let bestScore: f64 = 0;
  for (let lag = lagMin; lag <= lagMax; lag++) {
    const other = later ? fixed + (<usize>lag << 1) : fixed - (<usize>lag << 1);
    const product = dot(fixed, other, window);
    if (product <= 0) continue;
    const energy = own * <f64>dot(other, other, window);
    const score = <f64>product / Math.sqrt(energy);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  likeness = bestScore;
  return best;
}
