/**
 * Finds format and samples in a WAV file (RIFF, Microsoft's WAVEFORMATEX): PCM of 8 or 16 bits, A-law and mu-law, any
 * rate, one or two channels. Every length is checked against the file; nothing is copied.
 */

/** How the samples lie in the file. */
export type WavEncoding = "pcm8" | "pcm16" | "alaw" | "mulaw";

/** A WAV file that can be played. */
export interface WavFile {
  readonly encoding: WavEncoding;
  readonly rateHz: number;
  readonly channels: 1 | 2;
  /** The samples, whole frames only; a view of the file. */
  readonly data: Uint8Array;
}

const RATE_HZ_MIN = 4000;
const RATE_HZ_MAX = 192_000;
const FORMAT_PCM = 1;
const FORMAT_ALAW = 6;
const FORMAT_MULAW = 7;
/** WAVEFORMATEXTENSIBLE: the format stands in the first two octets of the sub-format. */
const FORMAT_EXTENSIBLE = 0xfffe;

/** Octets of one sample. */
export function sampleBytes(encoding: WavEncoding): 1 | 2 {
  return encoding === "pcm16" ? 2 : 1;
}

/** True when the file says that it is WAV. */
export function isWav(file: Uint8Array): boolean {
  if (file.length < 12 || textAt(file, 8) !== "WAVE") return false;
  // RF64 (EBU Tech 3306) is RIFF with 64-bit sizes; what fits into memory ends with the file anyway.
  return textAt(file, 0) === "RIFF" || textAt(file, 0) === "RF64";
}

/**
 * Reads the chunks of a WAV file up to its samples.
 * @throws RangeError saying what is wrong or not supported
 */
export function parseWav(file: Uint8Array): WavFile {
  if (!isWav(file)) throw new RangeError("not a WAV file");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let format: Omit<WavFile, "data"> | undefined;
  for (let at = 12; at + 8 <= file.length; ) {
    const name = textAt(file, at);
    const start = at + 8;
    // Writers that stream don't know the length and leave 0 or 0xffffffff: then the rest of the file it is.
    const stated = view.getUint32(at + 4, true);
    const end = Math.min(start + stated, file.length);
    if (name === "fmt ") {
      format = readFormat(view, start, end);
    } else if (name === "data") {
      if (format === undefined) throw new RangeError("WAV file has samples before their format");
      const frameBytes = sampleBytes(format.encoding) * format.channels;
      const upTo = stated === 0 ? file.length : end;
      return { ...format, data: file.subarray(start, upTo - ((upTo - start) % frameBytes)) };
    }
    at = start + stated + (stated % 2);
  }
  throw new RangeError("WAV file has no samples");
}

function readFormat(view: DataView, start: number, end: number): Omit<WavFile, "data"> {
  if (end - start < 16) throw new RangeError("WAV file has a format that is too short");
  let tag = view.getUint16(start, true);
  const channels = view.getUint16(start + 2, true);
  const rateHz = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  if (tag === FORMAT_EXTENSIBLE && end - start >= 26) tag = view.getUint16(start + 24, true);
  const encoding = encodingOf(tag, bits);
  if (encoding === undefined) throw new RangeError(`WAV format ${tag} with ${bits} bits is not supported`);
  if (channels !== 1 && channels !== 2) throw new RangeError(`WAV file has ${channels} channels, 1 or 2 are supported`);
  if (rateHz < RATE_HZ_MIN || rateHz > RATE_HZ_MAX) throw new RangeError(`WAV rate ${rateHz} Hz is not supported`);
  return { encoding, rateHz, channels };
}

function encodingOf(tag: number, bits: number): WavEncoding | undefined {
  if (tag === FORMAT_PCM) return bits === 16 ? "pcm16" : bits === 8 ? "pcm8" : undefined;
  if (bits !== 8) return undefined;
  return tag === FORMAT_ALAW ? "alaw" : tag === FORMAT_MULAW ? "mulaw" : undefined;
}

function textAt(file: Uint8Array, at: number): string {
  return String.fromCharCode(file[at]!, file[at + 1]!, file[at + 2]!, file[at + 3]!);
}
