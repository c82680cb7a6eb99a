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

/** The message schedule of the block at hand. */
const SCHEDULE = memory.data(320, 16);

/** The state before the first block. */
export function sha1Open(state: usize): void {
  store<u32>(state, 0x67452301);
  store<u32>(state, 0xefcdab89, 4);
  store<u32>(state, 0x98badcfe, 8);
  store<u32>(state, 0x10325476, 12);
  store<u32>(state, 0xc3d2e1f0, 16);
}

/** Takes `count` blocks of 64 octets into the state. */
export function sha1Compress(state: usize, block: usize, count: i32): void {
  for (; count > 0; count--, block += 64) {
    for (let t: usize = 0; t < 64; t += 4) store<u32>(SCHEDULE + t, bswap<u32>(load<u32>(block + t)));
    for (let t: usize = SCHEDULE + 64; t < SCHEDULE + 320; t += 4) {
      store<u32>(t, rotl<u32>(load<u32>(t - 12) ^ load<u32>(t - 32) ^ load<u32>(t - 56) ^ load<u32>(t - 64), 1));
    }
    let a = load<u32>(state);
    let b = load<u32>(state, 4);
    let c = load<u32>(state, 8);
    let d = load<u32>(state, 12);
    let e = load<u32>(state, 16);
    for (let t: usize = 0; t < 320; t += 4) {
      let f: u32;
      let k: u32;
      if (t < 80) {
        f = d ^ (b & (c ^ d));
        k = 0x5a827999;
      } else if (t < 160) {
        f = b ^ c ^ d;
        k = 0x6ed9eba1;
      } else if (t < 240) {
        f = (b & c) | (d & (b | c));
        k = 0x8f1bbcdc;
      } else {
        f = b ^ c ^ d;
        k = 0xca62c1d6;
      }
      const next = rotl<u32>(a, 5) + f + e + k + load<u32>(SCHEDULE + t);
      e = d;
      d = c;
      c = rotl<u32>(b, 30);
      b = a;
      a = next;
    }
    store<u32>(state, load<u32>(state) + a);
    store<u32>(state, load<u32>(state, 4) + b, 4);
    store<u32>(state, load<u32>(state, 8) + c, 8);
    store<u32>(state, load<u32>(state, 12) + d, 12);
    store<u32>(state, load<u32>(state, 16) + e, 16);
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
