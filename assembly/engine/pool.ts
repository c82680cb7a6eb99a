/**
 * Numbers of slots that are free, given out and taken back in constant time. The number given back last is given out
 * first, so that memory which was never used stays untouched.
 */

@unmanaged
export class Pool {
  /** Slots there are. */
  count: i32;
  /** Slots that were ever given out: 0 to `fresh` - 1. */
  fresh: i32;
  /** The slot that came back last plus 1, or 0. */
  returned: i32;
  /** Slots in use. */
  used: i32;
}

/** Octets of a pool in front of its links, which take four for each slot. */
export const POOL_BYTES: i32 = <i32>offsetof<Pool>();

// @ts-expect-error: decorator
@inline
function link(pool: Pool, slot: i32): usize {
  return changetype<usize>(pool) + <usize>POOL_BYTES + <usize>(slot << 2);
}

/** All slots are free. */
export function poolOpen(place: usize, count: i32): void {
  const pool = changetype<Pool>(place);
  pool.count = count;
  pool.fresh = 0;
  pool.returned = 0;
  pool.used = 0;
}

/** @returns a slot that is free, or -1 */
export function poolTake(pool: Pool): i32 {
  let slot = pool.returned - 1;
  if (slot >= 0) pool.returned = load<i32>(link(pool, slot));
  else if (pool.fresh < pool.count) slot = pool.fresh++;
  else return -1;
  pool.used++;
  return slot;
}

/** Gives back a slot that was taken. */
export function poolGive(pool: Pool, slot: i32): void {
  store<i32>(link(pool, slot), pool.returned);
  pool.returned = slot + 1;
  pool.used--;
}
