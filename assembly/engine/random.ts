/** Takes from the supply of random octets that the other side keeps full. What was taken is zeroed and never reused. */

import { STATE_RANDOM_USED } from "../abi";
import { RANDOM, RANDOM_BYTES, STATE } from "../memory";

/** Octets that are left. Frames stop before the supply does; opening a leg takes 32. */
export function randomLeft(): i32 {
  return RANDOM_BYTES - load<i32>(STATE + STATE_RANDOM_USED);
}

/** 32 unpredictable bits. The owner sees to it that there are some (`randomLeft`). */
export function takeRandom(): u32 {
  const used = load<i32>(STATE + STATE_RANDOM_USED);
  // Out of supply is a fault of the owner; a trap is better than a number that somebody can guess.
  if (used + 4 > RANDOM_BYTES) unreachable();
  const at = RANDOM + used;
  const value = load<u32>(at);
  store<u32>(at, 0);
  store<i32>(STATE + STATE_RANDOM_USED, used + 4);
  return value;
}

/** A number from 0 up to, not including, 1. */
export function takeRandomFraction(): f64 {
  return <f64>takeRandom() / 4294967296.0;
}
