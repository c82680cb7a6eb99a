/**
 * From one law of G.711 to the other without going through samples: the codes of both laws run along each other, so a code
 * of one is that of the other plus a small number that depends on the row and, in some rows, on the place in it. All of
 * it follows the rules (decode, then encode); 16 codes at a time, blocks of any length, in place if wanted.
 */

import { alawOfUlaw, ulawOfAlaw } from "./g711-rules";

/** Codes of one round. */
const ROUND: i32 = 16;

/** mu-law to A-law by row (sign and segment): what is added, and up to which place one more is added a place. */
const ALAW_ADD = memory.data<i8>([0, -8, -8, -4, -2, -1, 0, 0, 0, -8, -8, -4, -2, -1, 0, 0], 16);
const ALAW_RISE = memory.data<i8>([0, 0, 4, 2, 1, 0, 0, 0, 0, 0, 4, 2, 1, 0, 0, 0], 16);
/** The lowest row, of half slope: what is added at each place of it, negative and positive. */
const ALAW_LOWEST_NEGATIVE = memory.data(16, 16);
const ALAW_LOWEST_POSITIVE = memory.data(16, 16);

/** A-law to mu-law by row: what is added, up to which place one more a place, from which place on one less every other. */
const ULAW_ADD = memory.data<i8>([1, 8, 4, 2, 1, 1, 0, 0, 1, 8, 4, 2, 1, 1, 0, 0], 16);
const ULAW_RISE = memory.data<i8>([7, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0], 16);
const ULAW_FALL = memory.data<i8>([15, 8, 12, 14, 15, 15, 15, 15, 15, 8, 12, 14, 15, 15, 15, 15], 16);

/** Constants that a loop keeps in registers (see g711.ts). */
const LOW_4_BITS = memory.data(16, 16);
const MAGNITUDE_BITS = memory.data(16, 16);
const SIGN_BITS = memory.data(16, 16);
const EVEN_BITS = memory.data(16, 16);

for (let place: i32 = 0; place < 16; place++) {
  store<u8>(ALAW_LOWEST_NEGATIVE + <usize>place, <u8>((<i32>alawOfUlaw(place ^ 0x7f) ^ 0x55) - place));
  store<u8>(ALAW_LOWEST_POSITIVE + <usize>place, <u8>((<i32>alawOfUlaw(place ^ 0xff) ^ 0xd5) - place));
}
v128.store(LOW_4_BITS, i8x16.splat(15));
v128.store(MAGNITUDE_BITS, i8x16.splat(0x7f));
v128.store(SIGN_BITS, i8x16.splat(-0x80));
v128.store(EVEN_BITS, i8x16.splat(0x55));

/** `n` octets from mu-law to A-law; may be the same place. */
export function ulawToAlaw(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<u8>(dst + i, alawOfUlaw(load<u8>(src + i)));
    return;
  }
  const low4 = v128.load(LOW_4_BITS);
  const magnitudeBits = v128.load(MAGNITUDE_BITS);
  const signBits = v128.load(SIGN_BITS);
  const evenBits = v128.load(EVEN_BITS);
  const add = v128.load(ALAW_ADD);
  const rise = v128.load(ALAW_RISE);
  const negative = v128.load(ALAW_LOWEST_NEGATIVE);
  const positive = v128.load(ALAW_LOWEST_POSITIVE);
  // The last round may overlap the one before it, and in place its codes would be overwritten by then.
  const last = <usize>(n - ROUND);
  const lastCodes = toAlaw(v128.load(src + last), low4, magnitudeBits, signBits, evenBits, add, rise, negative, positive);
  for (let at: usize = 0; at < last; at += ROUND) {
    const codes = v128.load(src + at);
    v128.store(dst + at, toAlaw(codes, low4, magnitudeBits, signBits, evenBits, add, rise, negative, positive));
  }
  v128.store(dst + last, lastCodes);
}

// @ts-expect-error: decorator
@inline
function toAlaw(
  codes: v128,
  low4: v128,
  magnitudeBits: v128,
  signBits: v128,
  evenBits: v128,
  add: v128,
  rise: v128,
  negative: v128,
  positive: v128,
): v128 {
  // The sign bit, and the magnitude the right way up.
  const code = v128.xor(codes, magnitudeBits);
  const row = v128.and(i16x8.shr_u(code, 4), low4);
  const rising = i8x16.min_u(v128.and(code, low4), i8x16.relaxed_swizzle(rise, row));
  const sum = i8x16.add(i8x16.add(code, i8x16.relaxed_swizzle(add, row)), rising);
  // An index of 16 or more gives 0 here, so that only the lowest rows get something.
  const lowest = i8x16.add(i8x16.swizzle(negative, code), i8x16.swizzle(positive, v128.xor(code, signBits)));
  return v128.xor(i8x16.add(sum, lowest), evenBits);
}

/** `n` octets from A-law to mu-law; may be the same place. */
export function alawToUlaw(src: usize, dst: usize, n: i32): void {
  if (n < ROUND) {
    for (let i: usize = 0; <i32>i < n; i++) store<u8>(dst + i, ulawOfAlaw(load<u8>(src + i)));
    return;
  }
  const low4 = v128.load(LOW_4_BITS);
  const magnitudeBits = v128.load(MAGNITUDE_BITS);
  const evenBits = v128.load(EVEN_BITS);
  const add = v128.load(ULAW_ADD);
  const rise = v128.load(ULAW_RISE);
  const fall = v128.load(ULAW_FALL);
  const last = <usize>(n - ROUND);
  const lastCodes = toUlaw(v128.load(src + last), low4, magnitudeBits, evenBits, add, rise, fall);
  for (let at: usize = 0; at < last; at += ROUND)
    v128.store(dst + at, toUlaw(v128.load(src + at), low4, magnitudeBits, evenBits, add, rise, fall));
  v128.store(dst + last, lastCodes);
}

// @ts-expect-error: decorator
@inline
function toUlaw(
  codes: v128,
  low4: v128,
  magnitudeBits: v128,
  evenBits: v128,
  add: v128,
  rise: v128,
  fall: v128,
): v128 {
  const code = v128.xor(codes, evenBits);
  const row = v128.and(i16x8.shr_u(code, 4), low4);
  const place = v128.and(code, low4);
  const rising = i8x16.min_u(place, i8x16.relaxed_swizzle(rise, row));
  const falling = i8x16.avgr_u(i8x16.sub_sat_u(place, i8x16.relaxed_swizzle(fall, row)), i8x16.splat(0));
  const sum = i8x16.add(i8x16.add(code, i8x16.relaxed_swizzle(add, row)), rising);
  return v128.xor(i8x16.sub(sum, falling), magnitudeBits);
}
