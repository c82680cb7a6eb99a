/**
 * Concealment of what is missing, in the manner of ITU-T G.711 Appendix I: the last pitch period is repeated, after 10 ms
 * the last two, after 20 ms the last three, so that it does not buzz; after the first 10 ms it loses a fifth of its level
 * every 10 ms and is gone at 60 ms. Joints overlap by a quarter of a period. Unlike the Appendix nothing is delayed: where
 * the Appendix smooths the last samples before the gap, the difference at the joint fades out in the gap's first quarter.
 */

import { ulawDecode } from "../kernels/g711";
import { PITCH_MAX, PITCH_MIN, PITCH_WINDOW, pitchFind, pitchScale } from "./pitch";

/** Samples of history: three of the longest periods, and a quarter for the joint (Appendix I: 48.75 ms). */
export const HISTORY_SAMPLES: i32 = 390;
const QUARTER_MAX: i32 = PITCH_MAX / 4;
/** Blocks of 10 ms. */
const BLOCK: i32 = 80;
/** Full level until here, nothing from there on. */
const HOLD_SAMPLES: i32 = BLOCK;
const GONE_SAMPLES: i32 = 6 * BLOCK;
/** When audio comes back, the joint grows by 4 ms with each concealed block, up to one block. */
const JOINT_GROWTH: i32 = 32;
export const JOINT_MAX: i32 = BLOCK;

@unmanaged
export class Concealment {
  /** Samples concealed without audio between them; 0: what was played last is real. */
  concealed: i32;
  pitch: i32;
  quarter: i32;
  /** Samples at the end of the period buffer that are repeated, and the place in them. */
  length: i32;
  offset: i32;
  /** Samples of a joint inside the gap that are still to be glided over. */
  jointLeft: i32;
  /** How far the first repeated sample lies from where the signal was. */
  step: i32;
  reserved: i32;
}

/** Mu-law octets that were played last; samples that are repeated; their last quarter as it was; joint inside the gap. */
const HISTORY_AT: usize = offsetof<Concealment>();
const PERIODS_AT: usize = (HISTORY_AT + HISTORY_SAMPLES + 15) & ~15;
const LAST_QUARTER_AT: usize = PERIODS_AT + <usize>HISTORY_SAMPLES * 2;
const JOINT_AT: usize = LAST_QUARTER_AT + <usize>QUARTER_MAX * 2;
export const CONCEALMENT_BYTES: i32 = <i32>((JOINT_AT + <usize>QUARTER_MAX * 2 + 15) & ~15);

const SCALED = memory.data(800, 16);

export function concealmentReset(state: Concealment): void {
  memory.fill(changetype<usize>(state), 0, CONCEALMENT_BYTES);
  memory.fill(history(state), 0xff, HISTORY_SAMPLES);
}

function history(state: Concealment): usize {
  return changetype<usize>(state) + HISTORY_AT;
}

/** The `n` octets that were played last. */
export function historyEnd(state: Concealment, n: i32): usize {
  return history(state) + <usize>(HISTORY_SAMPLES - n);
}

/** Remembers `n` octets that were played, real or not. */
export function concealmentRemember(state: Concealment, octets: usize, n: i32): void {
  const keep = HISTORY_SAMPLES - n;
  memory.copy(history(state), history(state) + <usize>n, <usize>keep);
  memory.copy(history(state) + <usize>keep, octets, <usize>n);
}

/** Level at sample `i` of a gap, in 400ths. */
function levelAt(i: i32): i32 {
  return max<i32>(GONE_SAMPLES - max<i32>(i, HOLD_SAMPLES), 0);
}

/** Nothing is left of what was repeated. */
export function isFaded(state: Concealment): bool {
  return state.concealed >= GONE_SAMPLES;
}

/** Level of what `conceal` writes next, 0 to 1: what is missing may be filled with background noise. */
export function concealmentLevel(concealed: i32): f64 {
  return <f64>levelAt(concealed) / <f64>(GONE_SAMPLES - HOLD_SAMPLES);
}

