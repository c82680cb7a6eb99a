/**
 * SRTP: protect and unprotect RTP packets in place (RFC 3711 §3.1, §3.3). SRTCP is in control-transform.ts.
 *
 * Packets are worked on in groups of four, because the kernels take four at the price of one and a half. What comes
 * out is what one packet after the other would have given, to the last status: where a packet may depend on one before
 * it in the same group, the group ends early or is taken up again from there.
 *
 * An item is 16 octets, little-endian: session, packet, length (in: octets; out: the new length or a negative status),
 * reserved. PACKET_SLACK_BYTES behind a packet may be overwritten. A refused packet keeps its octets.
 */
import { PACKET_SLACK_BYTES, STATUS_AUTH_FAILED, STATUS_KEY_EXHAUSTED } from "../abi";
import { aesCmGroup, CIPHER_JOBS, CipherJob } from "../kernels/aes-cm";
import { AUTH_JOBS, AuthJob, hmacSha1Group } from "../kernels/hmac-sha1";
import { rtpHeaderBytes, rtpSequenceNumber, rtpSsrc } from "../rtp/header";
import { KEYS_AUTH, KEYS_CIPHER, KEYS_SALT, SESSION_RTP, SESSION_TAG_BYTES } from "./session-layout";
import { acceptRtp, admitRtp } from "./source";

export { protectRtcp, unprotectRtcp } from "./control-transform";

@unmanaged
class Item {
  session: usize;
  packet: usize;
  length: i32;
  reserved: u32;
}

/** A packet that a group is at work on. */
@unmanaged
class Pending {
  item: Item;
  packet: usize;
  /** Octets that are authenticated: header and payload. The tag stands behind them. */
  length: i32;
  tagBytes: i32;
  /** The packet index that the tag is computed with. */
  index: i64;
  /** The tag that came with the packet. */
  tagHead: u64;
  tagTail: u64;
}

const GROUP: i32 = 4;
const PENDING = memory.data(4 * 40, 16);

/** What became of an item when a group was gathered. */
const GATHERED: i32 = 0;
/** It was refused, and its status is written. */
const REFUSED: i32 = 1;
/** It has to wait until this group is done. */
const WAITS: i32 = 2;

// @ts-expect-error: decorator
@inline
function pendingAt(i: i32): Pending {
  return changetype<Pending>(PENDING + <usize>i * offsetof<Pending>());
}

// @ts-expect-error: decorator
@inline
function cipherJobAt(i: i32): CipherJob {
  return changetype<CipherJob>(CIPHER_JOBS + <usize>i * offsetof<CipherJob>());
}

// @ts-expect-error: decorator
@inline
function authJobAt(i: i32): AuthJob {
  return changetype<AuthJob>(AUTH_JOBS + <usize>i * offsetof<AuthJob>());
}

/** Whether a packet shares memory with one of the group, slack included. */
function overlapsGroup(packet: usize, length: i32, jobs: i32): bool {
  for (let i = 0; i < jobs; i++) {
    const other = pendingAt(i);
    const otherEnd = other.packet + other.item.length + PACKET_SLACK_BYTES;
    if (packet < otherEnd && other.packet < packet + length + PACKET_SLACK_BYTES) return true;
  }
  return false;
}

function sessionInGroup(session: usize, jobs: i32): bool {
  for (let i = 0; i < jobs; i++) {
    if (pendingAt(i).item.session == session) return true;
  }
  return false;
}

/** The counter block: (salt * 2^16) xor (SSRC * 2^64) xor (index * 2^16), RFC 3711 §4.1.1. */
function prepareCipher(job: CipherJob, keys: usize, packet: usize, index: i64): void {
  job.key = keys + KEYS_CIPHER;
  job.ivLow = load<u64>(keys, KEYS_SALT) ^ ((<u64>load<u32>(packet, 8)) << 32);
  job.ivHigh = load<u64>(keys, KEYS_SALT + 8) ^ bswap<u64>(index << 16);
}

/** Puts ROC behind the packet, where it is authenticated with it but not sent (RFC 3711 §4.2), in place of the tag. */
function prepareAuth(job: AuthJob, pending: Pending): void {
  job.prepared = pending.item.session + SESSION_RTP + KEYS_AUTH;
  job.message = pending.packet;
  job.length = pending.length + 4;
  store<u32>(pending.packet + pending.length, bswap<u32>(<u32>(pending.index >> 16)));
}

/** Checks an item and enters it into the group. A session without tag length is not open. */
function gather(item: Item, jobs: i32, receiving: bool): i32 {
  let length = item.length;
  if (length < 0) return REFUSED;
  const packet = item.packet;
  const session = item.session;
  if (overlapsGroup(packet, length, jobs)) return WAITS;
  const tagBytes = load<i32>(session, SESSION_TAG_BYTES);
  if (receiving) length -= tagBytes;
  const header = rtpHeaderBytes(packet, length);
  if (header < 0 || tagBytes == 0) {
    item.length = tagBytes == 0 ? STATUS_KEY_EXHAUSTED : header;
    return REFUSED;
  }
  const index = admitRtp(session, rtpSsrc(packet), rtpSequenceNumber(packet));
  if (index < 0) {
    // A packet of this session that is still at work could have changed the answer.
    if (receiving && sessionInGroup(session, jobs)) return WAITS;
    item.length = <i32>index;
    return REFUSED;
  }
  const pending = pendingAt(jobs);
  pending.item = item;
  pending.packet = packet;
  pending.length = length;
  pending.tagBytes = tagBytes;
  pending.index = index;
  const cipherJob = cipherJobAt(jobs);
  prepareCipher(cipherJob, session + SESSION_RTP, packet, index);
  cipherJob.data = packet + header;
  cipherJob.length = length - header;
  return GATHERED;
}

