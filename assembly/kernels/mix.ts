/**
 * Conference mixing, 20 ms of 16-bit samples at a time: everybody hears the saturated sum of all others (mix-minus). Frames
 * are 160 samples, 320 octets, at multiples of 16. A source that is silent costs nothing when the caller leaves it out.
 *
 * Most sums fit into 16 bits as they stand. Then sum minus own is one saturating subtraction in 16-bit lanes, exact
 * because its only rounding is the saturation that is wanted. Where a sum may not fit, the same samples are done in 32 bits.
 */

/** Octets of a frame of samples, and of a frame of 32-bit sums. */
const FRAME_BYTES: usize = 320;
export const MIX_SUM_BYTES: i32 = 640;
/** Octets that one round takes of every frame: 32 samples. */
const BLOCK_BYTES: usize = 64;
/** Frames that one call may mix: the bound below holds for so many. */
export const MIX_LEGS_MAX: i32 = 64;

/**
 * Writes for each of `count` frames (1 to 64) at `legs` the sum of all others to the same place of `out`, which may be
 * `legs` itself. A count out of bounds does nothing.
 */
export function mixMinus(legs: usize, count: i32, out: usize): void {
  if (count < 1 || count > MIX_LEGS_MAX) return;
  const end = legs + <usize>count * FRAME_BYTES;
  const shift = out - legs;
  // x = 256 * (x >> 8) + 0…255, so the sum lies between 256 * high and 256 * high + 255 * count.
  const highMax = i16x8.splat(<i16>((32_767 - 255 * count) >> 8));
  const highMin = i16x8.splat(-128);
  for (let block: usize = 0; block < FRAME_BYTES; block += BLOCK_BYTES) {
    let sum0 = i16x8.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    let high0 = sum0;
    let high1 = sum0;
    let high2 = sum0;
    let high3 = sum0;
    for (let at = legs + block; at < end; at += FRAME_BYTES) {
      const x0 = v128.load(at);
      const x1 = v128.load(at, 16);
      const x2 = v128.load(at, 32);
      const x3 = v128.load(at, 48);
      sum0 = i16x8.add(sum0, x0);
      sum1 = i16x8.add(sum1, x1);
      sum2 = i16x8.add(sum2, x2);
      sum3 = i16x8.add(sum3, x3);
      high0 = i16x8.add(high0, i16x8.shr_s(x0, 8));
      high1 = i16x8.add(high1, i16x8.shr_s(x1, 8));
      high2 = i16x8.add(high2, i16x8.shr_s(x2, 8));
      high3 = i16x8.add(high3, i16x8.shr_s(x3, 8));
    }
    const most = i16x8.max_s(i16x8.max_s(high0, high1), i16x8.max_s(high2, high3));
    const least = i16x8.min_s(i16x8.min_s(high0, high1), i16x8.min_s(high2, high3));
    if (v128.any_true(v128.or(i16x8.gt_s(most, highMax), i16x8.lt_s(least, highMin)))) {
      wideBlock(legs + block, end, shift);
      continue;
    }
    for (let at = legs + block; at < end; at += FRAME_BYTES) {
      const to = at + shift;
      v128.store(to, i16x8.sub_sat_s(sum0, v128.load(at)));
      v128.store(to, i16x8.sub_sat_s(sum1, v128.load(at, 16)), 16);
      v128.store(to, i16x8.sub_sat_s(sum2, v128.load(at, 32)), 32);
      v128.store(to, i16x8.sub_sat_s(sum3, v128.load(at, 48)), 48);
    }
  }
}

/** One block in 32-bit sums: for what may not fit. */
function wideBlock(from: usize, end: usize, shift: usize): void {
  for (let column: usize = 0; column < BLOCK_BYTES; column += 16) {
    let low = i32x4.splat(0);
    let high = low;
    for (let at = from + column; at < end; at += FRAME_BYTES) {
      const x = v128.load(at);
      low = i32x4.add(low, i32x4.extend_low_i16x8_s(x));
      high = i32x4.add(high, i32x4.extend_high_i16x8_s(x));
    }
    for (let at = from + column; at < end; at += FRAME_BYTES) v128.store(at + shift, withoutOwn(low, high, v128.load(at)));
  }
}

// @ts-expect-error: decorator
@inline
function withoutOwn(low: v128, high: v128, own: v128): v128 {
  return i16x8.narrow_i32x4_s(
    i32x4.sub(low, i32x4.extend_low_i16x8_s(own)),
    i32x4.sub(high, i32x4.extend_high_i16x8_s(own)),
  );
}

/** Writes the 32-bit sums of `count` frames (0 or more) to `sum32`, 640 octets. */
export function mixSum(legs: usize, count: i32, sum32: usize): void {
  memory.fill(sum32, 0, MIX_SUM_BYTES);
  mixAdd(legs, count, sum32);
}

/** Adds `count` frames to the sums at `sum32`: for conferences of more than 64 and for what other threads bring. */
export function mixAdd(legs: usize, count: i32, sum32: usize): void {
  if (count < 1) return;
  const end = legs + <usize>count * FRAME_BYTES;
  for (let column: usize = 0; column < FRAME_BYTES; column += 16) {
    const to = sum32 + (column << 1);
    let low = v128.load(to);
    let high = v128.load(to, 16);
    for (let at = legs + column; at < end; at += FRAME_BYTES) {
      const x = v128.load(at);
      low = i32x4.add(low, i32x4.extend_low_i16x8_s(x));
      high = i32x4.add(high, i32x4.extend_high_i16x8_s(x));
    }
    v128.store(to, low);
    v128.store(to, high, 16);
  }
}

/** Writes one frame at `out`: the sums without the frame at `own`, saturated. `own` 0 is a listener, who hears all. */
export function mixOutOf(sum32: usize, own: usize, out: usize): void {
  for (let column: usize = 0; column < FRAME_BYTES; column += 16) {
    const from = sum32 + (column << 1);
    const share = own == 0 ? i16x8.splat(0) : v128.load(own + column);
    v128.store(out + column, withoutOwn(v128.load(from), v128.load(from, 16), share));
  }
}
