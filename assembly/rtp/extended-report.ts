/**
 * RTCP extended reports (RFC 3611): only read, and of them only what a far end says about the voice that it gets from us.
 *
 *   XR     V=2 P - | 207 | length | SSRC of the sender | report blocks
 *   block  type | type-specific | length in words less one | content
 *   VoIP metrics (§4.7): type 7, length 8: SSRC of the source | 28 octets of figures
 */

import { load16, load32 } from "./header";

export const TYPE_EXTENDED_REPORT: u32 = 207;
/** Octets of the figures of a VoIP metrics block. */
export const VOIP_METRICS_BYTES: i32 = 28;

const BLOCK_VOIP_METRICS: u32 = 7;
const VOIP_METRICS_WORDS: i32 = 8;

/**
 * Looks for the VoIP metrics about a stream.
 * @param octets - of the packet, padding left out
 * @param ssrc - of the stream that they are about
 * @returns address of the figures, or 0 when there are none or the blocks don't add up
 */
export function voipMetricsOf(part: usize, octets: i32, ssrc: u32): usize {
  let found: usize = 0;
  let at = 8;
  while (at + 4 <= octets) {
    const words: i32 = load16(part + at + 2);
    const next = at + ((words + 1) << 2);
    if (next > octets) return 0;
    const isVoip = load<u8>(part + at) == BLOCK_VOIP_METRICS && words == VOIP_METRICS_WORDS;
    if (isVoip && load32(part + at + 4) == ssrc) found = part + at + 8;
    at = next;
  }
  return found;
}
