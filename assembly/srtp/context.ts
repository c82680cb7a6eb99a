/**
 * The cryptographic context of one direction of one leg (RFC 3711 §3.2.3): session keys for RTP and RTCP, and the state
 * of up to four SSRCs (source.ts). A session is plain memory of the caller's; opening it derives the keys, wiping it
 * leaves zeros.
 */
import { aesCmOpen, wipeCipher } from "../kernels/aes-cm";
import { hmacSha1Open, wipeHmac } from "../kernels/hmac-sha1";
import {
  AUTH_KEY_BYTES,
  CIPHER_KEY_BYTES,
  deriveKey,
  LABEL_AUTH,
  LABEL_CIPHER,
  LABEL_SALT,
  LABEL_SRTCP,
  SALT_BYTES,
} from "./key-derivation";
import {
  KEYS_AUTH,
  KEYS_CIPHER,
  KEYS_SALT,
  SESSION_RTCP,
  SESSION_RTP,
  SESSION_TAG_BYTES,
  SRTP_SESSION_BYTES,
} from "./session-layout";
import { resumeSource, rocOf, sourceCount } from "./source";

export { SRTP_SESSION_BYTES };

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

/** Zeroes all of a session, and what its last packets have left in the kernels' own memory. Packets are refused with STATUS_KEY_EXHAUSTED until it is opened again. */
export function sessionWipe(session: usize): void {
  memory.fill(session, 0, SRTP_SESSION_BYTES);
  wipeCipher();
  wipeHmac();
}

/** The rollover counter of an SSRC, or -1 when no RTP packet of it was accepted. */
export function sessionRoc(session: usize, ssrc: u32): i32 {
  return rocOf(session, ssrc);
}

/** How many SSRCs the session has state for, 0 to 4. */
export function sessionSources(session: usize): i32 {
  return sourceCount(session);
}

/**
 * Sets the counters of an SSRC, to go on where another session with the same keys stopped. These indices and all below
 * count as used: nothing is sent twice and nothing old gets in.
 * @param highest sequence number of the last packet
 * @param rtcpIndex index of the last SRTCP packet
 * @returns 0 or STATUS_SSRC_LIMIT
 */
export function sessionResume(session: usize, ssrc: u32, roc: u32, highest: i32, rtcpIndex: u32): i32 {
  return resumeSource(session, ssrc, roc, highest, rtcpIndex);
}
