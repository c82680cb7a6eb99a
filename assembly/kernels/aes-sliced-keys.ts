/**
 * Keys of the bitsliced AES (aes-sliced.ts, where the idea is explained): brought into its order once, and spread over
 * the lanes of up to four packets once a group.
 */

/** Octets of a sliced key: eleven round keys. */
export const SLICED_KEY_BYTES: i32 = 176;

/** One packet's share of a group. */
@unmanaged
export class CipherJob {
  /** Sliced key. */
  key: usize;
  data: usize;
  /** Octets of data. */
  length: i32;
  reserved: u32;
  /** The counter block, 16 octets, the last one 0, or 128 when there is one packet alone of up to 2048 octets. */
  ivLow: u64;
  ivHigh: u64;
}

/** Octets in the order of the standard, column after column, to rows shifted back m times: s^-m. */
// biome-ignore format: a table
const TO_ROWS = memory.data<u8>([
  0x00, 0x04, 0x08, 0x0c, 0x01, 0x05, 0x09, 0x0d, 0x02, 0x06, 0x0a, 0x0e, 0x03, 0x07, 0x0b, 0x0f,
  0x00, 0x04, 0x08, 0x0c, 0x0d, 0x01, 0x05, 0x09, 0x0a, 0x0e, 0x02, 0x06, 0x07, 0x0b, 0x0f, 0x03,
  0x00, 0x04, 0x08, 0x0c, 0x09, 0x0d, 0x01, 0x05, 0x02, 0x06, 0x0a, 0x0e, 0x0b, 0x0f, 0x03, 0x07,
  0x00, 0x04, 0x08, 0x0c, 0x05, 0x09, 0x0d, 0x01, 0x0a, 0x0e, 0x02, 0x06, 0x0f, 0x03, 0x07, 0x0b,
], 16);

/** Masks for transpositions: every second bit, pair of bits, nibble. */
// biome-ignore format: a table
export const MASKS = memory.data<u8>([
  0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
  0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33, 0x33,
  0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f, 0x0f,
], 16);

/** Bit 0 to 7 alone. */
// biome-ignore format: a table
const BITS = memory.data<u8>([
  0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01,
  0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02, 0x02,
  0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04,
  0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08, 0x08,
  0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10,
  0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20, 0x20,
  0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40, 0x40,
  0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
], 16);

/** Membership of four packets in a nibble n: octet n of row i is ff when bit i of n is set. */
// biome-ignore format: a table
export const MEMBERS = memory.data<u8>([
  0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff, 0x00, 0xff,
  0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff,
  0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
  0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
], 16);

/** For rounds 0 to 9 and bits 0 to 7: the bits of the four keys as a number, place by place. */
export const NIBBLES = memory.data(1280, 16);

/**
 * Octets of `from` by index; an index with its highest bit set gives 0. No index here is anything else, so the relaxed
 * instruction does the same wherever it runs, and saves x86 an addition.
 */
// @ts-expect-error: decorator
@inline
export function permute(from: v128, indices: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(from, indices);
  return i8x16.swizzle(from, indices);
}

/**
 * Brings an expanded key into the form of this kernel: rows, shifted back, 63 added from round 1 on. Round key 10 stays
 * in the order of the standard, because it is added to octets.
 */
export function sliceKey(sliced: usize, schedule: usize): void {
  v128.store(sliced, v128.load(schedule));
  for (let round: usize = 1; round < 10; round++) {
    const rows = permute(v128.load(schedule + (round << 4)), v128.load(TO_ROWS + ((round & 3) << 4)));
    v128.store(sliced + (round << 4), v128.xor(rows, i8x16.splat(0x63)));
  }
  v128.store(sliced, v128.xor(v128.load(schedule, 160), i8x16.splat(0x63)), 160);
}

