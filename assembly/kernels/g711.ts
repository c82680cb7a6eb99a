/**
 * G.711 in both laws for blocks of any length, 16 samples at a time in SIMD lanes (ITU-T G.711; g711-rules.ts holds the
 * rules). Nothing outside the block is read or written: what is left of a block that is no multiple of 16 is done as 16
 * samples that end with it, and a block shorter than that one sample at a time.
 */

import { alawSample, decodeAlaw, decodeUlaw, encodeAlaw, encodeUlaw, ulawSample } from "./g711-rules";

export { alawToUlaw, ulawToAlaw } from "./g711-transcode";

/** Samples of one round. */
const ROUND: i32 = 16;

/**
 * Constants that a loop keeps in registers. They are loaded, because V8 puts a constant of the code together anew at
 * every use.
 */
const ULAW_BIAS = memory.data(16, 16);
const ULAW_BIAS_NEGATIVE = memory.data(16, 16);
const ULAW_EXPONENT = memory.data(16, 16);
const ALAW_EXPONENT = memory.data(16, 16);
const ONES = memory.data(16, 16);
const SIGN_BITS = memory.data(16, 16);
const LOW_4_BITS = memory.data(16, 16);
const ALAW_POSITIVE = memory.data(16, 16);
const ALAW_FLIP = memory.data(16, 16);

/** What `exponentAndMantissa` gives for a leading one in bit 7 and a mantissa of 0. */
const EXPONENT_BASE: i16 = 150 * 16;

// One's complement and bias in one: 132 + x, or 131 - x for a negative x.
v128.store(ULAW_BIAS, i16x8.splat(132));
v128.store(ULAW_BIAS_NEGATIVE, i16x8.splat(131));
v128.store(ULAW_EXPONENT, i16x8.splat(EXPONENT_BASE + 127));
v128.store(ALAW_EXPONENT, i16x8.splat(EXPONENT_BASE));
v128.store(ONES, i16x8.splat(-1));
v128.store(SIGN_BITS, i8x16.splat(-0x80));
v128.store(LOW_4_BITS, i8x16.splat(15));
v128.store(ALAW_POSITIVE, i8x16.splat(<i8>0xd5));
// The even bits of A-law codes are inverted: 5 is the first of a row, 4 the second.
v128.store(ALAW_FLIP, i8x16.splat(5));

/** A row of 16 codes is a straight line: low and high octets of where it begins, low and high octets of its step. */
const ULAW_ROWS = memory.data(64, 16);
const ALAW_ROWS = memory.data(64, 16);

function writeRow(rows: usize, row: usize, first: i32, second: i32): void {
  const step = second - first;
  store<u8>(rows + row, <u8>first);
  store<u8>(rows + row, <u8>(first >> 8), 16);
  store<u8>(rows + row, <u8>step, 32);
  store<u8>(rows + row, <u8>(step >> 8), 48);
}

for (let row: i32 = 0; row < 16; row++) {
  writeRow(ULAW_ROWS, row, decodeUlaw(row << 4), decodeUlaw((row << 4) | 1));
  writeRow(ALAW_ROWS, row, decodeAlaw((row << 4) | 5), decodeAlaw((row << 4) | 4));
}

/**
 * The upper 13 bits of each positive 16-bit lane as a float: eight of exponent, counted from 150 for a leading one in bit
 * 7, and four of mantissa. An odd lane is converted together with the even one below it, which lies under the bits that
 * are wanted; its own uppermost bit is 0, so rounding cannot carry into them.
 */
// @ts-expect-error: decorator
@inline
function exponentAndMantissa(magnitude: v128): v128 {
  const even = f32x4.convert_i32x4_s(i32x4.shl(magnitude, 16));
  const odd = f32x4.convert_i32x4_s(magnitude);
  return i16x8.shr_u(v128.shuffle<i16>(i32x4.shr_u(even, 16), odd, 0, 9, 2, 11, 4, 13, 6, 15), 3);
}

/** `n` 16-bit samples at `src` to mu-law octets at `dst`; may be the same place. */
export function ulawEncode(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<u8>(dst + i, <u8>encodeUlaw(load<i16>(src + (i << 1))));
    return;
  }
  const bias = v128.load(ULAW_BIAS);
  const biasNegative = v128.load(ULAW_BIAS_NEGATIVE);
  const exponent = v128.load(ULAW_EXPONENT);
  const signBits = v128.load(SIGN_BITS);
  // The last round may overlap the one before it, and in place its samples would be overwritten by then.
  const last = <usize>(n - ROUND);
  const lastCodes = ulawCodes(
    v128.load(src + (last << 1)),
    v128.load(src + (last << 1), 16),
    bias,
    biasNegative,
    exponent,
    signBits,
  );
  for (let at: usize = 0; at < last; at += ROUND) {
    const from = src + (at << 1);
    v128.store(dst + at, ulawCodes(v128.load(from), v128.load(from, 16), bias, biasNegative, exponent, signBits));
  }
  v128.store(dst + last, lastCodes);
}

// @ts-expect-error: decorator
@inline
function ulawCodes(
  first: v128,
  second: v128,
  bias: v128,
  biasNegative: v128,
  exponent: v128,
  signBits: v128,
): v128 {
  // Clipped by saturation. The magnitude's seven bits are sent inverted, the sign bit is set for a positive sample.
  const firstBiased = i16x8.max_s(i16x8.add_sat_s(first, bias), i16x8.sub_sat_s(biasNegative, first));
  const secondBiased = i16x8.max_s(i16x8.add_sat_s(second, bias), i16x8.sub_sat_s(biasNegative, second));
  const bits = i8x16.narrow_i16x8_u(
    i16x8.sub(exponent, exponentAndMantissa(firstBiased)),
    i16x8.sub(exponent, exponentAndMantissa(secondBiased)),
  );
  return v128.or(bits, v128.andnot(signBits, i8x16.narrow_i16x8_s(first, second)));
}

