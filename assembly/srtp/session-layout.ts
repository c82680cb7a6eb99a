/**
 * Where the parts of a session stand. What an RTP packet needs lies together: the first words, its keys, the first
 * source.
 */

/** Octets of the RTP tag, 10 or 4; 0 in a session that is not open. */
export const SESSION_TAG_BYTES: usize = 0;
/** Packets accepted from all sources, modulo 2^32. */
export const SESSION_ACCEPTED: usize = 4;
export const SESSION_RETIRED_COUNT: usize = 8;
/** Keys for RTP. */
export const SESSION_RTP: usize = 16;
/** Four sources of 64 octets (source.ts). */
export const SESSION_SOURCES: usize = 256;
export const SESSION_SOURCES_END: usize = 512;
/** SSRCs that may not come back. */
export const SESSION_RETIRED: usize = 512;
/** Keys for RTCP. */
export const SESSION_RTCP: usize = 544;
/** Octets of a session; place it on a multiple of 64. */
export const SRTP_SESSION_BYTES: i32 = 832;

/** Keys of one kind of packet: the prepared cipher key, the counter block of index 0 and SSRC 0, the prepared auth key. */
export const KEYS_CIPHER: usize = 0;
/** The salt, then two octets of 0. */
export const KEYS_SALT: usize = 176;
export const KEYS_AUTH: usize = 192;