/**
 * Protects packets of one direction each: encrypts, authenticates and appends the tag. A sequence number that was sent
 * already, or that lies more than 127 behind, is refused with STATUS_REPLAYED: keystream is never used twice.
 * @param items table of items
 * @param count any number
 */
export function protectRtp(items: usize, count: i32): void {
  const end = items + <usize>count * offsetof<Item>();
  while (items < end) {
    let jobs = 0;
    for (; items < end && jobs < GROUP; items += offsetof<Item>()) {
      const outcome = gather(changetype<Item>(items), jobs, false);
      if (outcome == WAITS) break;
      if (outcome == GATHERED) {
        const pending = pendingAt(jobs++);
        acceptRtp(pending.item.session, rtpSsrc(pending.packet), pending.index);
      }
    }
    if (jobs > 0) protectGroup(jobs);
  }
}

function protectGroup(jobs: i32): void {
  aesCmGroup(CIPHER_JOBS, jobs);
  for (let i = 0; i < jobs; i++) prepareAuth(authJobAt(i), pendingAt(i));
  hmacSha1Group(AUTH_JOBS, jobs);
  for (let i = 0; i < jobs; i++) {
    const pending = pendingAt(i);
    const tag = pending.packet + pending.length;
    store<u64>(tag, authJobAt(i).tag0);
    store<u16>(tag, <u16>authJobAt(i).tag1, 8);
    pending.item.length = pending.length + pending.tagBytes;
  }
}

/**
 * Unprotects packets: bounds, index, replay list, tag, and only then decryption and state. The tag is compared as a
 * whole.
 * @param items table of items
 * @param count any number
 */
export function unprotectRtp(items: usize, count: i32): void {
  const end = items + <usize>count * offsetof<Item>();
  while (items < end) {
    let jobs = 0;
    for (; items < end && jobs < GROUP; items += offsetof<Item>()) {
      const outcome = gather(changetype<Item>(items), jobs, true);
      if (outcome == WAITS) break;
      if (outcome == GATHERED) jobs++;
    }
    if (jobs > 0) {
      const again = unprotectGroup(jobs);
      if (again != 0) items = again;
    }
  }
}

/** @returns 0, or the item to go on from, because one before it in the group has changed its index */
function unprotectGroup(jobs: i32): usize {
  for (let i = 0; i < jobs; i++) {
    const pending = pendingAt(i);
    const tag = pending.packet + pending.length;
    pending.tagHead = load<u64>(tag);
    pending.tagTail = load<u16>(tag, 8);
    prepareAuth(authJobAt(i), pending);
  }
  hmacSha1Group(AUTH_JOBS, jobs);
  for (let i = 0; i < jobs; i++) {
    const pending = pendingAt(i);
    const tag = pending.packet + pending.length;
    store<u64>(tag, pending.tagHead);
    store<u16>(tag, <u16>pending.tagTail, 8);
  }
  let again: usize = 0;
  let accepted = 0;
  for (let i = 0; i < jobs; i++) {
    const pending = pendingAt(i);
    const session = pending.item.session;
    const ssrc = rtpSsrc(pending.packet);
    if (sessionInGroup(session, i)) {
      // One before it in the group may have moved the counters, or be the same packet.
      const index = admitRtp(session, ssrc, rtpSequenceNumber(pending.packet));
      if (index < 0) {
        pending.item.length = <i32>index;
        continue;
      }
      if (index != pending.index) {
        again = changetype<usize>(pending.item);
        break;
      }
    }
    if (!tagIsRight(pending, authJobAt(i))) {
      pending.item.length = STATUS_AUTH_FAILED;
      continue;
    }
    acceptRtp(session, ssrc, pending.index);
    pending.item.length = pending.length;
    if (accepted != i) memory.copy(changetype<usize>(cipherJobAt(accepted)), changetype<usize>(cipherJobAt(i)), 32);
    accepted++;
  }
  if (accepted > 0) aesCmGroup(CIPHER_JOBS, accepted);
  return again;
}

/** Compares all octets before it answers; only the length of the tag, which is public, decides how many. */
// @ts-expect-error: decorator
@inline
function tagIsRight(pending: Pending, job: AuthJob): bool {
  const head = pending.tagHead ^ job.tag0;
  const tail = pending.tagTail ^ (job.tag1 & 0xffff);
  if (pending.tagBytes == 4) return <u32>head == 0;
  return (head | tail) == 0;
}
