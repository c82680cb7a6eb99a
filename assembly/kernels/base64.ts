/** base64 (RFC 4648 §4), both ways. Decoding takes the URL-safe alphabet and missing padding too, and validates all else. */

import { STATUS_MALFORMED } from "../abi";

const ALPHABET = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 97, 98, 99,
  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 48,
  49, 50, 51, 52, 53, 54, 55, 56, 57, 43, 47,
]);
/** Character → value, 0x80 for what is no base64. */
const VALUES = memory.data(256, 16);
const PAD: u8 = 61;

memory.fill(VALUES, 0x80, 256);
for (let value: i32 = 0; value < 64; value++) store<u8>(VALUES + <usize>load<u8>(ALPHABET + <usize>value), <u8>value);
store<u8>(VALUES + 45, 62);
store<u8>(VALUES + 95, 63);

/** Characters of `n` octets, padding included. */
export function base64Length(n: i32): i32 {
  return ((n + 2) / 3) << 2;
}

/** Writes the padded text of `n` octets; returns how many characters. */
export function base64Encode(src: usize, n: i32, dst: usize): i32 {
  const end = src + <usize>n;
  let at = dst;
  for (; src + 3 <= end; src += 3, at += 4) {
    const group = ((<u32>load<u8>(src)) << 16) | ((<u32>load<u8>(src + 1)) << 8) | <u32>load<u8>(src + 2);
    const text =
      <u32>load<u8>(ALPHABET + (group >> 18)) |
      ((<u32>load<u8>(ALPHABET + ((group >> 12) & 63))) << 8) |
      ((<u32>load<u8>(ALPHABET + ((group >> 6) & 63))) << 16) |
      ((<u32>load<u8>(ALPHABET + (group & 63))) << 24);
    store<u32>(at, text);
  }
  const rest = <i32>(end - src);
  if (rest > 0) {
    const second: u32 = rest === 2 ? <u32>load<u8>(src + 1) : 0;
    const group = ((<u32>load<u8>(src)) << 16) | (second << 8);
    store<u8>(at, load<u8>(ALPHABET + (group >> 18)));
    store<u8>(at + 1, load<u8>(ALPHABET + ((group >> 12) & 63)));
    store<u8>(at + 2, rest === 2 ? load<u8>(ALPHABET + ((group >> 6) & 63)) : PAD);
    store<u8>(at + 3, PAD);
    at += 4;
  }
  return <i32>(at - dst);
}

/** Reads `n` characters; returns how many octets, or STATUS_MALFORMED. `dst` needs 3 octets for every 4 characters begun. */
export function base64Decode(src: usize, n: i32, dst: usize): i32 {
  if (n > 0 && load<u8>(src + <usize>(n - 1)) === PAD) {
    // Padding has to fill the last group: that is what makes it padding.
    if ((n & 3) !== 0) return STATUS_MALFORMED;
    n--;
    if (load<u8>(src + <usize>(n - 1)) === PAD) n--;
  }
  if ((n & 3) === 1) return STATUS_MALFORMED;
  const groups = n >> 2;
  let at = dst;
  let bad: u32 = 0;
  for (let i: i32 = 0; i < groups; i++, src += 4, at += 3) {
    const a = <u32>load<u8>(VALUES + <usize>load<u8>(src));
    const b = <u32>load<u8>(VALUES + <usize>load<u8>(src + 1));
    const c = <u32>load<u8>(VALUES + <usize>load<u8>(src + 2));
    const d = <u32>load<u8>(VALUES + <usize>load<u8>(src + 3));
    bad |= a | b | c | d;
    const group = (a << 18) | (b << 12) | (c << 6) | d;
    store<u8>(at, <u8>(group >> 16));
    store<u8>(at + 1, <u8>(group >> 8));
    store<u8>(at + 2, <u8>group);
  }
  const rest = n & 3;
  if (rest > 0) {
    const a = <u32>load<u8>(VALUES + <usize>load<u8>(src));
    const b = <u32>load<u8>(VALUES + <usize>load<u8>(src + 1));
    const c: u32 = rest === 3 ? <u32>load<u8>(VALUES + <usize>load<u8>(src + 2)) : 0;
    bad |= a | b | c;
    store<u8>(at, <u8>((a << 2) | (b >> 4)));
    at++;
    if (rest === 3) {
      store<u8>(at, <u8>((b << 4) | (c >> 2)));
      at++;
    }
  }
  return (bad & 0x80) !== 0 ? STATUS_MALFORMED : <i32>(at - dst);
}
