/** Calls that a simulated carrier places at a steady rate, and what became of them. */

import type { Clock } from "../base/clock.ts";
import type { Party, PartyCall, PlaceOptions } from "./party.ts";

export interface PlacedCallsOptions extends PlaceOptions {
  readonly to: string;
  readonly count: number;
  readonly perSecond: number;
  /** How long an answered call lasts. */
  readonly durationMs: number;
}

/** How a run of calls went. */
export interface PlacedCallsResult {
  readonly placed: number;
  readonly answered: number;
  /** Final statuses and how many calls had each; 408 is no answer of any kind. */
  readonly statuses: ReadonlyMap<number, number>;
  /** From INVITE to 200, ms, in ascending order. */
  readonly setupMs: readonly number[];
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
}

/** Places them one after the other, whatever the ones before do; resolves when the last one is over. */
export async function placeCalls(party: Party, clock: Clock, options: PlacedCallsOptions): Promise<PlacedCallsResult> {
  const { to, count, perSecond, durationMs, ...place } = options;
  const startedMs = clock.nowMs();
  const calls: Promise<PartyCall>[] = [];
  for (let index = 0; index < count; index++) {
    await pause(clock, startedMs + (1000 * index) / perSecond - clock.nowMs());
    calls.push(oneCall(party, clock, to, durationMs, place));
  }
  return summed(await Promise.all(calls));
}

async function oneCall(
  party: Party,
  clock: Clock,
  to: string,
  durationMs: number,
  place: PlaceOptions,
): Promise<PartyCall> {
  const call = await party.call(to, place);
  if (await call.answered) {
    await Promise.race([pause(clock, durationMs), call.ended]);
    call.hangup();
  }
  await call.ended;
  return call;
}

function summed(calls: readonly PartyCall[]): PlacedCallsResult {
  const statuses = new Map<number, number>();
  const sums = { packetsSent: 0, packetsReceived: 0, packetsLost: 0 };
  for (const { status, leg } of calls) {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const { stats } = leg;
    sums.packetsSent += stats.packetsSent;
    sums.packetsReceived += stats.packetsReceived;
    sums.packetsLost += stats.packetsLost;
  }
  const answered = calls.filter(({ status }) => status === 200);
  const setupMs = answered.map((call) => call.answeredMs - call.placedMs).sort((a, b) => a - b);
  return { placed: calls.length, answered: answered.length, statuses, setupMs, ...sums };
}

function pause(clock: Clock, ms: number): Promise<void> {
  return ms <= 0 ? Promise.resolve() : new Promise((done) => clock.after(ms, done));
}
