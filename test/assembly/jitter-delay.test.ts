/** How much the jitter buffer holds back: RTP-8, and the clock of a sender that is not ours. Virtual time. */
import { describe, expect, it, vi } from "vitest";
import { largestStep, mean } from "../support/hearing.ts";
import { type Heard, JitterBuffer, playAll, type Tick } from "../support/jitter-run.ts";
import {
  clear,
  during,
  type Road,
  randomLoss,
  reorder,
  type SendOptions,
  send,
  spikes,
  uniformJitter,
  wifi,
} from "../support/network.ts";
import { makeSpeech } from "../support/speech.ts";

// Much is simulated; a busy machine may take its time.
vi.setConfig({ testTimeout: 120_000 });

const CONCEALED = 1;
const speech = makeSpeech({ seconds: 60 });
const audio = new JitterBuffer().encode(speech.samples);

interface Run extends Heard {
  readonly buffer: JitterBuffer;
  readonly lost: number;
  /** Ticks in which something was made up, after the first second and before the end. */
  readonly concealed: Tick[];
}

function play(road: Road, seconds = 60, options: SendOptions = {}, startMs = 40): Run {
  const buffer = new JitterBuffer(startMs);
  const { sent, arrivals } = send(seconds * 8000, road, options);
  const heard = playAll(buffer, arrivals, audio, seconds * 1000 - 100, 7);
  const concealed = heard.ticks.filter(({ play, nowMs }) => play === CONCEALED && nowMs > 1000);
  return { ...heard, buffer, lost: sent.length - arrivals.length, concealed };
}

/** How long packets were held at most and on average, from `fromMs` on, by the depth behind each tick. */
function depth(run: Run, fromMs: number, toMs = Number.POSITIVE_INFINITY) {
  const depths = run.ticks.filter(({ nowMs }) => nowMs >= fromMs && nowMs < toMs).map(({ depthMs }) => depthMs);
  return { mean: mean(depths), most: depths.reduce((most, ms) => Math.max(most, ms), 0) };
}

describe("RTP-8 the delay follows the arrivals", () => {
  it("a road without jitter: 20 ms after half a second, whatever it began with", () => {
    for (const startMs of [20, 40, 100, 200]) {
      const run = play(clear, 30, {}, startMs);
      expect(depth(run, 8000).mean).toBeLessThanOrEqual(25);
      expect(run.concealed).toEqual([]);
    }
  });

  it("stalls of 20 ms once a second change nothing of what is played with the usual start of 40 ms", () => {
    const run = play((i, sentMs) => (i % 50 === 49 ? 20 : Math.floor(sentMs / 7) % 3), 60, {}, 40);
    expect(run.buffer.tell("Shortened")).toBe(0);
    expect(run.buffer.tell("Lengthened")).toBe(0);
    expect(run.concealed).toEqual([]);
  });

  it("0 to begin with is passed through: played in the tick after it came", () => {
    const run = play(clear, 10, {}, 0);
    expect(run.ticks.findIndex(({ play }) => play === 0)).toBe(1);
    expect(depth(run, 100).most).toBe(0);
    expect(run.concealed).toEqual([]);
  });

  it.each([20, 50, 100, 150, 200])("uniform jitter of %i ms: covered, and hardly anything made up", (maxMs) => {
    const run = play(uniformJitter(maxMs), 40);
    expect(run.concealed.length).toBeLessThan(20);
    // Held: the spread and one frame of grace at most.
    expect(depth(run, 5000).most).toBeLessThanOrEqual(maxMs + 30);
  });

  it("rare spikes are bridged, not waited for: a single one of 150 ms in 20 s", () => {
    const run = play((index) => (index % 1000 === 500 ? 150 : 0));
    expect(depth(run, 2000).mean).toBeLessThan(25);
    expect(run.buffer.tell("Late")).toBe(3);
  });

  it("spikes that queue what is behind them: nothing is lost but the first moments", () => {
    const run = play(spikes(2000, 150));
    expect(run.buffer.tell("Late")).toBeLessThan(10);
    expect(run.concealed.length / 3000).toBeLessThan(0.03);
  });

  it("Wi-Fi like bursts: less than 2 % made up, under 120 ms held on average", () => {
    const run = play(wifi(1000, 120));
    expect(run.concealed.length / 3000).toBeLessThan(0.02);
    expect(depth(run, 5000).mean).toBeLessThan(120);
    expect(run.buffer.tell("Late")).toBeLessThan(3);
  });

  it("5 % overtaken by two packets are waited for, when they come all the time", () => {
    const run = play(reorder(0.05, 45));
    expect(run.concealed).toEqual([]);
    expect(run.buffer.tell("Late")).toBe(0);
  });

  it.each([0.01, 0.05, 0.2])("loss of %d alone holds nothing back, and no more is made up than was lost", (share) => {
    const run = play(randomLoss(share, 3), 60, {}, 20);
    expect(depth(run, 5000).mean).toBeLessThanOrEqual(21);
    const madeUp = run.buffer.tell("MadeUp");
    expect(Math.abs(madeUp - run.lost * 160)).toBeLessThan(160 * 8 + run.lost * 20);
    expect(run.buffer.tell("Late")).toBe(0);
  });

  it.each([
    ["10 ms", 80],
    ["30 ms", 240],
    ["40 ms", 320],
    ["60 ms", 480],
    ["sizes that change", [160, 80, 480, 240, 33]],
  ] as const)("packets of %s in 30 ms of jitter: nothing is made up", (_name, samples) => {
    const run = play(uniformJitter(30), 30, { samples });
    expect(run.concealed.length).toBeLessThanOrEqual(2);
    expect(depth(run, 5000).most).toBeLessThan(160);
  });
});