function begin(state: Concealment): void {
  const periods = changetype<usize>(state) + PERIODS_AT;
  ulawDecode(history(state), periods, HISTORY_SAMPLES);
  pitchScale(periods, SCALED, HISTORY_SAMPLES);
  const recent = SCALED + (<usize>(HISTORY_SAMPLES - PITCH_WINDOW) << 1);
  state.pitch = pitchFind(recent, PITCH_MIN, PITCH_MAX, PITCH_WINDOW, false);
  state.quarter = state.pitch >> 2;
  state.length = 0;
  state.offset = 0;
  state.jointLeft = 0;
  const end = periods + (<usize>HISTORY_SAMPLES << 1);
  memory.copy(changetype<usize>(state) + LAST_QUARTER_AT, end - (<usize>state.quarter << 1), <usize>state.quarter << 1);
  state.step = <i32>load<i16>(end - 2) - <i32>load<i16>(end - 2 - (<usize>state.pitch << 1));
  addPeriod(state);
}

/** One more period is repeated: the end of the buffer glides into the samples before its new beginning. */
function addPeriod(state: Concealment): void {
  state.length += state.pitch;
  const quarter = state.quarter;
  const end = changetype<usize>(state) + PERIODS_AT + (<usize>HISTORY_SAMPLES << 1);
  const tail = end - (<usize>quarter << 1);
  const before = tail - (<usize>state.length << 1);
  const last = changetype<usize>(state) + LAST_QUARTER_AT;
  for (let i: i32 = 0; i < quarter; i++) {
    const at = <usize>i << 1;
    store<i16>(tail + at, <i16>((<i32>load<i16>(last + at) * (quarter - i) + <i32>load<i16>(before + at) * i) / quarter));
  }
}

// @ts-expect-error: decorator
@inline
function next(state: Concealment): i32 {
  const start = changetype<usize>(state) + PERIODS_AT + (<usize>(HISTORY_SAMPLES - state.length) << 1);
  const sample = <i32>load<i16>(start + (<usize>state.offset << 1));
  if (++state.offset >= state.length) state.offset = 0;
  return sample;
}

/** From one to two, and from two to three periods: what would have come is kept for a joint. */
function grow(state: Concealment): void {
  const offset = state.offset;
  const joint = changetype<usize>(state) + JOINT_AT;
  for (let i: i32 = 0; i < state.quarter; i++) store<i16>(joint + (<usize>i << 1), <i16>next(state));
  state.offset = offset % state.pitch;
  addPeriod(state);
  state.jointLeft = state.quarter;
}

/** Writes `n` samples that go on from the history. */
export function conceal(state: Concealment, out: usize, n: i32): void {
  if (state.concealed === 0) begin(state);
  const quarter = state.quarter;
  const joint = changetype<usize>(state) + JOINT_AT;
  for (let i: i32 = 0; i < n; i++) {
    const at = state.concealed;
    if (at === BLOCK || at === 2 * BLOCK) grow(state);
    let sample = next(state);
    if (at < quarter) sample = clip(sample + (state.step * (quarter - at)) / (quarter + 1));
    if (state.jointLeft > 0) {
      const left = state.jointLeft;
      sample = (<i32>load<i16>(joint + (<usize>(quarter - left) << 1)) * left + sample * (quarter - left)) / quarter;
      state.jointLeft = left - 1;
    }
    store<i16>(out + (<usize>i << 1), <i16>((sample * levelAt(at)) / (GONE_SAMPLES - HOLD_SAMPLES)));
    state.concealed = at < i32.MAX_VALUE ? at + 1 : at;
  }
}

function clip(sample: i32): i32 {
  return min<i32>(max<i32>(sample, -32_768), 32_767);
}

/** Samples over which audio that comes back is joined with what concealment goes on with. */
export function jointSamples(state: Concealment): i32 {
  const blocks = max<i32>((state.concealed + BLOCK - 1) / BLOCK - 1, 0);
  return min<i32>(state.quarter + blocks * JOINT_GROWTH, JOINT_MAX);
}

/** Audio is back: the first `n` of its samples glide from `made` into it. */
export function concealmentJoin(samples: usize, made: usize, n: i32): void {
  for (let i: i32 = 0; i < n; i++) {
    const at = <usize>i << 1;
    const real = <i32>load<i16>(samples + at);
    store<i16>(samples + at, <i16>((real * i + <i32>load<i16>(made + at) * (n - i)) / n));
  }
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeConcealment(): void {
  memory.fill(SCALED, 0, 800);
}
