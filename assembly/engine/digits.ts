/** Digits that are sent into a leg one after the other (DTMF-2): by RFC 4733 here, as tones in tone-digits.ts. */

import { DIGITS_MAX, STATUS_FULL } from "../abi";
import { RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/header";
import { DTMF_STEP_MARKER, DTMF_STEP_MORE, dtmfSendBegin, dtmfSendStep } from "../rtp/telephone-event";
import { digitQueue, dtmfSender, isRelayed, Leg } from "./leg";
import { nextTimestamp } from "./relay";
import { outPlace, sendRtp } from "./send";

const PAYLOAD_BYTES: i32 = 4;
/** Between two digits. */
const PAUSE_MS: f64 = 50;

/** Puts a digit behind those that wait. */
export function queueDigit(leg: Leg, event: i32, durationMs: i32): i32 {
  if (leg.digitsWritten - leg.digitsRead >= <u32>DIGITS_MAX) return STATUS_FULL;
  const place = digitQueue(leg) + <usize>((leg.digitsWritten % <u32>DIGITS_MAX) << 2);
  store<u32>(place, ((<u32>event) << 16) | <u32>durationMs);
  leg.digitsWritten++;
  return 0;
}

export function digitsPending(leg: Leg): i32 {
  return <i32>(leg.digitsWritten - leg.digitsRead) + leg.digitActive;
}

/** One step of 20 ms. @returns true when an event packet took the place of audio */
export function stepDigits(leg: Leg, nowMs: f64): bool {
  if (!leg.digitActive) {
    if (leg.digitsRead == leg.digitsWritten || nowMs < leg.digitPauseMs) return false;
    const queued = load<u32>(digitQueue(leg) + <usize>((leg.digitsRead % <u32>DIGITS_MAX) << 2));
    leg.digitsRead++;
    leg.digitActive = 1;
    leg.digitTimestamp = nextTimestamp(leg, nowMs);
    dtmfSendBegin(dtmfSender(leg), <i32>(queued >> 16), leg.digitTimestamp, <i32>(queued & 0xffff) * 8);
  }
  const place = outPlace(RTP_HEADER_BYTES + PAYLOAD_BYTES);
  if (place == 0) return true;
  const step = dtmfSendStep(dtmfSender(leg), place + RTP_HEADER_BYTES);
  if (step >= 0) {
    writeRtpHeader(
      place,
      step & DTMF_STEP_MARKER ? 1 : 0,
      leg.eventSendPayloadType,
      leg.nextSequence & 0xffff,
      leg.digitTimestamp,
      leg.ssrc,
    );
    leg.nextSequence++;
    if (!leg.sentAny) leg.sentAny = 1;
    sendRtp(leg, place, RTP_HEADER_BYTES + PAYLOAD_BYTES, PAYLOAD_BYTES);
  }
  if (step < 0 || (step & DTMF_STEP_MORE) == 0) {
    leg.digitActive = 0;
    leg.digitPauseMs = nowMs + PAUSE_MS;
    leg.marker = 1;
    // Sequence numbers were used up: what is relayed next has to be tied to them anew.
    if (isRelayed(leg)) leg.relayRebase = 1;
  }
  return true;
}
