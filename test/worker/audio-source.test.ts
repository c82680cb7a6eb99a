import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openSource } from "../../src/worker/audio-source.ts";
import { decodeAlaw, decodeMulaw, encodeMulaw } from "../../src/worker/g711.ts";
import type { PlaySource } from "../../src/worker/protocol.ts";
import { Resampler } from "../../src/worker/resampler.ts";
import { pcm16, sine, wavFile } from "../support/wav-file.ts";

const vectors = new URL("../vectors/g711/", import.meta.url);
const json = (name: string) => JSON.parse(readFileSync(new URL(name, vectors), "utf8")) as { decode: number[] };

const file = (bytes: Uint8Array, mediaType = "audio/wav"): PlaySource => ({ kind: "file", bytes, mediaType, loop: 1 });

/** All octets of one pass, read in pieces of an odd size. */
function readAll(source: PlaySource): { octets: Buffer; samples: number[]; durationMs: number } {
  const audio = openSource(source);
  const parts: Buffer[] = [];
  for (;;) {
    const piece = new Uint8Array(161);
    const count = audio.read(piece);
    if (count === 0) break;
    parts.push(Buffer.from(piece.subarray(0, count)));
  }
  const octets = Buffer.concat(parts);
  return { octets, samples: [...octets].map(decodeMulaw), durationMs: audio.durationMs };
}

/** Power at one frequency, as the amplitude of its sine (Goertzel). */
function amplitudeAt(samples: readonly number[], frequencyHz: number): number {
  let re = 0;
  let im = 0;
  for (const [i, sample] of samples.entries()) {
    re += sample * Math.cos((2 * Math.PI * frequencyHz * i) / 8000);
    im += sample * Math.sin((2 * Math.PI * frequencyHz * i) / 8000);
  }
  return (2 * Math.hypot(re, im)) / samples.length;
}

describe("ITU-T G.711 tables of the player", () => {
  it("encode all 65,536 samples as G.191 does", () => {
    const wanted = readFileSync(new URL("pcmu-encode-65536.bin", vectors));
    const got = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => encodeMulaw(i - 32_768)));
    expect(got.equals(wanted)).toBe(true);
    expect([encodeMulaw(40_000), encodeMulaw(-40_000)]).toEqual([encodeMulaw(32_767), encodeMulaw(-32_768)]);
  });

  it("decode all codes of both laws", () => {
    const codes = Array.from({ length: 256 }, (_, code) => code);
    expect(codes.map(decodeMulaw)).toEqual(json("pcmu-decode.json").decode);
    expect(codes.map(decodeAlaw)).toEqual(json("pcma-decode.json").decode);
  });
});

describe("files as sources", () => {
  it("raw mu-law passes through untouched, by any of its media types", () => {
    const octets = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
    for (const type of ["audio/basic", "audio/ulaw", "Audio/X-Mulaw; rate=8000", "ulaw"])
      expect(readAll(file(octets, type)).octets.equals(octets)).toBe(true);
    expect(readAll(file(octets, "audio/basic")).durationMs).toBe(125);
  });

  it("mu-law WAV at 8000 Hz passes through untouched", () => {
    const octets = Buffer.from(Array.from({ length: 1000 }, (_, i) => i % 256));
    expect(readAll(file(wavFile(octets, { format: 7, bits: 8 }))).octets.equals(octets)).toBe(true);
  });

  it("PCM 8, PCM 16 and A-law at 8000 Hz are the same audio, octet by octet", () => {
    const samples = sine(440, 8000, 800, 20_000);
    const sixteen = readAll(file(wavFile(pcm16(samples))));
    expect(sixteen.octets.equals(Buffer.from(samples.map(encodeMulaw)))).toBe(true);
    const eight = Buffer.from(samples.map((sample) => Math.round(sample / 256) + 128));
    expect(amplitudeAt(readAll(file(wavFile(eight, { bits: 8 }))).samples, 440)).toBeCloseTo(20_000, -3);
    const alaw = Buffer.from(samples.map((sample) => nearestAlaw(sample)));
    expect(amplitudeAt(readAll(file(wavFile(alaw, { format: 6, bits: 8 }))).samples, 440)).toBeCloseTo(20_000, -3);
  });

  it("stereo is mixed: both sides at half level", () => {
    const left = sine(500, 8000, 800);
    const right = sine(1500, 8000, 800);
    const both = left.flatMap((sample, i) => [sample, right[i]!]);
    const { samples, durationMs } = readAll(file(wavFile(pcm16(both), { channels: 2 })));
    expect(durationMs).toBe(100);
    expect(amplitudeAt(samples, 500) / 4000).toBeCloseTo(1, 1);
    expect(amplitudeAt(samples, 1500) / 4000).toBeCloseTo(1, 1);
  });

  it.each([
    ["an MP3", Buffer.from("ID3...."), "audio/mpeg"],
    ["a web page", Buffer.from("<html>"), "text/html"],
    ["nothing that is known", Buffer.alloc(10), ""],
    ["a WAV of 24 bits", wavFile(Buffer.alloc(12), { bits: 24 }), "audio/wav"],
  ])("13420 for %s", (_title, bytes, mediaType) => {
    expect(() => openSource(file(bytes, mediaType))).toThrow(/^13420 /);
  });
});

