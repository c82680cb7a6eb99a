/**
 * Hostile packets into the media core: `npm run fuzz:media -- --packets 10000000 --seed 1`. Fails when the engine traps,
 * its memory or the heap of JavaScript grows, or a call beside the attacked legs loses an octet of audio. The seed makes
 * a run again what it was.
 */
import { Command, InvalidArgumentError } from "commander";
import { MediaFuzz } from "../support/media-fuzz.ts";

const MIB = 1024 * 1024;
/** What the heap may differ by between two collections. */
const HEAP_SWING_MIB = 4;
const PORTIONS = 20;

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

const options = new Command("npm run fuzz:media --")
  .option("--packets <n>", "hostile packets", wholeNumber, 1_000_000)
  .option("--seed <n>", "of all randomness; default: the time", wholeNumber, Date.now() % 1_000_000_000)
  .parse()
  .opts<{ packets: number; seed: number }>();

function heapMib(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / MIB;
}

console.log(`seed ${options.seed}, ${options.packets.toLocaleString("en")} packets`);
const fuzz = new MediaFuzz(options.seed);
const portion = Math.ceil(options.packets / PORTIONS);
let heapAtStart = 0;
let fuzzMs = 0;
for (let sent = 0; sent < options.packets; sent += portion) {
  const startedMs = performance.now();
  fuzz.run(Math.min(portion, options.packets - sent));
  fuzzMs += performance.now() - startedMs;
  // The first portions compile and fill caches.
  if (sent <= 2 * portion) heapAtStart = heapMib();
}
const heapGrownMib = heapMib() - heapAtStart;
const report = fuzz.report;
const rate = Math.round(report.packets / (fuzzMs / 1000));
console.log(
  `${report.packets.toLocaleString("en")} packets in ${(fuzzMs / 1000).toFixed(1)} s, ${rate.toLocaleString("en")} a second, ${report.virtualSeconds} s of virtual time`,
);
console.log(
  `faults ${report.faults}, memory grown by ${report.grownBytes} octets, heap by ${heapGrownMib.toFixed(2)} MiB`,
);
console.log(`audio beside: ${report.audioOctets.toLocaleString("en")} octets right, ${report.harm.length} complaints`);
for (const line of report.harm) console.log(`  ${line}`);
console.log(`of the attacked legs: ${report.taken} packets taken for RTP, dropped:`);
for (const [reason, count] of [...report.drops].sort((a, b) => b[1] - a[1])) console.log(`  ${reason} ${count}`);

const isSound =
  report.faults === 0 &&
  report.grownBytes === 0 &&
  report.harm.length === 0 &&
  report.audioOctets > 0 &&
  (globalThis.gc === undefined || heapGrownMib < HEAP_SWING_MIB);
if (!isSound) {
  console.error(`FAILED; again with --seed ${options.seed}`);
  process.exitCode = 1;
}
