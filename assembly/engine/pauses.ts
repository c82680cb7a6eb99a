/**
 * Discontinuous transmission (RFC 3389 §4): frames that hold nothing but background are not sent; the far end is told now and
 * then what they sound like. Only where the far end takes comfort noise and the owner of the leg asked for it (CN-2).
 */

import { FLAG_COMFORT_NOISE } from "../abi";
import { NOISE_PAYLOAD_MAX } from "../jitter/comfort-noise";
import { DTX_SEND_AUDIO, dtxReset, dtxStep } from "../jitter/dtx";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/header";
import { dtxState, Leg } from "./leg";
import { outPlace, sendRtp } from "./send";

/** Coefficients of a description: enough for the shape of a room, in 7 octets. */
const ORDER: i32 = 6;
const PAYLOAD = memory.data(16, 16);

/** Octets of the last description that was asked for, until it is sent. */
let described: i32 = 0;

/**
 * Judges the next frame of a leg, 160 octets of mu-law.
 * @returns true when it is not to be sent as audio; what waits before it then goes first, and `describePause` follows
 */
export function isPause(leg: Leg, frame: usize): bool {
  described = 0;
  if ((leg.flags & FLAG_COMFORT_NOISE) == 0 || leg.comfortNoisePayloadType < 0) {
    if (leg.pausing) endPause(leg);
    return false;
  }
  const verdict = dtxStep(dtxState(leg), frame, ORDER, PAYLOAD);
  if (verdict == DTX_SEND_AUDIO) {
    if (leg.pausing) {
      leg.pausing = 0;
      // The first packet after a pause says so (RFC 3551 §4.1).
      leg.marker = 1;
    }
    return false;
  }
  leg.pausing = 1;
  described = max<i32>(verdict, 0);
  return true;
}

/** Sends the description that the frame before asked for, at the timestamp of that frame. */
export function describePause(leg: Leg, timestamp: u32): void {
  if (described == 0) return;
  const octets = min<i32>(described, NOISE_PAYLOAD_MAX);
  const target = outPlace(RTP_HEADER_BYTES + octets);
  if (target == 0) return;
  writeRtpHeader(target, 0, leg.comfortNoisePayloadType, leg.nextSequence & 0xffff, timestamp, leg.ssrc);
  memory.copy(target + RTP_HEADER_BYTES, PAYLOAD, octets);
  sendRtp(leg, target, RTP_HEADER_BYTES + octets, octets);
  leg.nextSequence++;
  leg.relayRebase = 1;
}

function endPause(leg: Leg): void {
  leg.pausing = 0;
  leg.marker = 1;
  dtxReset(dtxState(leg));
}
