/**
 * HMAC-SHA1 (RFC 2104), the authentication of SRTP (RFC 3711 §4.2.1). A key is kept as two hash states, the inner and
 * the outer one after their first block, so that a message costs its own blocks and one more.
 */
import { SHA1_STATE_BYTES, sha1Compress, sha1Digest, sha1Open, sha1Pad } from "./sha1";

/** Octets of a prepared key. */
export const HMAC_KEY_BYTES: i32 = 40;
/** Octets of a whole tag; SRTP keeps the first 10 or 4. */
export const HMAC_TAG_BYTES: i32 = 20;

/** A padded key, then the block of the outer hash. */
const BLOCK = memory.data(64, 16);

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
  memory.fill(BLOCK, 0, 64);
}

/**
 * The tag of one message. The hash padding is written behind the message, up to SHA1_PADDING_BYTES_MAX octets.
 * @param tag where HMAC_TAG_BYTES octets go
 */
export function hmacSha1(prepared: usize, message: usize, length: i32, tag: usize): void {
  memory.copy(BLOCK, prepared, SHA1_STATE_BYTES);
  sha1Compress(BLOCK, message, sha1Pad(message, length, 64));
  sha1Digest(BLOCK, BLOCK);
  sha1Pad(BLOCK, SHA1_STATE_BYTES, 64);
  memory.copy(tag, prepared + SHA1_STATE_BYTES, SHA1_STATE_BYTES);
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

/** The tags of a group, at most four messages that do not overlap, padding included. */
export function hmacSha1Group(jobs: usize, count: i32): void {
  for (let i = 0; i < count; i++, jobs += offsetof<AuthJob>()) {
    const job = changetype<AuthJob>(jobs);
    hmacSha1(job.prepared, job.message, job.length, jobs + offsetof<AuthJob>("tag0"));
  }
}
