/**
 * Discontinuous transmission (RFC 3389 §4): frames that hold nothing but background are not sent; the far end is told now and
 * then what they sound like. Only where the far end takes comfort noise and the owner of the leg asked for it (CN-2).
 */

import { FLAG_COMFORT_NOISE } from "../abi";
import { DTX_SEND_AUDIO, dtxReset, dtxStep } from "../jitter/dtx";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/header";
import { dtxState, Leg } from "./leg";
import { outPlace, sendRtp } from "./send";

/** Coefficients of a description: enough for the shape of a room, in 7 octets. */
const ORDER: i32 = 6;
const PAYLOAD = memory.data(16, 16);

/** The frame is no pause, or pauses are not described. */
export const SEND_AUDIO: i32 = -1;

/**
 * Judges the next frame of a leg, 160 octets of mu-law.
 * @returns SEND_AUDIO, or how many octets describe it, 0 when the description that was sent still holds: the frame is not to
 *   be sent as audio then, and what waits before it goes first
 */
export function judgePause(leg: Leg, frame: usize): i32 {
  if ((leg.flags & FLAG_COMFORT_NOISE) == 0 || leg.comfortNoisePayloadType < 0) {
    if (leg.pausing) endPause(leg);
    return SEND_AUDIO;
  }
  const verdict = dtxStep(dtxState(leg), frame, ORDER, PAYLOAD);
  if (verdict != DTX_SEND_AUDIO) {
    leg.pausing = 1;
    return max<i32>(verdict, 0);
  }
  if (leg.pausing) {
    leg.pausing = 0;
    // The first packet after a pause says so (RFC 3551 §4.1).
    leg.marker = 1;
  }
  return SEND_AUDIO;
}

/** Sends the description of the frame that was judged last, at its timestamp. @param octets - of the description */
export function describePause(leg: Leg, octets: i32, timestamp: u32): void {
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
