/**
 * The open legs by the moment of the 20 ms frame at which they are served: a list for each of four moments 5 ms apart, so
 * that a thousand legs don't send in one burst and a tick looks only at those whose moment has come.
 */

import { FRAME_MS } from "./clock";
import { Leg, legAt } from "./leg";

export const PHASE_COUNT: i32 = 4;

@unmanaged
class Phase {
  /** First leg, or -1; the legs of a phase are a list in both directions. */
  first: i32;
  count: i32;
  /** The next frame that was not served. */
  dueMs: f64;
}

const PHASES = memory.data(<i32>offsetof<Phase>() * PHASE_COUNT, 16);

// @ts-expect-error: decorator
@inline
function phaseAt(phase: i32): Phase {
  return changetype<Phase>(PHASES + <usize>phase * offsetof<Phase>());
}

/** Nobody is open. */
export function openPhases(): void {
  for (let phase: i32 = 0; phase < PHASE_COUNT; phase++) {
    phaseAt(phase).first = -1;
    phaseAt(phase).dueMs = -Infinity;
  }
}

/** First leg of a phase, or -1; the next is `nextInPhase`. */
export function firstInPhase(phase: i32): i32 {
  return phaseAt(phase).first;
}

/** The phase that has the fewest legs. */
export function leastPhase(): i32 {
  let least: i32 = 0;
  for (let phase: i32 = 1; phase < PHASE_COUNT; phase++) if (phaseAt(phase).count < phaseAt(least).count) least = phase;
  return least;
}

/** The first moment of a phase at or after `nowMs`. */
function momentFrom(phase: i32, nowMs: f64): f64 {
  const offset = <f64>phase * (FRAME_MS / PHASE_COUNT);
  return Math.ceil((nowMs - offset) / FRAME_MS) * FRAME_MS + offset;
}

/** The last moment of a phase at or before `nowMs`. */
export function lastMoment(phase: i32, nowMs: f64): f64 {
  const offset = <f64>phase * (FRAME_MS / PHASE_COUNT);
  return Math.floor((nowMs - offset) / FRAME_MS) * FRAME_MS + offset;
}

/** The frame that a phase is to serve next. */
export function phaseDueMs(phase: i32): f64 {
  return phaseAt(phase).dueMs;
}

export function setPhaseDue(phase: i32, dueMs: f64): void {
  phaseAt(phase).dueMs = dueMs;
}

/** Puts an open leg into a phase; its frames begin with the first moment at or after `fromMs`. */
export function enterPhase(leg: Leg, phase: i32, fromMs: f64): void {
  const list = phaseAt(phase);
  leg.phase = phase;
  leg.previousInPhase = -1;
  leg.nextInPhase = list.first;
  if (list.first >= 0) legAt(list.first).previousInPhase = leg.slot;
  list.first = leg.slot;
  list.count++;
  leg.frameDueMs = momentFrom(phase, fromMs);
}

export function leavePhase(leg: Leg): void {
  const list = phaseAt(leg.phase);
  if (leg.previousInPhase >= 0) legAt(leg.previousInPhase).nextInPhase = leg.nextInPhase;
  else list.first = leg.nextInPhase;
  if (leg.nextInPhase >= 0) legAt(leg.nextInPhase).previousInPhase = leg.previousInPhase;
  list.count--;
}

/** Moves a leg to another phase; no frame of it is served twice, and the gap between two grows by less than a frame. */
export function changePhase(leg: Leg, phase: i32): void {
  if (leg.phase == phase) return;
  leavePhase(leg);
  enterPhase(leg, phase, leg.frameDueMs);
}
