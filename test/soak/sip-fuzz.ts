/**
 * Hostile SIP messages over UDP and TCP while calls carry audio: `npm run fuzz:sip -- --messages 200000 --seed 1`. Fails when a
 * worker is lost, a message runs into a defect, a call beside is harmed, or memory is not back within a tenth a minute later.
 */
import { Command, InvalidArgumentError } from "commander";
import { SipFuzz } from "../support/sip-fuzz.ts";

const MIB = 1024 * 1024;
const GROWTH_MAX = 0.1;
/** Of the messages, before memory is looked at first: code is made and tables are as large as they get. */
const WARM_SHARE = 0.1;
/** Transactions of the last messages live for 32 s; a minute is what is allowed in all. */
const REST_MS = 60_000;

function wholeNumber(text: string): number {
  if (!/^[0-9]{1,10}$/.test(text)) throw new InvalidArgumentError("expected a whole number");
  return Number(text);
}

const { messages, seed, calls, restMs } = new Command("npm run fuzz:sip --")
  .option("--messages <n>", "hostile messages", wholeNumber, 200_000)
  .option("--calls <n>", "calls with audio beside", wholeNumber, 20)
  .option("--seed <n>", "of all randomness; default: the time", wholeNumber, Date.now() % 1_000_000_000)
  .option("--rest-ms <n>", "time before memory is looked at again", wholeNumber, REST_MS)
  .parse()
  .opts<{ messages: number; calls: number; seed: number; restMs: number }>();

function memory(): { heapMib: number; residentMib: number } {
  for (let pass = 0; pass < 3; pass++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapMib: (heapUsed + external) / MIB, residentMib: rss / MIB };
}

const shown = ({ heapMib, residentMib }: ReturnType<typeof memory>): string =>
  `heap ${heapMib.toFixed(1)} MiB, resident ${residentMib.toFixed(0)} MiB`;
const rest = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

console.log(`seed ${seed}, ${messages.toLocaleString("en")} messages, ${calls} calls`);
const fuzz = await SipFuzz.start("127.77.61");
await fuzz.placeCalls(calls);
const warm = Math.floor(messages * WARM_SHARE);
await fuzz.attack(seed, warm);
await rest(restMs);
const before = memory();
console.log(`after ${warm} messages and ${restMs / 1000} s: ${shown(before)}`);
const startMs = performance.now();
await fuzz.attack(seed + 1, messages - warm);
const seconds = (performance.now() - startMs) / 1000;
console.log(`${messages - warm} messages in ${seconds.toFixed(1)} s: ${shown(memory())}`);
await rest(restMs);
const after = memory();
console.log(`${restMs / 1000} s later: ${shown(after)}`);
const report = await fuzz.finish();
await fuzz.stop();
const { harm, faults, ...figures } = report;
console.log(JSON.stringify(figures));
for (const line of harm) console.log(`HARM ${line}`);
for (const line of [...new Set(faults)].slice(0, 20)) console.log(`FAULT ${line.slice(0, 2000)}`);
const isSound =
  report.callsUp === calls &&
  harm.length === 0 &&
  faults.length === 0 &&
  report.workersLost === 0 &&
  after.heapMib <= before.heapMib * (1 + GROWTH_MAX);
console.log(isSound ? "good" : `NOT GOOD; again with --seed ${seed}`);
process.exit(isSound ? 0 : 1);
