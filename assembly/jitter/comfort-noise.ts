/**
 * Comfort noise (RFC 3389): a level and up to ten reflection coefficients say what the background sounds like. Here the
 * payload is read and written, and noise of that description is made: white noise through an all-pole lattice.
 */

import { ORDER_MAX } from "./linear-prediction";

/** Square wave of 0 dBov in mu-law, as 16-bit samples (RFC 3389 §3.1: 8031 in 14 bits). */
const OVERLOAD: f64 = 32124;
/** Longest payload that is written. */
export const NOISE_PAYLOAD_MAX: i32 = 1 + ORDER_MAX;

/** One description of noise, and the filter that makes it sound. */
@unmanaged
export class Noise {
  /** Effective value, 16-bit samples. */
  level: f32;
  seed: u32;
  /** Somebody described the noise: a payload or the background that was heard. */
  known: i32;
  reserved: i32;
}

const REFLECTIONS_AT: usize = offsetof<Noise>();
const LATTICE_AT: usize = REFLECTIONS_AT + ORDER_MAX * 4;
export const NOISE_BYTES: i32 = <i32>((LATTICE_AT + (ORDER_MAX + 1) * 4 + 15) & ~15);

const SEED: u32 = 0x2545f491;

/** Coefficients of the description: ORDER_MAX 32-bit floats. */
export function noiseReflections(noise: Noise): usize {
  return changetype<usize>(noise) + REFLECTIONS_AT;
}

export function noiseReset(noise: Noise): void {
  memory.fill(changetype<usize>(noise), 0, NOISE_BYTES);
  noise.seed = SEED;
}

/** Level octet of an effective value: dB below overload, 0 to 127. */
export function noiseLevelOctet(level: f64): i32 {
  if (level <= 0) return 127;
  return min<i32>(max<i32>(<i32>Math.round(-20 * Math.log10(level / OVERLOAD)), 0), 127);
}

/**
 * Reads a payload of one octet or more (RFC 3389 §3): the level, then coefficients; those beyond the tenth are left out.
 */
export function readNoisePayload(noise: Noise, payload: usize, octets: i32): void {
  if (octets < 1) return;
  noise.level = <f32>(OVERLOAD * 10 ** (-<f64>(load<u8>(payload) & 127) / 20));
  for (let i: i32 = 0; i < ORDER_MAX; i++) {
    const octet = i + 1 < octets ? <i32>load<u8>(payload + <usize>(i + 1)) : 127;
    // 255 is reserved; the ends of the range are kept off the unit circle, where a filter would ring for ever.
    const k = octet === 255 ? 0 : <f64>(258 * (octet - 127)) / 32_768;
    store<f32>(noiseReflections(noise) + (<usize>i << 2), <f32>min<f64>(max<f64>(k, -0.99), 0.99));
  }
  noise.known = 1;
}

/** Writes the payload of a description with `order` coefficients (0 to 10). @returns octets */
export function writeNoisePayload(noise: Noise, order: i32, out: usize): i32 {
  const coefficients = min<i32>(max<i32>(order, 0), ORDER_MAX);
  store<u8>(out, <u8>noiseLevelOctet(<f64>noise.level));
  for (let i: i32 = 0; i < coefficients; i++) {
    const k = <f64>load<f32>(noiseReflections(noise) + (<usize>i << 2));
    store<u8>(out + <usize>(i + 1), <u8>min<i32>(max<i32>(127 + <i32>Math.round((k * 32_768) / 258), 0), 254));
  }
  return 1 + coefficients;
}

/** Writes `n` samples of the described noise. */
export function noiseWrite(noise: Noise, out: usize, n: i32): void {
  const reflections = noiseReflections(noise);
  const lattice = changetype<usize>(noise) + LATTICE_AT;
  // An all-pole filter amplifies by 1 / product of (1 - k^2): the noise that goes in is that much weaker.
  let power: f64 = 1;
  for (let i: i32 = 0; i < ORDER_MAX; i++) {
    const k = <f64>load<f32>(reflections + (<usize>i << 2));
    power *= 1 - k * k;
  }
  // Uniform between -peak and peak: its effective value is peak / sqrt(3).
  const peak = <f64>noise.level * Math.sqrt(3 * power) * (1.0 / 2147483648.0);
  let seed = noise.seed;
  for (let i: i32 = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    let forward = <f64>(<i32>seed) * peak;
    for (let m: i32 = ORDER_MAX - 1; m >= 0; m--) {
      const k = <f64>load<f32>(reflections + (<usize>m << 2));
      const backward = <f64>load<f32>(lattice + (<usize>m << 2));
      forward -= k * backward;
      store<f32>(lattice + (<usize>(m + 1) << 2), <f32>(k * forward + backward));
    }
    store<f32>(lattice, <f32>forward);
    store<i16>(out + (<usize>i << 1), <i16>min<f64>(max<f64>(forward, -32_768), 32_767));
  }
  noise.seed = seed;
}
