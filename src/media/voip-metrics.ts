/** The figures of a VoIP metrics block (RFC 3611 §4.7), as a far end sent them. */

import type { RemoteQuality } from "./media-events.ts";

/** What stands where a figure is not known. */
const UNKNOWN = 127;

/** @param at - offset of the 28 octets behind the SSRC of the source */
export function readVoipMetrics(bytes: Uint8Array, at: number): RemoteQuality {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 28);
  const share = (offset: number): number => (100 * view.getUint8(offset)) / 256;
  const known = (value: number): number | null => (value === UNKNOWN ? null : value);
  const score = (offset: number): number | null => {
    const tenths = known(view.getUint8(offset));
    return tenths === null ? null : tenths / 10;
  };
  return {
    lossPercent: share(0),
    discardPercent: share(1),
    burstDensityPercent: share(2),
    gapDensityPercent: share(3),
    burstDurationMs: view.getUint16(4),
    gapDurationMs: view.getUint16(6),
    roundTripMs: view.getUint16(8),
    endSystemDelayMs: view.getUint16(10),
    signalLevelDbm: known(view.getInt8(12)),
    noiseLevelDbm: known(view.getInt8(13)),
    echoReturnLossDb: known(view.getUint8(14)),
    rFactor: known(view.getUint8(16)),
    mosListening: score(18),
    mosConversational: score(19),
    jitterBufferNominalMs: view.getUint16(22),
    jitterBufferMaxMs: view.getUint16(24),
  };
}
