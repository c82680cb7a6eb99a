/**
 * ITU-T G.711 in both laws, one sample at a time, by the rules of G.191. The tables that the blocks use are made from
 * them once, when the module starts. Samples are 16-bit, little endian.
 */

/** mu-law code → 16-bit sample. */
const ULAW_TO_LINEAR = memory.data(512, 16);
/** A-law code → 16-bit sample. */
const ALAW_TO_LINEAR = memory.data(512, 16);
const ULAW_TO_ALAW = memory.data(256, 16);
const ALAW_TO_ULAW = memory.data(256, 16);

/** Adds to a 14-bit magnitude so that every segment begins at a power of two. */
const ULAW_BIAS: i32 = 33;
/** Largest biased magnitude: 13 bits. */
const ULAW_CLIP: i32 = 0x1fff;

// @ts-expect-error: decorator
@inline
export function encodeUlaw(sample: i32): i32 {
  // One's complement for negatives, as G.191 has it: -1 is as small as 0.
  const magnitude = min<i32>(((sample ^ (sample >> 31)) >> 2) + ULAW_BIAS, ULAW_CLIP);
  const segment = 27 - clz<i32>(magnitude);
  const code = ((8 - segment) << 4) | (15 - ((magnitude >> segment) & 15));
  return sample < 0 ? code : code | 0x80;
}

// @ts-expect-error: decorator
@inline
export function encodeAlaw(sample: i32): i32 {
  const magnitude = (sample ^ (sample >> 31)) >> 4;
  // Up to 31 the code is linear; above, 4 bits of mantissa below the leading one.
  const segment = max<i32>(27 - clz<i32>(magnitude), 0);
  const code = magnitude < 16 ? magnitude : ((segment + 1) << 4) | ((magnitude >> segment) & 15);
  return (sample < 0 ? code : code | 0x80) ^ 0x55;
}

export function decodeUlaw(code: i32): i32 {
  const inverted = ~code;
  const exponent = (inverted >> 4) & 7;
  const step = 8 << exponent;
  const magnitude = (0x80 << exponent) + step * (inverted & 15) + (step >> 1) - 4 * ULAW_BIAS;
  return code < 0x80 ? -magnitude : magnitude;
}

export function decodeAlaw(code: i32): i32 {
  const bits = (code ^ 0x55) & 0x7f;
  const exponent = bits >> 4;
  const magnitude = ((((bits & 15) + (exponent > 0 ? 16 : 0)) << 4) + 8) << max<i32>(exponent - 1, 0);
  return code < 0x80 ? -magnitude : magnitude;
}

for (let code: i32 = 0; code < 256; code++) {
  store<i16>(ULAW_TO_LINEAR + <usize>(code << 1), <i16>decodeUlaw(code));
  store<i16>(ALAW_TO_LINEAR + <usize>(code << 1), <i16>decodeAlaw(code));
  store<u8>(ULAW_TO_ALAW + <usize>code, <u8>encodeAlaw(decodeUlaw(code)));
  store<u8>(ALAW_TO_ULAW + <usize>code, <u8>encodeUlaw(decodeAlaw(code)));
}

/** The sample of one mu-law code. */
// @ts-expect-error: decorator
@inline
export function ulawSample(code: usize): i16 {
  return load<i16>(ULAW_TO_LINEAR + (code << 1));
}

/** The sample of one A-law code. */
// @ts-expect-error: decorator
@inline
export function alawSample(code: usize): i16 {
  return load<i16>(ALAW_TO_LINEAR + (code << 1));
}

/** The A-law code of one mu-law code: encoded from the sample that it stands for. */
// @ts-expect-error: decorator
@inline
export function alawOfUlaw(code: usize): u8 {
  return load<u8>(ULAW_TO_ALAW + code);
}

/** The mu-law code of one A-law code. */
// @ts-expect-error: decorator
@inline
export function ulawOfAlaw(code: usize): u8 {
  return load<u8>(ALAW_TO_ULAW + code);
}
