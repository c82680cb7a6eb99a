/**
 * G.711 in both laws (ITU-T G.711, the rules of G.191): encode, decode and transcode whole blocks. Samples are 16-bit,
 * little endian. The tables are made once when the module starts.
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
function encodeUlaw(sample: i32): i32 {
  // One's complement for negatives, as G.191 has it: -1 is as small as 0.
  const magnitude = min<i32>(((sample ^ (sample >> 31)) >> 2) + ULAW_BIAS, ULAW_CLIP);
  const segment = 27 - clz<i32>(magnitude);
  const code = ((8 - segment) << 4) | (15 - ((magnitude >> segment) & 15));
  return sample < 0 ? code : code | 0x80;
}

// @ts-expect-error: decorator
@inline
function encodeAlaw(sample: i32): i32 {
  const magnitude = (sample ^ (sample >> 31)) >> 4;
  // Up to 31 the code is linear; above, 4 bits of mantissa below the leading one.
  const segment = max<i32>(27 - clz<i32>(magnitude), 0);
  const code = magnitude < 16 ? magnitude : ((segment + 1) << 4) | ((magnitude >> segment) & 15);
  return (sample < 0 ? code : code | 0x80) ^ 0x55;
}

function decodeUlaw(code: i32): i32 {
  const inverted = ~code;
  const exponent = (inverted >> 4) & 7;
  const step = 8 << exponent;
  const magnitude = (0x80 << exponent) + step * (inverted & 15) + (step >> 1) - 4 * ULAW_BIAS;
  return code < 0x80 ? -magnitude : magnitude;
}

function decodeAlaw(code: i32): i32 {
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

/** `n` mu-law octets at `src` to 16-bit samples at `dst`; the areas may not overlap. */
export function ulawDecode(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<i16>(dst + (i << 1), load<i16>(ULAW_TO_LINEAR + (<usize>load<u8>(src + i) << 1)));
}

/** `n` A-law octets at `src` to 16-bit samples at `dst`; the areas may not overlap. */
export function alawDecode(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<i16>(dst + (i << 1), load<i16>(ALAW_TO_LINEAR + (<usize>load<u8>(src + i) << 1)));
}

/** `n` 16-bit samples at `src` to mu-law octets at `dst`; may be the same place. */
export function ulawEncode(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(dst + i, <u8>encodeUlaw(load<i16>(src + (i << 1))));
}

/** `n` 16-bit samples at `src` to A-law octets at `dst`; may be the same place. */
export function alawEncode(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(dst + i, <u8>encodeAlaw(load<i16>(src + (i << 1))));
}

/** `n` octets from mu-law to A-law; may be the same place. */
export function ulawToAlaw(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(dst + i, load<u8>(ULAW_TO_ALAW + <usize>load<u8>(src + i)));
}

/** `n` octets from A-law to mu-law; may be the same place. */
export function alawToUlaw(src: usize, dst: usize, n: i32): void {
  for (let i: usize = 0; i < <usize>n; i++) store<u8>(dst + i, load<u8>(ALAW_TO_ULAW + <usize>load<u8>(src + i)));
}
