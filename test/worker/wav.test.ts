import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isWav, parseWav } from "../../src/worker/wav.ts";
import { chunk, wavFile } from "../support/wav-file.ts";

const data = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]);

describe("WAV files that can be played", () => {
  it.each([
    ["PCM 16", { format: 1, bits: 16 }, "pcm16"],
    ["PCM 8", { format: 1, bits: 8 }, "pcm8"],
    ["A-law", { format: 6, bits: 8 }, "alaw"],
    ["mu-law", { format: 7, bits: 8 }, "mulaw"],
    ["extensible PCM 16", { format: 1, bits: 16, extensible: true }, "pcm16"],
    ["extensible mu-law", { format: 7, bits: 8, extensible: true }, "mulaw"],
  ] as const)("%s", (_title, options, encoding) => {
    expect(parseWav(wavFile(data, options))).toEqual({
      encoding,
      rateHz: 8000,
      channels: 1,
      data,
    });
  });

  it("stereo at any rate; half frames at the end are left out", () => {
    const file = parseWav(wavFile(Buffer.concat([data, Buffer.from([9, 9])]), { channels: 2, rateHz: 44_100 }));
    expect(file).toMatchObject({ channels: 2, rateHz: 44_100 });
    expect(file.data.length).toBe(8);
  });

  it("passes over other chunks, with their padding", () => {
    const file = wavFile(data, { extraChunks: [chunk("LIST", Buffer.from("odd")), chunk("fact", Buffer.alloc(4))] });
    expect(parseWav(file).data.length).toBe(8);
  });

  it("a stated length of 0, too much or 2^32-1, as writers of streams leave it, means the rest of the file", () => {
    for (const statedBytes of [0, 100, 0xffff_ffff])
      expect(parseWav(wavFile(data, { statedBytes })).data.length).toBe(8);
  });

  it("a view somewhere in a bigger buffer is read in its place", () => {
    const file = wavFile(data);
    const bigger = Buffer.concat([Buffer.alloc(13, 0xaa), file, Buffer.alloc(7, 0xaa)]);
    expect(parseWav(bigger.subarray(13, 13 + file.length)).data.length).toBe(8);
  });
});

describe("WAV files that cannot be played are refused with a reason", () => {
  it.each([
    ["24 bits", wavFile(data, { bits: 24 })],
    ["float", wavFile(data, { format: 3, bits: 32 })],
    ["MP3 in WAV", wavFile(data, { format: 0x55, bits: 0 })],
    ["six channels", wavFile(data, { channels: 6 })],
    ["no channel", wavFile(data, { channels: 0 })],
    ["rate 0", wavFile(data, { rateHz: 0 })],
    ["rate 1 MHz", wavFile(data, { rateHz: 1_000_000 })],
    ["no samples", wavFile(data).subarray(0, 36)],
    ["samples before the format", Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE"), chunk("data", data)])],
    [
      "a format cut short",
      Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE"), chunk("fmt ", Buffer.alloc(10)), chunk("data", data)]),
    ],
    ["not WAV", Buffer.from("OggS and more octets")],
    ["nothing", Buffer.alloc(0)],
  ])("%s", (_title, file) => {
    expect(() => parseWav(file)).toThrow(RangeError);
  });

  it("any cut or damage gives a file or a RangeError, and never reads outside", () => {
    const whole = wavFile(data, { extraChunks: [chunk("LIST", Buffer.from("abc"))] });
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length - 1), fc.nat(255), (cut, at, octet) => {
        const damaged = Buffer.from(whole);
        damaged[at] = octet;
        const file = damaged.subarray(0, cut);
        try {
          expect(parseWav(file).data.length).toBeLessThanOrEqual(file.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });

  it("isWav looks at twelve octets only", () => {
    expect(isWav(wavFile(data))).toBe(true);
    expect(isWav(Buffer.from("RIFF1234AVI LIST"))).toBe(false);
    expect(isWav(Buffer.from("RIFF"))).toBe(false);
  });
});
