/**
 * Energy of G.711 octets, sixteen at a time without a table of samples: the levels of RFC 6464 are taken from it. The sum
 * is normalised to the overload point, which is a square wave of the largest code (RFC 6464 §3: ±8031 for mu-law).
 */

const ULAW_PEAK: f64 = 8031;
const ALAW_PEAK: f64 = 4032;
/** Octets that fit into 32-bit sums: 32 additions of two squares. */
const RUN_OCTETS: i32 = 256;

/** Sum of the squares of `n` octets, 1 for each at the overload point; `alaw` 1 for A-law. */
export function g711Energy(octets: usize, n: i32, alaw: i32): f64 {
  let sum: u64 = 0;
  let at: i32 = 0;
  while (n - at >= 16) {
    const end = at + (min<i32>(RUN_OCTETS, n - at) & ~15);
    sum += alaw ? alawRun(octets + <usize>at, octets + <usize>end) : ulawRun(octets + <usize>at, octets + <usize>end);
    at = end;
  }
  for (; at < n; at++) {
    const sample = alaw ? alawMagnitude(load<u8>(octets + <usize>at)) : ulawMagnitude(load<u8>(octets + <usize>at));
    sum += <u64>(sample * sample);
  }
  return <f64>sum / (alaw ? ALAW_PEAK * ALAW_PEAK : ULAW_PEAK * ULAW_PEAK);
}

/** 14-bit magnitude: bias, mantissa and segment (ITU-T G.711 table 2a). */
function ulawMagnitude(code: i32): i32 {
  const inverted = ~code;
  return ((((inverted & 15) << 1) + 33) << ((inverted >> 4) & 7)) - 33;
}

/** 13-bit magnitude (ITU-T G.711 table 1a). */
function alawMagnitude(code: i32): i32 {
  const bits = code ^ 0x55;
  const segment = (bits >> 4) & 7;
  return segment == 0 ? ((bits & 15) << 1) + 1 : (((bits & 15) << 1) + 33) << (segment - 1);
}

function ulawRun(from: usize, to: usize): u64 {
  const powers = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const low = i8x16.splat(15);
  const seven = i8x16.splat(7);
  const bias = i8x16.splat(33);
  const biasWide = i16x8.splat(33);
  let sums = i32x4.splat(0);
  for (; from < to; from += 16) {
    const inverted = v128.not(v128.load(from));
    const mantissa = v128.and(inverted, low);
    const power = i8x16.swizzle(powers, v128.and(i8x16.shr_u(inverted, 4), seven));
    const steps = i8x16.add(i8x16.add(mantissa, mantissa), bias);
    const first = i16x8.sub(i16x8.extmul_low_i8x16_u(steps, power), biasWide);
    const second = i16x8.sub(i16x8.extmul_high_i8x16_u(steps, power), biasWide);
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(first, first), i32x4.dot_i16x8_s(second, second)));
  }
  return laneSum(sums);
}

function alawRun(from: usize, to: usize): u64 {
  const powers = i8x16(1, 1, 2, 4, 8, 16, 32, 64, 0, 0, 0, 0, 0, 0, 0, 0);
  const biases = i8x16(1, 33, 33, 33, 33, 33, 33, 33, 0, 0, 0, 0, 0, 0, 0, 0);
  const low = i8x16.splat(15);
  const seven = i8x16.splat(7);
  const mask = i8x16.splat(0x55);
  let sums = i32x4.splat(0);
  for (; from < to; from += 16) {
    const bits = v128.xor(v128.load(from), mask);
    const segment = v128.and(i8x16.shr_u(bits, 4), seven);
    const mantissa = v128.and(bits, low);
    const steps = i8x16.add(i8x16.add(mantissa, mantissa), i8x16.swizzle(biases, segment));
    const power = i8x16.swizzle(powers, segment);
    const first = i16x8.extmul_low_i8x16_u(steps, power);
    const second = i16x8.extmul_high_i8x16_u(steps, power);
    sums = i32x4.add(sums, i32x4.add(i32x4.dot_i16x8_s(first, first), i32x4.dot_i16x8_s(second, second)));
  }
  return laneSum(sums);
}

function laneSum(sums: v128): u64 {
  return (
    <u64>(<u32>i32x4.extract_lane(sums, 0)) +
    <u64>(<u32>i32x4.extract_lane(sums, 1)) +
    <u64>(<u32>i32x4.extract_lane(sums, 2)) +
    <u64>(<u32>i32x4.extract_lane(sums, 3))
  );
}
