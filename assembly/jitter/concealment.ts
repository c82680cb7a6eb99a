/**
 * Concealment of lost frames in the manner of G.711 Appendix I: the last pitch period is repeated with a smooth joint, and
 * fades to silence within 60 ms. History and output are 16-bit samples.
 */

/** Samples of history: the longest pitch, the correlation window, and a quarter period for the joint. */
export const HISTORY_SAMPLES: i32 = 400;
/** History, then pitch period, position in it, samples concealed so far. */
export const CONCEALMENT_BYTES: i32 = HISTORY_SAMPLES * 2 + 16;
const PITCH: usize = <usize>HISTORY_SAMPLES * 2;
const POSITION: usize = PITCH + 4;
const CONCEALED: usize = PITCH + 8;

/** 66 to 200 Hz at 8000 Hz. */
const PITCH_MIN: i32 = 40;
const PITCH_MAX: i32 = 120;
const WINDOW: i32 = 160;
/** Full level for the first 10 ms, then down to nothing at 60 ms. */
const HOLD_SAMPLES: i32 = 80;
const FADE_SAMPLES: i32 = 400;
/** Joint when real audio comes back. */
export const JOINT_SAMPLES: i32 = 32;

export function concealmentReset(state: usize): void {
  memory.fill(state, 0, <usize>CONCEALMENT_BYTES);
}

/** True while the last frame was concealed. */
export function concealing(state: usize): bool {
  return load<i32>(state, CONCEALED) > 0;
}

/** Remembers `n` samples that were played, real or concealed. */
export function concealmentRemember(state: usize, samples: usize, n: i32): void {
  const keep = HISTORY_SAMPLES - n;
  memory.copy(state, state + <usize>(n << 1), <usize>(keep << 1));
  memory.copy(state + <usize>(keep << 1), samples, <usize>(n << 1));
}

/** Writes `n` samples that go on from the history. */
export function conceal(state: usize, out: usize, n: i32): void {
  let concealed = load<i32>(state, CONCEALED);
  if (concealed === 0) {
    store<i32>(state, findPitch(state), PITCH);
    store<i32>(state, 0, POSITION);
  }
  const pitch = load<i32>(state, PITCH);
  let position = load<i32>(state, POSITION);
  const quarter = pitch >> 2;
  const period = state + <usize>((HISTORY_SAMPLES - pitch) << 1);
  for (let i: i32 = 0; i < n; i++) {
    let sample = <i32>load<i16>(period + <usize>(position << 1));
    // The end of the period glides into the samples before its beginning, so that repeats join without a click.
    const intoJoint = position - (pitch - quarter);
    if (intoJoint >= 0) {
      const before = <i32>load<i16>(period - <usize>((quarter - intoJoint) << 1));
      sample = (sample * (quarter - intoJoint) + before * intoJoint) / quarter;
    }
    const fade = max<i32>(FADE_SAMPLES - max<i32>(concealed - HOLD_SAMPLES, 0), 0);
    store<i16>(out + <usize>(i << 1), <i16>((sample * fade) / FADE_SAMPLES));
    concealed++;
    position++;
    if (position >= pitch) position = 0;
  }
  store<i32>(state, position, POSITION);
  store<i32>(state, concealed, CONCEALED);
}

/** Real audio is back at `samples`: its beginning is joined with what concealment would have gone on with. */
export function concealmentJoin(state: usize, samples: usize, scratch: usize): void {
  conceal(state, scratch, JOINT_SAMPLES);
  for (let i: i32 = 0; i < JOINT_SAMPLES; i++) {
    const place = samples + <usize>(i << 1);
    const real = <i32>load<i16>(place);
    const made = <i32>load<i16>(scratch + <usize>(i << 1));
    store<i16>(place, <i16>((real * i + made * (JOINT_SAMPLES - i)) / JOINT_SAMPLES));
  }
  store<i32>(state, 0, CONCEALED);
}

/** The lag at which the last 20 ms look most like what was before. */
function findPitch(state: usize): i32 {
  const recent = state + <usize>((HISTORY_SAMPLES - WINDOW) << 1);
  let best: i32 = PITCH_MAX;
  let bestScore: f64 = -1;
  for (let lag: i32 = PITCH_MIN; lag <= PITCH_MAX; lag++) {
    const older = recent - <usize>(lag << 1);
    let product: i64 = 0;
    let energy: i64 = 1;
    // Every second sample is enough to tell the lag.
    for (let i: usize = 0; i < <usize>WINDOW; i += 2) {
      const b = <i32>load<i16>(older + (i << 1));
      product += <i64>(<i32>load<i16>(recent + (i << 1)) * b);
      energy += <i64>(b * b);
    }
    const score = product <= 0 ? 0 : <f64>product / Math.sqrt(<f64>energy);
    if (score > bestScore) {
      bestScore = score;
      best = lag;
    }
  }
  return best;
}
