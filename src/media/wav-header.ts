/**
 * The head of a WAV file that grows (RIFF WAVE, Microsoft's WAVEFORMATEX): it has the same length whatever it says, so it
 * can be written anew while samples are added behind it. Room is kept for the 64-bit sizes of RF64 (EBU Tech 3306): beyond
 * 4 GiB the head changes into that form in its place.
 */

/** Samples as G.711 mu-law octets or as 16-bit little-endian PCM, 8000 Hz. */
export interface WavFormat {
  readonly encoding: "mulaw" | "pcm16";
  readonly channels: 1 | 2;
}

const RATE_HZ = 8000;
const FORMAT_PCM = 1;
const FORMAT_MULAW = 7;
const DS64_BYTES = 28;
const FORMAT_BYTES = 18;
const UINT32_MAX = 0xffff_ffff;

/** Octets before the first sample: RIFF, JUNK or ds64, fmt, fact, data. */
export const WAV_HEADER_BYTES = 12 + 8 + DS64_BYTES + 8 + FORMAT_BYTES + 12 + 8;

/** What `readWavDataBytes` needs of a file; `FileHandle` of `node:fs/promises` fits. */
export interface ReadableFile {
  read(target: Uint8Array, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  stat(): Promise<{ size: number }>;
}

/**
 * Octets of whole samples that a file with our head holds: no more than the head says, and no more than are there.
 * @throws RangeError when it is none of ours, or of another format
 */
export async function readWavDataBytes(file: ReadableFile, format: WavFormat): Promise<number> {
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, WAV_HEADER_BYTES, 0);
  const view = new DataView(header.buffer);
  const short = view.getUint32(WAV_HEADER_BYTES - 4, true);
  const dataBytes = short === UINT32_MAX ? Number(view.getBigUint64(28, true)) : short;
  const isOurs = bytesRead === WAV_HEADER_BYTES && Buffer.compare(header, wavHeader(format, dataBytes)) === 0;
  if (!isOurs) throw new RangeError("the file is no recording of this format");
  const present = Math.max(0, (await file.stat()).size - WAV_HEADER_BYTES);
  const bytes = Math.min(dataBytes, present);
  return bytes - (bytes % wavFrameBytes(format));
}

/** Octets of one sample of all channels. */
export function wavFrameBytes(format: WavFormat): number {
  return format.channels * (format.encoding === "pcm16" ? 2 : 1);
}

/**
 * Writes the head of a file with `dataBytes` octets of samples; an odd number is followed by one octet of padding.
 * @throws RangeError when `dataBytes` is no count
 */
export function wavHeader(format: WavFormat, dataBytes: number): Uint8Array {
  if (!Number.isSafeInteger(dataBytes) || dataBytes < 0)
    throw new RangeError(`dataBytes must be a count: ${dataBytes}`);
  const frameBytes = wavFrameBytes(format);
  const frames = Math.floor(dataBytes / frameBytes);
  const riffBytes = WAV_HEADER_BYTES - 8 + dataBytes + (dataBytes % 2);
  const isLong = riffBytes > UINT32_MAX;
  const header = new Uint8Array(WAV_HEADER_BYTES);
  const view = new DataView(header.buffer);
  let at = 0;
  const text = (name: string): void => {
    for (const letter of name) view.setUint8(at++, letter.charCodeAt(0));
  };
  const short = (value: number): void => {
    view.setUint16(at, value, true);
    at += 2;
  };
  const long = (value: number): void => {
    view.setUint32(at, value, true);
    at += 4;
  };
  const double = (value: number): void => {
    view.setBigUint64(at, BigInt(value), true);
    at += 8;
  };
  const bits = format.encoding === "pcm16" ? 16 : 8;
  text(isLong ? "RF64" : "RIFF");
  long(isLong ? UINT32_MAX : riffBytes);
  text("WAVE");
  text(isLong ? "ds64" : "JUNK");
  long(DS64_BYTES);
  double(isLong ? riffBytes : 0);
  double(isLong ? dataBytes : 0);
  double(isLong ? frames : 0);
  long(0);
  text("fmt ");
  long(FORMAT_BYTES);
  short(format.encoding === "pcm16" ? FORMAT_PCM : FORMAT_MULAW);
  short(format.channels);
  long(RATE_HZ);
  long(RATE_HZ * frameBytes);
  short(frameBytes);
  short(bits);
  short(0);
  text("fact");
  long(4);
  long(Math.min(frames, UINT32_MAX));
  text("data");
  long(isLong ? UINT32_MAX : dataBytes);
  return header;
}
