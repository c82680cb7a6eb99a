/** `npm run impair`: runs all roads in virtual time, prints the table, writes docs/impairments.md and its plots. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { JitterBuffer } from "../../test/support/jitter-run.ts";
import { send } from "../../test/support/network.ts";
import { makeSpeech } from "../../test/support/speech.ts";
import { type Heard, listenAdaptive, listenFixed } from "./listeners.ts";
import { measure } from "./measure.ts";
import { drawPlot, type Line } from "./plot.ts";
import { type Row, writeReport } from "./report.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const docs = resolve(import.meta.dirname, "../../docs");
const plots = join(docs, "impairments");
const START_MS = 3;
const FIRST_TIMESTAMP = 0xfffff000;
const FRAME = 160;

const coder = new JitterBuffer();
const speech = makeSpeech({ seconds: 60 });
const audio = coder.encode(speech.samples);
const clean = coder.decode(audio);

/** Share of missing samples in each step of time, percent. */
function shareOver(heard: Heard, seconds: number): [number, number][] {
  const stepMs = (seconds / 60) * 1000;
  const steps = Array.from({ length: 60 }, () => ({ missing: 0, all: 0 }));
  for (const { nowMs, missing, at } of heard.frames) {
    const step = steps[Math.floor(nowMs / stepMs)];
    if (!step || at < 0) continue;
    step.missing += missing;
    step.all += FRAME;
  }
  return steps.map(({ missing, all }, i) => [((i + 0.5) * stepMs) / 1000, (100 * missing) / Math.max(all, 1)]);
}

function runScenario(scenario: Scenario): { row: Row; svg: string } {
  const { seconds, options = {}, road, title, endsAtSeconds } = scenario;
  const { sent, arrivals } = send(seconds * 8000, road(), {
    ...options,
    startMs: START_MS,
    firstTimestamp: FIRST_TIMESTAMP,
  });
  const source = { audio, firstTimestamp: FIRST_TIMESTAMP, arrivals, untilMs: seconds * 1000 };
  const [adaptive, fixed] = [listenAdaptive(source), listenFixed(source, coder)];
  const skewPpm = options.skewPpm ?? 0;
  const truth = { clean, startMs: START_MS, skewPpm, seconds, arrived: arrivals.length, endsAtSeconds };
  const row = {
    scenario,
    lostShare: 1 - arrivals.length / sent.length,
    adaptive: measure(adaptive, truth),
    fixed: measure(fixed, truth),
  };
  const network = arrivals.map(({ at, samples, arrivalMs }): [number, number] => [
    arrivalMs / 1000,
    arrivalMs - (START_MS + (at + samples) / 8 / (1 + skewPpm / 1e6)),
  ]);
  const line = (points: { nowMs: number; delayMs: number }[]) =>
    points.map(({ nowMs, delayMs }): [number, number] => [nowMs / 1000, Math.max(delayMs, 0)]);
  const delays: Line[] = [
    { label: "delay of each packet in the network", color: "#b8b8b8", dots: true, points: network },
    { label: "fixed 60 ms: delay when played", color: "#e08a1e", points: line(row.fixed.points) },
    {
      label: "target: delay covered",
      color: "#58a55c",
      dashed: true,
      points: adaptive.frames.map(({ nowMs, targetMs = 0 }): [number, number] => [nowMs / 1000, targetMs]),
    },
    { label: "adaptive: delay when played", color: "#1f5fbf", points: line(row.adaptive.points) },
  ];
  const shares: Line[] = [
    { label: "fixed 60 ms: missing", color: "#e08a1e", points: shareOver(fixed, seconds) },
    { label: "adaptive: made up", color: "#1f5fbf", points: shareOver(adaptive, seconds) },
  ];
  return { row, svg: drawPlot({ title, seconds, delays, shares }) };
}

mkdirSync(plots, { recursive: true });
const rows: Row[] = [];
for (const scenario of scenarios) {
  const { row, svg } = runScenario(scenario);
  writeFileSync(join(plots, `${scenario.name}.svg`), svg);
  rows.push(row);
  const { adaptive: a, fixed: f } = row;
  console.log(
    `${scenario.title}: lost ${(row.lostShare * 100).toFixed(1)} %, ` +
      `adaptive ${a.delayMs.toFixed(0)} ms, made up ${(a.missingShare * 100).toFixed(1)} %, ${a.distance.toFixed(1)} dB ` +
      `(silence ${a.distanceSilent.toFixed(1)}); fixed ${f.delayMs.toFixed(0)} ms, missing ${(f.missingShare * 100).toFixed(1)} %, ` +
      `${f.distance.toFixed(1)} dB${a.returnSeconds === undefined ? "" : `; back after ${a.returnSeconds.toFixed(1)} s`}`,
  );
}
writeFileSync(join(docs, "impairments.md"), writeReport(rows, coder.wasm.constant("JITTER_BYTES")));
console.log(`written: ${join(docs, "impairments.md")} and ${rows.length} plots`);
