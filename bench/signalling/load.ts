/** One run of load: SIPp calls SIPp by way of a switch, and what came of it. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { capture } from "../../test/support/pcap.ts";
import { Peer } from "../../test/support/peers.ts";
import { type AddedDelays, readDelays } from "./delays.ts";
import { CALLER_ADDRESS, CARRIER_ADDRESS, DOMAIN, type Switch } from "./switches.ts";

export interface Load {
  /** New calls a second. */
  readonly rate: number;
  readonly seconds: number;
  /** From the ACK to the BYE. */
  readonly talkMs: number;
  /** Take a capture and read the added delays from it. */
  readonly withDelays: boolean;
  /** Core that SIPp and the capture run on. */
  readonly core: string;
}

export interface Outcome {
  readonly calls: number;
  readonly failed: number;
  /** Of both SIPps: a switch that is late makes them repeat. */
  readonly retransmissions: number;
  /** Calls a second that SIPp really began. */
  readonly rate: number;
  /** Processor time of the switch for one call. */
  readonly cpuMsPerCall: number;
  /** Share of its core. */
  readonly cpuShare: number;
  readonly delays: AddedDelays | undefined;
}

const sources = import.meta.dirname;
const LAST_WORD_MS = 3000;

export async function runLoad(folder: string, by: Switch, load: Load): Promise<Outcome> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "calls.pcap");
  const captured = load.withDelays ? await capture(file, "udp port 5060") : undefined;
  const callee = sipp(folder, "callee", load.core, ["-i", CARRIER_ADDRESS, "-p", "5060", "-mp", "30000"]);
  const calls = load.rate * load.seconds;
  const startMs = performance.now();
  const cpuBeforeMs = by.cpuMs();
  const caller = sipp(folder, "caller", load.core, [
    by.address,
    ...["-i", CALLER_ADDRESS, "-p", "5060", "-mp", "40000", "-s", "+15550200300", "-key", "host", DOMAIN],
    ...["-d", String(load.talkMs), "-r", String(load.rate), "-m", String(calls), "-l", "1000000"],
    ...["-timeout", String(load.seconds * 3 + 40)],
  ]);
  await caller.finished;
  const elapsedMs = performance.now() - startMs;
  const cpuMs = by.cpuMs() - cpuBeforeMs;
  // It writes its last statistics on this signal, but may then wait for ever for calls that nobody ends.
  callee.process.kill("SIGUSR1");
  await Promise.race([callee.finished, new Promise((done) => setTimeout(done, LAST_WORD_MS))]);
  await callee.stop();
  await captured?.stop();
  const called = statistics(folder, "caller");
  const answered = statistics(folder, "callee");
  const success = called("SuccessfulCall(C)");
  return {
    calls,
    failed: calls - success,
    retransmissions: called("Retransmissions(C)") + answered("Retransmissions(C)"),
    rate: calls / ((elapsedMs - load.talkMs) / 1000),
    cpuMsPerCall: cpuMs / calls,
    cpuShare: cpuMs / elapsedMs,
    delays: captured === undefined ? undefined : readDelays(file),
  };
}

function sipp(folder: string, scenario: string, core: string, args: readonly string[]): Peer {
  return new Peer(
    "taskset",
    [
      ...["-c", core, "sipp", "-sf", join(sources, `${scenario}.xml`), "-bind_local", "-nostdin", ...args],
      ...["-trace_stat", "-stf", join(folder, `${scenario}.csv`), "-fd", "1"],
      ...["-trace_err", "-error_file", join(folder, `${scenario}.err`)],
    ],
    folder,
  );
}

/** The last line of SIPp's statistics, by column name. */
function statistics(folder: string, scenario: string): (column: string) => number {
  const lines = readFileSync(join(folder, `${scenario}.csv`), "utf8")
    .trim()
    .split("\n");
  const names = lines[0]!.split(";");
  const values = lines.at(-1)!.split(";");
  return (column) => {
    const index = names.indexOf(column);
    if (index < 0) throw new Error(`SIPp wrote no ${column}`);
    return Number(values[index]);
  };
}
