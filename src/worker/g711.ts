/**
 * G.711 for what is played into calls and written to files (ITU-T G.711, rounding of G.191): single samples, table driven. Not for packets,
 * which the engine transcodes.
 */

const BIAS = 33;
const CLIP = 8158;

/** Code to linear sample, 16 bit. */
const DECODED = Int16Array.from({ length: 256 }, (_, code) => decode(code));
const DECODED_ALAW = Int16Array.from({ length: 256 }, (_, code) => decodeA(code));
/** Linear sample, 16 bit, + 32768 to code. */
const ENCODED = Uint8Array.from({ length: 65_536 }, (_, index) => encode(index - 32_768));

/** Silence. */
export const MULAW_SILENCE = 0xff;

/** One code as a 16-bit sample. */
export function decodeMulaw(code: number): number {
  return DECODED[code]!;
}

/** One A-law code as a 16-bit sample. */
export function decodeAlaw(code: number): number {
  return DECODED_ALAW[code]!;
}

/** One sample, which is rounded and clipped to 16 bits, as a code. */
export function encodeMulaw(sample: number): number {
  const clipped = sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : Math.round(sample);
  return ENCODED[clipped + 32_768]!;
}

function decode(code: number): number {
  const inverted = ~code & 0xff;
  const segment = (inverted >> 4) & 7;
  const magnitude = ((((inverted & 15) << 1) + BIAS) << segment) - BIAS;
  return (inverted & 0x80 ? -magnitude : magnitude) * 4;
}

function decodeA(code: number): number {
  const toggled = code ^ 0x55;
  const segment = (toggled >> 4) & 7;
  const step = ((toggled & 15) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 256) << (segment - 1);
  return toggled & 0x80 ? magnitude : -magnitude;
}

/** G.191 works on 14 bits and takes the one's complement of negative samples. */
function encode(sample: number): number {
  const absolute = sample < 0 ? (~sample >> 2) + BIAS : (sample >> 2) + BIAS;
  const biased = Math.min(absolute, CLIP + BIAS);
  let segment = 0;
  while (segment < 7 && biased >> (segment + 6) > 0) segment++;
  const step = (biased >> (segment + 1)) & 15;
  const code = (segment << 4) | step;
  return sample < 0 ? ~(code | 0x80) & 0xff : ~code & 0xff;
}
