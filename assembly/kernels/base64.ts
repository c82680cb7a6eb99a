/**
 * base64 (RFC 4648 §4), both ways, blocks of any length; nothing outside a block is read or written. Encoding takes 12
 * octets a round, decoding 16 characters, each checked. Decoding takes the URL-safe alphabet and missing padding too.
 */

import { STATUS_MALFORMED, STATUS_TOO_LONG } from "../abi";

const ALPHABET = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 97, 98, 99,
  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 48,
  49, 50, 51, 52, 53, 54, 55, 56, 57, 43, 47,
]);
/** Character → value, 0x80 for what is no base64. */
const VALUES = memory.data(256, 16);
const PAD: u8 = 61;
const SLASH: u8 = 47;
const BACKSLASH: u8 = 92;
/** What one round loads. */
const LANES: usize = 16;

memory.fill(VALUES, 0x80, 256);
for (let value: i32 = 0; value < 64; value++) store<u8>(VALUES + <usize>load<u8>(ALPHABET + <usize>value), <u8>value);
store<u8>(VALUES + 45, 62);
store<u8>(VALUES + 95, 63);

/** Three octets a, b, c of each group as b a c b: two 16-bit lanes that hold two characters each. */
const SPREAD = memory.data<u8>([1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10], 16);
/** Bits of the first and third character, and how far they go down: by 10 and by 6, as factors of 2^15. */
const OUTER_BITS = memory.data<u32>([0x0fc0fc00, 0x0fc0fc00, 0x0fc0fc00, 0x0fc0fc00], 16);
const OUTER_FACTOR = memory.data<i16>([32, 512, 32, 512, 32, 512, 32, 512], 16);
/** Bits of the second and fourth, and how far they go up: by 4 and by 8. */
const INNER_BITS = memory.data<u32>([0x003f03f0, 0x003f03f0, 0x003f03f0, 0x003f03f0], 16);
const INNER_FACTOR = memory.data<i16>([16, 256, 16, 256, 16, 256, 16, 256], 16);
const SIX_BITS = memory.data<u32>([0x003f003f, 0x003f003f, 0x003f003f, 0x003f003f], 16);
/** From value to character: small letters, ten digits, plus, slash; capitals have number 13. */
const OFFSETS = memory.data<i8>([71, -4, -4, -4, -4, -4, -4, -4, -4, -4, -4, -19, -16, 65, 0, 0], 16);
const CAPITALS: i8 = 13;

/** A character is base64 when the entries for its lower and its upper four bits have no bit in common. */
const LOWER = memory.data<u8>([21, 17, 17, 17, 17, 17, 17, 17, 17, 17, 19, 26, 27, 27, 27, 26], 16);
const UPPER = memory.data<u8>([16, 16, 1, 2, 4, 8, 4, 8, 16, 16, 16, 16, 16, 16, 16, 16], 16);
/** From character to value by the upper four bits; slash goes by entry 1. */
const BACK = memory.data<i8>([0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0], 16);
/** Joins two six-bit values, then two of twelve bits; then the octets of each group of 24 bits in order. */
const JOIN_SIX = memory.data<i8>([64, 1, 64, 1, 64, 1, 64, 1, 64, 1, 64, 1, 64, 1, 64, 1], 16);
const JOIN_TWELVE = memory.data<i16>([4096, 1, 4096, 1, 4096, 1, 4096, 1], 16);
const GATHER = memory.data<i8>([2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1], 16);
const LOW_4_BITS = memory.data(16, 16);
const SLASHES = memory.data(16, 16);
const FIFTY_ONE = memory.data(16, 16);
const TWENTY_SIX = memory.data(16, 16);
const THIRTEEN = memory.data(16, 16);

v128.store(LOW_4_BITS, i8x16.splat(15));
v128.store(SLASHES, i8x16.splat(<i8>SLASH));
v128.store(FIFTY_ONE, i8x16.splat(51));
v128.store(TWENTY_SIX, i8x16.splat(26));
v128.store(THIRTEEN, i8x16.splat(CAPITALS));

