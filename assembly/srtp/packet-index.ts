/**
 * The packet index: 65536 * ROC + SEQ, of which only SEQ travels (RFC 3711 §3.3.1). ROC is the rollover counter, and
 * s_l the highest sequence number of a packet that was authentic.
 */

/** The first index that a key must not be used for (RFC 3711 §9.2). */
export const RTP_INDEX_END: i64 = 1 << 48;
/** The first SRTCP index that a key must not be used for. */
export const RTCP_INDEX_END: u32 = 1 << 31;

/** Half of the sequence number space. */
const HALF: i32 = 0x8000;

/**
 * The index nearest to (roc, highest) whose low 16 bits are `sequence` (RFC 3711 §3.3.1, appendix A).
 *
 * In the first cycle there is nothing below: a sequence number far above s_l is then a jump forward, as in libsrtp.
 * It has to be authentic all the same before anything is kept.
 */
export function guessIndex(roc: u32, highest: i32, sequence: i32): i64 {
  let guess = <i64>roc;
  if (highest < HALF) {
    if (sequence - highest > HALF && guess > 0) guess--;
  } else {
    if (highest - HALF > sequence) guess++;
  }
  return (guess << 16) | sequence;
}
