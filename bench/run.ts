/** `npm run bench`: builds, runs the suites of bench/suites/, prints a table and writes the result files. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { resultOf, writeResult } from "./harness/result.ts";
import { type RowResult, type RunOptions, runRow } from "./harness/row.ts";
import type { Suite } from "./harness/suite.ts";
import { tableOf } from "./harness/table.ts";

const suitesFolder = resolve(import.meta.dirname, "suites");
const resultsFolder = resolve(import.meta.dirname, "results");

interface Options {
  readonly json?: string;
  readonly filter: string;
  readonly runs: number;
  readonly ms: number;
  readonly list?: boolean;
  readonly build: boolean;
}

function positive(text: string): number {
  if (!/^[1-9][0-9]{0,5}$/.test(text)) throw new InvalidArgumentError("expected a whole number above 0");
  return Number(text);
}

function readOptions(): Options {
  return new Command("npm run bench --")
    .description(
      "Times the kernels of the media core against their peers, in turns, after all have shown right octets.",
    )
    .option("--json <file>", "write all results to this file instead of bench/results/NAME.json for each suite")
    .option("--filter <text>", "only rows whose name contains this text", "")
    .option("--runs <n>", "runs of each row; the median counts", positive, 5)
    .option("--ms <n>", "milliseconds for which a candidate is timed in one run, at least", positive, 300)
    .option("--list", "name the rows and stop")
    .option("--no-build", "take build/ as it is")
    .addHelpText("after", "\nWithout --json, a suite of which --filter leaves something out writes no file.")
    .parse()
    .opts<Options>();
}

async function readSuites(): Promise<Suite[]> {
  const files = readdirSync(suitesFolder).filter((name) => name.endsWith(".ts"));
  const modules = files.map(async (name) => ((await import(join(suitesFolder, name))) as { suite: Suite }).suite);
  return Promise.all(modules);
}

async function main(options: Options): Promise<void> {
  const suites = (await readSuites()).map((suite) => ({
    suite,
    chosen: suite.rows.filter((row) => row.name.includes(options.filter)),
  }));
  if (suites.every(({ chosen }) => chosen.length === 0)) throw new Error(`no row contains "${options.filter}"`);
  if (options.list) {
    for (const { chosen } of suites) for (const row of chosen) console.log(`${row.name}  ${row.about}`);
    return;
  }
  if (options.build) {
    console.log("building …");
    execFileSync("npm", ["run", "--silent", "build:wasm"], { stdio: "inherit" });
  }
  const terminal = process.stderr.isTTY;
  const runOptions: RunOptions = {
    runs: options.runs,
    milliseconds: options.ms,
    say: (line) => console.log(line),
    progress: (text) => terminal && process.stderr.write(`\r\x1b[K${text}`),
  };
  const all: RowResult[] = [];
  for (const { suite, chosen } of suites) {
    const rows: RowResult[] = [];
    for (const row of chosen) {
      console.log(`${row.name}: ${row.about}`);
      const result = await runRow(row, runOptions);
      console.log(tableOf([result]).split("\n", 1)[0]);
      rows.push(result);
    }
    all.push(...rows);
    if (options.json === undefined && rows.length > 0 && rows.length === suite.rows.length) {
      const file = join(resultsFolder, `${suite.name}.json`);
      writeResult(file, resultOf(suite.name, rows));
      console.log(`written: ${file}`);
    }
  }
  console.log(`\n${tableOf(all)}`);
  if (options.json !== undefined) {
    const named = suites.filter(({ chosen }) => chosen.length > 0).map(({ suite }) => suite.name);
    writeResult(options.json, resultOf(named.length === 1 ? named[0]! : "bench", all));
    console.log(`written: ${options.json}`);
  }
}

try {
  await main(readOptions());
} catch (error) {
  console.error(error);
  process.exitCode = 1;
}
