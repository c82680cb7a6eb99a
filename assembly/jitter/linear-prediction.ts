/**
 * The spectral shape of noise as reflection coefficients of an all-pole model: autocorrelation, then Levinson's recursion.
 * Sign as in RFC 3389's common use: the first coefficient of low-pass noise is negative, A(z) = 1 + sum of a(i) z^-i.
 */

/** Highest order used here; a payload with more is read up to it (RFC 3389 §3). */
export const ORDER_MAX: i32 = 10;

const PREDICTOR = memory.data(88, 16);
const REVERSED = memory.data(88, 16);
const WINDOWED = memory.data(1280, 16);

/** Autocorrelation of `n` (at most 160) samples under a Hann window: ORDER_MAX + 1 sums at `sums`, 64-bit floats. */
export function autocorrelate(samples: usize, n: i32, sums: usize): void {
  const turn = (2 * Math.PI) / <f64>n;
  // The cosine by recursion: a call for each sample would cost more than all the rest.
  const twice = 2 * Math.cos(turn);
  let cosine = Math.cos(turn / 2);
  let before = cosine;
  for (let i: i32 = 0; i < n; i++) {
    store<f64>(WINDOWED + (<usize>i << 3), <f64>load<i16>(samples + (<usize>i << 1)) * (0.5 - 0.5 * cosine));
    const next = twice * cosine - before;
    before = cosine;
    cosine = next;
  }
  for (let lag: i32 = 0; lag <= ORDER_MAX; lag++) {
    let sum: f64 = 0;
    for (let i = lag; i < n; i++) sum += load<f64>(WINDOWED + (<usize>i << 3)) * load<f64>(WINDOWED + (<usize>(i - lag) << 3));
    store<f64>(sums + (<usize>lag << 3), sum);
  }
}

/**
 * Reflection coefficients from the sums of `autocorrelate`: ORDER_MAX of them at `reflections`, 32-bit floats, each between
 * -1 and 1, so that the filter made of them is stable whatever came in.
 */
export function reflect(sums: usize, reflections: usize): void {
  memory.fill(reflections, 0, ORDER_MAX * 4);
  // A little white noise keeps the recursion well behaved for tones and for silence.
  let error = load<f64>(sums) * 1.0005 + 1;
  for (let m: i32 = 0; m < ORDER_MAX; m++) {
    let sum = load<f64>(sums + (<usize>(m + 1) << 3));
    for (let i: i32 = 0; i < m; i++) sum += load<f64>(PREDICTOR + (<usize>i << 3)) * load<f64>(sums + (<usize>(m - i) << 3));
    const k = min<f64>(max<f64>(-sum / error, -0.99), 0.99);
    store<f32>(reflections + (<usize>m << 2), <f32>k);
    for (let i: i32 = 0; i < m; i++) store<f64>(REVERSED + (<usize>i << 3), load<f64>(PREDICTOR + (<usize>(m - 1 - i) << 3)));
    for (let i: i32 = 0; i < m; i++) {
      const at = PREDICTOR + (<usize>i << 3);
      store<f64>(at, load<f64>(at) + k * load<f64>(REVERSED + (<usize>i << 3)));
    }
    store<f64>(PREDICTOR + (<usize>m << 3), k);
    error *= 1 - k * k;
  }
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipePrediction(): void {
  memory.fill(WINDOWED, 0, 1280);
}
