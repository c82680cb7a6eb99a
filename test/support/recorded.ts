/** What a recording sounds like: which tones are in which channel, and when. */
import { parseWav } from "../../src/worker/wav.ts";

const WINDOW = 800;
const LOUD = 1500;

/** Samples of each channel. */
export function channelsOf(file: Uint8Array): Int16Array[] {
  const { encoding, rateHz, channels, data } = parseWav(file);
  if (encoding !== "pcm16" || rateHz !== 8000) throw new Error(`${encoding} of ${rateHz} Hz`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const frames = data.length / 2 / channels;
  return Array.from({ length: channels }, (_, channel) =>
    Int16Array.from({ length: frames }, (_, n) => view.getInt16(2 * (n * channels + channel), true)),
  );
}

/** Amplitude of one frequency (Goertzel). */
export function amplitudeOf(samples: Int16Array, frequencyHz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / 8000);
  let [last, before] = [0, 0];
  for (const sample of samples) [last, before] = [sample + coefficient * last - before, last];
  const power = last * last + before * before - coefficient * last * before;
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length;
}

/** For each 100 ms, whether the tone is heard. */
export function timesOf(samples: Int16Array, frequencyHz: number): boolean[] {
  return Array.from(
    { length: Math.floor(samples.length / WINDOW) },
    (_, i) => amplitudeOf(samples.subarray(i * WINDOW, (i + 1) * WINDOW), frequencyHz) > LOUD,
  );
}

/** Seconds in which the tone is heard. */
export function secondsOf(samples: Int16Array, frequencyHz: number): number {
  return timesOf(samples, frequencyHz).filter(Boolean).length / 10;
}
