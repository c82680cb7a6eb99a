/** What one live transaction, dialog and call takes: the difference of the heap over many of them (heap and buffers after a collection). */
import { createSocket, type Socket } from "node:dgram";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { parseNameAddr } from "../../src/sip/name-addr.ts";
import { SipStack } from "../../src/sip/sip-stack.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { inDialog, inviteOf, optionsOf } from "./messages.ts";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

/** Octets for each of them. */
export interface Footprint {
  readonly name: string;
  readonly about: string;
  readonly bytes: number;
}

/** Datagrams in flight before the next turn. */
const BURST = 50;
const WAIT_MS = 20_000;

function heapBytes(): number {
  for (let pass = 0; pass < 4; pass++) gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

async function until(reached: () => boolean, what: string): Promise<void> {
  const end = performance.now() + WAIT_MS;
  while (!reached()) {
    if (performance.now() > end) throw new Error(`never came: ${what}`);
    await turn();
  }
}

/** A stack, and a bare socket that sends to it; what the stack sends is thrown away unless `onMessage` is set. */
class Bench {
  readonly stack = new SipStack({
    listen: [{ transport: "udp", address: "127.0.0.1", port: 0 }],
    clock: new SystemClock(),
    log: silentLog,
    // Nothing is repeated and nothing runs out while it is being measured.
    timers: { t1Ms: 100_000, t4Ms: 100_000 },
  });
  readonly socket: Socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 });
  onMessage: (text: string) => void = () => undefined;

  static async start(): Promise<Bench> {
    const bench = new Bench();
    await bench.stack.start();
    await new Promise<void>((done) => bench.socket.bind(0, "127.0.0.1", done));
    bench.socket.on("message", (bytes) => bench.onMessage(bytes.toString("latin1")));
    return bench;
  }

  get ports(): { theirs: number; ours: number } {
    return { theirs: this.socket.address().port, ours: this.stack.listening[0]!.port };
  }

  send(text: string): void {
    this.socket.send(text, this.ports.ours, "127.0.0.1");
  }

  /** Sends message 0 to count - 1, not faster than they are taken. */
  async sendAll(count: number, message: (index: number) => string, taken: () => number): Promise<void> {
    for (let index = 0; index < count; index++) {
      this.send(message(index));
      if (index % BURST === BURST - 1) await until(() => taken() >= index + 1, "what was sent");
    }
    await until(() => taken() >= count, "what was sent");
    // What goes back has been read too.
    for (let turns = 0; turns < 20; turns++) await turn();
  }

  async stop(): Promise<void> {
    this.socket.close();
    await this.stack.stop();
  }
}

async function footprint(
  name: string,
  about: string,
  count: number,
  fill: (bench: Bench, from: number, count: number) => Promise<unknown>,
): Promise<Footprint> {
  const bench = await Bench.start();
  // The first ones make code and shapes, which stay.
  const keepWarm = await fill(bench, 0, 500);
  const before = heapBytes();
  const keep = await fill(bench, 500, count);
  const bytes = (heapBytes() - before) / count;
  await bench.stop();
  // Held until here, so that nothing of them was collected.
  if (keepWarm === keep) throw new Error("fill must keep something of its own");
  return { name, about, bytes };
}

/** All of them; `count` live ones each. */
export async function signallingFootprints(count: number): Promise<Footprint[]> {
  const answeredOptions = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    bench.stack.onRequest = (request) => request.respond(200);
    await bench.sendAll(
      n,
      (i) => optionsOf(from + i, bench.ports),
      () => bench.stack.activeTransactions - from,
    );
    return {};
  };
  const ringing = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    const kept: unknown[] = [];
    bench.stack.onInvite = (invite) => {
      invite.progress(180);
      kept.push(invite);
    };
    await bench.sendAll(
      n,
      (i) => inviteOf(from + i, bench.ports),
      () => bench.stack.activeTransactions - from,
    );
    return kept;
  };
  const refused = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    bench.stack.onInvite = (invite) => invite.reject(486);
    await bench.sendAll(
      n,
      (i) => inviteOf(from + i, bench.ports),
      () => bench.stack.activeTransactions - from,
    );
    return {};
  };
  const confirmed = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    const kept: unknown[] = [];
    bench.stack.onInvite = (invite) => {
      const content =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
      kept.push(invite.accept({ body: { contentType: "application/sdp", content } }));
    };
    bench.onMessage = (text) => {
      if (text.startsWith("SIP/2.0 200") && text.includes("INVITE")) bench.send(inDialog("ACK", text, bench.ports));
    };
    await bench.sendAll(
      n,
      (i) => inviteOf(from + i, bench.ports),
      () => bench.stack.activeDialogs - from,
    );
    return kept;
  };
  const ended = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    await confirmed(bench, 0, 0);
    let finished = 0;
    bench.onMessage = (text) => {
      if (!text.startsWith("SIP/2.0 200")) return;
      if (text.includes(" BYE\r\n")) finished++;
      else {
        bench.send(inDialog("ACK", text, bench.ports));
        bench.send(inDialog("BYE", text, bench.ports));
      }
    };
    bench.stack.onInvite = (invite) =>
      void invite.accept({ body: { contentType: "application/sdp", content: "v=0\r\n" } });
    await bench.sendAll(
      n,
      (i) => inviteOf(from + i, bench.ports),
      () => finished,
    );
    return {};
  };
  const placed = async (bench: Bench, from: number, n: number): Promise<unknown> => {
    const kept: unknown[] = [];
    let came = 0;
    bench.onMessage = () => came++;
    for (let i = 0; i < n; i++) {
      const invite = bench.stack.invite({
        uri: parseUri(`sip:${from + i}@127.0.0.1:${bench.ports.theirs}`),
        from: parseNameAddr("<sip:+15550100100@127.0.0.1>"),
        to: parseNameAddr(`<sip:${from + i}@127.0.0.1>`),
        body: { contentType: "application/sdp", content: `v=0\r\no=- ${i} 1 IN IP4 127.0.0.1\r\ns=-\r\n` },
        noAnswerMs: 1_000_000,
      });
      kept.push(invite);
      if (i % BURST === BURST - 1) await until(() => came > i - BURST, "INVITEs");
    }
    await until(() => bench.stack.activeTransactions - from >= n, "INVITEs of ours");
    return kept;
  };
  return [
    await footprint("transaction/answered", "OPTIONS answered 200, kept for its repeats", count, answeredOptions),
    await footprint("transaction/ringing", "INVITE of 1.1 KB with SDP, 180 sent, with its invitation", count, ringing),
    await footprint("transaction/refused", "INVITE answered 486, waiting for its ACK", count, refused),
    await footprint("transaction/placed", "INVITE of ours without an answer yet, with its invitation", count, placed),
    await footprint("dialog/confirmed", "answered call as callee: dialog and INVITE transaction", count, confirmed),
    await footprint("dialog/ended", "call over: its INVITE and BYE transactions wait for repeats", count, ended),
  ];
}
