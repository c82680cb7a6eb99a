/**
 * The cryptographic context of one direction of one leg (RFC 3711 §3.2.3): session keys for RTP and RTCP, and the state
 * of up to four SSRCs (source.ts). A session is plain memory of the caller's; opening it derives the keys, wiping it
 * leaves zeros.
 */
import { aesCmOpen, wipeCipher } from "../kernels/aes-cm";
import { hmacSha1Open } from "../kernels/hmac-sha1";
import {
  AUTH_KEY_BYTES,
  CIPHER_KEY_BYTES,
  LABEL_AUTH,
  LABEL_CIPHER,
  LABEL_SALT,
  LABEL_SRTCP,
  SALT_BYTES,
  deriveKey,
} from "./key-derivation";
import { resumeSource, rocOf, sourceCount } from "./source";

/** Keys of one kind of packet: where the parts stand. */
export const KEYS_CIPHER: usize = 0;
/** The counter block of index 0 and SSRC 0: the salt, then two octets of 0. */
export const KEYS_SALT: usize = 176;
export const KEYS_AUTH: usize = 192;

/** Octets of the RTP tag, 10 or 4; 0 in a session that is not open. */
export const SESSION_TAG_BYTES: usize = 0;
/** Keys for RTP, table of sources, keys for RTCP: what an RTP packet needs lies together. */
export const SESSION_RTP: usize = 16;
export const SESSION_SOURCES: usize = 256;
export const SESSION_RTCP: usize = 512;
/** Octets of a session; place it on a multiple of 16. */
export const SRTP_SESSION_BYTES: i32 = 768;

/** A derived key on its way into a kernel's form. */
const DERIVED = memory.data(32, 16);

function openKeys(keys: usize, keySalt: usize, firstLabel: i32): void {
  deriveKey(keySalt, firstLabel + LABEL_CIPHER, DERIVED, CIPHER_KEY_BYTES);
  aesCmOpen(keys + KEYS_CIPHER, DERIVED);
  deriveKey(keySalt, firstLabel + LABEL_SALT, DERIVED, SALT_BYTES);
  store<u16>(DERIVED, 0, 14);
  memory.copy(keys + KEYS_SALT, DERIVED, 16);
  deriveKey(keySalt, firstLabel + LABEL_AUTH, DERIVED, AUTH_KEY_BYTES);
  hmacSha1Open(keys + KEYS_AUTH, DERIVED, AUTH_KEY_BYTES);
  memory.fill(DERIVED, 0, 32);
}

/**
 * Opens a session; what stood there is forgotten.
 * @param session SRTP_SESSION_BYTES octets
 * @param keySalt 30 octets, master key and master salt; the caller wipes them
 * @param tagBytes 4 for AES_CM_128_HMAC_SHA1_32, otherwise 10; SRTCP tags have 10 octets in both (RFC 4568 §6.2.2)
 */
export function sessionOpen(session: usize, keySalt: usize, tagBytes: i32): void {
  sessionWipe(session);
  openKeys(session + SESSION_RTP, keySalt, 0);
  openKeys(session + SESSION_RTCP, keySalt, LABEL_SRTCP);
  store<i32>(session, tagBytes == 4 ? 4 : 10, SESSION_TAG_BYTES);
}

/** Zeroes all of a session. Packets are refused with STATUS_KEY_EXHAUSTED until it is opened again. */
export function sessionWipe(session: usize): void {
  memory.fill(session, 0, SRTP_SESSION_BYTES);
  wipeCipher();
}

/** The rollover counter of an SSRC, or -1 when no RTP packet of it was accepted. */
export function sessionRoc(session: usize, ssrc: u32): i32 {
  return rocOf(session + SESSION_SOURCES, ssrc);
}

/** How many SSRCs the session has state for, 0 to 4. */
export function sessionSources(session: usize): i32 {
  return sourceCount(session + SESSION_SOURCES);
}

/**
 * Sets the counters of an SSRC, to go on where another session with the same keys stopped. These indices and all below
 * count as used: nothing is sent twice and nothing old gets in.
 * @param highest sequence number of the last packet
 * @param rtcpIndex index of the last SRTCP packet
 * @returns 0 or STATUS_SSRC_LIMIT
 */
export function sessionResume(session: usize, ssrc: u32, roc: u32, highest: i32, rtcpIndex: u32): i32 {
  return resumeSource(session + SESSION_SOURCES, ssrc, roc, highest, rtcpIndex);
}
