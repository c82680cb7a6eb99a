/**
 * Sources of mu-law audio for the player: files and tones, converted piece by piece as they are played, so that a long
 * file never holds up other calls.
 */

import { decodeAlaw, decodeMulaw, encodeMulaw, MULAW_SILENCE } from "./g711.ts";
import type { PlaySource } from "./protocol.ts";
import { Resampler, type SampleReader } from "./resampler.ts";
import { isWav, parseWav, sampleBytes, type WavFile } from "./wav.ts";

const RATE_HZ = 8000;

/** One pass of something audible. */
export interface AudioSource {
  /** Length of one pass. */
  readonly durationMs: number;
  /** Writes the next octets to the start of `target`. @returns how many; fewer than asked for, or 0, at the end */
  read(target: Uint8Array): number;
  /** Back to the start. */
  rewind(): void;
}

/** Media types of raw mu-law at 8000 Hz. */
const RAW_MULAW = new Set(["audio/basic", "audio/ulaw", "audio/x-mulaw", "audio/pcmu", "ulaw"]);

/**
 * The audio of a play request.
 * @throws RangeError whose message begins with 13420 when the file is of no kind that can be played
 */
export function openSource(source: PlaySource): AudioSource {
  if (source.kind === "tone") return new ToneSource(source);
  const mediaType = source.mediaType.split(";")[0]!.trim().toLowerCase();
  if (isWav(source.bytes)) {
    try {
      const wav = parseWav(source.bytes);
      const isReady = wav.encoding === "mulaw" && wav.rateHz === RATE_HZ && wav.channels === 1;
      return isReady ? new MulawSource(wav.data) : new WavSource(wav);
    } catch (error) {
      throw new RangeError(`13420 ${(error as Error).message}`, { cause: error });
    }
  }
  if (RAW_MULAW.has(mediaType)) return new MulawSource(source.bytes);
  throw new RangeError(`13420 audio of type ${JSON.stringify(mediaType.slice(0, 100))} cannot be played`);
}

/** Mu-law octets as they are. */
class MulawSource implements AudioSource {
  readonly durationMs: number;
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
    this.durationMs = (octets.length * 1000) / RATE_HZ;
  }

  read(target: Uint8Array): number {
    const part = this.#octets.subarray(this.#at, this.#at + target.length);
    target.set(part);
    this.#at += part.length;
    return part.length;
  }

  rewind(): void {
    this.#at = 0;
  }
}

/** Samples of a WAV file, mixed to one channel and brought to 8000 Hz. */
class WavSource implements AudioSource {
  readonly durationMs: number;
  readonly #file: WavFile;
  #resampler: Resampler;

  constructor(file: WavFile) {
    const frames = file.data.length / (sampleBytes(file.encoding) * file.channels);
    this.durationMs = (frames * 1000) / file.rateHz;
    this.#file = file;
    this.#resampler = new Resampler(sampleReader(file), file.rateHz);
  }

  read(target: Uint8Array): number {
    for (let i = 0; i < target.length; i++) {
      const sample = this.#resampler.next();
      if (Number.isNaN(sample)) return i;
      target[i] = encodeMulaw(sample);
    }
    return target.length;
  }

  rewind(): void {
    this.#resampler = new Resampler(sampleReader(this.#file), this.#file.rateHz);
  }
}

function sampleReader(file: WavFile): SampleReader {
  const { data, encoding, channels } = file;
  const bytes = sampleBytes(encoding);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const sampleAt = {
    pcm8: (at: number) => (view.getUint8(at) - 128) * 256,
    pcm16: (at: number) => view.getInt16(at, true),
    alaw: (at: number) => decodeAlaw(view.getUint8(at)),
    mulaw: (at: number) => decodeMulaw(view.getUint8(at)),
  }[encoding];
  let at = 0;
  return () => {
    if (at >= data.length) return Number.NaN;
    const first = sampleAt(at);
    const sample = channels === 1 ? first : (first + sampleAt(at + bytes)) / 2;
    at += bytes * channels;
    return sample;
  };
}

/** A full-scale sine of G.711 mu-law is 3.17 dBm0 (ITU-T G.711, table 5). */
const FULL_SCALE_DBM0 = 3.17;
const FULL_SCALE = 32_124;
const FREQUENCIES_MAX = 4;

/** One period of a cadence: sines together for `onMs`, then silence for `offMs`. */
class ToneSource implements AudioSource {
  readonly durationMs: number;
  readonly #steps: readonly number[];
  readonly #amplitude: number;
  readonly #onSamples: number;
  readonly #totalSamples: number;
  #at = 0;

  constructor(tone: Extract<PlaySource, { kind: "tone" }>) {
    checkRange("onMs", tone.onMs, 1, 3_600_000);
    checkRange("offMs", tone.offMs, 0, 3_600_000);
    checkRange("levelDbm0", tone.levelDbm0, -60, 3);
    if (tone.frequenciesHz.length < 1 || tone.frequenciesHz.length > FREQUENCIES_MAX)
      throw new RangeError(`frequenciesHz: 1 to ${FREQUENCIES_MAX} frequencies`);
    for (const frequencyHz of tone.frequenciesHz) checkRange("frequenciesHz", frequencyHz, 20, 3900);
    this.durationMs = tone.onMs + tone.offMs;
    this.#steps = tone.frequenciesHz.map((frequencyHz) => (2 * Math.PI * frequencyHz) / RATE_HZ);
    // The level is that of each sine; together they must not clip.
    const wanted = FULL_SCALE * 10 ** ((tone.levelDbm0 - FULL_SCALE_DBM0) / 20);
    this.#amplitude = Math.min(wanted, FULL_SCALE / tone.frequenciesHz.length);
    this.#onSamples = Math.round((tone.onMs * RATE_HZ) / 1000);
    this.#totalSamples = this.#onSamples + Math.round((tone.offMs * RATE_HZ) / 1000);
  }

  read(target: Uint8Array): number {
    const count = Math.min(target.length, this.#totalSamples - this.#at);
    for (let i = 0; i < count; i++, this.#at++) target[i] = this.#at < this.#onSamples ? this.#sine() : MULAW_SILENCE;
    return count;
  }

  rewind(): void {
    this.#at = 0;
  }

  #sine(): number {
    let sum = 0;
    for (const step of this.#steps) sum += Math.sin(step * this.#at);
    return encodeMulaw(sum * this.#amplitude);
  }
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw new RangeError(`${name}: ${min} to ${max}, not ${value}`);
}
