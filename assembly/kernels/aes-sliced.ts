/**
 * AES-CM keystream for up to four packets at once, bit by bit, eight blocks in a pass (FIPS 197; RFC 3711 §4.1.1).
 *
 * A state of AES is 16 octets, and eight blocks are 16 * 8 * 8 bits: eight vectors. Vector k holds bit k of every octet;
 * an octet of a vector belongs to one place of the state, and its eight bits to the eight blocks, the *lanes*. In this
 * form nothing is looked up: the S-box is a circuit of 113 gates, run on 128 bits a gate, and what a key or a counter is
 * can't be told from time or cache.
 *
 * Three things make it quick.
 *
 * 1. The S-box is y = A(1/x) + 63. The constant stays out of the circuit: MixColumns leaves an octet that is the same
 *    everywhere as it is (2 + 3 + 1 + 1 = 1 in GF(2^8)), so 63 can as well be added to the next round key.
 *
 * 2. ShiftRows is never done ("fixslicing", Adomnicai and Peyrin). Let s be ShiftRows, M MixColumns, S SubBytes, and keep
 *    t = s^-r(state) after round r. S works place by place and does not mind, so a round becomes
 *
 *        t' = (s^-m M s^m) S(t) + s^-m(key),   m = r + 1.
 *
 *    M is made of "the row below" and "two rows below". Write (row, column) for a place: s^m moves column c + m * row to
 *    c; going there, one row down and back again is
 *
 *        (row, c) <- (row + 1, c - m * row + m * (row + 1)) = (row + 1, c + m),
 *
 *    the same step for every row, since 4 = 0. So M stays what it was, with another permutation for each m mod 4
 *    (NEIGHBOURS); keys are stored as s^-m(key). Of all the ShiftRows only s^10 = s^2 is left at the very end, where the
 *    octets are put in order anyway (TO_OCTETS).
 *
 * 3. The lanes belong to up to four packets with a key each, so a round key has to be spread: lane by lane the bit of
 *    that lane's key. With four keys there are only 16 cases: take bit k of the four keys at a place as a number n from
 *    0 to 15; the octet to be added is the set of lanes whose packet's bit is in n. That is a table of 16 octets, made
 *    once a pass from which lanes belong to whom, and `swizzle` looks up 16 places at a time, in a register. The numbers
 *    n depend on the keys alone and are made once a group (NIBBLES). The first state, IV + key 0, is spread the same
 *    way, since the blocks of a packet differ in their counter only: so 40 blocks of four packets under four keys are
 *    five full passes, without a transposition on the way in.
 *
 * Sources: Käsper and Schwabe, "Faster and Timing-Attack Resistant AES-GCM" (CHES 2009); Adomnicai and Peyrin,
 * "Fixslicing AES-like Ciphers" (TCHES 2021); Boyar and Peralta, "A small depth-16 circuit for the AES S-box" (2012).
 */
import { laneTable, MASKS, NIBBLES, permute } from "./aes-sliced-keys";

/** For m = 0 to 3: where the octet one row below comes from, and the one two rows below. */
// biome-ignore format: a table
const NEIGHBOURS = memory.data<u8>([
  0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x00, 0x01, 0x02, 0x03,
  0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
  0x05, 0x06, 0x07, 0x04, 0x09, 0x0a, 0x0b, 0x08, 0x0d, 0x0e, 0x0f, 0x0c, 0x01, 0x02, 0x03, 0x00,
  0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d, 0x02, 0x03, 0x00, 0x01, 0x06, 0x07, 0x04, 0x05,
  0x06, 0x07, 0x04, 0x05, 0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d, 0x02, 0x03, 0x00, 0x01,
  0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
  0x07, 0x04, 0x05, 0x06, 0x0b, 0x08, 0x09, 0x0a, 0x0f, 0x0c, 0x0d, 0x0e, 0x03, 0x00, 0x01, 0x02,
  0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d, 0x02, 0x03, 0x00, 0x01, 0x06, 0x07, 0x04, 0x05,
], 16);

