/**
 * SRTP by itself: what JavaScript may call to protect and unprotect packets without an engine, and the kernels below
 * it, each of them a pure function over memory. All arguments are pointers and 32-bit integers.
 */
export { aesEncrypt, aesExpandKey, SCHEDULE_BYTES as AES_SCHEDULE_BYTES } from "../kernels/aes";
export { aesCm, aesCmGroup, aesCmOpen, CM_KEY_BYTES as AES_CM_KEY_BYTES } from "../kernels/aes-cm";
export { HMAC_KEY_BYTES, hmacSha1, hmacSha1Group, hmacSha1Open } from "../kernels/hmac-sha1";
export { sha1 } from "../kernels/sha1";
export {
  SRTP_SESSION_BYTES,
  sessionOpen as srtpOpen,
  sessionResume as srtpResume,
  sessionRoc as srtpRoc,
  sessionSources as srtpSources,
  sessionWipe as srtpWipe,
} from "../srtp/context";
export { deriveKey as srtpDeriveKey } from "../srtp/key-derivation";
export {
  protectRtcp as srtpProtectRtcp,
  protectRtp as srtpProtectRtp,
  unprotectRtcp as srtpUnprotectRtcp,
  unprotectRtp as srtpUnprotectRtp,
} from "../srtp/transform";
