/** The options of `tandem carrier`. What it does is in `carrier.ts`, which is loaded when it is asked for. */

import { type Command, InvalidArgumentError } from "commander";
import { BEHAVIOURS, DEFAULT_RULES, type Rule, readBehaviour, readRule } from "../simulator/behaviours.ts";
import { firstSignal } from "./first-signal.ts";

const HELP = `
What a called number does, by its last digits (--rule and --otherwise change it):
${DEFAULT_RULES.map(({ ending, behaviour }) => `  …${ending}            ${behaviour}`).join("\n")}
  …400 to …699    status:CODE
  any other       answer

Behaviours:
${BEHAVIOURS.map(([word, meaning]) => `  ${word.padEnd(16)}${meaning}`).join("\n")}

Examples:
  tandem carrier
  tandem carrier --rule 300=busy --rule +15550100301=slow:10 --otherwise status:404
  tandem carrier --call sip:+15550100300@carrier.sip.voice.example.net --via 127.0.0.1:5060 --count 20 --rate 5
`;

interface CarrierFlags {
  readonly listen?: { readonly address: string; readonly port: number };
  readonly rule: readonly Rule[];
  readonly otherwise: string;
  readonly maxCalls: number;
  readonly call?: string;
  readonly via?: string;
  readonly from: string;
  readonly user?: string;
  readonly password?: string;
  readonly count: number;
  readonly rate: number;
  readonly seconds: number;
  readonly expect: number;
  readonly json?: boolean;
}

/** Adds the command. `finish` is told the exit code. */
export function addCarrierCommand(root: Command, finish: (code: number) => void): void {
  root
    .command("carrier")
    .description("A carrier to test against: takes calls by the number that is called, and places calls.")
    .option(
      "-l, --listen <address:port>",
      "SIP over UDP and TCP (default: 127.0.0.1:5080, with --call any port)",
      listenAt,
    )
    .option("--rule <ending=behaviour>", "what numbers with this ending do; may be given several times", addRule, [])
    .option("--otherwise <behaviour>", "what numbers do that nothing else fits", behaviour, "answer")
    .option("--max-calls <n>", "calls at one time", whole(1, 4096), 64)
    .option("--call <uri>", "place calls to this SIP URI, tell how they went, and end", sipUri)
    .option("--via <host:port>", "where those calls are sent, when it is not the host of the URI")
    .option("--from <uri>", "who calls", sipUri, "sip:+15550100200@carrier.example")
    .option("--user <name>", "answers a challenge, with --password")
    .option("--password <text>", "answers a challenge, with --user (default: TANDEM_CARRIER_PASSWORD)")
    .option("--count <n>", "calls to place", whole(1, 100_000), 1)
    .option("--rate <n>", "calls a second", whole(1, 1000), 1)
    .option("--seconds <n>", "how long an answered call lasts", whole(0, 3600), 5)
    .option("--expect <status>", "final status that every placed call has to have", whole(200, 699), 200)
    .option("--json", "print only the result, as JSON")
    .addHelpText("after", HELP)
    .action(async (flags: CarrierFlags) => {
      const password = flags.password ?? process.env["TANDEM_CARRIER_PASSWORD"];
      if (flags.user !== undefined && password === undefined) root.error("error: --user needs a password");
      const { runCarrier } = await import("./carrier.ts");
      const { rule, json, listen, user, ...rest } = flags;
      const options = {
        ...rest,
        listen: listen ?? { address: "127.0.0.1", port: flags.call === undefined ? 5080 : 0 },
        // Rules of one's own come before the usual ones.
        rules: [...rule, ...DEFAULT_RULES],
        ...(user === undefined || password === undefined ? {} : { credentials: { username: user, password } }),
        json: json === true,
        out: process.stdout,
      };
      finish(await runCarrier(options, firstSignal()));
    });
}

function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) throw new InvalidArgumentError(`expected ${least} to ${most}`);
    return value;
  };
}

function listenAt(text: string): { address: string; port: number } {
  const match = /^(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || !(port <= 65_535)) throw new InvalidArgumentError("expected an IPv4 address and a port");
  return { address: match[1]!, port };
}

function sipUri(text: string): string {
  if (!/^sips?:./.test(text)) throw new InvalidArgumentError("expected a SIP URI");
  return text;
}

function behaviour(text: string): string {
  return told(() => {
    readBehaviour(text);
    return text;
  });
}

function addRule(text: string, before: readonly Rule[]): readonly Rule[] {
  return [...before, told(() => readRule(text))];
}

function told<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