/** From rows, with s^10 made up for, to the order of the standard. */
// biome-ignore format: a table
const TO_OCTETS = memory.data<u8>([
  0x00, 0x06, 0x08, 0x0e, 0x01, 0x07, 0x09, 0x0f, 0x02, 0x04, 0x0a, 0x0c, 0x03, 0x05, 0x0b, 0x0d,
], 16);

/** State of the passes whose keys are spread (`runSpread`): eight vectors, bit 0 first. */
export const STATE = memory.data(128, 16);

/** Octet k to the last place of the state, where the counter is. */
// biome-ignore format: a table
const TO_COUNTER = memory.data<u8>([
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x03,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x04,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x05,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x06,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x07,
], 16);

/** The eight blocks of keystream of a pass, without the last round key. */
export const PASS_BLOCKS = memory.data(128, 16);

/** An 8 by 8 transposition of bits: octet k of the result has bit k of octet 0, 1, 2, …. */
// @ts-expect-error: decorator
@inline
function transpose(octets: u64): u64 {
  let t = (octets ^ (octets >> 7)) & 0x00aa00aa00aa00aa;
  octets ^= t ^ (t << 7);
  t = (octets ^ (octets >> 14)) & 0x0000cccc0000cccc;
  octets ^= t ^ (t << 14);
  t = (octets ^ (octets >> 28)) & 0x00000000f0f0f0f0;
  return octets ^ t ^ (t << 28);
}

/** Bit k of the lanes' counters, at its place in vector k. */
// @ts-expect-error: decorator
@inline
function counterBit(counters: v128, k: usize): v128 {
  return permute(counters, v128.load(TO_COUNTER + (k << 4)));
}

/** One vector of a round key. */
// @ts-expect-error: decorator
@inline
function keyBit(spread: bool, lanes: v128, nibbles: usize, k: usize): v128 {
  const bit = v128.load(nibbles + (k << 4));
  return spread ? bit : permute(lanes, bit);
}

/**
 * One pass of a group whose packets share the lanes as they come: eight blocks of keystream to PASS_BLOCKS, all but the
 * last round key.
 * @param owners which lanes belong to packet 0, a bit each, in the lowest octet; those of packet 1 in the next, …
 * @param counterOctets the counter of each lane, lane 0 lowest
 */
export function runPass(owners: u32, counterOctets: u64): void {
  const lanes = laneTable(owners);
  const counters = i64x2.splat(transpose(counterOctets));
  for (let k: usize = 0; k < 8; k++) {
    const first = permute(lanes, v128.load(NIBBLES + (k << 4)));
    v128.store(STATE + (k << 4), v128.xor(first, counterBit(counters, k)));
  }
  rounds(false, lanes, 1, 10);
}

/**
 * Rounds of a pass whose keys are spread over its lanes already.
 * @param first of rounds 1 to 10; the state before it stands in STATE
 * @param last 0: SubBytes only; after round 10 there are blocks in PASS_BLOCKS, as `runPass` gives them; otherwise the state is in STATE
 */
export function runSpread(first: usize, last: usize): void {
  rounds(true, i64x2.splat(0), first, last);
}

/** SubBytes of STATE alone, in place, without the constant 63; 0 stays 0. */
export function substituteState(): void {
  runSpread(1, 0);
}

