/**
 * The playout road, 20 ms at a time: what a leg hears comes out of its jitter buffer, what it is to play goes into RTP.
 * A clock that was late plays what is missing on the inbound side, and sends no more than three packets at once.
 */

import { PLAY_CONCEALED, PLAY_SILENCE, STATE_CURRENT_LEG, STREAM_OUTBOUND, TRACK_INBOUND, TRACK_OUTBOUND } from "../abi";
import { jitterTake } from "../jitter/jitter";
import { STATE } from "../memory";
import { attend } from "./attend";
import { BURST_FRAMES_MAX, BURST_PACKETS_MAX, FRAME_MS } from "./clock";
import { inboundFrame, isRelayed, jitterBuffer, Leg, legAt } from "./leg";
import { mixPhase } from "./mixing";
import { speak } from "./outbound";
import { firstInPhase, lastMoment, phaseDueMs, setPhaseDue } from "./phases";
import { writeFrames } from "./streams";
import { listenForTones } from "./tone-digits";

/** Serves the frames of a phase that are due; returns how many legs were served. */
export function playout(phase: i32, nowMs: f64): i32 {
  const lastMs = lastMoment(phase, nowMs);
  const dueMs = phaseDueMs(phase);
  let served: i32 = 0;
  // Beyond half a second the clock goes on from now: nobody wants to hear the past.
  let frameMs = max<f64>(dueMs, lastMs - <f64>(BURST_FRAMES_MAX - 1) * FRAME_MS);
  for (; frameMs <= lastMs; frameMs += FRAME_MS) {
    const behindMs = lastMs - frameMs;
    served = serve(phase, frameMs, nowMs, behindMs < <f64>BURST_PACKETS_MAX * FRAME_MS, behindMs == 0);
    // Not before the end: after a trap the same frame is taken up again, without the leg that caused it.
    setPhaseDue(phase, frameMs + FRAME_MS);
  }
  return served;
}

/**
 * One frame of all legs of a phase.
 * @param maySend - packets may still be sent for it
 * @param isLast - no later one is due
 */
function serve(phase: i32, frameMs: f64, nowMs: f64, maySend: bool, isLast: bool): i32 {
  let served: i32 = 0;
  for (let slot = firstInPhase(phase); slot >= 0; ) {
    const leg = legAt(slot);
    if (leg.frameDueMs <= frameMs) {
      store<i32>(STATE + STATE_CURRENT_LEG, slot);
      leg.frameDueMs = frameMs + FRAME_MS;
      leg.servedMs = frameMs;
      hear(leg, frameMs);
      if (leg.conference < 0) speak(leg, 0, frameMs, nowMs, maySend);
      if (isLast) attend(leg, nowMs);
      served++;
    }
    slot = leg.nextInPhase;
  }
  mixPhase(phase, frameMs, nowMs, maySend);
  return served;
}

/** 20 ms of what came in. */
function hear(leg: Leg, frameMs: f64): void {
  if (!leg.listening) return;
  const frame = inboundFrame(leg);
  leg.played = jitterTake(jitterBuffer(leg), frame, frameMs);
  if (leg.played == PLAY_CONCEALED) leg.framesConcealed++;
  const sounding = leg.played != PLAY_SILENCE;
  listenForTones(leg, frame, leg.played, frameMs);
  writeFrames(leg, TRACK_INBOUND, frame, sounding, frameMs);
  // What one side of a bridge says is what the other is sent.
  if (leg.peer < 0) return;
  const peer = legAt(leg.peer);
  if ((peer.tracks & STREAM_OUTBOUND) != 0 && isRelayed(peer))
    writeFrames(peer, TRACK_OUTBOUND, frame, sounding, frameMs);
}
