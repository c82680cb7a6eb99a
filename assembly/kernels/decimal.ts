/** Unsigned numbers as decimal text: eight digits at once in the octets of one 64-bit word, without a loop. */

const ZEROS: u64 = 0x3030303030303030;
const EIGHT_DIGITS: u32 = 100_000_000;

/** The eight digits of a number below 100,000,000, leading zeros included; the first lies in the lowest octet. */
// @ts-expect-error: decorator
@inline
function digitsOf(value: u32): u64 {
  const upper = value / 10_000;
  // Halves of four digits in 32 bits each, then pairs in 16, then digits in 8. The factors are 1/100 and 1/10, rounded up.
  const halves = <u64>upper | (<u64>(value - upper * 10_000) << 32);
  const hundreds = ((halves * 10_486) >> 20) & 0x0000007f0000007f;
  const pairs = hundreds + ((halves - hundreds * 100) << 16);
  const tens = ((pairs * 103) >> 10) & 0x000f000f000f000f;
  return tens + ((pairs - tens * 10) << 8);
}

/**
 * Writes `value` without leading zeros at `dst`, under `mask`: octets of a WebSocket mask in the order that holds there,
 * repeated; 0 for plain text. Up to 16 octets are written.
 * @returns how many digits
 */
// @ts-expect-error: decorator
@inline
export function writeDecimal(dst: usize, value: u32, mask: u32): i32 {
  return value < EIGHT_DIGITS ? writeShort(dst, value, mask) : writeLong(dst, value, mask);
}

// @ts-expect-error: decorator
@inline
function repeated(mask: u32): u64 {
  return <u64>mask | (<u64>mask << 32);
}

// @ts-expect-error: decorator
@inline
function writeShort(dst: usize, value: u32, mask: u32): i32 {
  const digits = digitsOf(value);
  // Leading zeros are the lowest octets; the last digit stays even if it is 0.
  const skip = ctz(digits | (1 << 56)) & 56;
  store<u64>(dst, ((digits | ZEROS) >> skip) ^ repeated(mask));
  return 8 - (<i32>skip >> 3);
}

function writeLong(dst: usize, value: u32, mask: u32): i32 {
  const upper = value / EIGHT_DIGITS;
  const count = writeShort(dst, upper, mask);
  const lower = digitsOf(value - upper * EIGHT_DIGITS) | ZEROS;
  store<u64>(dst + <usize>count, lower ^ repeated(rotr<u32>(mask, <u32>count << 3)));
  return count + 8;
}