/** Written twice by the compiler: with keys that are spread and with keys that are not. */
// @ts-expect-error: decorator
@inline
function rounds(spread: bool, lanes: v128, round: usize, last: usize): void {
  let x7 = v128.load(STATE);
  let x6 = v128.load(STATE, 16);
  let x5 = v128.load(STATE, 32);
  let x4 = v128.load(STATE, 48);
  let x3 = v128.load(STATE, 64);
  let x2 = v128.load(STATE, 80);
  let x1 = v128.load(STATE, 96);
  let x0 = v128.load(STATE, 112);

  while (true) {
    // SubBytes without its constant. x0 is the highest bit, as in Boyar and Peralta; so is s0 of the result.
    const y14 = v128.xor(x3, x5);
    const y13 = v128.xor(x0, x6);
    const y9 = v128.xor(x0, x3);
    const y8 = v128.xor(x0, x5);
    const t0 = v128.xor(x1, x2);
    const y1 = v128.xor(t0, x7);
    const y4 = v128.xor(y1, x3);
    const y12 = v128.xor(y13, y14);
    const y2 = v128.xor(y1, x0);
    const y5 = v128.xor(y1, x6);
    const y3 = v128.xor(y5, y8);
    const t1 = v128.xor(x4, y12);
    const y15 = v128.xor(t1, x5);
    const y20 = v128.xor(t1, x1);
    const y6 = v128.xor(y15, x7);
    const y10 = v128.xor(y15, t0);
    const y11 = v128.xor(y20, y9);
    const y7 = v128.xor(x7, y11);
    const y17 = v128.xor(y10, y11);
    const y19 = v128.xor(y10, y8);
    const y16 = v128.xor(t0, y11);
    const y21 = v128.xor(y13, y16);
    const y18 = v128.xor(x0, y16);
    const t2 = v128.and(y12, y15);
    const t3 = v128.and(y3, y6);
    const t4 = v128.xor(t3, t2);
    const t5 = v128.and(y4, x7);
    const t6 = v128.xor(t5, t2);
    const t7 = v128.and(y13, y16);
    const t8 = v128.and(y5, y1);
    const t9 = v128.xor(t8, t7);
    const t10 = v128.and(y2, y7);
    const t11 = v128.xor(t10, t7);
    const t12 = v128.and(y9, y11);
    const t13 = v128.and(y14, y17);
    const t14 = v128.xor(t13, t12);
    const t15 = v128.and(y8, y10);
    const t16 = v128.xor(t15, t12);
    const t17 = v128.xor(t4, y20);
    const t18 = v128.xor(t6, t16);
    const t19 = v128.xor(t9, t14);
    const t20 = v128.xor(t11, t16);
    const t21 = v128.xor(t17, t14);
    const t22 = v128.xor(t18, y19);
    const t23 = v128.xor(t19, y21);
    const t24 = v128.xor(t20, y18);
    const t25 = v128.xor(t21, t22);
    const t26 = v128.and(t21, t23);
    const t27 = v128.xor(t24, t26);
    const t28 = v128.and(t25, t27);
    const t29 = v128.xor(t28, t22);
    const t30 = v128.xor(t23, t24);
    const t31 = v128.xor(t22, t26);
    const t32 = v128.and(t31, t30);
    const t33 = v128.xor(t32, t24);
    const t34 = v128.xor(t23, t33);
    const t35 = v128.xor(t27, t33);
    const t36 = v128.and(t24, t35);
    const t37 = v128.xor(t36, t34);
    const t38 = v128.xor(t27, t36);
    const t39 = v128.and(t29, t38);
    const t40 = v128.xor(t25, t39);
    const t41 = v128.xor(t40, t37);
    const t42 = v128.xor(t29, t33);
    const t43 = v128.xor(t29, t40);
    const t44 = v128.xor(t33, t37);
    const t45 = v128.xor(t42, t41);
    const z0 = v128.and(t44, y15);
    const z1 = v128.and(t37, y6);
    const z2 = v128.and(t33, x7);
    const z3 = v128.and(t43, y16);
    const z4 = v128.and(t40, y1);
    const z5 = v128.and(t29, y7);
    const z6 = v128.and(t42, y11);
    const z7 = v128.and(t45, y17);
    const z8 = v128.and(t41, y10);
    const z9 = v128.and(t44, y12);
    const z10 = v128.and(t37, y3);
    const z11 = v128.and(t33, y4);
    const z12 = v128.and(t43, y13);
    const z13 = v128.and(t40, y5);
    const z14 = v128.and(t29, y2);
    const z15 = v128.and(t42, y9);
    const z16 = v128.and(t45, y14);
    const z17 = v128.and(t41, y8);
    const tc1 = v128.xor(z15, z16);
    const tc2 = v128.xor(z10, tc1);
    const tc3 = v128.xor(z9, tc2);
    const tc4 = v128.xor(z0, z2);
    const tc5 = v128.xor(z1, z0);
    const tc6 = v128.xor(z3, z4);
    const tc7 = v128.xor(z12, tc4);
    const tc8 = v128.xor(z7, tc6);
    const tc9 = v128.xor(z8, tc7);
    const tc10 = v128.xor(tc8, tc9);
    const tc11 = v128.xor(tc6, tc5);
    const tc12 = v128.xor(z3, z5);
    const tc13 = v128.xor(z13, tc1);
    const tc14 = v128.xor(tc4, tc12);
    const s3 = v128.xor(tc3, tc11);
    const tc16 = v128.xor(z6, tc8);
    const tc17 = v128.xor(z14, tc10);
    const tc18 = v128.xor(tc13, tc14);
    const s7 = v128.xor(z12, tc18);
    const tc20 = v128.xor(z15, tc16);
    const tc21 = v128.xor(tc2, z11);
    const s0 = v128.xor(tc3, tc16);
    const s6 = v128.xor(tc10, tc18);
    const s4 = v128.xor(tc14, s3);
    const s1 = v128.xor(s3, tc16);
    const tc26 = v128.xor(tc17, tc20);
    const s2 = v128.xor(tc26, z17);
    const s5 = v128.xor(tc21, tc17);

    if (last == 0) {
      storeState(s7, s6, s5, s4, s3, s2, s1, s0);
      return;
    }
    if (round == 10) {
      storeBlocks(s7, s6, s5, s4, s3, s2, s1, s0);
      return;
    }

    // MixColumns: 2(a + b) + b + (c + d), where b, c, d stand one, two and three rows below a. Twice an octet is one
    // vector up, and the highest bit comes back in vectors 0, 1, 3 and 4 (x^8 = x^4 + x^3 + x + 1).
    const oneBelow = v128.load(NEIGHBOURS + ((round & 3) << 5));
    const twoBelow = v128.load(NEIGHBOURS + ((round & 3) << 5), 16);
    const nibbles = NIBBLES + (round << 7);
    const b0 = permute(s7, oneBelow);
    const d0 = v128.xor(s7, b0);
    const b1 = permute(s6, oneBelow);
    const d1 = v128.xor(s6, b1);
    const b2 = permute(s5, oneBelow);
    const d2 = v128.xor(s5, b2);
    const b3 = permute(s4, oneBelow);
    const d3 = v128.xor(s4, b3);
    const b4 = permute(s3, oneBelow);
    const d4 = v128.xor(s3, b4);
    const b5 = permute(s2, oneBelow);
    const d5 = v128.xor(s2, b5);
    const b6 = permute(s1, oneBelow);
    const d6 = v128.xor(s1, b6);
    const b7 = permute(s0, oneBelow);
    const d7 = v128.xor(s0, b7);
    x7 = v128.xor(v128.xor(v128.xor(b0, permute(d0, twoBelow)), keyBit(spread, lanes, nibbles, 0)), d7);
    x6 = v128.xor(v128.xor(v128.xor(b1, permute(d1, twoBelow)), keyBit(spread, lanes, nibbles, 1)), v128.xor(d0, d7));
    x5 = v128.xor(v128.xor(v128.xor(b2, permute(d2, twoBelow)), keyBit(spread, lanes, nibbles, 2)), d1);
    x4 = v128.xor(v128.xor(v128.xor(b3, permute(d3, twoBelow)), keyBit(spread, lanes, nibbles, 3)), v128.xor(d2, d7));
    x3 = v128.xor(v128.xor(v128.xor(b4, permute(d4, twoBelow)), keyBit(spread, lanes, nibbles, 4)), v128.xor(d3, d7));
    x2 = v128.xor(v128.xor(v128.xor(b5, permute(d5, twoBelow)), keyBit(spread, lanes, nibbles, 5)), d4);
    x1 = v128.xor(v128.xor(v128.xor(b6, permute(d6, twoBelow)), keyBit(spread, lanes, nibbles, 6)), d5);
    x0 = v128.xor(v128.xor(v128.xor(b7, permute(d7, twoBelow)), keyBit(spread, lanes, nibbles, 7)), d6);
    if (round == last) {
      storeState(x7, x6, x5, x4, x3, x2, x1, x0);
      return;
    }
    round++;
  }
}