describe("any rate becomes 8000 Hz", () => {
  it.each([8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 4000, 7999])(
    "%i Hz: length, pitch and level are kept, from the first sample on",
    (rateHz) => {
      const count = rateHz / 2;
      const { samples, durationMs } = readAll(file(wavFile(pcm16(sine(700, rateHz, count)), { rateHz })));
      expect(durationMs).toBeCloseTo(500, 0);
      expect(Math.abs(samples.length - 4000)).toBeLessThanOrEqual(2);
      expect(amplitudeAt(samples, 700) / 8000).toBeGreaterThan(0.98);
      expect(amplitudeAt(samples, 700) / 8000).toBeLessThan(1.02);
      // In step with the input: no delay and no drift, but for the quantisation of mu-law.
      const wanted = sine(700, 8000, samples.length);
      for (const i of [100, 2000, 3900]) expect(Math.abs(samples[i]! - wanted[i]!)).toBeLessThan(400);
    },
  );

  it.each([16_000, 44_100, 48_000])("%i Hz: what 8000 Hz cannot carry is gone, not folded down", (rateHz) => {
    const { samples } = readAll(file(wavFile(pcm16(sine(5000, rateHz, rateHz)), { rateHz })));
    expect(amplitudeAt(samples, 3000) / 8000).toBeLessThan(0.01);
    expect(Math.max(...samples.slice(200, -200).map(Math.abs))).toBeLessThan(200);
  });

  it("a constant level comes out unchanged in the middle", () => {
    let left = 44_100;
    const resampler = new Resampler(() => (left-- > 0 ? 1000 : Number.NaN), 44_100);
    for (let i = 0; i < 4000; i++) {
      const sample = resampler.next();
      if (i > 100) expect(Math.abs(sample - 1000)).toBeLessThan(0.5);
    }
  });

  it("very short files end", () => {
    for (const count of [0, 1, 2, 5])
      for (const rateHz of [4000, 44_100, 192_000]) {
        const { octets } = readAll(file(wavFile(pcm16(sine(100, rateHz, count)), { rateHz })));
        expect(octets.length).toBeLessThanOrEqual(Math.ceil((count * 8000) / rateHz) + 1);
      }
  });

  it("a source can be played again from its start", () => {
    const audio = openSource(file(wavFile(pcm16(sine(700, 44_100, 4410)), { rateHz: 44_100 })));
    const passes = [0, 1].map(() => {
      const octets = new Uint8Array(2000);
      const count = audio.read(octets);
      audio.rewind();
      return Buffer.from(octets.subarray(0, count));
    });
    expect(passes[0]!.length).toBeGreaterThanOrEqual(799);
    expect(passes[1]!.equals(passes[0]!)).toBe(true);
  });
});

describe("tones", () => {
  const tone = (more: Partial<Extract<PlaySource, { kind: "tone" }>>): PlaySource => ({
    kind: "tone",
    frequenciesHz: [440, 480],
    onMs: 2000,
    offMs: 4000,
    levelDbm0: -19,
    loop: 0,
    ...more,
  });

  it("ringback: two sines for 2 s at their level, then 4 s of silence", () => {
    const { samples, octets, durationMs } = readAll(tone({}));
    expect(durationMs).toBe(6000);
    expect(octets.length).toBe(48_000);
    const level = 32_124 * 10 ** ((-19 - 3.17) / 20);
    expect(amplitudeAt(samples.slice(0, 16_000), 440) / level).toBeCloseTo(1, 1);
    expect(amplitudeAt(samples.slice(0, 16_000), 480) / level).toBeCloseTo(1, 1);
    expect(octets.subarray(16_000).every((octet) => octet === 0xff)).toBe(true);
  });

  it("never clips, however loud", () => {
    const { samples } = readAll(tone({ frequenciesHz: [697, 1209], levelDbm0: 3, offMs: 0 }));
    expect(amplitudeAt(samples, 697)).toBeLessThan(16_100);
    expect(amplitudeAt(samples, 2 * 697)).toBeLessThan(100);
  });

  it.each([
    { onMs: 0 },
    { offMs: -1 },
    { onMs: Number.NaN },
    { levelDbm0: 10 },
    { frequenciesHz: [] },
    { frequenciesHz: [5000] },
    { frequenciesHz: [1, 2, 3, 4, 5].map((n) => n * 100) },
  ])("refuses %o", (more) => {
    expect(() => openSource(tone(more))).toThrow(RangeError);
  });
});

/** The A-law code that is nearest to a sample: the table read backwards. */
function nearestAlaw(sample: number): number {
  let best = 0;
  for (let code = 1; code < 256; code++)
    if (Math.abs(decodeAlaw(code) - sample) < Math.abs(decodeAlaw(best) - sample)) best = code;
  return best;
}
