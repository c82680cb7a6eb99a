/** What is written down about a run: delay, loss, and how far from the original it sounds. */
import { logSpectralDistance, mean, segmentSnr } from "../../test/support/hearing.ts";
import type { Frame, Heard } from "./listeners.ts";

const FRAME = 160;
/** A window counts as speech above this effective value. */
const SPEECH = 500;
/** The first second belongs to nobody: buffers fill. */
const SETTLED_MS = 1000;
/** Delays are back when they stay within so much of what they were before. */
const BACK_MS = 20;

export interface Point {
  readonly nowMs: number;
  /** From the moment a sample could have been sent in a packet of 20 ms to the moment it is played. */
  readonly delayMs: number;
}

export interface Figures {
  readonly delayMs: number;
  readonly delayMostMs: number;
  /** Share of the packets that came, too late to be used. */
  readonly lateShare: number;
  /** Share of the played samples that were made up or left silent. */
  readonly missingShare: number;
  /** Mean log-spectral distance and segmental SNR over all windows of speech, dB. */
  readonly distance: number;
  readonly snr: number;
  /** The same distance with silence in place of every frame that was made up. */
  readonly distanceSilent: number;
  readonly returnSeconds?: number;
  readonly points: Point[];
}

export interface Truth {
  readonly clean: Int16Array;
  readonly startMs: number;
  readonly skewPpm: number;
  readonly seconds: number;
  readonly arrived: number;
  readonly endsAtSeconds?: number | undefined;
}

/** The sender's samples that a frame stands for, from audio that begins anew where it ends. */
function original(clean: Int16Array, at: number): Int16Array {
  return Int16Array.from({ length: FRAME }, (_, i) => clean[(at + i) % clean.length]!);
}

function isSpeech(window: Int16Array): boolean {
  return Math.sqrt(mean(Array.from(window, (sample) => sample * sample))) > SPEECH;
}

function returnTime(points: readonly Point[], endsAtSeconds: number): number {
  const settled = points.filter(({ nowMs }) => nowMs > 5000 && nowMs < endsAtSeconds * 1000 - 10_500);
  const usual = mean(settled.map(({ delayMs }) => delayMs));
  // A road that became longer shows in the delay for ever: the end says what is usual then.
  const end = mean(points.slice(-250).map(({ delayMs }) => delayMs));
  const lastHigh = points.findLast(
    ({ nowMs, delayMs }) => nowMs > endsAtSeconds * 1000 && delayMs > Math.max(usual, end) + BACK_MS,
  );
  return lastHigh ? lastHigh.nowMs / 1000 - endsAtSeconds : 0;
}

export function measure(heard: Heard, truth: Truth): Figures {
  const { clean, startMs, skewPpm, seconds, arrived, endsAtSeconds } = truth;
  const untilMs = seconds * 1000 - 500;
  const frames = heard.frames.filter(({ nowMs, at }) => at >= 0 && nowMs > SETTLED_MS && nowMs < untilMs);
  const playable = (frame: Frame) => frame.missing < FRAME;
  const points = frames
    .filter(playable)
    .map(({ nowMs, at }) => ({ nowMs, delayMs: nowMs - (startMs + (at + FRAME) / 8 / (1 + skewPpm / 1e6)) }));
  // An hour is judged by every tenth second of it.
  const judged = seconds > 600 ? frames.filter(({ nowMs }) => Math.floor(nowMs / 1000) % 10 === 0) : frames;
  const distances: number[] = [];
  const silent: number[] = [];
  const ratios: number[] = [];
  const nothing = new Int16Array(FRAME);
  for (const frame of judged) {
    const window = original(clean, frame.at);
    if (!isSpeech(window)) continue;
    const distance = logSpectralDistance(window, 0, frame.samples);
    distances.push(distance);
    ratios.push(segmentSnr(window, frame.samples, 0));
    silent.push(frame.missing === FRAME ? logSpectralDistance(window, 0, nothing) : distance);
  }
  const delays = points.map(({ delayMs }) => delayMs);
  return {
    delayMs: mean(delays),
    delayMostMs: delays.reduce((most, ms) => Math.max(most, ms), 0),
    lateShare: heard.late / arrived,
    missingShare: mean(frames.map(({ missing }) => missing / FRAME)),
    distance: mean(distances),
    snr: mean(ratios),
    distanceSilent: mean(silent),
    ...(endsAtSeconds === undefined ? {} : { returnSeconds: returnTime(points, endsAtSeconds) }),
    points,
  };
}
