/**
 * HMAC-SHA1 (RFC 2104), the authentication of SRTP (RFC 3711 §4.2.1). A key is kept as two hash states, the inner and
 * the outer one after their first block, so that a message costs its own blocks and one more.
 */

import { SHA1_STATE_BYTES, sha1Compress, sha1Digest, sha1Open, sha1Pad, wipeSha1 } from "./sha1";
import { LANE_STATE_BYTES, LANE_WORDS_BYTES, loadLaneStates, loadLaneWords, sha1CompressLanes } from "./sha1-lanes";

/** Octets of a prepared key. */
export const HMAC_KEY_BYTES: i32 = 40;
/** Octets of a whole tag; SRTP keeps the first 10 or 4. */
export const HMAC_TAG_BYTES: i32 = 20;

/** A padded key, then the block of the outer hash. */
const BLOCK = memory.data(112, 16);

/**
 * Prepares a key.
 * @param prepared where HMAC_KEY_BYTES octets go
 * @param length at most 64 octets; a longer key has to be hashed first
 */
export function hmacSha1Open(prepared: usize, key: usize, length: i32): void {
  memory.fill(BLOCK, 0x36, 64);
  for (let i: usize = 0; i < <usize>length; i++) store<u8>(BLOCK + i, load<u8>(key + i) ^ 0x36);
  sha1Open(prepared);
  sha1Compress(prepared, BLOCK, 1);
  for (let i: usize = 0; i < 64; i++) store<u8>(BLOCK + i, load<u8>(BLOCK + i) ^ 0x6a);
  sha1Open(prepared + SHA1_STATE_BYTES);
  sha1Compress(prepared + SHA1_STATE_BYTES, BLOCK, 1);
  wipeHmac();
}

// @ts-expect-error: decorator
@inline
function copyState(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
  store<u32>(to, load<u32>(from, 16), 16);
}

/**
 * The tag of one message. The hash padding is written behind the message, up to SHA1_PADDING_BYTES_MAX octets.
 * @param tag where HMAC_TAG_BYTES octets go
 */
export function hmacSha1(prepared: usize, message: usize, length: i32, tag: usize): void {
  copyState(BLOCK, prepared);
  sha1Compress(BLOCK, message, sha1Pad(message, length, 64));
  sha1Digest(BLOCK, BLOCK);
  sha1Pad(BLOCK, SHA1_STATE_BYTES, 64);
  copyState(tag, prepared + SHA1_STATE_BYTES);
  sha1Compress(tag, BLOCK, 1);
  sha1Digest(tag, tag);
}

/** One message's share of a group. */
@unmanaged
export class AuthJob {
  prepared: usize;
  message: usize;
  length: i32;
  reserved: u32;
  /** The tag: 20 octets. */
  tag0: u64;
  tag1: u64;
  tag2: u32;
  reserved1: u32;
}

/** States and words of a group, a message in each lane. */
const LANES = memory.data(80, 16);
const WORDS = memory.data(1280, 16);
const ACTIVE = memory.data(16, 16);
/** Four jobs for whoever makes a group. */
export const AUTH_JOBS = memory.data(160, 16);
/** Words of the outer block: the inner digest, and behind it the padding of 84 octets, which never changes. */
const OUTER_WORDS = memory.data(1280, 16);

// @ts-expect-error: decorator
@inline
function jobAt(jobs: usize, i: i32): AuthJob {
  return changetype<AuthJob>(jobs + <usize>i * offsetof<AuthJob>());
}

/** The tags of a group, one to four messages that do not overlap, padding included. They may differ in length. */
export function hmacSha1Group(jobs: usize, count: i32): void {
  if (count == 1) {
    const only = jobAt(jobs, 0);
    hmacSha1(only.prepared, only.message, only.length, jobs + offsetof<AuthJob>("tag0"));
    return;
  }
  // A lane without a message repeats the last one.
  const j0 = jobAt(jobs, 0);
  const j1 = jobAt(jobs, 1);
  const j2 = jobAt(jobs, min(2, count - 1));
  const j3 = jobAt(jobs, count - 1);
  const blocks0 = sha1Pad(j0.message, j0.length, 64);
  const blocks1 = sha1Pad(j1.message, j1.length, 64);
  const blocks2 = sha1Pad(j2.message, j2.length, 64);
  const blocks3 = sha1Pad(j3.message, j3.length, 64);
  const blocks = max(max(blocks0, blocks1), max(blocks2, blocks3));
  const ends = i32x4(blocks0, blocks1, blocks2, blocks3);
  loadLaneStates(LANES, j0.prepared, j1.prepared, j2.prepared, j3.prepared);
  for (let block = 0; block < blocks; block++) {
    // A message that has ended goes on reading its last block; nothing comes of it.
    loadLaneWords(
      WORDS,
      j0.message + (<usize>min(block, blocks0 - 1) << 6),
      j1.message + (<usize>min(block, blocks1 - 1) << 6),
      j2.message + (<usize>min(block, blocks2 - 1) << 6),
      j3.message + (<usize>min(block, blocks3 - 1) << 6),
    );
    v128.store(ACTIVE, i32x4.gt_s(ends, i32x4.splat(block)));
    sha1CompressLanes(LANES, WORDS, ACTIVE);
  }
  for (let at: usize = 0; at < <usize>LANE_STATE_BYTES; at += 16) v128.store(OUTER_WORDS + at, v128.load(LANES + at));
  v128.store(OUTER_WORDS, i32x4.splat(0x80000000), 80);
  for (let at: usize = 96; at < 240; at += 16) v128.store(OUTER_WORDS + at, i32x4.splat(0));
  v128.store(OUTER_WORDS, i32x4.splat(8 * 84), 240);
  loadLaneStates(
    LANES,
    j0.prepared + SHA1_STATE_BYTES,
    j1.prepared + SHA1_STATE_BYTES,
    j2.prepared + SHA1_STATE_BYTES,
    j3.prepared + SHA1_STATE_BYTES,
  );
  v128.store(ACTIVE, i32x4.splat(-1));
  sha1CompressLanes(LANES, OUTER_WORDS, ACTIVE);
  for (let i = 0; i < count; i++) {
    const lane = LANES + (<usize>i << 2);
    const tag = changetype<usize>(jobAt(jobs, i)) + offsetof<AuthJob>("tag0");
    for (let word: usize = 0; word < 20; word += 4) store<u32>(tag + word, bswap<u32>(load<u32>(lane + (word << 2))));
  }
}

/** Forgets what keys and messages have left in the kernels' own memory. */
export function wipeHmac(): void {
  wipeSha1();
  memory.fill(BLOCK, 0, 112);
  memory.fill(LANES, 0, LANE_STATE_BYTES);
  memory.fill(WORDS, 0, LANE_WORDS_BYTES);
  memory.fill(OUTER_WORDS, 0, LANE_WORDS_BYTES);
  memory.fill(AUTH_JOBS, 0, 160);
}