/** Characters of `n` octets, padding included. */
export function base64Length(n: i32): i32 {
  return ((n + 2) / 3) << 2;
}

/** Writes the padded text of `n` octets; returns how many characters. */
export function base64Encode(src: usize, n: i32, dst: usize): i32 {
  return base64EncodeMasked(src, n, dst, 0);
}

/** The same under a WebSocket mask: `mask` is its four octets in the order that holds at `dst`. */
export function base64EncodeMasked(src: usize, n: i32, dst: usize, mask: u32): i32 {
  const end = src + <usize>max<i32>(n, 0);
  let at = dst;
  if (src + LANES <= end) {
    const masks = i32x4.splat(<i32>mask);
    const spread = v128.load(SPREAD);
    const outerBits = v128.load(OUTER_BITS);
    const outerFactor = v128.load(OUTER_FACTOR);
    const innerBits = v128.load(INNER_BITS);
    const innerFactor = v128.load(INNER_FACTOR);
    const sixBits = v128.load(SIX_BITS);
    const fiftyOne = v128.load(FIFTY_ONE);
    const twentySix = v128.load(TWENTY_SIX);
    const thirteen = v128.load(THIRTEEN);
    const offsets = v128.load(OFFSETS);
    do {
      const octets = i8x16.relaxed_swizzle(v128.load(src), spread);
      // The topmost bit makes the lane negative; what that brings in lies above the six bits.
      const outer = i16x8.relaxed_q15mulr_s(v128.and(octets, outerBits), outerFactor);
      const inner = i16x8.mul(v128.and(octets, innerBits), innerFactor);
      const values = v128.or(v128.and(outer, sixBits), inner);
      const kind = v128.or(
        i8x16.sub_sat_u(values, fiftyOne),
        v128.and(i8x16.gt_s(twentySix, values), thirteen),
      );
      v128.store(at, v128.xor(i8x16.add(values, i8x16.relaxed_swizzle(offsets, kind)), masks));
      src += 12;
      at += 16;
    } while (src + LANES <= end);
  }
  for (; src + 3 <= end; src += 3, at += 4) {
    const group = ((<u32>load<u8>(src)) << 16) | ((<u32>load<u8>(src + 1)) << 8) | <u32>load<u8>(src + 2);
    store<u32>(at, characters(group) ^ mask);
  }
  const rest = <i32>(end - src);
  if (rest > 0) {
    const second: u32 = rest === 2 ? <u32>load<u8>(src + 1) : 0;
    const text = characters(((<u32>load<u8>(src)) << 16) | (second << 8));
    const padded = rest === 2 ? (text & 0x00ffffff) | (<u32>PAD << 24) : (text & 0x0000ffff) | (<u32>PAD << 16) | (<u32>PAD << 24);
    store<u32>(at, padded ^ mask);
    at += 4;
  }
  return <i32>(at - dst);
}

// @ts-expect-error: decorator
@inline
function characters(group: u32): u32 {
  return (
    <u32>load<u8>(ALPHABET + (group >> 18)) |
    ((<u32>load<u8>(ALPHABET + ((group >> 12) & 63))) << 8) |
    ((<u32>load<u8>(ALPHABET + ((group >> 6) & 63))) << 16) |
    ((<u32>load<u8>(ALPHABET + (group & 63))) << 24)
  );
}

const NO_GROUP: u32 = 0xffffffff;

/** The 24 bits of four characters, or NO_GROUP. */
// @ts-expect-error: decorator
@inline
function groupAt(at: usize): u32 {
  const first = <u32>load<u8>(VALUES + <usize>load<u8>(at));
  const second = <u32>load<u8>(VALUES + <usize>load<u8>(at + 1));
  const third = <u32>load<u8>(VALUES + <usize>load<u8>(at + 2));
  const fourth = <u32>load<u8>(VALUES + <usize>load<u8>(at + 3));
  return (first | second | third | fourth) > 63 ? NO_GROUP : (first << 18) | (second << 12) | (third << 6) | fourth;
}

