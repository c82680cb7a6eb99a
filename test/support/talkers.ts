/** Simulated parties of which each says a tone of its own, so that who hears whom can be told from what is heard. */
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { type CallScript, Party, type PartyCall } from "../../src/simulator/party.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import type { IncomingInvite, InDialogRequest } from "../../src/sip/user-agent.ts";
import { amplitudeAt, sineUlaw } from "./g711-tables.ts";
import { until } from "./gateway.ts";

/** Samples at the end of what was heard that are judged: 200 ms. */
const WINDOW = 1600;
const LOUD = 1500;

export class Talker {
  readonly party: Party;
  readonly toneHz: number;
  readonly #ulaw: Uint8Array;
  /** What it does with calls that come in; default: answer and say its tone. */
  script: ((invite: IncomingInvite) => CallScript) | undefined;

  private constructor(party: Party, toneHz: number, ulaw: Uint8Array) {
    this.party = party;
    this.toneHz = toneHz;
    this.#ulaw = ulaw;
  }

  static async start(address: string, toneHz: number, port = 5060): Promise<Talker> {
    const ulaw = sineUlaw(toneHz, 8000, 8000);
    let talker: Talker | undefined;
    const party = await Party.start({
      name: "talker",
      clock: new SystemClock(),
      log: silentLog,
      address,
      listen: [
        { transport: "udp", address, port },
        { transport: "tcp", address, port },
      ],
      script: (invite) => talker!.script?.(invite) ?? { kind: "answer", play: ulaw, loop: true },
    });
    talker = new Talker(party, toneHz, ulaw);
    return talker;
  }

  /** Places a call and waits for the answer. */
  async call(to: string, nextHop: string, from: string, headers: [string, string][] = []): Promise<PartyCall> {
    const call = await this.party.call(to, { from, nextHop, play: this.#ulaw, loop: true, headers });
    if (!(await call.answered)) throw new Error(`${to} was answered ${call.status}`);
    return call;
  }

  /** The newest call that came in, once there is one more than before. */
  async received(count = 1): Promise<PartyCall> {
    await until(() => this.party.received.length >= count, `call ${count} at ${this.toneHz} Hz`);
    return this.party.received[count - 1]!;
  }
}

/** Whether a tone is heard now. */
export function hears(call: PartyCall, toneHz: number): boolean {
  const { heard } = call.leg;
  return heard.length >= WINDOW && amplitudeAt(heard.subarray(-WINDOW), toneHz) > LOUD;
}

/** Waits until both hear each other. */
export async function talking(a: [PartyCall, Talker], b: [PartyCall, Talker]): Promise<void> {
  await until(() => hears(a[0], b[1].toneHz), `${a[1].toneHz} Hz hears ${b[1].toneHz} Hz`);
  await until(() => hears(b[0], a[1].toneHz), `${b[1].toneHz} Hz hears ${a[1].toneHz} Hz`);
}

/** Keeps and answers what is sent in a dialog: the bodies of NOTIFYs, and the methods in order. */
export class DialogWatch {
  readonly requests: SipRequest[] = [];
  ended = false;

  constructor(call: PartyCall) {
    call.dialog!.onRequest = (incoming: InDialogRequest) => {
      this.requests.push(incoming.request);
      incoming.respond(200);
    };
    void call.ended.then(() => {
      this.ended = true;
    });
  }

  get notices(): string[] {
    return this.requests
      .filter(({ method }) => method === "NOTIFY")
      .map((request) => Buffer.from(request.body).toString().trim());
  }
}