describe("the delay comes back within 5 s of a burst's end", () => {
  it.each([
    ["uniform jitter of 200 ms", uniformJitter(200)],
    ["Wi-Fi like gaps of 180 ms", wifi(400, 180)],
    ["spikes of 200 ms", spikes(500, 200)],
    ["one gap of 190 ms", ((_i, sentMs) => Math.max(0, 15_190 - sentMs)) as Road],
  ] as const)("%s for 10 s", (_name, inside) => {
    const run = play(during(10_000, 20_000, inside), 60);
    expect(depth(run, 10_000, 20_200).most).toBeGreaterThan(100);
    expect(depth(run, 25_000).most).toBeLessThanOrEqual(40);
    // Getting back costs no hole.
    expect(run.concealed.filter(({ nowMs }) => nowMs > 20_500)).toEqual([]);
  });

  it("in speech without pauses too", () => {
    const buffer = new JitterBuffer();
    const dense = buffer.encode(makeSpeech({ seconds: 40, pauses: false, background: 200 }).samples);
    const { arrivals } = send(320_000, during(10_000, 20_000, uniformJitter(200)));
    const { ticks } = playAll(buffer, arrivals, dense, 39_000, 7);
    // Back to what the leg begins with after 5 s, and to the least after ten more that were calm.
    expect(ticks.filter(({ nowMs, depthMs }) => nowMs > 25_000 && depthMs > 65)).toEqual([]);
    expect(ticks.filter(({ nowMs, depthMs }) => nowMs > 37_000 && depthMs > 45)).toEqual([]);
  });

  it("a jump of the road by 120 ms, up or down, is followed within 5 s", () => {
    const up = play(
      during(10_000, 60_000, () => 120),
      30,
    );
    expect(depth(up, 15_000).most).toBeLessThanOrEqual(45);
    expect(up.concealed.length).toBeLessThan(10);
    const down = play(
      during(
        10_000,
        60_000,
        () => 0,
        () => 120,
      ),
      30,
    );
    expect(depth(down, 15_000).most).toBeLessThanOrEqual(45);
    expect(down.concealed).toEqual([]);
  });
});

describe("clock skew: an hour of a sender 100 ppm off", () => {
  const HOUR_S = 3600;
  it.each([
    [100, uniformJitter(10)],
    [-100, clear],
  ])("%i ppm neither drifts nor glitches", (skewPpm, road) => {
    // A fast sender has said its hour 360 ms before ours is over.
    const run = play(road, HOUR_S, { skewPpm });
    const concealed = run.concealed.filter(({ nowMs }) => nowMs < HOUR_S * 1000 - 400);
    // Nothing is made up, nothing is late, nothing begins anew: the 360 ms go in single periods.
    expect(concealed).toEqual([]);
    expect([run.buffer.tell("Late"), run.buffer.tell("Restarts"), run.buffer.tell("Skipped")]).toEqual([0, 0, 0]);
    const stretched = run.buffer.tell("Shortened") - run.buffer.tell("Lengthened");
    expect(Math.abs(stretched - Math.sign(skewPpm) * 2880)).toBeLessThan(500);
    // The hold at the end is what it was after the first minute.
    const begin = depth(run, 60_000, 120_000);
    const end = depth(run, HOUR_S * 1000 - 60_000);
    expect(Math.abs(end.mean - begin.mean)).toBeLessThan(20);
    expect(depth(run, 10_000).most).toBeLessThan(45);
    const changes = run.ticks.flatMap((tick, i) => {
      const before = run.ticks[i - 1];
      const by = before ? tick.shortened - before.shortened + tick.lengthened - before.lengthened : 0;
      return by > 0 ? [{ i, by }] : [];
    });
    expect(changes.length).toBeLessThan(100);
    // No click: no step between samples that speech does not have itself; whole frames only where it is quiet.
    const heard = (from: number, frames: number) =>
      run.buffer.decode(run.octets.subarray(from * 160, (from + frames) * 160));
    for (const { i, by } of changes) {
      const around = heard(i - 1, 3);
      const step = largestStep(around, 150, 330);
      const usual = largestStep(heard(i - 25, 50), 0, 8000);
      expect(step).toBeLessThanOrEqual(Math.max(1.3 * usual, 400));
      const level = Math.sqrt(mean(Array.from(heard(i, 1), (sample) => sample * sample)));
      if (by > 120) expect(level).toBeLessThan(400);
    }
  });
});
