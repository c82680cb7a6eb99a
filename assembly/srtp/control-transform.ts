/**
 * SRTCP: protect and unprotect one RTCP compound packet in place (RFC 3711 §3.4). RTCP is rare, a packet in five seconds
 * a leg, so there are no groups here. Behind the compound packet stand the E flag with the 31-bit index and a tag,
 * which has 10 octets with both crypto suites (RFC 4568 §6.2.2).
 */
import {
  PACKET_BYTES_MAX,
  STATUS_AUTH_FAILED,
  STATUS_KEY_EXHAUSTED,
  STATUS_MALFORMED,
  STATUS_NOT_RTP,
  STATUS_TOO_LONG,
  STATUS_TOO_SHORT,
} from "../abi";
import { aesCm } from "../kernels/aes-cm";
import { HMAC_TAG_BYTES, hmacSha1 } from "../kernels/hmac-sha1";
import { KEYS_AUTH, KEYS_CIPHER, KEYS_SALT, SESSION_RTCP, SESSION_TAG_BYTES } from "./session-layout";
import { acceptRtcp, admitRtcp, nextRtcpIndex } from "./source";

/** Header and SSRC of the first packet stay readable. */
const CLEAR_BYTES: i32 = 8;
const INDEX_BYTES: i32 = 4;
const TAG_BYTES: i32 = 10;
/** E: the packet is encrypted. */
const FLAG_ENCRYPTED: u32 = 0x80000000;

const COUNTER_BLOCK = memory.data(16, 16);
const TAG = memory.data(20, 16);

/** Encrypts or decrypts what is not clear. `length` is that of the compound packet. */
function cipher(session: usize, packet: usize, length: i32, index: u32): void {
  const keys = session + SESSION_RTCP;
  store<u64>(COUNTER_BLOCK, load<u64>(keys, KEYS_SALT) ^ ((<u64>load<u32>(packet, 4)) << 32));
  store<u64>(COUNTER_BLOCK, load<u64>(keys, KEYS_SALT + 8) ^ bswap<u64>((<u64>index) << 16), 8);
  aesCm(keys + KEYS_CIPHER, COUNTER_BLOCK, packet + CLEAR_BYTES, length - CLEAR_BYTES);
  memory.fill(COUNTER_BLOCK, 0, 16);
}

/**
 * Encrypts and authenticates a compound packet and appends index and tag.
 * @param length octets of the compound packet
 * @returns the new length, or a negative status
 */
export function protectRtcp(session: usize, packet: usize, length: i32): i32 {
  if (length < CLEAR_BYTES) return STATUS_TOO_SHORT;
  if (length > PACKET_BYTES_MAX) return STATUS_TOO_LONG;
  if (load<u8>(packet) >> 6 != 2) return STATUS_NOT_RTP;
  if (load<i32>(session, SESSION_TAG_BYTES) == 0) return STATUS_KEY_EXHAUSTED;
  const ssrc = bswap<u32>(load<u32>(packet, 4));
  const index = nextRtcpIndex(session, ssrc);
  if (index < 0) return index;
  acceptRtcp(session, ssrc, index);
  cipher(session, packet, length, index);
  store<u32>(packet + length, bswap<u32>(FLAG_ENCRYPTED | index));
  length += INDEX_BYTES;
  hmacSha1(session + SESSION_RTCP + KEYS_AUTH, packet, length, TAG);
  memory.copy(packet + length, TAG, TAG_BYTES);
  memory.fill(TAG, 0, HMAC_TAG_BYTES);
  return length + TAG_BYTES;
}

/**
 * Checks and decrypts a compound packet; a packet without the E flag is refused with STATUS_MALFORMED. A refused packet
 * keeps its octets.
 * @param length octets of all that came
 * @returns the length of the compound packet, or a negative status
 */
export function unprotectRtcp(session: usize, packet: usize, length: i32): i32 {
  if (length < CLEAR_BYTES + INDEX_BYTES + TAG_BYTES) return STATUS_TOO_SHORT;
  if (length > PACKET_BYTES_MAX + INDEX_BYTES + TAG_BYTES) return STATUS_TOO_LONG;
  if (load<u8>(packet) >> 6 != 2) return STATUS_NOT_RTP;
  if (load<i32>(session, SESSION_TAG_BYTES) == 0) return STATUS_KEY_EXHAUSTED;
  const authenticated = length - TAG_BYTES;
  const compound = authenticated - INDEX_BYTES;
  const word = bswap<u32>(load<u32>(packet + compound));
  if ((word & FLAG_ENCRYPTED) == 0) return STATUS_MALFORMED;
  const index = word ^ FLAG_ENCRYPTED;
  const ssrc = bswap<u32>(load<u32>(packet, 4));
  const admitted = admitRtcp(session, ssrc, index);
  if (admitted < 0) return admitted;

  const tag = packet + authenticated;
  const tagHead = load<u64>(tag);
  const tagTail = load<u16>(tag, 8);
  hmacSha1(session + SESSION_RTCP + KEYS_AUTH, packet, authenticated, TAG);
  store<u64>(tag, tagHead);
  store<u16>(tag, tagTail, 8);
  const difference = (tagHead ^ load<u64>(TAG)) | <u64>(tagTail ^ load<u16>(TAG, 8));
  memory.fill(TAG, 0, HMAC_TAG_BYTES);
  if (difference != 0) return STATUS_AUTH_FAILED;

  acceptRtcp(session, ssrc, index);
  cipher(session, packet, compound, index);
  return compound;
}
