/**
 * Groups whose packets share every pass evenly: all eight lanes for one packet, four each for two, two each for four.
 * Packets of one length, which is what telephony sends, fill the passes to the last lane this way. Two things become
 * cheaper than with lanes shared out as they come (aes-cm.ts):
 *
 * 1. The lanes belong to the same packets in every pass, so keys are spread over them once a group.
 *
 * 2. Round 1 is done once for all passes (the idea is Bernstein's and Schwabe's). The blocks of a packet differ in their
 *    counter, one octet of sixteen. ShiftRows and MixColumns are linear: write x for that octet and S for the S-box, then
 *    round 1 of any pass is round 1 of the first pass plus MixColumns of a column with one octet in it,
 *
 *        d = S(x + counter) - S(x + counter in the first pass),
 *
 *    that is d, d, 3d and 2d in the four rows of a column. All d of all passes, sixteen at most, are the sixteen octets of
 *    one state, so a single S-box circuit gives them all. Two circuits stand in for one in every pass.
 */
import { MEMBERS, NIBBLES, permute, spreadKeys } from "./aes-sliced-keys";
import { runSpread, STATE, substituteState } from "./aes-sliced";

/** As many passes as a state has octets. */
export const EVEN_PASSES_MAX: i32 = 16;
/** With fewer passes it is quicker to do round 1 in each of them. */
const SHARED_PASSES_MIN: i32 = 3;

/** Round 1 of the first pass. */
const FIRST_ROUND = memory.data(128, 16);
/** d of pass n in octet n, and 2d. */
const CHANGE = memory.data(128, 16);
const TWICE = memory.data(128, 16);

/** Bits 0, 1 and 2 of a lane's number, lane by lane. */
const LANE_BITS = memory.data<u8>([0xaa, 0xcc, 0xf0], 1);

/** Alone: octet 15, the counter's place in the order of aes-sliced.ts. */
// biome-ignore format: a table
const AT_COUNTER = memory.data<u8>([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff], 16);

/** Where MixColumns of round 1 brings the counter's octet: one and three times it to rows 0 to 2, … */
// biome-ignore format: a table
const CHANGE_TO = memory.data<u8>([
  0x00, 0x80, 0x80, 0x80, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x80,
], 16);
/** … and twice (in row 2 on top of once) to rows 2 and 3. */
// biome-ignore format: a table
const TWICE_TO = memory.data<u8>([
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x80, 0x80, 0x80, 0x80, 0x00,
], 16);

/** Lanes of packet 0 in the lowest octet, of packet 1 in the next, …; by how many lanes each has. */
// @ts-expect-error: decorator
@inline
function ownersOf(lanesEach: i32): u32 {
  return lanesEach == 2 ? 0xc0300c03 : 0xf00f;
}

/** Bit k of the counters of the first pass: lane n of a packet has block n. */
// @ts-expect-error: decorator
@inline
function laneCounter(lanesEach: i32, k: i32): v128 {
  return 1 << k < lanesEach ? i8x16.splat(<i8>load<u8>(LANE_BITS + <usize>k)) : i64x2.splat(0);
}

/**
 * Begins a group: `openPasses` or `openPassesOfOne` has been called.
 * @param lanesEach 8, 4 or 2
 * @param passes 1 to EVEN_PASSES_MAX
 */
export function openEven(lanesEach: i32, passes: i32): void {
  if (lanesEach < 8) spreadKeys(ownersOf(lanesEach));
  if (passes < SHARED_PASSES_MIN) return;
  firstState(lanesEach, 0);
  runSpread(1, 1);
  const everywhere = i8x16.splat(15);
  const passBit = firstPassBit(lanesEach);
  for (let k = 0; k < 8; k++) {
    const at = <usize>k << 4;
    v128.store(FIRST_ROUND + at, v128.load(STATE + at));
    let x = v128.xor(permute(v128.load(NIBBLES + at), everywhere), laneCounter(lanesEach, k));
    // Octet n of row i of MEMBERS is bit i of n: the number of the pass, which counts in steps of lanesEach.
    if (k >= passBit && k < passBit + 4) x = v128.xor(x, v128.load(MEMBERS + (<usize>(k - passBit) << 4)));
    v128.store(STATE + at, x);
  }
  substituteState();
  const top = changeOf(7);
  let below = top;
  for (let k: usize = 0; k < 8; k++) {
    const change = changeOf(k);
    v128.store(CHANGE + (k << 4), change);
    // Times 2 in GF(2^8): one bit up, and x^8 = x^4 + x^3 + x + 1.
    v128.store(TWICE + (k << 4), k == 1 || k == 3 || k == 4 ? v128.xor(below, top) : below);
    below = change;
  }
}

/** The lowest bit of a counter that tells one pass from another. */
// @ts-expect-error: decorator
@inline
function firstPassBit(lanesEach: i32): i32 {
  return lanesEach == 8 ? 3 : lanesEach == 4 ? 2 : 1;
}

/** The state before round 1 of a pass. */
function firstState(lanesEach: i32, pass: i32): void {
  const atCounter = v128.load(AT_COUNTER);
  const passBit = firstPassBit(lanesEach);
  for (let k = 0; k < 8; k++) {
    const at = <usize>k << 4;
    const passCounter = i8x16.splat(<i8>-(((pass << passBit) >> k) & 1));
    const counter = v128.and(v128.or(laneCounter(lanesEach, k), passCounter), atCounter);
    v128.store(STATE + at, v128.xor(v128.load(NIBBLES + at), counter));
  }
}

// @ts-expect-error: decorator
@inline
function changeOf(k: usize): v128 {
  const all = v128.load(STATE + (k << 4));
  return v128.xor(all, permute(all, i64x2.splat(0)));
}

/** Pass n of the group that `openEven` has begun: its blocks go to PASS_BLOCKS, packet by packet. */
export function runEven(lanesEach: i32, pass: i32, passes: i32): void {
  if (passes < SHARED_PASSES_MIN) {
    firstState(lanesEach, pass);
    runSpread(1, 10);
    return;
  }
  const here = i8x16.splat(<i8>pass);
  const changeTo = v128.or(v128.load(CHANGE_TO), here);
  const twiceTo = v128.or(v128.load(TWICE_TO), here);
  for (let at: usize = 0; at < 128; at += 16) {
    const change = v128.xor(permute(v128.load(CHANGE + at), changeTo), permute(v128.load(TWICE + at), twiceTo));
    v128.store(STATE + at, v128.xor(v128.load(FIRST_ROUND + at), change));
  }
  runSpread(2, 10);
}

/** Forgets what the last group has left here. */
export function wipeEven(): void {
  memory.fill(FIRST_ROUND, 0, 128);
  memory.fill(CHANGE, 0, 128);
  memory.fill(TWICE, 0, 128);
}
