/** Keys heard as tones (ITU-T Q.23, Q.24): every key over frequency, level, twist and noise; what is no key; timing. */
import { describe, expect, it } from "vitest";
import { seededRandom } from "../support/seeded-random.ts";
import { musicLike, speechLike } from "../support/speech-like.ts";
import { loadWasm } from "../support/wasm.ts";

const KEYS = "0123456789*#ABCD";
const PAD = "123A456B789C*0#D";
const LOW_HZ = [697, 770, 852, 941];
const HIGH_HZ = [1209, 1336, 1477, 1633];
/** Peak of 0 dBm0 in 16-bit samples. */
const PEAK_0_DBM0 = 22_368;

const wasm = loadWasm();
const state = wasm.reserve(wasm.constant("DTMF_DETECTOR_BYTES"));
const frame = wasm.reserve(320);

/** All keys that are told of these samples, to whole frames. */
function heard(samples: readonly number[]): string {
  wasm.call["dtmfDetectorReset"]!(state);
  const octets = Buffer.alloc(320);
  let keys = "";
  for (let at = 0; at + 160 <= samples.length; at += 160) {
    for (let i = 0; i < 160; i++)
      octets.writeInt16LE(Math.max(-32_768, Math.min(32_767, Math.round(samples[at + i]!))), i * 2);
    wasm.write(frame, octets);
    const key = wasm.call["dtmfDetect"]!(state, frame);
    if (key >= 0) keys += KEYS[key];
  }
  return keys;
}

interface Tone {
  readonly ms?: number;
  /** Deviation of low and high tone, as a share. */
  readonly low?: number;
  readonly high?: number;
  /** High tone over low tone. */
  readonly twistDb?: number;
  /** Mean of both tones. */
  readonly levelDbm0?: number;
  readonly phase?: number;
}

function tone(
  key: string,
  { ms = 100, low = 0, high = 0, twistDb = 0, levelDbm0 = -10, phase = 0 }: Tone = {},
): number[] {
  const at = PAD.indexOf(key);
  const peak = PEAK_0_DBM0 * 10 ** (levelDbm0 / 20);
  const [a, b] = [peak * 10 ** (-twistDb / 40), peak * 10 ** (twistDb / 40)];
  const turn = (hz: number, share: number): number => (2 * Math.PI * hz * (1 + share)) / 8000;
  const [first, second] = [turn(LOW_HZ[at >> 2]!, low), turn(HIGH_HZ[at & 3]!, high)];
  return Array.from(
    { length: Math.round(ms * 8) },
    (_, i) => a * Math.sin(first * i + phase) + b * Math.sin(second * i + 2.3 * phase + 1),
  );
}

const silence = (ms: number): number[] => Array<number>(Math.round(ms * 8)).fill(0);

/** Adds white noise so far below the whole of two tones. */
function noisy(
  samples: readonly number[],
  snrDb: number,
  random: () => number,
  { levelDbm0 = -10, twistDb = 0 }: Tone,
): number[] {
  const power = ((PEAK_0_DBM0 * 10 ** (levelDbm0 / 20)) ** 2 / 2) * (10 ** (-twistDb / 20) + 10 ** (twistDb / 20));
  const deviation = Math.sqrt(power / 10 ** (snrDb / 10));
  return samples.map((sample) => {
    const gauss = Math.sqrt(-2 * Math.log(random() + 1e-12)) * Math.cos(2 * Math.PI * random());
    return sample + gauss * deviation;
  });
}

