/**
 * A gateway with calls that carry audio both ways, under hostile SIP messages (hardening R1, G2). Caller and carrier are
 * honest parties; the messages come from another thread, from the address of a second trunk and from those of strangers.
 */
import { Worker } from "node:worker_threads";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Call } from "../../src/calls/call.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import { BASE, startGateway, type TestGateway, until } from "./gateway.ts";
import type { SenderOrder } from "./sip-fuzz-sender.ts";
import { RFC_3261, RFC_4475, RFC_5118 } from "./sip-vectors.ts";

const CALLED = "+15550200300";
const TURN_MS = 2;
/** Packets that must still go through each leg, both ways, when the attack is over. */
const STILL_PACKETS = 10;
/** Lines of the log that the report speaks of. */
const REPORTED = /^error|media worker lost/;
/** A packet that was under way when its leg was closed. */
const IN_FLIGHT_MAX = 3;

export interface FuzzReport {
  readonly callsUp: number;
  /** What was wrong with the calls beside. */
  readonly harm: readonly string[];
  readonly workersLost: number;
  /** Messages that ran into a defect: what the log says of each kind. */
  readonly faults: readonly string[];
  readonly received: number;
  readonly parseErrors: number;
  /** Calls of hostile messages that reached the carrier. */
  readonly hostileCalls: number;
}

export class SipFuzz {
  readonly gateway: TestGateway;
  readonly #caller: Party;
  readonly #carrier: Party;
  readonly #addresses: { readonly gateway: string; readonly hostile: readonly string[] };
  readonly #calls: PartyCall[] = [];
  /** The same as the gateway has them: hostile calls may use their Call-IDs. */
  readonly #honest: Call[] = [];
  /** The carrier's ends of them. */
  readonly #honestEnds: PartyCall[] = [];
  #hostileCalls = 0;
  readonly #corpus: Uint8Array[];

  private constructor(gateway: TestGateway, caller: Party, carrier: Party, net: string, corpus: Uint8Array[]) {
    this.gateway = gateway;
    this.#caller = caller;
    this.#carrier = carrier;
    this.#addresses = { gateway: `${net}.1`, hostile: [`${net}.4`, `${net}.5`, `${net}.6`] };
    this.#corpus = corpus;
  }

  /**
   * Starts the gateway and the parties.
   * @param net - first three octets of their addresses, 127.x.y
   */
  static async start(net: string): Promise<SipFuzz> {
    const gateway = await startGateway(
      `${net}.1`,
      `
ipAccessControlLists:
  - { name: callers, addresses: [${net}.2] }
  - { name: hostile, addresses: [${net}.4] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${net}.3:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [callers], callerIdPolicy: any }
  - { name: hostile, domain: hostile, ipAccessControlLists: [hostile], callerIdPolicy: any, callsPerSecondMax: 20, concurrentCallsMax: 40 }
`,
      // What is remembered for people to read is soon as large as it gets.
      { top: "explain: { dialogsMax: 200, bytesMax: 1048576 }", endedCallsMax: 400 },
    );
    const corpus = [...RFC_4475, ...RFC_5118, ...RFC_3261].map(({ bytes }) => bytes as Uint8Array);
    const party = async (name: string, address: string): Promise<Party> => {
      const made = await Party.start({
        name,
        clock: new SystemClock(),
        log: silentLog,
        address,
        listen: [{ transport: "udp", address, port: 5060 }],
        callCountMax: 128,
        script: ({ request }) =>
          request.uri.user === CALLED
            ? // Nobody asks for the audio afterwards, and hours of it would look like a leak of the gateway.
              { kind: "answer", afterMs: 20, play: toUlaw(melody()), loop: true, record: false }
            : Number(request.uri.user?.slice(-1)) % 2 === 0
              ? { kind: "reject", status: 486 }
              : { kind: "answer", record: false },
      });
      // Real calls are what is changed most: as they were, and as the second trunk would have sent them.
      made.stack.onMessage = (direction, _message, _flow, octets) => {
        if (direction !== "out" || corpus.length > 400) return;
        const text = Buffer.from(octets).toString("latin1");
        const asTrunk = text
          .replaceAll(`office.pstn.${BASE}`, `hostile.pstn.${BASE}`)
          .replaceAll(CALLED, "+1555020030");
        corpus.push(
          Buffer.from(text, "latin1"),
          Buffer.from(asTrunk.replace(/\+1555020030\b/g, "+15550200301"), "latin1"),
        );
      };
      return made;
    };
    return new SipFuzz(gateway, await party("caller", `${net}.2`), await party("carrier", `${net}.3`), net, corpus);
  }

