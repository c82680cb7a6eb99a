/**
 * Loss alone: what a listener hears of speech when packets are lost and nothing is late, beside the alternatives that need
 * no thought. All signals are aligned with the clean one, so that they can be compared sample by sample.
 */
import { logSpectralDistance, mean, segmentSnr } from "./hearing.ts";
import { JitterBuffer, playAll } from "./jitter-run.ts";
import { type Road, send } from "./network.ts";

/** Effective value above which a lost window counts: nobody misses a pause. */
const HEARD = 500;
const FRAME = 160;

export interface LossRun {
  readonly clean: Int16Array;
  /** Made up by the jitter buffer. */
  readonly concealed: Int16Array;
  /** The packet before is played again. */
  readonly repeated: Int16Array;
  readonly silent: Int16Array;
  /** Begin of each lost packet that carried sound. */
  readonly lost: number[];
  readonly buffer: JitterBuffer;
}

export function runLoss(samples: Int16Array, road: Road): LossRun {
  const buffer = new JitterBuffer(0);
  const audio = buffer.encode(samples);
  const clean = buffer.decode(audio);
  // The first two packets always arrive: they tell where playing began.
  const { sent, arrivals } = send(clean.length, (index, sentMs) => (index < 2 ? 0 : road(index, sentMs)));
  const { octets } = playAll(buffer, arrivals, audio, clean.length / 8 + 100, 7);
  if (buffer.tell("Shortened") + buffer.tell("Lengthened") > 0) throw new Error("the run was stretched");
  const begin = octets.indexOf(audio.subarray(0, 2 * FRAME));
  const gone = new Set(sent.map(({ at }) => at));
  for (const { at } of arrivals) gone.delete(at);
  const silent = Int16Array.from(clean);
  const repeated = Int16Array.from(clean);
  for (const at of [...gone].sort((a, b) => a - b)) {
    silent.fill(0, at, at + FRAME);
    repeated.copyWithin(at, at - FRAME, at);
  }
  const lost = [...gone].filter(
    (at) => Math.sqrt(mean(Array.from(clean.subarray(at, at + FRAME), (s) => s * s))) > HEARD,
  );
  return { clean, concealed: buffer.decode(octets.subarray(begin)), repeated, silent, lost, buffer };
}

/** Means over the lost windows: log-spectral distance and segmental SNR, dB. */
export function judge(run: LossRun, heard: Int16Array): { distance: number; snr: number } {
  return {
    distance: mean(run.lost.map((at) => logSpectralDistance(run.clean, at, heard))),
    snr: mean(run.lost.map((at) => segmentSnr(run.clean, heard, at))),
  };
}
