/** What a switch adds to the setting up of a call, read from a capture: message in to message out. */
import { datagramsOf } from "../../test/support/pcap.ts";
import { CALLER_ADDRESS, CARRIER_ADDRESS } from "./switches.ts";

/** Milliseconds, one for each call. */
export interface AddedDelays {
  /** The caller's INVITE to the INVITE that the carrier gets. */
  readonly invite: readonly number[];
  /** The carrier's 180 to the 180 that the caller gets. */
  readonly ringing: readonly number[];
  /** The carrier's 200 to the 200 that the caller gets. */
  readonly answer: readonly number[];
}

type Step = "invite" | "ringing" | "answer";

export function readDelays(file: string): AddedDelays {
  const came = { invite: new Map<string, number>(), ringing: new Map(), answer: new Map() } satisfies Record<
    Step,
    Map<string, number>
  >;
  const added: Record<Step, number[]> = { invite: [], ringing: [], answer: [] };
  const done = new Set<string>();
  for (const { from, to, payload, at } of datagramsOf(file)) {
    const text = payload.toString("latin1");
    const step = stepOf(text);
    if (step === undefined) continue;
    // A repeat does not count: the first one in, and the first one out.
    const call = /\r\nFrom:[^<]*<sip:([^@]+)@/i.exec(text)?.[1] ?? "";
    const isIn = step === "invite" ? from === CALLER_ADDRESS : from === CARRIER_ADDRESS;
    const isOut = step === "invite" ? to === CARRIER_ADDRESS : to === CALLER_ADDRESS;
    if (isIn && !came[step].has(call)) came[step].set(call, at);
    if (!isOut || done.has(`${step} ${call}`)) continue;
    done.add(`${step} ${call}`);
    const start = came[step].get(call);
    if (start !== undefined) added[step].push((at - start) * 1000);
  }
  return added;
}

function stepOf(text: string): Step | undefined {
  if (text.startsWith("INVITE ")) return "invite";
  if (text.startsWith("SIP/2.0 180")) return "ringing";
  return text.startsWith("SIP/2.0 200") && /\r\nCSeq: *\d+ INVITE\r\n/i.test(text) ? "answer" : undefined;
}
