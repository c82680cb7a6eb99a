/** Concealment in the manner of ITU-T G.711 Appendix I: what is heard of lost packets. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { largestStep, mean } from "../support/hearing.ts";
import { JitterBuffer } from "../support/jitter-run.ts";
import { judge, runLoss } from "../support/loss-run.ts";
import { burstLoss, randomLoss } from "../support/network.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { makeSpeech } from "../support/speech.ts";

const rms = (samples: Int16Array, from: number, n: number) =>
  Math.sqrt(mean(Array.from(samples.subarray(from, from + n), (s) => s * s)));

/** A vowel-like wave of `period` samples: harmonics up to 3400 Hz that fall by 6 dB an octave. */
function vowel(period: number, count: number, level = 9000): Int16Array {
  const harmonics = Math.floor((3400 * period) / 8000);
  return Int16Array.from({ length: count }, (_, i) => {
    let sum = 0;
    for (let h = 1; h <= harmonics; h++) sum += Math.sin((2 * Math.PI * h * i) / period + h * h) / h;
    return Math.round((sum * level) / 2);
  });
}

/** `frames` frames of a signal, `lost` of them missing from `from` on; what is heard. */
function hear(
  signal: Int16Array,
  from: number,
  lost: number,
): { heard: Int16Array; clean: Int16Array; plays: number[] } {
  const buffer = new JitterBuffer(0);
  const audio = buffer.encode(signal);
  const frames = Math.floor(signal.length / 160);
  const plays: number[] = [];
  const parts: Buffer[] = [];
  for (let i = 0; i < frames; i++) {
    if (i < from || i >= from + lost) buffer.insert(i, i * 160, audio.subarray(i * 160, i * 160 + 160), i * 20);
    const { play, octets } = buffer.take(i * 20 + 4);
    plays.push(play);
    parts.push(octets);
  }
  return { heard: buffer.decode(Buffer.concat(parts)), clean: buffer.decode(audio), plays };
}

describe("ITU-T G.711 Appendix I", () => {
  it.each([40, 53, 64, 80, 97, 120])("a voice of %i samples a period goes on in phase for 10 ms", (period) => {
    const { heard, clean } = hear(vowel(period, 160 * 20), 10, 1);
    let noise = 0;
    let signal = 0;
    for (let i = 1600; i < 1680; i++) {
      signal += clean[i]! ** 2;
      noise += (clean[i]! - heard[i]!) ** 2;
    }
    expect(10 * Math.log10(signal / (noise + 1))).toBeGreaterThan(20);
  });

  it("after 10 ms a fifth of the level goes every 10 ms, and at 60 ms it is nothing", () => {
    const { heard, clean, plays } = hear(vowel(80, 160 * 30), 10, 6);
    for (let block = 0; block < 6; block++) {
      let [noise, signal] = [0, 0];
      for (let i = block * 80; i < block * 80 + 80; i++) {
        const level = i < 80 ? 1 : 1 - (i - 80) / 400;
        signal += (clean[1600 + i]! * level) ** 2;
        noise += (clean[1600 + i]! * level - heard[1600 + i]!) ** 2;
      }
      expect(10 * Math.log10(signal / noise), `block ${block}`).toBeGreaterThan(20);
    }
    expect(heard.subarray(1600 + 480, 16 * 160).every((sample) => sample === 0)).toBe(true);
    expect(plays.slice(10, 16)).toEqual([1, 1, 1, 2, 2, 2]);
  });

  it("one period, then two, then three: a changing voice does not buzz with one of them", () => {
    // Every period is scaled otherwise, so that each can be told in what is repeated.
    const signal = vowel(80, 160 * 30);
    for (let i = 0; i < signal.length; i++) signal[i] = signal[i]! * (0.6 + 0.2 * (Math.floor(i / 80) % 3));
    const { heard } = hear(signal, 10, 3);
    // Peaks of the third block of 10 ms on, freed from the fade, are those of three periods of the past.
    const peaks = [2, 3, 4].map((block) => {
      const part = Array.from(heard.subarray(1600 + block * 80, 1600 + block * 80 + 80), Math.abs);
      return Math.max(...part) / (1.1 - 0.2 * block);
    });
    expect(Math.max(...peaks) / Math.min(...peaks)).toBeGreaterThan(1.2);
    const once = [0].map((block) => Math.max(...Array.from(heard.subarray(1600 + block * 80, 1680), Math.abs)));
    expect(once[0]).toBeGreaterThan(1000);
  });

  it.each([1, 2, 3, 5])("both joints of a gap of %i packets are as smooth as the voice", (lost) => {
    for (const period of [45, 71, 118]) {
      const { heard, clean } = hear(vowel(period, 160 * 30), 10, lost);
      expect(largestStep(heard)).toBeLessThanOrEqual(largestStep(clean) * 1.25);
    }
  });

  it("a wave longer than any period that is looked for begins without a jump all the same", () => {
    const hum = Int16Array.from({ length: 160 * 20 }, (_, i) => Math.round(9000 * Math.sin((2 * Math.PI * i) / 150)));
    for (const from of [8, 9, 10, 11]) {
      const { heard, clean } = hear(hum, from, 1);
      const step = largestStep(heard, from * 160 - 2, from * 160 + 2);
      expect(step).toBeLessThanOrEqual(largestStep(clean) * 1.5);
    }
  });

  it("the joint with what comes back ends within 10 ms: from there on every sample is the sender's", () => {
    for (const lost of [1, 2, 3, 8]) {
      const { heard, clean } = hear(vowel(71, 160 * 30), 10, lost);
      const back = (10 + lost) * 160;
      expect(heard.subarray(back + 80)).toEqual(clean.subarray(back + 80));
      expect(heard.subarray(0, 1600)).toEqual(clean.subarray(0, 1600));
    }
  });
});

