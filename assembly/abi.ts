/**
 * Numbers that both sides of the WASM boundary share: version, limits, status and event codes. TypeScript reads them
 * from the module's exports and never repeats them.
 */

/** Raised with every change that the other side can notice. */
export const ABI_VERSION: i32 = 1;

/** Longest datagram that is looked at; longer ones are dropped and counted. */
export const PACKET_BYTES_MAX: i32 = 1500;
/** Octets that must be writable behind a packet given to protect or unprotect: tag, rollover counter and hash padding. */
export const PACKET_SLACK_BYTES: i32 = 128;
/** Samples, and G.711 octets, of one 20 ms frame at 8000 Hz. */
export const FRAME_SAMPLES: i32 = 160;

/** Statuses: negative, returned where a length or count would be. */
export const STATUS_TOO_SHORT: i32 = -1;
export const STATUS_TOO_LONG: i32 = -2;
export const STATUS_NOT_RTP: i32 = -3;
export const STATUS_MALFORMED: i32 = -4;
export const STATUS_AUTH_FAILED: i32 = -5;
export const STATUS_REPLAYED: i32 = -6;
export const STATUS_SSRC_LIMIT: i32 = -7;
export const STATUS_PAYLOAD_TYPE: i32 = -8;
export const STATUS_WRONG_SOURCE: i32 = -9;
export const STATUS_DUPLICATE: i32 = -10;
export const STATUS_LATE: i32 = -11;
export const STATUS_NOT_RECEIVING: i32 = -12;
export const STATUS_STUN: i32 = -13;
export const STATUS_DTLS: i32 = -14;
export const STATUS_FULL: i32 = -15;
export const STATUS_NO_SLOT: i32 = -16;
export const STATUS_KEY_EXHAUSTED: i32 = -17;
/** The quick path does not know this input; the caller has to take the slow one. */
export const STATUS_SLOW_PATH: i32 = -18;