describe("ITU-T Q.24 what is a key", () => {
  it.each([...PAD])(
    "%s over ±1.5 %% of both frequencies and a twist of -8 to +4 dB, 40 ms long, wherever it begins",
    (key) => {
      let phase = 0;
      for (const low of [-0.015, 0, 0.015])
        for (const high of [-0.015, 0, 0.015])
          for (const twistDb of [-8, -4, 0, 4])
            for (const startMs of [20, 22.1, 24.3, 27.4]) {
              phase += 0.7;
              const samples = [
                ...silence(startMs),
                ...tone(key, { ms: 40, low, high, twistDb, phase }),
                ...silence(100),
              ];
              expect(heard(samples), JSON.stringify({ low, high, twistDb, startMs })).toBe(key);
            }
    },
  );

  it.each([...PAD])("%s in white noise at 15 dB, 45 ms long, at the corners of frequency and twist", (key) => {
    const random = seededRandom(PAD.indexOf(key) + 1);
    let missed = 0;
    let tried = 0;
    for (const low of [-0.015, 0.015])
      for (const high of [-0.015, 0.015])
        for (const twistDb of [-8, 0, 4])
          for (let turn = 0; turn < 6; turn++) {
            const made = { ms: 45, low, high, twistDb, phase: random() * 6 };
            const samples = [...silence(20 + random() * 20), ...tone(key, made), ...silence(100)];
            const keys = heard(noisy(samples, 15, random, made));
            tried++;
            if (keys === "") missed++;
            else expect(keys).toBe(key);
          }
    expect(missed / tried).toBeLessThan(0.02);
  });

  it("levels from -3 to -33 dBm0 of each tone, and none below -45", () => {
    for (const key of PAD) {
      for (let levelDbm0 = -33; levelDbm0 <= -3; levelDbm0 += 5)
        expect(heard([...silence(25), ...tone(key, { levelDbm0 }), ...silence(60)])).toBe(key);
      expect(heard([...silence(25), ...tone(key, { levelDbm0: -45, ms: 500 }), ...silence(60)])).toBe("");
    }
  });

  it("a key that is held is one key; an interruption of 10 ms is none; 40 ms part two keys", () => {
    for (const key of PAD) {
      expect(heard([...silence(30), ...tone(key, { ms: 3000 }), ...silence(60)])).toBe(key);
      expect(heard([...tone(key), ...silence(10), ...tone(key, { phase: 2 }), ...silence(60)])).toBe(key);
      for (const startMs of [0, 1.7, 3.1, 4.4])
        expect(
          heard([
            ...silence(20 + startMs),
            ...tone(key, { ms: 40 }),
            ...silence(40),
            ...tone(key, { ms: 40, phase: 2 }),
            ...silence(60),
          ]),
        ).toBe(key + key);
    }
  });

  it("a whole number, 50 ms on and 50 ms off, after G.711 of both laws", () => {
    const samples = [...PAD].flatMap((key) => [...silence(50), ...tone(key, { ms: 50 })]).concat(silence(60));
    const linear = wasm.reserve(samples.length * 2);
    const coded = wasm.reserve(samples.length);
    const octets = Buffer.alloc(samples.length * 2);
    samples.forEach((sample, i) => octets.writeInt16LE(Math.round(sample), i * 2));
    for (const law of ["ulaw", "alaw"]) {
      wasm.write(linear, octets);
      wasm.call[`${law}Encode`]!(linear, coded, samples.length);
      wasm.call[`${law}Decode`]!(coded, linear, samples.length);
      const back = wasm.read(linear, samples.length * 2);
      expect(heard(samples.map((_, i) => back.readInt16LE(i * 2)))).toBe(PAD);
    }
  });
});

describe("ITU-T Q.24 what is no key", () => {
  it("23 ms, wherever they begin, also in noise", () => {
    const random = seededRandom(4);
    for (const key of PAD)
      for (let turn = 0; turn < 20; turn++) {
        const samples = [...silence(20 + turn * 0.9), ...tone(key, { ms: 23, phase: turn }), ...silence(60)];
        expect(heard(samples)).toBe("");
        expect(heard(noisy(samples, 15, random, {}))).toBe("");
      }
  });

  it("3.5 % beside the frequency of either tone", () => {
    for (const key of PAD)
      for (const off of [-0.035, 0.035]) {
        expect(heard([...tone(key, { ms: 200, low: off }), ...silence(60)])).toBe("");
        expect(heard([...tone(key, { ms: 200, high: off }), ...silence(60)])).toBe("");
      }
  });

  it("too much twist, one tone alone, a second harmonic, white noise, a click, a square", () => {
    const random = seededRandom(9);
    for (const key of PAD) {
      for (const twistDb of [-14, 8, 60, -60])
        expect(heard([...tone(key, { ms: 200, twistDb }), ...silence(60)])).toBe("");
      const at = PAD.indexOf(key);
      const harmonic = (hz: number) =>
        tone(key, { ms: 200 }).map(
          (sample, i) => sample + PEAK_0_DBM0 * 0.16 * Math.sin((4 * Math.PI * hz * i) / 8000),
        );
      expect(heard(harmonic(HIGH_HZ[at & 3]!))).toBe("");
    }
    expect(heard(noisy(silence(5000), 0, random, {}))).toBe("");
    expect(heard([...silence(30), 32_000, -32_000, ...silence(60)])).toBe("");
    for (const hz of [...LOW_HZ, ...HIGH_HZ])
      expect(
        heard(Array.from({ length: 8000 }, (_, i) => (Math.sin((2 * Math.PI * hz * i) / 8000) > 0 ? 20_000 : -20_000))),
      ).toBe("");
  });

  it("dial tone, ringing, busy and fax tones (ITU-T E.180, T.30)", () => {
    const sines = (...hertz: number[]): number[] =>
      Array.from({ length: 16_000 }, (_, i) =>
        hertz.reduce((sum, hz) => sum + 6000 * Math.sin((2 * Math.PI * hz * i) / 8000), 0),
      );
    for (const hertz of [
      [350, 440],
      [440, 480],
      [480, 620],
      [425],
      [400, 450],
      [1100],
      [2100],
      [1000],
      [1400, 1700],
      [900, 1300],
    ])
      expect(heard(sines(...hertz))).toBe("");
  });

  // Two minutes each; half an hour of each told 3 keys of the harsh speech and 1 of the chords.
  it("talk-off: voices and chords", () => {
    expect(heard(speechLike(120, seededRandom(2))).length).toBeLessThanOrEqual(1);
    expect(heard(musicLike(120, seededRandom(102))).length).toBeLessThanOrEqual(1);
  });
});
