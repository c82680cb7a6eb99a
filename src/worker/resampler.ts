/**
 * Brings samples of any rate to 8000 Hz: a windowed-sinc low-pass in polyphase form, computed as the audio is needed.
 * A rate of 8000 Hz passes through untouched.
 */

/** Gives the next sample, or NaN at the end. */
export type SampleReader = () => number;

const RATE_HZ = 8000;
/** Zero crossings of the sinc on each side: stop band below -60 dB with the Blackman window. */
const ZERO_CROSSINGS = 12;
/** Positions between two input samples that have coefficients of their own; enough for 16-bit audio at 8000 Hz. */
const PHASES_MAX = 256;
/** Of the lower of both Nyquist frequencies: what the transition band leaves untouched. */
const PASS_BAND = 0.94;

/** Tables of coefficients by rate, the last few. */
const tables = new Map<number, Float32Array>();
const TABLES_MAX = 8;

export class Resampler {
  readonly #read: SampleReader;
  readonly #rateHz: number;
  readonly #taps: number;
  readonly #phases: number;
  readonly #table: Float32Array;
  /** Ring of the last `#taps` input samples; `#next` is the oldest. */
  readonly #history: Float32Array;
  #next = 0;
  /** Position of the next output sample behind the middle of the history, in units of 1/8000 of an input sample. */
  #position = 0;
  /** Input samples that may still come out after the end of the input. */
  #tail: number;
  #ended = false;

  /** @param rateHz - rate of what `read` gives, 4000 to 192000 */
  constructor(read: SampleReader, rateHz: number) {
    this.#read = read;
    this.#rateHz = rateHz;
    this.#taps = tapCount(rateHz);
    this.#phases = phaseCount(rateHz);
    this.#table = tableFor(rateHz, this.#taps, this.#phases);
    this.#history = new Float32Array(this.#taps);
    this.#tail = this.#taps / 2 + 1;
    // The first input sample has to stand in the middle when the first output sample is made.
    if (rateHz !== RATE_HZ) for (let i = 0; i < this.#taps / 2 + 1; i++) this.#shift();
  }

  /** The next sample at 8000 Hz, or NaN when the input has ended and all of it has come out. */
  next(): number {
    if (this.#rateHz === RATE_HZ) return this.#read();
    while (this.#position >= RATE_HZ) {
      this.#position -= RATE_HZ;
      this.#shift();
    }
    if (this.#tail <= 0) return Number.NaN;
    const phase = Math.floor((this.#position * this.#phases) / RATE_HZ);
    const taps = this.#taps;
    const history = this.#history;
    let sum = 0;
    let at = phase * taps;
    for (let i = this.#next; i < taps; i++) sum += history[i]! * this.#table[at++]!;
    for (let i = 0; i < this.#next; i++) sum += history[i]! * this.#table[at++]!;
    this.#position += this.#rateHz;
    return sum;
  }

  #shift(): void {
    let sample = this.#ended ? 0 : this.#read();
    if (Number.isNaN(sample)) {
      this.#ended = true;
      sample = 0;
    }
    if (this.#ended) this.#tail--;
    this.#history[this.#next] = sample;
    this.#next = this.#next + 1 === this.#taps ? 0 : this.#next + 1;
  }
}

/** Coefficients of one phase; even, so that the output lies between the two in the middle. */
function tapCount(rateHz: number): number {
  return 2 * Math.ceil(ZERO_CROSSINGS * Math.max(1, rateHz / RATE_HZ));
}

/** Few for rates that share a big factor with 8000, else as many as are worth having. */
function phaseCount(rateHz: number): number {
  let [a, b] = [rateHz, RATE_HZ];
  while (b !== 0) [a, b] = [b, a % b];
  return Math.min(PHASES_MAX, RATE_HZ / a);
}

function tableFor(rateHz: number, taps: number, phases: number): Float32Array {
  const known = tables.get(rateHz);
  if (known !== undefined) return known;
  const table = new Float32Array(taps * phases);
  // Cut-off in cycles of the input rate.
  const cutoff = (PASS_BAND * Math.min(RATE_HZ, rateHz)) / 2 / rateHz;
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const x = tap - taps / 2 + 1 - phase / phases;
      const sinc = x === 0 ? 2 * cutoff : Math.sin(2 * Math.PI * cutoff * x) / (Math.PI * x);
      const value = sinc * blackman(x / (taps / 2));
      table[phase * taps + tap] = value;
      sum += value;
    }
    // Every phase passes a constant level unchanged.
    for (let tap = 0; tap < taps; tap++) table[phase * taps + tap]! /= sum;
  }
  if (tables.size >= TABLES_MAX) tables.delete(tables.keys().next().value!);
  tables.set(rateHz, table);
  return table;
}

function blackman(x: number): number {
  return Math.abs(x) >= 1 ? 0 : 0.42 + 0.5 * Math.cos(Math.PI * x) + 0.08 * Math.cos(2 * Math.PI * x);
}
