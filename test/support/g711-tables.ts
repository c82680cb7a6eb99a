/** mu-law written a second time, straight from the tables of ITU-T G.711, for tests to compare with. */

/** A code as a 16-bit sample. */
export function ulawSample(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = ((((inverted & 15) << 3) + 132) << ((inverted >> 4) & 7)) - 132;
  return inverted & 0x80 ? -magnitude : magnitude;
}

/** The code whose sample is nearest; 0xff for 0. */
export function nearestUlaw(sample: number): number {
  let best = 255;
  for (let code = 0; code < 255; code++)
    if (Math.abs(ulawSample(code) - sample) < Math.abs(ulawSample(best) - sample)) best = code;
  return best;
}

/** A sine of whole samples as mu-law. */
export function sineUlaw(frequencyHz: number, amplitude: number, samples: number): Buffer {
  return Buffer.from(
    Array.from({ length: samples }, (_, n) =>
      nearestUlaw(amplitude * Math.sin((2 * Math.PI * frequencyHz * n) / 8000)),
    ),
  );
}

/** Effective value of mu-law audio. */
export function effective(octets: Uint8Array): number {
  let sum = 0;
  for (const octet of octets) sum += ulawSample(octet) ** 2;
  return Math.sqrt(sum / Math.max(1, octets.length));
}

/** How strong one frequency is in mu-law audio: the amplitude of its sine (Goertzel). */
export function amplitudeAt(octets: Uint8Array, frequencyHz: number): number {
  const omega = (2 * Math.PI * frequencyHz) / 8000;
  let re = 0;
  let im = 0;
  octets.forEach((octet, n) => {
    re += ulawSample(octet) * Math.cos(omega * n);
    im += ulawSample(octet) * Math.sin(omega * n);
  });
  return (2 * Math.hypot(re, im)) / octets.length;
}
