/** What one tick plays: a pure decision, apart from carrying it out. */

/** Play the frame as it came. */
export const DECIDE_PLAY: i32 = 0;
/** Some or all of it is missing: conceal what is missing. */
export const DECIDE_CONCEAL: i32 = 1;
/** More is held back than needed: leave a frame out, then play. */
export const DECIDE_SHORTEN: i32 = 2;
/** Nothing came for long: silence or comfort noise. */
export const DECIDE_SILENCE: i32 = 3;

/** Concealment has faded to nothing after this many frames of 20 ms. */
const CONCEALED_FRAMES_MAX: i32 = 3;
/** Depth above the target that is worth a cut, and the waits in frames before one in quiet and in loud audio. */
const EXCESS_MS: f64 = 20;
const QUIET_WAIT: i32 = 10;
const LOUD_WAIT: i32 = 50;

/**
 * @param present - samples of this frame that are there, of 160
 * @param concealedFrames - frames concealed in a row until now
 * @param spareMs - the least that was held back behind the played frame since the last cut
 * @param excessFrames - frames in a row with more held back than the target
 * @param quiet - the frame to be left out is hardly heard
 */
export function decide(
  present: u32,
  concealedFrames: i32,
  spareMs: f64,
  targetMs: f64,
  excessFrames: i32,
  quiet: bool,
): i32 {
  if (present === 0) return concealedFrames >= CONCEALED_FRAMES_MAX ? DECIDE_SILENCE : DECIDE_CONCEAL;
  if (present < 160) return DECIDE_CONCEAL;
  const wait = quiet ? QUIET_WAIT : LOUD_WAIT;
  return spareMs > targetMs + EXCESS_MS && excessFrames >= wait ? DECIDE_SHORTEN : DECIDE_PLAY;
}