  /** Sets up the calls that must not be harmed. */
  async placeCalls(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const call = await this.#caller.call(`sip:${CALLED}@office.pstn.${BASE}`, {
        from: `sip:+155501001${String(i).padStart(2, "0")}@${this.#addresses.gateway}`,
        nextHop: `sip:${this.#addresses.gateway}:5060`,
        play: toUlaw(melody()),
        loop: true,
        record: false,
      });
      if (!(await call.answered)) throw new Error(`call ${i} failed with ${call.status}`);
      this.#calls.push(call);
      const callId = call.dialog?.callId;
      this.#honest.push([...this.gateway.gateway.calls.live()].find((one) => one.sipCallId === callId)!);
    }
    // The carrier has taken no hostile call yet.
    this.#honestEnds.push(...this.#carrier.received.splice(0));
  }

  /** Sends that many; the same seed sends the same if the corpus is the same. */
  async attack(seed: number, count: number): Promise<void> {
    const turns = new Int32Array(new SharedArrayBuffer(4));
    const timer = setInterval(() => Atomics.add(turns, 0, 1), TURN_MS);
    const order: SenderOrder = {
      seed,
      count,
      corpus: this.#corpus,
      gateway: { address: this.#addresses.gateway, port: this.gateway.port("udp") },
      sources: this.#addresses.hostile,
      turns,
    };
    try {
      const sender = new Worker(new URL("./sip-fuzz-sender.ts", import.meta.url), { workerData: order });
      await new Promise<void>((done, fail) => {
        sender.once("message", () => done());
        sender.once("error", fail);
      });
    } finally {
      clearInterval(timer);
      this.#forget();
    }
  }

  /** Test parties and test logs keep all they have seen, which a gateway does not: it would count as the gateway's memory. */
  #forget(): void {
    this.#hostileCalls += this.#carrier.received.splice(0).length;
    const { lines } = this.gateway.log;
    lines.splice(0, lines.length, ...lines.filter((line) => REPORTED.test(line)));
  }

  /** Waits until audio went through every honest call, both ways, then hangs up and says what became of all. */
  async finish(): Promise<FuzzReport> {
    const harm: string[] = [];
    const up = this.#calls.filter((call) => call.dialog?.ended === false);
    if (up.length < this.#calls.length) harm.push(`${this.#calls.length - up.length} calls were ended`);
    const ends = [...up, ...this.#honestEnds];
    const marks = ends.map(({ leg }) => leg.stats.packetsReceived);
    const isHeard = (end: PartyCall, i: number): boolean => end.leg.stats.packetsReceived >= marks[i]! + STILL_PACKETS;
    await until(() => ends.every(isHeard), "audio through every call, both ways").catch(() => undefined);
    for (const [i, end] of ends.entries())
      if (!isHeard(end, i))
        harm.push(`no audio at end ${i}, status ${end.status}, dialog ${end.dialog?.ended ? "ended" : "up"}`);
    const sent = this.#calls.map((call) => call.leg.stats.packetsSent);
    for (const call of this.#calls) call.hangup();
    const { calls } = this.gateway.gateway;
    const isOver = (call: Call): boolean => call.ended && call.mediaStats !== undefined;
    await until(() => this.#honest.every(isOver), "the honest calls are over").catch(() => undefined);
    for (const [i, call] of this.#honest.entries())
      if (!isOver(call)) harm.push(`call ${i} is ${call.status}: ${JSON.stringify(call.decisions.entries.slice(-5))}`);
    const all = [...calls.ended()];
    for (const [i, inbound] of this.#honest.entries()) {
      const outbound = all.find((call) => call.details.parentSid === inbound.sid);
      for (const leg of [inbound, outbound])
        if (leg?.mediaStats?.packetsLost !== 0) harm.push(`call ${i}: ${leg?.mediaStats?.packetsLost} packets lost`);
      const received = inbound.mediaStats?.packetsReceived ?? 0;
      if (received < sent[i]! - IN_FLIGHT_MAX) harm.push(`call ${i}: ${received} of ${sent[i]} packets came`);
    }
    const { sip } = this.gateway.gateway.status();
    this.#forget();
    const { lines } = this.gateway.log;
    return {
      callsUp: up.length,
      harm,
      workersLost: lines.filter((line) => line.includes("media worker lost")).length,
      faults: lines.filter((line) => line.startsWith("error")),
      received: sip.received,
      parseErrors: sip.parseErrors,
      hostileCalls: this.#hostileCalls,
    };
  }

  async stop(): Promise<void> {
    await this.#caller.stop();
    await this.#carrier.stop();
    await this.gateway.stop();
  }
}
