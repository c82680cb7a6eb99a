/**
 * SHA-1 (RFC 3174) of four messages at once, a message in each 32-bit lane. What a lane does never depends on another
 * lane, nor on what any message says.
 */

/** Octets of four running states: five vectors, a word of each state in each. */
export const LANE_STATE_BYTES: i32 = 80;
/** Octets of the words of a block of four messages, with room for the 80 words they are extended to. */
export const LANE_WORDS_BYTES: i32 = 1280;

/** Turns the octets of each word around. */
// biome-ignore format: a table
const BIG_ENDIAN = memory.data<u8>([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12], 16);

/**
 * The four constants of the rounds, four times each. In memory, and loaded in every round: a constant in the code would be
 * put together anew every time, with two instructions where one addition is what the round needs it for.
 */
// biome-ignore format: a table
const ROUND_CONSTANTS = memory.data<u32>([
  0x5a827999, 0x5a827999, 0x5a827999, 0x5a827999,
  0x6ed9eba1, 0x6ed9eba1, 0x6ed9eba1, 0x6ed9eba1,
  0x8f1bbcdc, 0x8f1bbcdc, 0x8f1bbcdc, 0x8f1bbcdc,
  0xca62c1d6, 0xca62c1d6, 0xca62c1d6, 0xca62c1d6,
], 16);

// @ts-expect-error: decorator
@inline
function rotate(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** Four words of each of four messages become four vectors, word by word. */
// @ts-expect-error: decorator
@inline
function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, to: usize): void {
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5);
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5);
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7);
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
  v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3), 16);
  v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2), 32);
  v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3), 48);
}

/** Brings four running states into lanes. */
export function loadLaneStates(to: usize, s0: usize, s1: usize, s2: usize, s3: usize): void {
  storeTransposed(v128.load(s0), v128.load(s1), v128.load(s2), v128.load(s3), to);
  store<u32>(to, load<u32>(s0, 16), 64);
  store<u32>(to, load<u32>(s1, 16), 68);
  store<u32>(to, load<u32>(s2, 16), 72);
  store<u32>(to, load<u32>(s3, 16), 76);
}

/** Brings 64 octets of each of four messages into lanes. */
export function loadLaneWords(words: usize, p0: usize, p1: usize, p2: usize, p3: usize): void {
  const order = v128.load(BIG_ENDIAN);
  for (let at: usize = 0; at < 64; at += 16) {
    storeTransposed(
      i8x16.swizzle(v128.load(p0 + at), order),
      i8x16.swizzle(v128.load(p1 + at), order),
      i8x16.swizzle(v128.load(p2 + at), order),
      i8x16.swizzle(v128.load(p3 + at), order),
      words + (at << 2),
    );
  }
}

/** Word t of the block; on the way, word t + 16 is made of it. */
// @ts-expect-error: decorator
@inline
function extend(w: usize, t: usize): v128 {
  const word = v128.load(w + t);
  const x = v128.xor(v128.xor(word, v128.load(w + t, 32)), v128.xor(v128.load(w + t, 128), v128.load(w + t, 208)));
  v128.store(w + t, v128.or(i32x4.add(x, x), i32x4.shr_u(x, 31)), 256);
  return word;
}

/** One round: the new value of the word that was e. */
// @ts-expect-error: decorator
@inline
function mix(a: v128, f: v128, e: v128, k: v128, word: v128): v128 {
  return i32x4.add(i32x4.add(i32x4.add(e, word), i32x4.add(f, k)), rotate(a, 5));
}

// @ts-expect-error: decorator
@inline
function choose(b: v128, c: v128, d: v128): v128 {
  return v128.xor(d, v128.and(b, v128.xor(c, d)));
}

// @ts-expect-error: decorator
@inline
function parity(b: v128, c: v128, d: v128): v128 {
  return v128.xor(v128.xor(b, c), d);
}

// @ts-expect-error: decorator
@inline
function majority(b: v128, c: v128, d: v128): v128 {
  return v128.or(v128.and(b, c), v128.and(d, v128.or(b, c)));
}

/**
 * Takes a block of each message into the states.
 * @param words LANE_WORDS_BYTES, the block in the first 256; the rest is scratch
 * @param active where a vector stands with all ones in the lanes that have this block, zeros in those whose message has
 * ended
 */
