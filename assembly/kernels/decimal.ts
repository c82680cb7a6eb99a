/** Unsigned numbers as decimal text. */

/** Writes `value` without leading zeros at `dst` (up to 10 octets); returns how many digits. */
export function writeDecimal(dst: usize, value: u32): i32 {
  let digits: i32 = 1;
  for (let rest = value / 10; rest !== 0; rest /= 10) digits++;
  for (let at = dst + <usize>digits - 1; at >= dst; at--) {
    store<u8>(at, <u8>(48 + (value % 10)));
    value /= 10;
  }
  return digits;
}
