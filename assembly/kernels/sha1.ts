/**
 * SHA-1 (RFC 3174, FIPS 180-4 §6.1). It is here for HMAC alone, where the known collisions do no harm. Branches and
 * addresses depend on lengths only.
 */

/** Octets of a running state: five words, each in the machine's own order. */
export const SHA1_STATE_BYTES: i32 = 20;
/** Octets of a digest. */
export const SHA1_DIGEST_BYTES: i32 = 20;
/** Octets that `sha1Pad` may write behind a message: up to 72 are padding, the rest is haste. */
export const SHA1_PADDING_BYTES_MAX: i32 = 80;

/** The 80 words of the block at hand. */
const SCHEDULE = memory.data(320, 16);
/** Turns the octets of each word around. */
// biome-ignore format: a table
const BIG_ENDIAN = memory.data<u8>([3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12], 16);

/** The state before the first block. */
export function sha1Open(state: usize): void {
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
  store<u32>(state, 0xc3d2e1f0, 16);
}

// @ts-expect-error: decorator
@inline
function rotateWords(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/**
 * Words t to t + 3 from the sixteen before: W(t) = (W(t-3) ^ W(t-8) ^ W(t-14) ^ W(t-16)) rotated by 1. The fourth one
 * needs the first, which is made good at the end.
 */
// @ts-expect-error: decorator
@inline
function extendNear(w16: v128, w12: v128, w8: v128, w4: v128): v128 {
  const zero = i32x4.splat(0);
  const w14 = v128.shuffle<i64>(w16, w12, 1, 2);
  const w3 = v128.shuffle<i32>(w4, zero, 1, 2, 3, 4);
  const x = v128.xor(v128.xor(w16, w14), v128.xor(w8, w3));
  const first = v128.shuffle<i32>(zero, x, 0, 0, 0, 4);
  return v128.xor(rotateWords(x, 1), rotateWords(first, 2));
}

/** Words 0 to 31 of a block. */
// @ts-expect-error: decorator
@inline
function expandFirst(block: usize): void {
  const order = v128.load(BIG_ENDIAN);
  const w0 = i8x16.swizzle(v128.load(block), order);
  const w1 = i8x16.swizzle(v128.load(block, 16), order);
  const w2 = i8x16.swizzle(v128.load(block, 32), order);
  const w3 = i8x16.swizzle(v128.load(block, 48), order);
  const w4 = extendNear(w0, w1, w2, w3);
  const w5 = extendNear(w1, w2, w3, w4);
  const w6 = extendNear(w2, w3, w4, w5);
  const w7 = extendNear(w3, w4, w5, w6);
  v128.store(SCHEDULE, w0);
  v128.store(SCHEDULE, w1, 16);
  v128.store(SCHEDULE, w2, 32);
  v128.store(SCHEDULE, w3, 48);
  v128.store(SCHEDULE, w4, 64);
  v128.store(SCHEDULE, w5, 80);
  v128.store(SCHEDULE, w6, 96);
  v128.store(SCHEDULE, w7, 112);
}

/**
 * Words t to t + 3 from 32 on, by putting the rule into itself: W(t) = (W(t-6) ^ W(t-16) ^ W(t-28) ^ W(t-32)) rotated
 * by 2. Nothing in it is younger than four words.
 * @param w32 where word t - 32 stands
 */
// @ts-expect-error: decorator
@inline
function extendFar(w32: usize): void {
  const w6 = v128.shuffle<i64>(v128.load(w32, 96), v128.load(w32, 112), 1, 2);
  const x = v128.xor(v128.xor(v128.load(w32), v128.load(w32, 16)), v128.xor(v128.load(w32, 64), w6));
  v128.store(w32, rotateWords(x, 2), 128);
}

// @ts-expect-error: decorator
@inline
function choose(b: u32, c: u32, d: u32): u32 {
  return d ^ (b & (c ^ d));
}

// @ts-expect-error: decorator
@inline
function parity(b: u32, c: u32, d: u32): u32 {
  return b ^ c ^ d;
}

// @ts-expect-error: decorator
@inline
function majority(b: u32, c: u32, d: u32): u32 {
  return (b & c) | (d & (b | c));
}

/** Takes `count` blocks of 64 octets into the state. */
export function sha1Compress(state: usize, block: usize, count: i32): void {
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  for (; count > 0; count--, block += 64) {
    expandFirst(block);
    // Five rounds a turn: the words change their parts, and after five each is in its own again. Each turn of the first
    // three stages also makes four words for later, which the processor does beside the rounds.
    let w: usize = SCHEDULE;
    let w32: usize = SCHEDULE;
    for (; w < SCHEDULE + 80; w += 20, w32 += 16) {
      extendFar(w32);
      e = e + load<u32>(w, 0) + 0x5a827999 + choose(b, c, d) + rotl<u32>(a, 5);
      b = rotl<u32>(b, 30);
      d = d + load<u32>(w, 4) + 0x5a827999 + choose(a, b, c) + rotl<u32>(e, 5);
      a = rotl<u32>(a, 30);
      c = c + load<u32>(w, 8) + 0x5a827999 + choose(e, a, b) + rotl<u32>(d, 5);
      e = rotl<u32>(e, 30);
      b = b + load<u32>(w, 12) + 0x5a827999 + choose(d, e, a) + rotl<u32>(c, 5);
      d = rotl<u32>(d, 30);
      a = a + load<u32>(w, 16) + 0x5a827999 + choose(c, d, e) + rotl<u32>(b, 5);
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 160; w += 20, w32 += 16) {
      extendFar(w32);
      e = e + load<u32>(w, 0) + 0x6ed9eba1 + parity(b, c, d) + rotl<u32>(a, 5);
      b = rotl<u32>(b, 30);
      d = d + load<u32>(w, 4) + 0x6ed9eba1 + parity(a, b, c) + rotl<u32>(e, 5);
      a = rotl<u32>(a, 30);
      c = c + load<u32>(w, 8) + 0x6ed9eba1 + parity(e, a, b) + rotl<u32>(d, 5);
      e = rotl<u32>(e, 30);
      b = b + load<u32>(w, 12) + 0x6ed9eba1 + parity(d, e, a) + rotl<u32>(c, 5);
      d = rotl<u32>(d, 30);
      a = a + load<u32>(w, 16) + 0x6ed9eba1 + parity(c, d, e) + rotl<u32>(b, 5);
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 240; w += 20, w32 += 16) {
      extendFar(w32);
      e = e + load<u32>(w, 0) + 0x8f1bbcdc + majority(b, c, d) + rotl<u32>(a, 5);
      b = rotl<u32>(b, 30);
      d = d + load<u32>(w, 4) + 0x8f1bbcdc + majority(a, b, c) + rotl<u32>(e, 5);
      a = rotl<u32>(a, 30);
      c = c + load<u32>(w, 8) + 0x8f1bbcdc + majority(e, a, b) + rotl<u32>(d, 5);
      e = rotl<u32>(e, 30);
      b = b + load<u32>(w, 12) + 0x8f1bbcdc + majority(d, e, a) + rotl<u32>(c, 5);
      d = rotl<u32>(d, 30);
      a = a + load<u32>(w, 16) + 0x8f1bbcdc + majority(c, d, e) + rotl<u32>(b, 5);
      c = rotl<u32>(c, 30);
    }
    for (; w < SCHEDULE + 320; w += 20) {
      e = e + load<u32>(w, 0) + 0xca62c1d6 + parity(b, c, d) + rotl<u32>(a, 5);
      b = rotl<u32>(b, 30);
      d = d + load<u32>(w, 4) + 0xca62c1d6 + parity(a, b, c) + rotl<u32>(e, 5);
      a = rotl<u32>(a, 30);
      c = c + load<u32>(w, 8) + 0xca62c1d6 + parity(e, a, b) + rotl<u32>(d, 5);
      e = rotl<u32>(e, 30);
      b = b + load<u32>(w, 12) + 0xca62c1d6 + parity(d, e, a) + rotl<u32>(c, 5);
      d = rotl<u32>(d, 30);
      a = a + load<u32>(w, 16) + 0xca62c1d6 + parity(c, d, e) + rotl<u32>(b, 5);
      c = rotl<u32>(c, 30);
    }
    a += load<u32>(state);
    b += load<u32>(state, 4);
    c += load<u32>(state, 8);
    d += load<u32>(state, 12);
    e += load<u32>(state, 16);
    store<u32>(state, a);
    store<u32>(state, b, 4);
    store<u32>(state, c, 8);
    store<u32>(state, d, 12);
    store<u32>(state, e, 16);
  }
}

/**
 * Writes the padding behind a message, in place, up to SHA1_PADDING_BYTES_MAX octets.
 * @param before octets that were hashed before this message, whole blocks
 * @returns blocks of message and padding
 */
export function sha1Pad(message: usize, length: i32, before: i32): i32 {
  const blocks = (length + 72) >>> 6;
  const end = message + (<usize>blocks << 6);
  for (let at: usize = 0; at < 80; at += 16) v128.store(message + length + at, i32x4.splat(0));
  store<u8>(message + length, 0x80);
  store<u64>(end - 8, bswap<u64>((<u64>(before + length)) << 3));
  return blocks;
}

/** Forgets the words of the last block. */
export function wipeSha1(): void {
  memory.fill(SCHEDULE, 0, 320);
}

/** Writes a state as the 20 octets of a digest. */
export function sha1Digest(state: usize, digest: usize): void {
  for (let word: usize = 0; word < 20; word += 4) store<u32>(digest + word, bswap<u32>(load<u32>(state + word)));
}

/** The digest of a message, which must have SHA1_PADDING_BYTES_MAX octets to spare behind it. */
export function sha1(message: usize, length: i32, digest: usize): void {
  sha1Open(digest);
  sha1Compress(digest, message, sha1Pad(message, length, 0));
  sha1Digest(digest, digest);
}