/** `n` 16-bit samples at `src` to A-law octets at `dst`; may be the same place. */
export function alawEncode(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<u8>(dst + i, <u8>encodeAlaw(load<i16>(src + (i << 1))));
    return;
  }
  const ones = v128.load(ONES);
  const exponent = v128.load(ALAW_EXPONENT);
  const signBits = v128.load(SIGN_BITS);
  const low4 = v128.load(LOW_4_BITS);
  const positive = v128.load(ALAW_POSITIVE);
  const last = <usize>(n - ROUND);
  const lastCodes = alawCodes(
    v128.load(src + (last << 1)),
    v128.load(src + (last << 1), 16),
    ones,
    exponent,
    signBits,
    low4,
    positive,
  );
  for (let at: usize = 0; at < last; at += ROUND) {
    const from = src + (at << 1);
    v128.store(dst + at, alawCodes(v128.load(from), v128.load(from, 16), ones, exponent, signBits, low4, positive));
  }
  v128.store(dst + last, lastCodes);
}

// @ts-expect-error: decorator
@inline
function alawCodes(
  first: v128,
  second: v128,
  ones: v128,
  exponent: v128,
  signBits: v128,
  low4: v128,
  positive: v128,
): v128 {
  const firstMagnitude = i16x8.max_s(first, v128.xor(first, ones));
  const secondMagnitude = i16x8.max_s(second, v128.xor(second, ones));
  // Below 256 the float's code is negative and the linear one counts; above, the linear one is at most 15.
  const curved = i8x16.narrow_i16x8_s(
    i16x8.sub(exponentAndMantissa(firstMagnitude), exponent),
    i16x8.sub(exponentAndMantissa(secondMagnitude), exponent),
  );
  const linear = i8x16.narrow_i16x8_s(i16x8.shr_u(firstMagnitude, 4), i16x8.shr_u(secondMagnitude, 4));
  const code = i8x16.max_s(curved, i8x16.min_u(linear, low4));
  return v128.xor(code, v128.xor(v128.and(i8x16.narrow_i16x8_s(first, second), signBits), positive));
}

/** `n` mu-law octets at `src` to 16-bit samples at `dst`; the areas may not overlap. */
export function ulawDecode(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<i16>(dst + (i << 1), ulawSample(load<u8>(src + i)));
    return;
  }
  const low4 = v128.load(LOW_4_BITS);
  const baseLow = v128.load(ULAW_ROWS);
  const baseHigh = v128.load(ULAW_ROWS, 16);
  const stepLow = v128.load(ULAW_ROWS, 32);
  const stepHigh = v128.load(ULAW_ROWS, 48);
  const last = <usize>(n - ROUND);
  for (let at: usize = 0; at < last; at += ROUND) {
    const codes = v128.load(src + at);
    decodeRound(codes, v128.and(codes, low4), dst + (at << 1), low4, baseLow, baseHigh, stepLow, stepHigh);
  }
  const codes = v128.load(src + last);
  decodeRound(codes, v128.and(codes, low4), dst + (last << 1), low4, baseLow, baseHigh, stepLow, stepHigh);
}

/** `n` A-law octets at `src` to 16-bit samples at `dst`; the areas may not overlap. */
export function alawDecode(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<i16>(dst + (i << 1), alawSample(load<u8>(src + i)));
    return;
  }
  const low4 = v128.load(LOW_4_BITS);
  const flip = v128.load(ALAW_FLIP);
  const baseLow = v128.load(ALAW_ROWS);
  const baseHigh = v128.load(ALAW_ROWS, 16);
  const stepLow = v128.load(ALAW_ROWS, 32);
  const stepHigh = v128.load(ALAW_ROWS, 48);
  const last = <usize>(n - ROUND);
  for (let at: usize = 0; at < last; at += ROUND) {
    const codes = v128.load(src + at);
    const place = v128.xor(v128.and(codes, low4), flip);
    decodeRound(codes, place, dst + (at << 1), low4, baseLow, baseHigh, stepLow, stepHigh);
  }
  const codes = v128.load(src + last);
  const place = v128.xor(v128.and(codes, low4), flip);
  decodeRound(codes, place, dst + (last << 1), low4, baseLow, baseHigh, stepLow, stepHigh);
}

/** Sixteen codes to samples: where the row begins, and as many steps from there as the place in the row says. */
// @ts-expect-error: decorator
@inline
function decodeRound(
  codes: v128,
  place: v128,
  dst: usize,
  low4: v128,
  baseLow: v128,
  baseHigh: v128,
  stepLow: v128,
  stepHigh: v128,
): void {
  const row = v128.and(i16x8.shr_u(codes, 4), low4);
  const base0 = i8x16.relaxed_swizzle(baseLow, row);
  const base1 = i8x16.relaxed_swizzle(baseHigh, row);
  const step0 = i8x16.relaxed_swizzle(stepLow, row);
  const step1 = i8x16.relaxed_swizzle(stepHigh, row);
  const base = v128.shuffle<i8>(base0, base1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  const step = v128.shuffle<i8>(step0, step1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
  v128.store(dst, i16x8.add(base, i16x8.mul(step, i16x8.extend_low_i8x16_u(place))));
  const baseAfter = v128.shuffle<i8>(base0, base1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  const stepAfter = v128.shuffle<i8>(step0, step1, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
  v128.store(dst, i16x8.add(baseAfter, i16x8.mul(stepAfter, i16x8.extend_high_i8x16_u(place))), 16);
}
