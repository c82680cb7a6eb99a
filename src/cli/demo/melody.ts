/** The audio of the demonstration: a short tune made of decaying notes, so that no file has to be shipped. */

const RATE_HZ = 8000;
/** C major and back, in Hz with lengths in ms; 0 is a rest. */
const TUNE: readonly (readonly [hz: number, ms: number])[] = [
  [523.25, 250],
  [659.25, 250],
  [783.99, 250],
  [1046.5, 500],
  [0, 250],
  [783.99, 250],
  [659.25, 250],
  [523.25, 500],
  [0, 500],
];

/** 16-bit samples at 8000 Hz. `transpose` 1 is as written; another party plays it higher or lower. */
export function melody(transpose = 1): Int16Array {
  const total = TUNE.reduce((sum, [, ms]) => sum + (ms * RATE_HZ) / 1000, 0);
  const samples = new Int16Array(total);
  let at = 0;
  for (const [hz, ms] of TUNE) {
    const length = (ms * RATE_HZ) / 1000;
    for (let i = 0; hz > 0 && i < length; i++) {
      const seconds = i / RATE_HZ;
      const fade = Math.exp(-4 * seconds) * Math.min(1, i / 40) * Math.min(1, (length - i) / 40);
      const phase = 2 * Math.PI * hz * transpose * seconds;
      samples[at + i] = Math.round(9000 * fade * (Math.sin(phase) + 0.3 * Math.sin(2 * phase)));
    }
    at += length;
  }
  return samples;
}