// @ts-expect-error: decorator
@inline
function storeState(x7: v128, x6: v128, x5: v128, x4: v128, x3: v128, x2: v128, x1: v128, x0: v128): void {
  v128.store(STATE, x7);
  v128.store(STATE, x6, 16);
  v128.store(STATE, x5, 32);
  v128.store(STATE, x4, 48);
  v128.store(STATE, x3, 64);
  v128.store(STATE, x2, 80);
  v128.store(STATE, x1, 96);
  v128.store(STATE, x0, 112);
}

/** From vectors of bits to blocks of octets: an 8 by 8 transposition of bits at each place, then the order of octets. */
// @ts-expect-error: decorator
@inline
function storeBlocks(q0: v128, q1: v128, q2: v128, q3: v128, q4: v128, q5: v128, q6: v128, q7: v128): void {
  const single = v128.load(MASKS);
  const pair = v128.load(MASKS, 16);
  const nibble = v128.load(MASKS, 32);
  let t: v128;
  t = v128.and(v128.xor(i64x2.shr_u(q0, 1), q1), single);
  q0 = v128.xor(q0, i64x2.shl(t, 1));
  q1 = v128.xor(q1, t);
  t = v128.and(v128.xor(i64x2.shr_u(q2, 1), q3), single);
  q2 = v128.xor(q2, i64x2.shl(t, 1));
  q3 = v128.xor(q3, t);
  t = v128.and(v128.xor(i64x2.shr_u(q4, 1), q5), single);
  q4 = v128.xor(q4, i64x2.shl(t, 1));
  q5 = v128.xor(q5, t);
  t = v128.and(v128.xor(i64x2.shr_u(q6, 1), q7), single);
  q6 = v128.xor(q6, i64x2.shl(t, 1));
  q7 = v128.xor(q7, t);
  t = v128.and(v128.xor(i64x2.shr_u(q0, 2), q2), pair);
  q0 = v128.xor(q0, i64x2.shl(t, 2));
  q2 = v128.xor(q2, t);
  t = v128.and(v128.xor(i64x2.shr_u(q1, 2), q3), pair);
  q1 = v128.xor(q1, i64x2.shl(t, 2));
  q3 = v128.xor(q3, t);
  t = v128.and(v128.xor(i64x2.shr_u(q4, 2), q6), pair);
  q4 = v128.xor(q4, i64x2.shl(t, 2));
  q6 = v128.xor(q6, t);
  t = v128.and(v128.xor(i64x2.shr_u(q5, 2), q7), pair);
  q5 = v128.xor(q5, i64x2.shl(t, 2));
  q7 = v128.xor(q7, t);
  t = v128.and(v128.xor(i64x2.shr_u(q0, 4), q4), nibble);
  q0 = v128.xor(q0, i64x2.shl(t, 4));
  q4 = v128.xor(q4, t);
  t = v128.and(v128.xor(i64x2.shr_u(q1, 4), q5), nibble);
  q1 = v128.xor(q1, i64x2.shl(t, 4));
  q5 = v128.xor(q5, t);
  t = v128.and(v128.xor(i64x2.shr_u(q2, 4), q6), nibble);
  q2 = v128.xor(q2, i64x2.shl(t, 4));
  q6 = v128.xor(q6, t);
  t = v128.and(v128.xor(i64x2.shr_u(q3, 4), q7), nibble);
  q3 = v128.xor(q3, i64x2.shl(t, 4));
  q7 = v128.xor(q7, t);
  const order = v128.load(TO_OCTETS);
  v128.store(PASS_BLOCKS, permute(q0, order));
  v128.store(PASS_BLOCKS, permute(q1, order), 16);
  v128.store(PASS_BLOCKS, permute(q2, order), 32);
  v128.store(PASS_BLOCKS, permute(q3, order), 48);
  v128.store(PASS_BLOCKS, permute(q4, order), 64);
  v128.store(PASS_BLOCKS, permute(q5, order), 80);
  v128.store(PASS_BLOCKS, permute(q6, order), 96);
  v128.store(PASS_BLOCKS, permute(q7, order), 112);
}

/** Forgets the state and the blocks of the last pass. */
export function wipePass(): void {
  memory.fill(STATE, 0, 128);
  memory.fill(PASS_BLOCKS, 0, 128);
}
