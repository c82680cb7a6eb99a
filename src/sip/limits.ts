/** How much of anything is read from the network (SIP-MSG-14, hardening R1, R2). */

export const LIMITS = {
  /** One message with its body. */
  messageBytes: 65_535,
  /** Start line and headers. */
  headerSectionBytes: 32 * 1024,
  headerCount: 256,
  /** One header with its folded lines. */
  headerBytes: 8 * 1024,
  bodyBytes: 32 * 1024,
  viaCount: 70,
  uriLength: 1024,
  callIdLength: 256,
  /** No method comes near; it only keeps answers to nonsense short. */
  methodLength: 128,
  /** CSeq numbers are below 2^31 (RFC 3261 §8.1.1.5). */
  cseqNumber: 2 ** 31 - 1,
  maxForwards: 255,
} as const;
