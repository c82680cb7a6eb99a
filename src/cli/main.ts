#!/usr/bin/env node
/**
 * The command line: `tandem serve | demo | carrier | check | explain | test-trunk | edges | network | zone | version`. Exit codes: 0 done, 1 failed,
 * 2 wrong use.
 */

import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { GatewayError, messageOf } from "../base/errors.ts";
import { addCarrierCommand } from "./carrier-command.ts";
import { checkReport, formatCheckReport } from "./check-report.ts";
import { loadConfig } from "./config.ts";
import { addEdgeCommands } from "./edge-commands.ts";
import { EXPLAIN_HELP, type ExplainOptions, explain } from "./explain.ts";
import { type StatementOptions, statement } from "./statement.ts";
import { TEST_TRUNK_HELP, type TestTrunkOptions, testTrunk } from "./test-trunk.ts";

// The gateway and the demonstration are loaded by their commands only: a question should not wait for them.

const FAILED = 1;
const WRONG_USE = 2;

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function seconds(text: string): number {
  if (!/^[0-9]{1,6}$/.test(text)) throw new InvalidArgumentError("expected a whole number of seconds");
  return Number(text);
}

function entries(text: string): number {
  return wholeNumber(text, 1, 200);
}

function columns(text: string): number {
  return wholeNumber(text, 60, 400);
}

function ringSeconds(text: string): number {
  return wholeNumber(text, 1, 60);
}

function wholeNumber(text: string, least: number, most: number): number {
  const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected ${least} to ${most}`);
  return value;
}

function program(finish: (code: number) => void): Command {
  const root = new Command("tandem")
    .description("Self-hosted SIP trunking and media streaming gateway.")
    .version(version(), "-V, --version")
    .exitOverride()
    .showHelpAfterError("(tandem --help tells more)");
  root
    .command("serve")
    .description("Runs the gateway with a configuration file until SIGINT or SIGTERM.")
    .requiredOption("-c, --config <file>", "configuration file (YAML)")
    .option("--drain <seconds>", "time for running calls after the first signal", seconds, 30)
    .action(async (options: { config: string; drain: number }) =>
      finish(await (await import("./serve.ts")).serve({ config: options.config, drainSeconds: options.drain })),
    );
  root
    .command("demo")
    .description("Starts a gateway with a carrier, callers and a stream consumer on loopback, and runs three calls.")
    .option("--keep", "leave the gateway up and say how to place a call by hand")
    .option("--wav <file>", "where to write what was said and heard", "tandem-demo.wav")
    .option("--json", "print the result as JSON")
    .action(async (options: { keep?: boolean; wav: string; json?: boolean }) =>
      finish(
        await (await import("./demo/demo.ts")).runDemo({
          keep: options.keep === true,
          wav: options.wav,
          json: options.json === true,
          out: process.stdout,
        }),
      ),
    );
  addCarrierCommand(root, finish);
  root
    .command("check")
    .description("Reads a configuration file and prints what would be in effect and listened on.")
    .argument("<file>", "configuration file (YAML)")
    .option("--json", "print as JSON")
    .action((file: string, options: { json?: boolean }) => {
      const report = checkReport(loadConfig(file, process.env), availableParallelism());
      process.stdout.write(options.json === true ? `${JSON.stringify(report, null, 2)}\n` : formatCheckReport(report));
      finish(0);
    });
  root
    .command("explain")
    .description(
      "Tells why a recent call went as it did: decisions, cause and cure, SIP ladder. Without arguments: lists.",
    )
    .argument("[id]", "Call SID, or SIP Call-ID")
    .option("--last", "the newest call that fits")
    .option("--failed", "only calls that failed")
    .option("--call-id <id>", "the call of this SIP Call-ID")
    .option("--from <text>", "part of the caller's number or address")
    .option("--to <text>", "part of the called number")
    .option("--limit <n>", "length of the list, 1 to 200", entries, 20)
    .option("--full", "every step and every message, secrets masked")
    .option("--json", "print the data as JSON")
    .option("--width <columns>", "width of the text, 60 to 400", columns)
    .option("-c, --config <file>", "configuration of the gateway: where it listens, and the credentials")
    .option("--account <name>", "account to ask as, where the file has several")
    .option("--url <url>", "where the gateway's HTTP is (default: TANDEM_URL, the file, http://127.0.0.1:8080)")
    .addHelpText("after", EXPLAIN_HELP)
    .action(async (id: string | undefined, options: Omit<ExplainOptions, "id">) => {
      if (id !== undefined && (options.last === true || options.callId !== undefined))
        root.error("error: give an ID, --call-id or --last, not several of them");
      finish(await explain({ ...options, id }, { environment: process.env, out: process.stdout, err: process.stderr }));
    });
  addEdgeCommands(root, finish);
  root
    .command("test-trunk")
    .description("Calls a number of a trunk over its origination URIs and prints which of them answered how.")
    .argument("<trunk>", "SID, friendly name, or first part of the domain")
    .option("--number <number>", "which number of the trunk; default: the first")
    .option("--ring <seconds>", "how long a telephone may ring, 1 to 60", ringSeconds, 20)
    .option("--json", "print the data as JSON")
    .option("-c, --config <file>", "configuration of the gateway: where it listens, and the credentials")
    .option("--account <name>", "account to ask as, where the file has several")
    .option("--url <url>", "where the gateway's HTTP is (default: TANDEM_URL, the file, http://127.0.0.1:8080)")
    .addHelpText("after", TEST_TRUNK_HELP)
    .action(async (trunk: string, options: Omit<TestTrunkOptions, "trunk">) =>
      finish(
        await testTrunk({ ...options, trunk }, { environment: process.env, out: process.stdout, err: process.stderr }),
      ),
    );
  root
    .command("statement")
    .description(
      "Tells what an auditor keeps of a recent call: where it was processed, its media, what was stored of it.",
    )
    .argument("<callSid>", "Call SID")
    .option("--json", "print the data as JSON")
    .option("-c, --config <file>", "configuration of the gateway: where it listens, and the credentials")
    .option("--account <name>", "account to ask as, where the file has several")
    .option("--url <url>", "where the gateway's HTTP is (default: TANDEM_URL, the file, http://127.0.0.1:8080)")
    .action(async (callSid: string, options: Omit<StatementOptions, "callSid">) =>
      finish(await statement({ ...options, callSid }, { environment: process.env, out: process.stdout })),
    );
  root
    .command("version")
    .description("Prints the version.")
    .action(() => {
      process.stdout.write(`${version()}\n`);
      finish(0);
    });
  return root;
}

try {
  await program((code) => {
    process.exitCode = code;
  }).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : WRONG_USE;
  else {
    process.stderr.write(
      error instanceof GatewayError ? `tandem: ${error.message}\n` : `tandem: ${messageOf(error)}\n`,
    );
    process.exitCode = FAILED;
  }
}