const voices = [
  { name: "a low voice", samples: makeSpeech({ seconds: 30 }).samples },
  { name: "a high voice", samples: makeSpeech({ seconds: 30, pitchHz: 190, seed: 5 }).samples },
];
// Recorded speech where the fixtures of the end-to-end tests have been made (test/peers/media/make-fixtures.sh).
for (const file of ["caller.wav", "callee.wav"]) {
  const path = join(import.meta.dirname, "../.fixtures", file);
  if (!existsSync(path)) continue;
  const bytes = readFileSync(path).subarray(44);
  const samples = Int16Array.from({ length: bytes.length >> 1 }, (_, i) => bytes.readInt16LE(i * 2));
  voices.push({ name: `recorded speech, ${file}`, samples });
}

describe.each(voices)("R-MEDIA-6, RTP-7: better than silence, $name", ({ samples }) => {
  it.each([
    { name: "1 %", road: () => randomLoss(0.01, 2), distance: 0.5, snr: 1 },
    { name: "5 %", road: () => randomLoss(0.05, 3), distance: 0.5, snr: 1 },
    { name: "20 %", road: () => randomLoss(0.2, 4), distance: 0.55, snr: 0.2 },
    { name: "10 % in bursts of 3", road: () => burstLoss(0.1, 3, 5), distance: 0.8, snr: 0.2 },
  ])("$name lost: log-spectral distance and segmental SNR", ({ road, distance, snr }) => {
    const run = runLoss(samples, road());
    if (run.lost.length < 5) return;
    const [made, repeated, silent] = [run.concealed, run.repeated, run.silent].map((heard) => judge(run, heard));
    expect(made!.distance).toBeLessThan(silent!.distance * distance);
    expect(made!.snr).toBeGreaterThan(silent!.snr + snr);
    // Playing the last packet again has the right colour and the wrong phase.
    expect(made!.snr).toBeGreaterThan(repeated!.snr + 2);
  });
});

describe("background", () => {
  /** Low-pass noise of a room, with a vowel now and then. */
  function room(seconds: number, level: number): Int16Array {
    const random = seededRandom(9);
    const voice = vowel(80, seconds * 8000);
    let y = 0;
    return Int16Array.from({ length: seconds * 8000 }, (_, i) => {
      y += 0.25 * (random() - 0.5 - y);
      const talks = i % 16_000 < 8000 && i < 40_000;
      return Math.round(y * level * 9 + (talks ? voice[i]! : 0));
    });
  }

  it("a hole of 300 ms in a pause sounds like the pause: its level, its colour", () => {
    const signal = room(6, 120);
    const { heard, clean, plays } = hear(signal, 280, 15);
    const [from, n] = [280 * 160 + 480, 15 * 160 - 480];
    expect(plays.slice(283, 295).every((play) => play === 3)).toBe(true);
    const ratio = 20 * Math.log10(rms(heard, from, n) / rms(clean, from, n));
    expect(Math.abs(ratio)).toBeLessThan(4);
    const tilt = (samples: Int16Array) => {
      let [product, power] = [0, 0];
      for (let i = from + 1; i < from + n; i++) {
        product += samples[i]! * samples[i - 1]!;
        power += samples[i]! ** 2;
      }
      return product / power;
    };
    expect(Math.abs(tilt(heard) - tilt(clean))).toBeLessThan(0.2);
  });

  it("a stream that is gone is background for a second, then silence", () => {
    const { plays } = hear(room(8, 120), 250, 150);
    const noise = plays.slice(250).filter((play) => play === 3).length;
    expect(noise).toBeGreaterThan(40);
    expect(noise).toBeLessThan(60);
    expect(plays.at(-1)).toBe(2);
  });
});
