/** 64 KiB of any one octet, in four places: parsed or refused, and how long the slowest of them takes. */
import { SipParseError } from "../../../src/base/errors.ts";
import { parseMessage } from "../../../src/sip/parser.ts";
import { StreamParser } from "../../../src/sip/stream-parser.ts";
import type { Candidate } from "../../harness/suite.ts";
import { TEXTS } from "./fixture.ts";

const OCTETS = 65_536;
/** Each is timed that often before the slowest is chosen, so that a disturbance does not choose. */
const TRIALS = 5;
const PLACES = ["datagram", "stream", "header", "request line"] as const;

interface Case {
  readonly name: string;
  run(): void;
}

function refusable(parse: () => void): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error;
  }
}

function caseOf(place: (typeof PLACES)[number], octet: number): Case {
  const run = Buffer.alloc(OCTETS, octet);
  const [first = "", ...rest] = TEXTS[0]!.split("\r\n");
  const tail = Buffer.from(`\r\n${rest.join("\r\n")}`);
  const bytes =
    place === "header"
      ? Buffer.concat([Buffer.from(`${first}\r\nSubject: `), run, tail])
      : place === "request line"
        ? Buffer.concat([Buffer.from("INVITE sip:"), run, Buffer.from(" SIP/2.0"), tail])
        : run;
  return {
    name: `${place}, octet ${octet}`,
    run:
      place === "stream"
        ? () => {
            const parser = new StreamParser();
            // As a socket hands them over: in pieces.
            for (let at = 0; at < bytes.length; at += 16_384)
              for (const _ of parser.push(bytes.subarray(at, at + 16_384)));
          }
        : () => refusable(() => parseMessage(bytes)),
  };
}

const cases = (): Case[] => PLACES.flatMap((place) => Array.from({ length: 256 }, (_, octet) => caseOf(place, octet)));

function timeOf(one: Case): number {
  let best = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < TRIALS; trial++) {
    const start = performance.now();
    one.run();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

export function hostileOctets(): Candidate {
  const all = cases();
  for (const one of all) one.run();
  const slowest = all.map((one) => ({ one, ms: timeOf(one) })).reduce((a, b) => (b.ms > a.ms ? b : a)).one;
  console.log(`  the slowest: ${slowest.name}`);
  return { unitsPerCall: 1, call: () => slowest.run(), check: () => all.forEach((one) => one.run()) };
}
