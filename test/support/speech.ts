/**
 * Speech for tests without a recording: a glottal pulse train with a moving pitch through four formant resonators (as in
 * Klatt's cascade synthesiser), vowels, unvoiced hiss between them, pauses, and a soft background. 8000 Hz, 16-bit range.
 */
import { seededRandom } from "./seeded-random.ts";

export interface SpeechOptions {
  readonly seconds: number;
  readonly seed?: number;
  /** Mean pitch, Hz. */
  readonly pitchHz?: number;
  /** Effective value of the background, 16-bit samples. */
  readonly background?: number;
  /** Pauses between groups of syllables. */
  readonly pauses?: boolean;
}

const RATE_HZ = 8000;
/** First three formants of a, e, i, o, u, ə (Peterson and Barney's men, rounded). */
const VOWELS = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [270, 2290, 3010],
  [570, 840, 2410],
  [300, 870, 2240],
  [490, 1350, 1690],
] as const;
const BANDWIDTHS = [70, 90, 130, 200] as const;

class Resonator {
  #y1 = 0;
  #y2 = 0;
  step(x: number, frequencyHz: number, bandwidthHz: number): number {
    const r = Math.exp((-Math.PI * bandwidthHz) / RATE_HZ);
    const b = 2 * r * Math.cos((2 * Math.PI * frequencyHz) / RATE_HZ);
    const y = (1 - b + r * r) * x + b * this.#y1 - r * r * this.#y2;
    this.#y2 = this.#y1;
    this.#y1 = y;
    return y;
  }
}

type Sound = { readonly kind: "voiced" | "hiss" | "pause"; readonly samples: number; readonly vowel: number };

function script(count: number, random: () => number, pauses: boolean): Sound[] {
  const sounds: Sound[] = [];
  let total = 0;
  while (total < count) {
    const dice = random();
    const kind = dice < 0.72 ? "voiced" : dice < 0.87 || !pauses ? "hiss" : "pause";
    const seconds =
      kind === "voiced" ? 0.1 + 0.18 * random() : kind === "hiss" ? 0.04 + 0.06 * random() : 0.15 + 0.4 * random();
    const samples = Math.round(seconds * RATE_HZ);
    sounds.push({ kind, samples, vowel: Math.floor(random() * VOWELS.length) });
    total += samples;
  }
  return sounds;
}

export interface Speech {
  readonly samples: Int16Array;
  /** 1 where the voice sounds. */
  readonly voiced: Uint8Array;
}

/** Makes speech-like audio; the same options give the same samples. */
export function makeSpeech(options: SpeechOptions): Speech {
  const { seconds, seed = 1, pitchHz = 115, background = 12, pauses = true } = options;
  const random = seededRandom(seed);
  const count = Math.round(seconds * RATE_HZ);
  const out = new Float64Array(count);
  const voiced = new Uint8Array(count);
  const formants = BANDWIDTHS.map(() => new Resonator());
  const lips = [0, 0];
  let phase = 0;
  let level = 0;
  let tune = 1;
  const place = [500, 1500, 2500];
  let at = 0;
  for (const sound of script(count, random, pauses)) {
    const goal = 0.85 + 0.35 * random();
    for (let i = 0; i < sound.samples && at < count; i++, at++) {
      const vowel = VOWELS[sound.vowel]!;
      for (let f = 0; f < 3; f++) place[f]! += (vowel[f]! - place[f]!) * 0.004;
      tune += (goal - tune) * 0.0008;
      const edge = Math.min(1, i / 160, (sound.samples - i) / 160);
      level += ((sound.kind === "voiced" ? edge : 0) - level) * 0.02;
      phase += (pitchHz * tune * (1 + 0.004 * (random() - 0.5))) / RATE_HZ;
      if (phase >= 1) phase -= 1;
      // Rosenberg's glottal pulse: opens over 40 %, closes over 16 % of a period.
      const open = phase < 0.4 ? 0.5 * (1 - Math.cos((Math.PI * phase) / 0.4)) : 0;
      const pulse = phase < 0.4 ? open : phase < 0.56 ? Math.cos(((Math.PI / 2) * (phase - 0.4)) / 0.16) : 0;
      let sample = pulse * level;
      formants.forEach((resonator, f) => {
        sample = resonator.step(sample, f < 3 ? place[f]! : 3400, BANDWIDTHS[f]!);
      });
      // Lips radiate the change of the flow.
      const radiated = sample - lips[0]!;
      lips[0] = sample;
      const hiss = sound.kind === "hiss" ? edge * (random() - 0.5) : 0;
      const bright = hiss - lips[1]!;
      lips[1] = hiss;
      out[at] = radiated * 26_000 + bright * 2200 + (random() - 0.5) * background * Math.sqrt(12);
      voiced[at] = sound.kind === "voiced" && edge > 0.5 ? 1 : 0;
    }
  }
  let peak = 1;
  for (const sample of out) peak = Math.max(peak, Math.abs(sample));
  const gain = Math.min(1, 24_000 / peak);
  return { samples: Int16Array.from(out, (sample) => Math.round(sample * gain)), voiced };
}
