/**
 * `npm run bench:signalling`: calls through a trunk to a carrier, SIPp at both ends, the gateway on one core and everything
 * else on another; the same calls through Kamailio as a stateful proxy, which does less: it makes no dialogs, opens no
 * media and answers nothing itself. Then what live transactions, dialogs and ended calls take.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { resultOf, writeResult } from "../harness/result.ts";
import type { RowResult } from "../harness/row.ts";
import { median, quantile, rounded, spreadOf } from "../harness/statistics.ts";
import { type Load, type Outcome, runLoad } from "./load.ts";
import { signallingFootprints } from "./memory.ts";
import { type StartSwitch, startKamailio, startTandem } from "./switches.ts";

interface Options {
  readonly json: string;
  readonly rates: readonly number[];
  readonly delayRate: number;
  readonly seconds: number;
  readonly warmSeconds: number;
  readonly runs: number;
  readonly live: number;
  readonly peer: boolean;
  readonly memory: boolean;
  readonly calls: boolean;
  readonly build: boolean;
}

const SWITCH_CORE = "0";
const LOAD_CORE = "1";
const TALK_MS = 1000;
const WARM_RATE = 100;

function whole(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}

function readOptions(): Options {
  return new Command("npm run bench:signalling --")
    .description("Complete calls without media through the gateway on one core, against Kamailio as a stateful proxy.")
    .option("--json <file>", "result file", resolve(import.meta.dirname, "../results/signalling.json"))
    .option("--rates <list>", "calls a second, in turn", (text) => text.split(",").map(whole), [200, 400, 500])
    .option("--delay-rate <n>", "calls a second at which added delays are read from a capture", whole, 200)
    .option("--seconds <n>", "length of one run", whole, 15)
    .option("--warm-seconds <n>", `calls at ${WARM_RATE} a second before the first run`, whole, 30)
    .option("--runs <n>", "runs of everything; the median counts", whole, 3)
    .option("--live <n>", "live transactions and dialogs whose memory is measured", whole, 10_000)
    .option("--no-peer", "without Kamailio")
    .option("--no-memory", "without the memory of transactions")
    .option("--no-calls", "only the memory of transactions")
    .option("--no-build", "take dist/ and build/ as they are")
    .parse()
    .opts<Options>();
}

/** What one switch did in one run of everything. */
interface SwitchRun {
  readonly byRate: ReadonlyMap<number, Outcome>;
  readonly delayed: Outcome;
  readonly residentMib: number;
}

