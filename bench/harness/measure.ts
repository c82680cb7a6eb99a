/**
 * Times a candidate once: in this process by Benchmark.js, or by running a native program.
 *
 * Benchmark.js is used for what it does well, calibrated loops over synchronous code. It would also time an async
 * function (wrongly) and swallow what a test throws; so candidates are synchronous by type, checked beforehand, and its
 * `error` and number of samples are looked at here.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import Benchmark from "benchmark";
import type { Candidate, NativeCandidate, NativeReport } from "./suite.ts";

/** Enough that the lowest tenth is not chance. */
const SAMPLES_MIN = 40;
/** A short sample has a chance to pass between two disturbances. */
const SAMPLE_SECONDS = 0.001;
/**
 * Benchmark.js compiles its loop anew for every sample, and leaves the caches full of compiler: without some calls before
 * the clock starts, code that works on a megabyte looks up to twice as slow as it is.
 */
const WARM_UP =
  "var candidate = this.candidate, started = performance.now(); " +
  "do candidate.call(); while (performance.now() - started < 0.5);";

/** Nanoseconds a unit, sample by sample. */
export function measure(candidate: Candidate, name: string, milliseconds: number): number[] {
  const bench = new Benchmark({
    name,
    // As text, because Benchmark.js would try to read a closure as text too, and lose what it closes over.
    setup: WARM_UP,
    fn: "candidate.call();",
    minTime: SAMPLE_SECONDS,
    maxTime: milliseconds / 1000,
    minSamples: SAMPLES_MIN,
  });
  // Not by way of the options, which are copied deeply.
  Object.assign(bench, { candidate });
  bench.run({ async: false });
  if (bench.error) throw new Error(`${name} failed while it was timed`, { cause: bench.error });
  const samples = bench.stats.sample;
  if (samples.length < SAMPLES_MIN) throw new Error(`${name} gave ${samples.length} samples`);
  return samples.map((seconds) => (seconds * 1e9) / candidate.unitsPerCall);
}

/** Runs a native program and believes it only when it has checked its own octets. */
export async function measureNative(candidate: NativeCandidate, name: string, milliseconds: number): Promise<number[]> {
  const args = [...candidate.args, "--ms", String(milliseconds)];
  const { stdout } = await promisify(execFile)(candidate.program, args);
  const report = JSON.parse(stdout) as NativeReport;
  if (!Array.isArray(report.nsPerUnit) || report.nsPerUnit.length < SAMPLES_MIN)
    throw new Error(`${name} printed no samples`);
  candidate.check?.(report);
  return [...report.nsPerUnit];
}
