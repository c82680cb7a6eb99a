/** Audio of simulated parties. */

const RATE_HZ = 8000;
const LEVEL = 8000;

/** One second of a sine of whole hertz, mu-law: played over and over it has no seam. */
export function tone(hertz: number): Uint8Array {
  return toUlaw(
    Int16Array.from({ length: RATE_HZ }, (_, at) => Math.round(LEVEL * Math.sin((2 * Math.PI * hertz * at) / RATE_HZ))),
  );
}

/** mu-law of 16-bit samples (ITU-T G.711), for audio that is prepared before a call; calls are encoded by the engine. */
export function toUlaw(samples: Int16Array): Uint8Array {
  return Uint8Array.from(samples, (sample) => {
    const sign = sample < 0 ? 0x80 : 0;
    const magnitude = Math.min(Math.abs(sample), 32_635) + 132;
    const exponent = 24 - Math.clz32(magnitude);
    return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
  });
}

/** 16-bit samples of mu-law octets. */
export function fromUlaw(ulaw: Uint8Array): Int16Array {
  return Int16Array.from(ulaw, (octet) => {
    const code = ~octet & 0xff;
    const value = ((((code & 0x0f) << 3) + 132) << ((code >> 4) & 7)) - 132;
    return (code & 0x80) === 0 ? value : -value;
  });
}
