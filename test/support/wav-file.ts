/** Makes WAV files for tests, right or wrong ones. */

export interface WavOptions {
  readonly format?: number;
  readonly bits?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  /** Chunks between format and samples. */
  readonly extraChunks?: readonly Buffer[];
  /** WAVEFORMATEXTENSIBLE around the format. */
  readonly extensible?: boolean;
  /** Length that the data chunk states, when it is not the true one. */
  readonly statedBytes?: number;
}

export function chunk(name: string, data: Buffer, statedBytes = data.length): Buffer {
  const header = Buffer.alloc(8);
  header.write(name, 0, "latin1");
  header.writeUInt32LE(statedBytes >>> 0, 4);
  return Buffer.concat([header, data, Buffer.alloc(data.length % 2)]);
}

/** A WAV file around `data`, which is as it stands in the file. */
export function wavFile(data: Buffer, options: WavOptions = {}): Buffer {
  const { format = 1, bits = 16, channels = 1, rateHz = 8000, extraChunks = [], extensible = false } = options;
  const fmt = Buffer.alloc(extensible ? 40 : 16);
  fmt.writeUInt16LE(extensible ? 0xfffe : format, 0);
  fmt.writeUInt16LE(channels, 2);
  fmt.writeUInt32LE(rateHz, 4);
  fmt.writeUInt32LE((rateHz * channels * bits) / 8, 8);
  fmt.writeUInt16LE((channels * bits) / 8, 12);
  fmt.writeUInt16LE(bits, 14);
  if (extensible) fmt.writeUInt16LE(format, 24);
  const body = Buffer.concat([chunk("fmt ", fmt), ...extraChunks, chunk("data", data, options.statedBytes)]);
  return Buffer.concat([Buffer.from("RIFF"), uint32(body.length + 4), Buffer.from("WAVE"), body]);
}

/** Samples as 16-bit little-endian PCM. */
export function pcm16(samples: readonly number[]): Buffer {
  const data = Buffer.alloc(samples.length * 2);
  for (const [i, sample] of samples.entries()) data.writeInt16LE(Math.round(sample), i * 2);
  return data;
}

/** `count` samples of a sine. */
export function sine(frequencyHz: number, rateHz: number, count: number, amplitude = 8000): number[] {
  return Array.from({ length: count }, (_, i) => amplitude * Math.sin((2 * Math.PI * frequencyHz * i) / rateHz));
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(value);
  return octets;
}
