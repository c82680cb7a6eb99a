/** The three calls of the demonstration, and what is measured of each. */

import type { Clock } from "../../base/clock.ts";
import type { Gateway } from "../../gateway.ts";
import type { PartyCall } from "../../simulator/party.ts";
import { toUlaw } from "../../simulator/tones.ts";
import type { Display } from "../display.ts";
import { BASE, CALLER, NUMBER, PASSWORD, USERNAME } from "./configuration.ts";
import { melody } from "./melody.ts";
import type { Stage } from "./stage.ts";
import { writeStereoWav } from "./wav-file.ts";

export interface SceneContext {
  readonly clock: Clock;
  readonly gateway: Gateway;
  readonly stage: Stage;
  readonly display: Display;
  readonly wav: string;
}

export interface SceneResult {
  readonly name: string;
  readonly ok: boolean;
  /** From INVITE to 200. */
  readonly setupMs: number;
  /** Of the calling party. */
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly packetsLost: number;
  /** Of the stream. */
  readonly framesIn?: number;
  readonly framesOut?: number;
  /** From the first note said to the first note heard back. */
  readonly roundTripMs?: number;
  readonly note: string;
}

const STEP_MS = 250;
/** Time for the last packets and frames to come home. */
const TAIL_MS = 700;

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((done) => clock.after(delayMs, done));
}

/** Watches a call until its audio was played, one live line every quarter of a second. */
async function watch(context: SceneContext, name: string, call: PartyCall, more: () => string): Promise<void> {
  const { clock, display } = context;
  const startedMs = clock.nowMs();
  while (!call.leg.playedAll && clock.nowMs() - startedMs < 15_000) {
    const { packetsReceived, packetsSent, jitterMs } = call.leg.stats;
    const elapsed = ((clock.nowMs() - startedMs) / 1000).toFixed(1);
    display.live(
      `${name}  in progress ${elapsed} s  packets ${packetsReceived} in ${packetsSent} out  jitter ${jitterMs.toFixed(1)} ms  ${more()}`,
    );
    await pause(clock, STEP_MS);
  }
  await pause(clock, TAIL_MS);
}

function measure(call: PartyCall) {
  const { packetsReceived, packetsSent, packetsLost } = call.leg.stats;
  return { setupMs: call.answeredMs - call.placedMs, packetsReceived, packetsSent, packetsLost };
}

function portOf(gateway: Gateway, transport: "udp" | "tls"): number {
  return gateway.listening.find((one) => one.transport === transport)!.port;
}

/** A telephone calls by TLS with SRTP; TwiML connects a stream; the consumer sends everything back. */
export async function runStream(context: SceneContext): Promise<SceneResult> {
  const { gateway, stage, display, wav } = context;
  const name = "secure stream";
  display.line(
    `1. ${name}: TLS + SRTP telephone → BYOC domain → TwiML <Connect><Stream> → WebSocket consumer and back`,
  );
  const tune = toUlaw(melody());
  const call = await stage.telephone.call(`sip:hello@demo.sip.${BASE}`, {
    from: `sip:alice@demo.sip.${BASE}`,
    nextHop: `sip:127.0.0.1:${portOf(gateway, "tls")};transport=tls`,
    credentials: { username: USERNAME, password: PASSWORD },
  });
  if (!(await call.answered)) return { name, ok: false, ...measure(call), note: `answered with ${call.status}` };
  // The stream is given a moment to connect, so that the tune is heard whole.
  await pause(context.clock, 500);
  call.leg.play(tune);
  await watch(context, name, call, () => {
    const stream = stage.consumer.streams.at(-1);
    return `frames ${stream?.framesIn ?? 0} in ${stream?.framesOut ?? 0} out`;
  });
  const stream = stage.consumer.streams.at(-1);
  const heard = call.leg.heard;
  const { firstPlayedMs, firstSoundMs } = call.leg;
  const measured = measure(call);
  call.hangup();
  await pause(context.clock, TAIL_MS);
  writeStereoWav(wav, tune, heard);
  const hasEcho = firstSoundMs > 0;
  const isWhole = stream !== undefined && stream.numberingFaults === 0 && stream.stopped;
  return {
    name,
    ok: hasEcho && isWhole,
    ...measured,
    framesIn: stream?.framesIn ?? 0,
    framesOut: stream?.framesOut ?? 0,
    ...(hasEcho ? { roundTripMs: firstSoundMs - firstPlayedMs } : {}),
    note: isWhole ? (call.negotiated?.srtp?.suite ?? "") : (stream?.firstFault ?? "no stream") || "no stop message",
  };
}

/** The carrier delivers a call to a number of the trunk; the first PBX is silent for 4 s, the second one answers. */
export async function runFailover(context: SceneContext): Promise<SceneResult> {
  const { gateway, stage, display } = context;
  const name = "failover";
  display.line(`2. ${name}: carrier → number of a trunk → first PBX silent, second one after 4 s`);
  const call = await stage.carrier.call(`sip:${NUMBER}@carrier.sip.${BASE}`, {
    from: `sip:${CALLER}@carrier.test`,
    nextHop: `sip:127.0.0.1:${portOf(gateway, "udp")}`,
    play: toUlaw(melody()),
  });
  context.display.live("waiting for the first PBX, which never answers …");
  if (!(await call.answered)) return { name, ok: false, ...measure(call), note: `answered with ${call.status}` };
  await watch(context, name, call, () => "");
  const measured = measure(call);
  const far = stage.pbx.received.at(-1);
  const diversion = far?.invite?.request.headers.get("Diversion") ?? "none";
  const bothHeard = call.leg.firstSoundMs > 0 && (far?.leg.firstSoundMs ?? 0) > 0;
  call.hangup();
  await pause(context.clock, TAIL_MS);
  return {
    name,
    ok: bothHeard && diversion.includes(NUMBER),
    ...measured,
    note: `Diversion ${diversion.split(";")[0]}`,
  };
}

/** A PBX calls a number through its trunk: digest 407, carrier link, plain RTP relayed packet by packet, A-law to mu-law. */
export async function runRelay(context: SceneContext): Promise<SceneResult> {
  const { gateway, stage, display } = context;
  const name = "relay";
  display.line(`3. ${name}: PBX → 407 → trunk → carrier, PCMA on one side and PCMU on the other`);
  const call = await stage.pbx.call(`sip:+15550100200@demo.pstn.${BASE}`, {
    from: `sip:${CALLER}@pbx.test`,
    nextHop: `sip:127.0.0.1:${portOf(gateway, "udp")}`,
    credentials: { username: USERNAME, password: PASSWORD },
    play: toUlaw(melody()),
    codecs: ["PCMA"],
  });
  if (!(await call.answered)) return { name, ok: false, ...measure(call), note: `answered with ${call.status}` };
  await watch(context, name, call, () => "");
  const measured = measure(call);
  const far = stage.carrier.received.at(-1);
  const bothHeard = call.leg.firstSoundMs > 0 && (far?.leg.firstSoundMs ?? 0) > 0;
  const codecs = `${call.negotiated?.codec} to ${far?.negotiated?.codec}`;
  call.hangup();
  await pause(context.clock, TAIL_MS);
  return { name, ok: bothHeard && measured.packetsLost === 0, ...measured, note: codecs };
}