/** Reads `n` characters; returns how many octets, or STATUS_MALFORMED. `dst` needs 3 octets for every 4 characters begun. */
export function base64Decode(src: usize, n: i32, dst: usize): i32 {
  const end = src + <usize>max<i32>(n, 0);
  let digits = n;
  while (digits > 0 && n - digits < 2 && load<u8>(src + <usize>(digits - 1)) === PAD) digits--;
  const octets = base64Read(src, end, dst, dst + <usize>((max<i32>(digits, 0) * 3) >> 2), false);
  if (octets < 0 || base64Stop !== end) return STATUS_MALFORMED;
  return octets;
}

/** Where `base64Read` stopped: behind the last character and its padding. */
export let base64Stop: usize = 0;

/**
 * Reads characters from `at` on until one that is no base64, or `end`. `isJson` lets the solidus stand as `\/` too, as
 * some JSON writers put it (RFC 8259 §7).
 * @returns octets written; STATUS_MALFORMED for a lonely character or wrong padding, STATUS_TOO_LONG beyond `dstEnd`
 */
export function base64Read(at: usize, end: usize, dst: usize, dstEnd: usize, isJson: bool): i32 {
  const low4 = v128.load(LOW_4_BITS);
  const lower = v128.load(LOWER);
  const upper = v128.load(UPPER);
  const back = v128.load(BACK);
  const slashes = v128.load(SLASHES);
  const joinSix = v128.load(JOIN_SIX);
  const joinTwelve = v128.load(JOIN_TWELVE);
  const gather = v128.load(GATHER);
  let to = dst;
  let bits: u32 = 0;
  let count: i32 = 0;
  while (true) {
    // Sixteen octets are stored, twelve of them good.
    while (at + LANES <= end && to + LANES <= dstEnd) {
      const text = v128.load(at);
      const high = v128.and(i16x8.shr_u(text, 4), low4);
      const wrong = v128.and(
        i8x16.relaxed_swizzle(lower, v128.and(text, low4)),
        i8x16.relaxed_swizzle(upper, high),
      );
      if (v128.any_true(wrong)) break;
      const values = i8x16.add(text, i8x16.relaxed_swizzle(back, i8x16.add(high, i8x16.eq(text, slashes))));
      const groups = i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(joinSix, values), joinTwelve);
      v128.store(to, i8x16.relaxed_swizzle(groups, gather));
      at += 16;
      to += 12;
    }
    // One group by itself: what is left at the end, or the URL-safe alphabet.
    bits = at + 4 <= end ? groupAt(at) : NO_GROUP;
    if (bits != NO_GROUP) at += 4;
    else {
      // Character by character: an escape, or the end.
      bits = 0;
      count = 0;
      while (count < 4 && at < end) {
        let character = load<u8>(at);
        let width: usize = 1;
        if (isJson && character === BACKSLASH && at + 1 < end && load<u8>(at + 1) === SLASH) {
          character = SLASH;
          width = 2;
        }
        const value = <u32>load<u8>(VALUES + <usize>character);
        if (value > 63) break;
        bits = (bits << 6) | value;
        count++;
        at += width;
      }
      if (count < 4) break;
    }
    if (to + 3 > dstEnd) return STATUS_TOO_LONG;
    store<u8>(to, <u8>(bits >> 16));
    store<u8>(to + 1, <u8>(bits >> 8));
    store<u8>(to + 2, <u8>bits);
    to += 3;
  }
  if (count === 1) return STATUS_MALFORMED;
  // Padding has to fill the last group: that is what makes it padding.
  if (at < end && load<u8>(at) === PAD) {
    if (count === 0) return STATUS_MALFORMED;
    if (count === 2 && (at + 1 >= end || load<u8>(at + 1) !== PAD)) return STATUS_MALFORMED;
    at += <usize>(4 - count);
  }
  if (count > 1) {
    if (to + <usize>(count - 1) > dstEnd) return STATUS_TOO_LONG;
    bits <<= <u32>(24 - 6 * count);
    store<u8>(to, <u8>(bits >> 16));
    if (count === 3) store<u8>(to + 1, <u8>(bits >> 8));
    to += <usize>(count - 1);
  }
  base64Stop = at;
  return <i32>(to - dst);
}
