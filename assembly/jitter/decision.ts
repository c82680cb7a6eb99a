/**
 * What one tick plays, as pure decisions apart from carrying them out. `excess` is what is held back beyond the target, in
 * samples; a negative one is what is missing.
 */

/** Play the frame as it came. */
export const DECIDE_PLAY: i32 = 0;
/** More is held back than needed: look for something to leave out. */
export const DECIDE_SHORTEN: i32 = 1;
/** Less is held back than needed: look for something to play twice. */
export const DECIDE_LENGTHEN: i32 = 2;

/** Below this a difference to the target is left alone, in samples. */
const DEAD_BAND: i32 = 20;
/** The shortest piece that can be left out. */
const PIECE_MIN: i32 = 40;
/** Above these the hurry grows: 30, 40 and 100 ms. */
const SOME_HURRY: i32 = 240;
const HURRY: i32 = 320;
const GREAT_HURRY: i32 = 800;
/** Frames between two changes. A small excess waits 3 s for a pause before it is cut out of a voice. */
const WAIT_FRAMES: i32 = 5;
const HURRY_FRAMES: i32 = 2;
const PAUSE_FRAMES: i32 = 150;

/**
 * What to do with a frame that is there.
 * @param restFrames - frames since the last change of length
 * @param quiet - nobody hears a change of this frame's length
 */
export function decideLength(excess: i32, restFrames: i32, quiet: bool): i32 {
  const size = abs<i32>(excess);
  const patience = excess > 0 && size < SOME_HURRY ? PAUSE_FRAMES : WAIT_FRAMES;
  const wait = quiet || size > GREAT_HURRY ? 0 : size > HURRY ? HURRY_FRAMES : patience;
  if (restFrames < wait) return DECIDE_PLAY;
  if (excess >= PIECE_MIN + DEAD_BAND) return DECIDE_SHORTEN;
  return excess <= -DEAD_BAND ? DECIDE_LENGTHEN : DECIDE_PLAY;
}

/**
 * How alike two neighbouring periods must be (normalised correlation) before one of them is left out or doubled: a clear
 * vowel when there is time, anything when the delay is 200 ms too long.
 */
export function decideLikeness(excess: i32): f64 {
  return min<f64>(0.9, max<f64>(0, 0.9 - <f64>(abs<i32>(excess) - 80) * 0.0006));
}

/** Nothing is there for this tick. */
export const DECIDE_CONCEAL: i32 = 3;
export const DECIDE_NOISE: i32 = 4;
export const DECIDE_SILENCE: i32 = 5;

/** Concealment has faded to nothing after this many frames of 20 ms (RTP-7). */
export const CONCEALED_FRAMES_MAX: i32 = 3;
/** Background noise takes over for so long; a stream that is away longer is over. */
const NOISE_FRAMES_MAX: i32 = 50;

/**
 * @param missingFrames - frames in a row that were not there, before this one
 * @param hasPlayed - something was played that can be gone on with
 * @param describedNoise - the sender said that this is a pause (RFC 3389)
 * @param hasBackground - what was heard had a background that would be missed
 */
export function decideMissing(missingFrames: i32, hasPlayed: bool, describedNoise: bool, hasBackground: bool): i32 {
  if (describedNoise) return DECIDE_NOISE;
  if (!hasPlayed) return DECIDE_SILENCE;
  if (missingFrames < CONCEALED_FRAMES_MAX) return DECIDE_CONCEAL;
  return hasBackground && missingFrames < NOISE_FRAMES_MAX ? DECIDE_NOISE : DECIDE_SILENCE;
}
