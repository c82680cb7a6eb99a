/**
 * Level and silence of what a leg hears and says, packet by packet on both roads. Levels are kept as mean squares relative
 * to the overload point; the reader makes dBov of them (RFC 6464). Silence is told when it has lasted as long as was asked.
 */

import { EVENT_SILENCE_BEGAN, EVENT_SILENCE_ENDED, FLAG_RECEIVING, FLAG_SENDING, TRACK_INBOUND, TRACK_OUTBOUND } from "../abi";
import { tellSpan } from "./events";
import { Leg, meterOf } from "./leg";
import { Meter } from "./meter-fields";

/** What a level is the mean of. */
const WINDOW_SAMPLES: i32 = 800;
/** Packets above the threshold that end a silence: one alone may be a click. */
const LOUD_PACKETS: i32 = 2;
/** Without audio for so long a track is silent: comfort noise, hold, or a far end that sends nothing while it hears nothing. */
const ABSENT_MS: f64 = 60;

/** Takes one packet of a track into account. @param energy - of `g711Energy` */
export function meter(leg: Leg, track: i32, energy: f64, samples: i32, nowMs: f64): void {
  const state = meterOf(leg, track);
  state.energy += energy;
  state.samples += samples;
  state.audioMs = nowMs;
  if (state.samples >= WINDOW_SAMPLES) {
    state.meanSquare = state.energy / <f64>state.samples;
    state.energy = 0;
    state.samples = 0;
  }
  if (leg.silenceAfterMs == 0) return;
  if (energy < leg.silenceMeanSquare * <f64>samples) {
    state.loudPackets = 0;
    if (!state.quiet) beginQuiet(state, nowMs);
    return;
  }
  state.loudPackets++;
  if (!state.quiet || (state.told && state.loudPackets < LOUD_PACKETS)) return;
  state.quiet = 0;
  if (!state.told) return;
  state.told = 0;
  tellSpan(leg, EVENT_SILENCE_ENDED, track, nowMs - state.quietMs);
}

/** Looks whether a silence has lasted long enough; once for each tick of the leg. */
export function watchSilence(leg: Leg, nowMs: f64): void {
  watchTrack(leg, TRACK_INBOUND, (leg.flags & FLAG_RECEIVING) != 0, nowMs);
  watchTrack(leg, TRACK_OUTBOUND, (leg.flags & FLAG_SENDING) != 0, nowMs);
}

function watchTrack(leg: Leg, track: i32, isWanted: bool, nowMs: f64): void {
  const state = meterOf(leg, track);
  if (nowMs - state.audioMs > ABSENT_MS) {
    if (!state.quiet) beginQuiet(state, state.audioMs);
    state.loudPackets = 0;
    state.meanSquare = 0;
  }
  if (leg.silenceAfterMs == 0 || !isWanted) return;
  if (!state.quiet || state.told || nowMs - state.quietMs < <f64>leg.silenceAfterMs) return;
  state.told = 1;
  tellSpan(leg, EVENT_SILENCE_BEGAN, track, nowMs - state.quietMs);
}

function beginQuiet(state: Meter, sinceMs: f64): void {
  state.quiet = 1;
  state.quietMs = sinceMs;
}

/** Begins to watch anew, when the leg opens or is asked for another duration. */
export function resetSilence(leg: Leg, nowMs: f64): void {
  for (let track: i32 = 0; track < 2; track++) {
    const state = meterOf(leg, track);
    state.quiet = 0;
    state.told = 0;
    state.loudPackets = 0;
    state.audioMs = nowMs;
  }
}