export function sha1CompressLanes(state: usize, words: usize, active: usize): void {
  let a = v128.load(state);
  let b = v128.load(state, 16);
  let c = v128.load(state, 32);
  let d = v128.load(state, 48);
  let e = v128.load(state, 64);
  // Five rounds a turn: the words change their parts, and after five each is in its own again.
  let w = words;
  for (; w < words + 320; w += 80) {
    e = mix(a, choose(b, c, d), e, v128.load(ROUND_CONSTANTS), extend(w, 0));
    b = rotate(b, 30);
    d = mix(e, choose(a, b, c), d, v128.load(ROUND_CONSTANTS), extend(w, 16));
    a = rotate(a, 30);
    c = mix(d, choose(e, a, b), c, v128.load(ROUND_CONSTANTS), extend(w, 32));
    e = rotate(e, 30);
    b = mix(c, choose(d, e, a), b, v128.load(ROUND_CONSTANTS), extend(w, 48));
    d = rotate(d, 30);
    a = mix(b, choose(c, d, e), a, v128.load(ROUND_CONSTANTS), extend(w, 64));
    c = rotate(c, 30);
  }
  for (; w < words + 640; w += 80) {
    e = mix(a, parity(b, c, d), e, v128.load(ROUND_CONSTANTS, 16), extend(w, 0));
    b = rotate(b, 30);
    d = mix(e, parity(a, b, c), d, v128.load(ROUND_CONSTANTS, 16), extend(w, 16));
    a = rotate(a, 30);
    c = mix(d, parity(e, a, b), c, v128.load(ROUND_CONSTANTS, 16), extend(w, 32));
    e = rotate(e, 30);
    b = mix(c, parity(d, e, a), b, v128.load(ROUND_CONSTANTS, 16), extend(w, 48));
    d = rotate(d, 30);
    a = mix(b, parity(c, d, e), a, v128.load(ROUND_CONSTANTS, 16), extend(w, 64));
    c = rotate(c, 30);
  }
  for (; w < words + 960; w += 80) {
    e = mix(a, majority(b, c, d), e, v128.load(ROUND_CONSTANTS, 32), extend(w, 0));
    b = rotate(b, 30);
    d = mix(e, majority(a, b, c), d, v128.load(ROUND_CONSTANTS, 32), extend(w, 16));
    a = rotate(a, 30);
    c = mix(d, majority(e, a, b), c, v128.load(ROUND_CONSTANTS, 32), extend(w, 32));
    e = rotate(e, 30);
    b = mix(c, majority(d, e, a), b, v128.load(ROUND_CONSTANTS, 32), extend(w, 48));
    d = rotate(d, 30);
    a = mix(b, majority(c, d, e), a, v128.load(ROUND_CONSTANTS, 32), extend(w, 64));
    c = rotate(c, 30);
  }
  for (let t: usize = 960; t < 1024; t += 16) extend(words, t);
  for (; w < words + 1280; w += 80) {
    e = mix(a, parity(b, c, d), e, v128.load(ROUND_CONSTANTS, 48), v128.load(w, 0));
    b = rotate(b, 30);
    d = mix(e, parity(a, b, c), d, v128.load(ROUND_CONSTANTS, 48), v128.load(w, 16));
    a = rotate(a, 30);
    c = mix(d, parity(e, a, b), c, v128.load(ROUND_CONSTANTS, 48), v128.load(w, 32));
    e = rotate(e, 30);
    b = mix(c, parity(d, e, a), b, v128.load(ROUND_CONSTANTS, 48), v128.load(w, 48));
    d = rotate(d, 30);
    a = mix(b, parity(c, d, e), a, v128.load(ROUND_CONSTANTS, 48), v128.load(w, 64));
    c = rotate(c, 30);
  }
  const mask = v128.load(active);
  v128.store(state, i32x4.add(v128.load(state), v128.and(a, mask)));
  v128.store(state, i32x4.add(v128.load(state, 16), v128.and(b, mask)), 16);
  v128.store(state, i32x4.add(v128.load(state, 32), v128.and(c, mask)), 32);
  v128.store(state, i32x4.add(v128.load(state, 48), v128.and(d, mask)), 48);
  v128.store(state, i32x4.add(v128.load(state, 64), v128.and(e, mask)), 64);
}
