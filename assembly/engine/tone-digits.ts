/**
 * Keys as tones in the audio (ITU-T Q.23): sent to a far end that takes no telephone-event (DTMF-5), and heard from one
 * that sends them so, when that was asked for. What a far end sends as telephone-event is believed before its tones.
 */

import { DIGITS_MAX, EVENT_DTMF, FLAG_DETECT_DTMF, FRAME_SAMPLES, PLAY_SILENCE } from "../abi";
import { dtmfDetect, dtmfDetectSilence, dtmfDetectorReset } from "../kernels/dtmf-detector";
import { ulawDecode } from "../kernels/g711";
import { toneBegin, toneWrite } from "../kernels/tone";
import { queueDigit } from "./digits";
import { tellValue } from "./events";
import { digitQueue, dtmfDetector, isRelayed, Leg, legAt, toneState } from "./leg";

const SILENCE: u8 = 0xff;
/** Of each of both tones (Q.24: -7 dBm0 is what telephones send). */
const LEVEL_DBM0: f64 = -7;
/** Silence behind a tone: 60 ms, before anything else is heard. */
const PAUSE_FRAMES: i32 = 3;
/** A key that is relayed lasts so long at least, and 8 s at most. */
const RELAYED_MS: i32 = 100;
const FRAMES_MAX: i32 = 400;
/** Senders tell every 20 to 50 ms that a key is still down. */
const UPDATE_FRAMES: i32 = 3;
/** An event that comes so soon after its tone was heard is the same press. */
const SAME_PRESS_MS: f64 = 400;

/** Low tone and high tone of each RFC 4733 event, in Hz. */
const LOW_HZ = memory.data<u16>([941, 697, 697, 697, 770, 770, 770, 852, 852, 852, 941, 941, 697, 770, 852, 941]);
const HIGH_HZ = memory.data<u16>([
  1336, 1209, 1336, 1477, 1209, 1336, 1477, 1209, 1336, 1477, 1209, 1477, 1633, 1633, 1633, 1633,
]);
const SAMPLES = memory.data(FRAME_SAMPLES * 2, 16);

/** Takes up the next digit that waits, if none is on its way. @returns false when there is none */
export function toneDue(leg: Leg): bool {
  if (leg.digitActive) return true;
  if (leg.digitsRead == leg.digitsWritten) return false;
  const queued = load<u32>(digitQueue(leg) + <usize>((leg.digitsRead % <u32>DIGITS_MAX) << 2));
  leg.digitsRead++;
  leg.digitActive = 1;
  leg.toneKey = <i32>(queued >> 16);
  leg.toneFrames = 0;
  leg.toneFramesWanted = (<i32>(queued & 0xffff) + 19) / 20;
  leg.tonePauseFrames = PAUSE_FRAMES;
  const place = <usize>(leg.toneKey << 1);
  toneBegin(toneState(leg), <f64>load<u16>(LOW_HZ + place), <f64>load<u16>(HIGH_HZ + place), LEVEL_DBM0);
  return true;
}

/** Writes 20 ms of the digit, or of the pause behind it. @returns false when that was the last of it */
export function writeTone(leg: Leg, frame: usize): bool {
  if (leg.toneFrames < leg.toneFramesWanted) {
    leg.toneFrames++;
    toneWrite(toneState(leg), frame, FRAME_SAMPLES);
    return true;
  }
  memory.fill(frame, SILENCE, FRAME_SAMPLES);
  leg.tonePauseFrames--;
  if (leg.tonePauseFrames > 0) return true;
  leg.digitActive = 0;
  return false;
}

/**
 * An event came from the far end of a leg whose peer takes none: the peer hears it as a tone, as long as the key is down.
 * @param digit - when the packet begins a press, else -1
 */
export function relayAsTone(leg: Leg, digit: i32, event: i32, durationSamples: i32, ends: bool): void {
  if (leg.peer < 0) return;
  const to = legAt(leg.peer);
  if (to.eventSendPayloadType >= 0 || !isRelayed(to)) return;
  if (digit >= 0) queueDigit(to, digit, RELAYED_MS);
  else if (to.digitActive && to.toneKey == event && to.digitsRead == to.digitsWritten) {
    // Until the next packet of the press may come.
    const frames = (durationSamples + FRAME_SAMPLES - 1) / FRAME_SAMPLES + (ends ? 0 : UPDATE_FRAMES);
    if (to.toneFrames < to.toneFramesWanted) to.toneFramesWanted = min<i32>(FRAMES_MAX, max<i32>(RELAYED_MS / 20, frames));
  }
}

/** 20 ms that were heard of the far end. @param frame - mu-law; nothing of it is looked at when `played` is silence */
export function listenForTones(leg: Leg, frame: usize, played: i32, nowMs: f64): void {
  if ((leg.flags & FLAG_DETECT_DTMF) == 0) return;
  if (played == PLAY_SILENCE) {
    dtmfDetectSilence(dtmfDetector(leg));
    return;
  }
  ulawDecode(frame, SAMPLES, FRAME_SAMPLES);
  const key = dtmfDetect(dtmfDetector(leg), SAMPLES);
  // A far end that sends events would otherwise be heard twice.
  if (key < 0 || leg.eventsHeard) return;
  leg.heardKey = key;
  leg.heardKeyMs = nowMs;
  tellValue(leg, EVENT_DTMF, key);
}

/** A far end sends an event. @returns false when its tone was told already */
export function isNewPress(leg: Leg, digit: i32, nowMs: f64): bool {
  const wasHeard = !leg.eventsHeard && leg.heardKey == digit && nowMs - leg.heardKeyMs < SAME_PRESS_MS;
  leg.eventsHeard = 1;
  return !wasHeard;
}

/** Another source, or the wish to hear tones is new. */
export function resetTones(leg: Leg): void {
  dtmfDetectorReset(dtmfDetector(leg));
  leg.eventsHeard = 0;
  leg.heardKey = -1;
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeToneSamples(): void {
  memory.fill(SAMPLES, 0, FRAME_SAMPLES * 2);
}
