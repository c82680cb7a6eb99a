/**
 * Discontinuous transmission on the sending side (RFC 3389 §4): frames of mu-law in, and for each of them whether to send
 * it, to send a description of the noise, or nothing. Off unless the far end offered comfort noise (CN-2).
 */

import { FRAME_SAMPLES } from "../abi";
import { ulawDecode } from "../kernels/g711";
import { meanSquare } from "./background";
import { NOISE_BYTES, Noise, noiseLevelOctet, noiseReflections, writeNoisePayload } from "./comfort-noise";
import { autocorrelate, ORDER_MAX, reflect } from "./linear-prediction";

/** What becomes of a frame. A positive number of octets is a comfort-noise payload to be sent instead of it. */
export const DTX_SEND_AUDIO: i32 = 0;
export const DTX_SEND_NOTHING: i32 = -1;

/** Speech is four times the floor's power (6 dB) and at least -60 dBov; it is over after 200 ms without. */
const SPEECH_RATIO: f64 = 4;
const SPEECH_MIN: f64 = 1032;
const HANGOVER_FRAMES: i32 = 10;
/** The floor rises by 3 dB in about 2 s; it is never believed to be louder than -35 dBov. */
const RISE: f64 = 1.007;
const FLOOR_MAX: f64 = 326_000;
/** A description is sent anew when the level moved by so many dB, a coefficient by so much, or so many frames have passed. */
const LEVEL_CHANGE: i32 = 3;
const SHAPE_CHANGE: f64 = 0.3;
const REFRESH_FRAMES: i32 = 50;
/** Share of a new frame in the description. */
const SHARE: f64 = 0.15;

@unmanaged
export class Dtx {
  floor: f64;
  /** Mean square of the pause so far. */
  power: f64;
  started: i32;
  /** Frames since the last speech. */
  pauseFrames: i32;
  /** Frames since a description was sent, and its level octet. */
  sinceSent: i32;
  sentLevel: i32;
}

const SENT_AT: usize = offsetof<Dtx>();
const SUMS_AT: usize = (SENT_AT + ORDER_MAX * 4 + 7) & ~7;
const NOISE_AT: usize = (SUMS_AT + (ORDER_MAX + 1) * 8 + 15) & ~15;
export const DTX_BYTES: i32 = <i32>NOISE_AT + NOISE_BYTES;

const SAMPLES = memory.data(320, 16);
const SUMS = memory.data(88, 16);

export function dtxReset(place: usize): void {
  memory.fill(place, 0, DTX_BYTES);
}

/**
 * Judges one frame of 160 mu-law octets.
 * @param order - coefficients of the description, 0 to 10
 * @param payload - where a description is written, NOISE_PAYLOAD_MAX octets
 * @returns DTX_SEND_AUDIO, DTX_SEND_NOTHING, or octets of a comfort-noise payload
 */
export function dtxStep(place: usize, octets: usize, order: i32, payload: usize): i32 {
  const dtx = changetype<Dtx>(place);
  ulawDecode(octets, SAMPLES, FRAME_SAMPLES);
  const power = meanSquare(SAMPLES, FRAME_SAMPLES);
  dtx.floor = dtx.started === 0 || power < dtx.floor ? power : min<f64>(dtx.floor * RISE + 0.01, power);
  dtx.floor = min<f64>(dtx.floor, FLOOR_MAX);
  dtx.started = 1;
  if (power > max<f64>(dtx.floor * SPEECH_RATIO, SPEECH_MIN)) {
    dtx.pauseFrames = 0;
    return DTX_SEND_AUDIO;
  }
  // Clicks of the hangover must not colour the description: it begins in its second half.
  if (dtx.pauseFrames >= HANGOVER_FRAMES / 2) describe(dtx, power);
  if (++dtx.pauseFrames <= HANGOVER_FRAMES) return DTX_SEND_AUDIO;
  const begins = dtx.pauseFrames === HANGOVER_FRAMES + 1;
  const noise = changetype<Noise>(place + NOISE_AT);
  noise.level = <f32>Math.sqrt(dtx.power);
  reflect(place + SUMS_AT, noiseReflections(noise));
  dtx.sinceSent++;
  if (!begins && dtx.sinceSent < REFRESH_FRAMES && !hasChanged(dtx, noise)) return DTX_SEND_NOTHING;
  dtx.sinceSent = 0;
  dtx.sentLevel = noiseLevelOctet(<f64>noise.level);
  memory.copy(place + SENT_AT, noiseReflections(noise), ORDER_MAX * 4);
  return writeNoisePayload(noise, order, payload);
}

function describe(dtx: Dtx, power: f64): void {
  const sums = changetype<usize>(dtx) + SUMS_AT;
  const share = dtx.pauseFrames === HANGOVER_FRAMES / 2 ? 1 : SHARE;
  autocorrelate(SAMPLES, FRAME_SAMPLES, SUMS);
  for (let i: usize = 0; i <= <usize>ORDER_MAX; i++) {
    const before = load<f64>(sums + (i << 3));
    store<f64>(sums + (i << 3), before + (load<f64>(SUMS + (i << 3)) - before) * share);
  }
  dtx.power += (power - dtx.power) * share;
}

function hasChanged(dtx: Dtx, noise: Noise): bool {
  if (abs<i32>(noiseLevelOctet(<f64>noise.level) - dtx.sentLevel) >= LEVEL_CHANGE) return true;
  // The first two coefficients are the tilt and the first resonance: what is heard of a shape.
  for (let i: usize = 0; i < 2; i++) {
    const sent = <f64>load<f32>(changetype<usize>(dtx) + SENT_AT + (i << 2));
    if (abs<f64>(<f64>load<f32>(noiseReflections(noise) + (i << 2)) - sent) > SHAPE_CHANGE) return true;
  }
  return false;
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeDtx(): void {
  memory.fill(SAMPLES, 0, 320);
}
