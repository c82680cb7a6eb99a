/** `tandem carrier`: a carrier to test against when there is none. Takes calls by the number that is called, and places calls. */

import type { Writable } from "node:stream";
import { SystemClock } from "../base/clock.ts";
import { silentLog } from "../base/log.ts";
import { behaviourOf, type Rule, readBehaviour } from "../simulator/behaviours.ts";
import { Party, type PartyCall } from "../simulator/party.ts";
import { type PlacedCallsResult, placeCalls } from "../simulator/placed-calls.ts";
import { tone } from "../simulator/tones.ts";
import { Display } from "./display.ts";

export interface CarrierOptions {
  readonly listen: { readonly address: string; readonly port: number };
  readonly rules: readonly Rule[];
  /** Behaviour of numbers that no rule fits. */
  readonly otherwise: string;
  /** Calls at one time. */
  readonly maxCalls: number;
  /** SIP URI to call; without it calls are only taken. */
  readonly call?: string;
  /** Where the packets go, host:port; default the host of `call`. */
  readonly via?: string;
  readonly from: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly count: number;
  readonly rate: number;
  readonly seconds: number;
  /** Final status that each placed call has to have. */
  readonly expect: number;
  readonly json: boolean;
  readonly out: Writable;
}

const TONE_HZ = 440;

/**
 * Runs until the placed calls are over, or without them until `signal`.
 * @returns the exit code: 1 when a placed call ended otherwise than expected
 */
export async function runCarrier(options: CarrierOptions, signal: Promise<unknown>): Promise<number> {
  const clock = new SystemClock();
  const { out } = options;
  const { address, port } = options.listen;
  const tell = (text: string): void => {
    if (!options.json) out.write(`${text}\n`);
  };
  const party: Party = await Party.start({
    name: "Tandem carrier",
    clock,
    log: silentLog,
    address,
    // TCP on the number that UDP got cannot be promised when any will do.
    listen:
      port === 0 ? [{ transport: "udp", address, port }] : BOTH.map((transport) => ({ transport, address, port })),
    callCountMax: options.maxCalls,
    script: ({ request }) => {
      const number = request.uri.user ?? "";
      const behaviour = behaviourOf(number, options.rules, options.otherwise);
      tell(`call to ${shown(number)} from ${shown(request.from.uri.user ?? "")}: ${behaviour}`);
      const script = readBehaviour(behaviour);
      return script.kind === "answer" ? { ...script, record: false } : script;
    },
    onEnded: (call) => {
      // It may run for months.
      party.received.splice(party.received.indexOf(call), 1);
      tell(endOf(call, clock.nowMs()));
    },
  });
  try {
    if (options.call === undefined) {
      tell(`carrier up on ${address}:${party.stack.listening[0]!.port}; Ctrl-C ends it`);
      await signal;
      return 0;
    }
    const placed = placeCalls(party, clock, {
      to: options.call,
      from: options.from,
      ...(options.via === undefined ? {} : { nextHop: `sip:${options.via}` }),
      ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
      count: options.count,
      perSecond: options.rate,
      durationMs: options.seconds * 1000,
      play: tone(TONE_HZ),
      loop: true,
      record: false,
    });
    const result = await Promise.race([placed, signal.then(() => undefined)]);
    if (result === undefined) return 1;
    report(result, options);
    return result.statuses.get(options.expect) === result.placed ? 0 : 1;
  } finally {
    await party.stop();
  }
}

const BOTH = ["udp", "tcp"] as const;

function shown(text: string): string {
  return JSON.stringify(text.slice(0, 64)).slice(1, -1);
}

/** Written when the media of a call that came in are closed. */
function endOf({ invite, answeredMs, leg }: PartyCall, nowMs: number): string {
  const { packetsReceived, packetsSent, packetsLost } = leg.stats;
  const keys = leg.digits.length === 0 ? "" : `, keys ${leg.digits.join("")}`;
  const lasted = answeredMs === 0 ? "never answered" : `${((nowMs - answeredMs) / 1000).toFixed(1)} s`;
  const number = shown(invite?.request.uri.user ?? "");
  return `end of the call to ${number}: ${lasted}, packets ${packetsReceived} in, ${packetsSent} out, ${packetsLost} lost${keys}`;
}

function report(result: PlacedCallsResult, { json, out }: CarrierOptions): void {
  const { setupMs, statuses, ...counts } = result;
  const at = (share: number): number => Math.round(setupMs[Math.floor(share * (setupMs.length - 1))] ?? 0);
  const setup = { least: at(0), median: at(0.5), p99: at(0.99), most: at(1) };
  if (json) {
    out.write(`${JSON.stringify({ ...counts, statuses: Object.fromEntries(statuses), setupMs: setup }, null, 2)}\n`);
    return;
  }
  const display = new Display(out);
  display.table(
    ["placed", "answered", "set-up least/median/p99/most", "packets in/out", "lost"],
    [
      [
        String(counts.placed),
        String(counts.answered),
        setupMs.length === 0 ? "-" : `${setup.least}/${setup.median}/${setup.p99}/${setup.most} ms`,
        `${counts.packetsReceived}/${counts.packetsSent}`,
        String(counts.packetsLost),
      ],
    ],
  );
  display.line();
  display.table(
    ["status", "calls"],
    [...statuses].sort(([a], [b]) => a - b).map(([status, count]) => [String(status), String(count)]),
  );
}