/** Writes the eight vectors of nibbles of four strings of octets: a 4 by 4 transposition of bits in each half octet. */
// @ts-expect-error: decorator
@inline
function spread(a: v128, b: v128, c: v128, d: v128, nibbles: usize): void {
  const single = v128.load(MASKS);
  const pair = v128.load(MASKS, 16);
  const nibble = v128.load(MASKS, 32);
  const ab = v128.and(v128.xor(i64x2.shr_u(a, 1), b), single);
  const cd = v128.and(v128.xor(i64x2.shr_u(c, 1), d), single);
  const a1 = v128.xor(a, i64x2.shl(ab, 1));
  const b1 = v128.xor(b, ab);
  const c1 = v128.xor(c, i64x2.shl(cd, 1));
  const d1 = v128.xor(d, cd);
  const ac = v128.and(v128.xor(i64x2.shr_u(a1, 2), c1), pair);
  const bd = v128.and(v128.xor(i64x2.shr_u(b1, 2), d1), pair);
  const n0 = v128.xor(a1, i64x2.shl(ac, 2));
  const n1 = v128.xor(b1, i64x2.shl(bd, 2));
  const n2 = v128.xor(c1, ac);
  const n3 = v128.xor(d1, bd);
  v128.store(nibbles, v128.and(n0, nibble));
  v128.store(nibbles, v128.and(n1, nibble), 16);
  v128.store(nibbles, v128.and(n2, nibble), 32);
  v128.store(nibbles, v128.and(n3, nibble), 48);
  v128.store(nibbles, v128.and(i64x2.shr_u(n0, 4), nibble), 64);
  v128.store(nibbles, v128.and(i64x2.shr_u(n1, 4), nibble), 80);
  v128.store(nibbles, v128.and(i64x2.shr_u(n2, 4), nibble), 96);
  v128.store(nibbles, v128.and(i64x2.shr_u(n3, 4), nibble), 112);
}

/** For one string alone there is nothing to look up: octets of all ones or zeros, which every lane adds. */
// @ts-expect-error: decorator
@inline
function spreadOne(a: v128, to: usize): void {
  for (let k: usize = 0; k < 128; k += 16) {
    const bit = v128.load(BITS + k);
    v128.store(to + k, i8x16.eq(v128.and(a, bit), bit));
  }
}

/** The first state of a packet: counter block and round key 0, in rows. */
// @ts-expect-error: decorator
@inline
function firstState(job: CipherJob): v128 {
  const iv = v128.load(changetype<usize>(job) + offsetof<CipherJob>("ivLow"));
  return permute(v128.xor(v128.load(job.key), iv), v128.load(TO_ROWS));
}

/** Begins a group of four packets. The same may stand in several places. */
export function openPasses(a: CipherJob, b: CipherJob, c: CipherJob, d: CipherJob): void {
  spread(firstState(a), firstState(b), firstState(c), firstState(d), NIBBLES);
  let nibbles: usize = NIBBLES + 128;
  for (let at: usize = 16; at < 160; at += 16, nibbles += 128) {
    spread(v128.load(a.key + at), v128.load(b.key + at), v128.load(c.key + at), v128.load(d.key + at), nibbles);
  }
}

/** Spreads what `openPasses` has made over the lanes, for passes that all share them out alike. */
export function spreadKeys(owners: u32): void {
  const lanes = laneTable(owners);
  for (let at = NIBBLES; at < NIBBLES + 1280; at += 16) v128.store(at, permute(lanes, v128.load(at)));
}

/** Begins a group of one packet; its keys are spread over all lanes. */
export function openPassesOfOne(job: CipherJob): void {
  spreadOne(firstState(job), NIBBLES);
  let nibbles: usize = NIBBLES + 128;
  for (let at: usize = 16; at < 160; at += 16, nibbles += 128) spreadOne(v128.load(job.key + at), nibbles);
}

/** The table of a pass: for each nibble the lanes of all packets whose bit is set. */
// @ts-expect-error: decorator
@inline
export function laneTable(owners: u32): v128 {
  return v128.or(
    v128.or(
      v128.and(v128.load(MEMBERS), i8x16.splat(<i8>owners)),
      v128.and(v128.load(MEMBERS, 16), i8x16.splat(<i8>(owners >> 8))),
    ),
    v128.or(
      v128.and(v128.load(MEMBERS, 32), i8x16.splat(<i8>(owners >> 16))),
      v128.and(v128.load(MEMBERS, 48), i8x16.splat(<i8>(owners >> 24))),
    ),
  );
}

/** Forgets what the keys of the last group have left here. */
export function wipeSpread(): void {
  memory.fill(NIBBLES, 0, 1280);
}
