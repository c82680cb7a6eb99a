/** Sounds that are no keys, for tests of detectors: speech from a pulse source and formants, and chords with overtones. */

const RATE_HZ = 8000;

/** One resonance, run over the samples (two poles). */
function resonate(samples: Float64Array<ArrayBuffer>, hz: number, bandwidthHz: number): Float64Array<ArrayBuffer> {
  const radius = Math.exp((-Math.PI * bandwidthHz) / RATE_HZ);
  const a1 = 2 * radius * Math.cos((2 * Math.PI * hz) / RATE_HZ);
  const a2 = -radius * radius;
  const out = new Float64Array(samples.length);
  for (let i = 0; i < samples.length; i++)
    out[i] = samples[i]! * (1 - radius) + a1 * (out[i - 1] ?? 0) + a2 * (out[i - 2] ?? 0);
  return out;
}

/** Scales to a peak and appends. */
function append(target: number[], samples: Float64Array, peak: number): void {
  let highest = 1e-9;
  for (const sample of samples) highest = Math.max(highest, Math.abs(sample));
  for (const sample of samples) target.push((sample * peak) / highest);
}

/** First three formants of some vowels, Hz. */
const VOWELS: readonly (readonly [number, number, number])[] = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [390, 1990, 2550],
  [270, 2290, 3010],
  [570, 840, 2410],
  [440, 1020, 2240],
  [300, 870, 2240],
  [640, 1190, 2390],
  [490, 1350, 1690],
];

/** `seconds` of voiced sounds of gliding pitch and noises between them, 16-bit peaks. */
export function speechLike(seconds: number, random: () => number): number[] {
  const out: number[] = [];
  while (out.length < seconds * RATE_HZ) {
    const length = Math.round((0.05 + random() * 0.25) * RATE_HZ);
    const source = new Float64Array(length);
    if (random() < 0.25) {
      for (let i = 0; i < length; i++) source[i] = random() - 0.5;
      append(out, resonate(source, 1500 + random() * 2200, 300 + random() * 900), 1500 + random() * 4000);
    } else {
      const pitchHz = 75 + random() * 325;
      const glide = (random() - 0.5) * 0.6;
      let phase = 0;
      for (let i = 0; i < length; i++) {
        phase += (pitchHz * (1 + (glide * i) / length)) / RATE_HZ;
        if (phase >= 1) {
          phase -= 1;
          source[i] = 1;
        }
      }
      const vowel = VOWELS[Math.floor(random() * VOWELS.length)]!;
      const size = 0.85 + random() * 0.4;
      let voiced = source;
      vowel.forEach((hz, n) => {
        const width = 50 + n * 40 + random() * 60;
        if (hz * size < 3800) voiced = resonate(voiced, hz * size, width);
      });
      append(out, voiced, 4000 + random() * 20_000);
    }
    if (random() < 0.15) for (let i = random() * 2000; i > 0; i--) out.push((random() - 0.5) * 20);
  }
  return out;
}

/** `seconds` of chords of two to five notes, each with overtones, from A2 to C7, tempered. */
export function musicLike(seconds: number, random: () => number): number[] {
  const out: number[] = [];
  while (out.length < seconds * RATE_HZ) {
    const length = Math.round((0.08 + random() * 0.6) * RATE_HZ);
    const chord = new Float64Array(length);
    const notes = 2 + Math.floor(random() * 4);
    for (let note = 0; note < notes; note++) {
      const hz = 110 * 2 ** (Math.floor(random() * 52) / 12);
      const brightness = 0.25 + random() * 0.5;
      const decay = 1 + random() * 6;
      for (let overtone = 1; overtone * hz < 3900 && overtone <= 10; overtone++) {
        const phase = random() * 2 * Math.PI;
        const turn = (2 * Math.PI * hz * overtone) / RATE_HZ;
        const level = brightness ** (overtone - 1);
        for (let i = 0; i < length; i++)
          chord[i]! += level * Math.exp((-decay * i) / RATE_HZ) * Math.sin(phase + turn * i);
      }
    }
    append(out, chord, 3000 + random() * 25_000);
  }
  return out;
}