async function runSwitch(start: StartSwitch, options: Options): Promise<SwitchRun> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-bench-"));
  try {
    const by = await start(folder, SWITCH_CORE);
    const common = { talkMs: TALK_MS, core: LOAD_CORE, withDelays: false };
    const run = (name: string, load: Partial<Load> & Pick<Load, "rate" | "seconds">): Promise<Outcome> =>
      runLoad(join(folder, name), by, { ...common, ...load });
    await run("warm", { rate: WARM_RATE, seconds: options.warmSeconds });
    const byRate = new Map<number, Outcome>();
    for (const rate of options.rates) {
      const outcome = await run(`rate-${rate}`, { rate, seconds: options.seconds });
      byRate.set(rate, outcome);
      say(by.name, rate, outcome);
    }
    const delayed = await run("delay", { rate: options.delayRate, seconds: options.seconds, withDelays: true });
    say(by.name, options.delayRate, delayed);
    const residentMib = by.residentMib();
    await by.stop();
    return { byRate, delayed, residentMib };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function say(name: string, rate: number, { calls, failed, retransmissions, cpuMsPerCall, cpuShare, delays }: Outcome) {
  const added =
    delays === undefined
      ? ""
      : `, added p50/p99 ms: INVITE ${shown(delays.invite)}, 180 ${shown(delays.ringing)}, 200 ${shown(delays.answer)}`;
  console.log(
    `${name.padEnd(9)} ${rate} calls/s: ${calls} calls, ${failed} failed, ${retransmissions} repeats, ` +
      `${cpuMsPerCall.toFixed(2)} ms of processor a call, ${(cpuShare * 100).toFixed(0)} % of the core${added}`,
  );
}

function shown(values: readonly number[]): string {
  return values.length === 0 ? "none" : `${median(values).toFixed(2)}/${quantile(values, 0.99).toFixed(2)}`;
}

/** One row of the result file: medians over the runs of each. */
function row(
  name: string,
  unit: string,
  runs: ReadonlyMap<string, readonly SwitchRun[]>,
  read: (run: SwitchRun) => number,
): RowResult {
  const figures = new Map([...runs].map(([by, list]) => [by, list.map(read)]));
  const ours = figures.get("tandem")!;
  const peers = [...figures].filter(([by]) => by !== "tandem").map(([by, list]) => [by, median(list)] as const);
  return {
    name,
    unit,
    ours: rounded(median(ours)),
    peers: Object.fromEntries(peers.map(([by, figure]) => [by, rounded(figure)])),
    ratios: Object.fromEntries(
      peers.flatMap(([by, figure]) => (figure > 0 ? [[by, rounded(median(ours) / figure)]] : [])),
    ),
    samples: [...figures.values()].reduce((sum, list) => sum + list.length, 0),
    spread: median(ours) === 0 ? 0 : rounded(spreadOf(ours)),
  };
}

async function callRows(options: Options): Promise<RowResult[]> {
  const starts = new Map<string, StartSwitch>([["tandem", startTandem]]);
  if (options.peer) starts.set("kamailio", startKamailio);
  const runs = new Map<string, SwitchRun[]>([...starts.keys()].map((name) => [name, []]));
  for (let turn = 0; turn < options.runs; turn++)
    for (const [name, start] of starts) runs.get(name)!.push(await runSwitch(start, options));
  const rows: RowResult[] = [];
  for (const rate of options.rates) {
    rows.push(
      row(`b2bua/failed-at-${rate}`, "calls", runs, (run) => run.byRate.get(rate)!.failed),
      row(`b2bua/repeats-at-${rate}`, "messages", runs, (run) => run.byRate.get(rate)!.retransmissions),
      row(`b2bua/processor-at-${rate}`, "us/call", runs, (run) => run.byRate.get(rate)!.cpuMsPerCall * 1000),
    );
  }
  for (const step of ["invite", "ringing", "answer"] as const)
    for (const share of [0.5, 0.99])
      rows.push(
        row(`b2bua/added-${step}-p${share * 100}`, "us", runs, (run) => {
          const values = run.delayed.delays?.[step] ?? [];
          return values.length === 0 ? Number.NaN : quantile(values, share) * 1000;
        }),
      );
  rows.push(row("b2bua/resident-memory", "MiB", runs, (run) => run.residentMib));
  return rows;
}

async function memoryRows(options: Options): Promise<RowResult[]> {
  const footprints = await signallingFootprints(options.live);
  return footprints.map(({ name, about, bytes }) => {
    console.log(`${name}: ${bytes.toFixed(0)} octets each (${about})`);
    return {
      name: `memory/${name}`,
      unit: "octets",
      ours: rounded(bytes),
      peers: {},
      ratios: {},
      samples: options.live,
      spread: 0,
    };
  });
}

async function main(options: Options): Promise<void> {
  if (availableParallelism() < 2) throw new Error("two cores are needed: one for the gateway, one for the callers");
  if (options.build) execFileSync("npm", ["run", "--silent", "build"], { stdio: ["ignore", "ignore", "inherit"] });
  console.log("Tandem joins two dialogs and opens two media legs a call; Kamailio forwards, as a stateful proxy.");
  const rows = [
    ...(options.memory ? await memoryRows(options) : []),
    ...(options.calls ? await callRows(options) : []),
  ];
  const widths = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, ours, unit, peers, ratios, spread } of rows)
    console.log(
      `${name.padEnd(widths)}  ${String(ours).padStart(9)} ${unit}  ` +
        `${Object.entries(peers)
          .map(([by, figure]) => `${by} ${figure} (${ratios[by]?.toFixed(2) ?? "-"})`)
          .join("  ")}  spread ${spread}`,
    );
  console.log("in brackets: ours / peer, below 1 we need less");
  writeResult(options.json, resultOf("signalling", rows));
  console.log(`written: ${options.json}`);
}

try {
  await main(readOptions());
  // Stacks that were measured with a thousand live timers are not waited for.
  process.exit(0);
} catch (error) {
  console.error(error);
  process.exit(1);
}
