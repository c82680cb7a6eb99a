/**
 * Objective measures of what was heard against what was said. Log-spectral distance is the root mean square difference of
 * two short-time spectra in dB (Gray and Markel 1976), over 20 ms windows and 250 to 3400 Hz; smaller is better. Segmental
 * SNR is the mean of the signal-to-noise ratios of such windows, each bounded to -10 to 35 dB (as in ITU-T P.830's tools);
 * larger is better.
 */

const WINDOW = 160;
const HALF = 128;
/** Bins of 31.25 Hz. */
const LOW_BIN = 8;
const HIGH_BIN = 109;
/** Spectra are compared above this power, so that silence is not infinitely far from silence. */
const FLOOR = 200;

const hann = Float64Array.from({ length: WINDOW }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / WINDOW));

/** In-place radix-2 transform of 256 points. */
function transform(re: Float64Array, im: Float64Array): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let size = 2; size <= n; size *= 2) {
    const turn = (-2 * Math.PI) / size;
    for (let start = 0; start < n; start += size)
      for (let k = 0; k < size / 2; k++) {
        const [c, s] = [Math.cos(turn * k), Math.sin(turn * k)];
        const [a, b] = [start + k, start + k + size / 2];
        const [x, y] = [re[b]! * c - im[b]! * s, re[b]! * s + im[b]! * c];
        re[b] = re[a]! - x;
        im[b] = im[a]! - y;
        re[a]! += x;
        im[a]! += y;
      }
  }
}

/** Power spectrum in dB of the 20 ms that begin at `at`. */
function spectrum(samples: Int16Array, at: number): Float64Array {
  const re = new Float64Array(2 * HALF);
  const im = new Float64Array(2 * HALF);
  for (let i = 0; i < WINDOW; i++) re[i] = (samples[at + i] ?? 0) * hann[i]!;
  transform(re, im);
  const out = new Float64Array(HIGH_BIN - LOW_BIN);
  for (let bin = LOW_BIN; bin < HIGH_BIN; bin++)
    out[bin - LOW_BIN] = 10 * Math.log10((re[bin]! ** 2 + im[bin]! ** 2) / WINDOW + FLOOR);
  return out;
}

/** Log-spectral distance of two 20 ms windows, dB. */
export function logSpectralDistance(a: Int16Array, atA: number, b: Int16Array, atB = atA): number {
  const [x, y] = [spectrum(a, atA), spectrum(b, atB)];
  let sum = 0;
  for (let bin = 0; bin < x.length; bin++) sum += (x[bin]! - y[bin]!) ** 2;
  return Math.sqrt(sum / x.length);
}

/** Signal-to-noise ratio of one 20 ms window, dB, bounded to -10 to 35. */
export function segmentSnr(clean: Int16Array, heard: Int16Array, at: number): number {
  let signal = 0;
  let noise = 0;
  for (let i = at; i < at + WINDOW; i++) {
    signal += (clean[i] ?? 0) ** 2;
    noise += ((clean[i] ?? 0) - (heard[i] ?? 0)) ** 2;
  }
  return Math.min(35, Math.max(-10, 10 * Math.log10((signal + 1) / (noise + 1))));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
}

/** Largest step between neighbouring samples of a stretch: a click shows here. */
export function largestStep(samples: Int16Array, from = 0, to = samples.length): number {
  let step = 0;
  for (let i = from + 1; i < to; i++) step = Math.max(step, Math.abs(samples[i]! - samples[i - 1]!));
  return step;
}
