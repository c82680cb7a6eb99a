/**
 * SIP peers made of bare sockets, for tests that must say exactly which octets go over the wire, and a stack to talk to.
 * What comes back is read by the project's own parser, which has tests of its own.
 */
import { createSocket, type Socket as UdpHandle } from "node:dgram";
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Flow, SipMessage, SipRequest, SipResponse } from "../../src/sip/message.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { SipStack, type SipStackOptions } from "../../src/sip/sip-stack.ts";
import { StreamParser } from "../../src/sip/stream-parser.ts";
import { MemoryLog } from "./gateway.ts";
import { ManualClock } from "./manual-clock.ts";

/**
 * An address of 127.0.0.0/8 that belongs to this process, so that tests which need port 5060 can run side by side.
 * @param index - 0 to 5
 */
export function ownAddress(index = 0): string {
  return `127.${[64, 128, 192, 96, 160, 224][index]! + ((process.pid >> 13) & 31)}.${(process.pid >> 5) & 255}.${16 + (process.pid & 31)}`;
}

/** A stack that knows no names: DNS always says that there is nothing. */
export interface TestStack {
  readonly stack: SipStack;
  readonly clock: ManualClock;
  readonly log: MemoryLog;
  /** What it sent, in order. */
  readonly sent: { readonly message: SipMessage; readonly flow: Flow }[];
  port(transport: "udp" | "tcp" | "tls"): number;
  stop(): Promise<void>;
}

export async function startStack(options: Partial<SipStackOptions> = {}): Promise<TestStack> {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const stack = new SipStack({
    listen: [
      { transport: "udp", address: "127.0.0.1", port: 0 },
      { transport: "tcp", address: "127.0.0.1", port: 0 },
    ],
    clock,
    log,
    random: () => 0.5,
    resolver: { srv: async () => [], addresses: async () => [] },
    ...options,
  });
  const sent: { message: SipMessage; flow: Flow }[] = [];
  stack.onMessage = (direction, message, flow) => {
    if (direction === "out") sent.push({ message, flow });
  };
  await stack.start();
  return {
    stack,
    clock,
    log,
    sent,
    port: (transport) => stack.listening.find((one) => one.transport === transport)!.port,
    stop: () => stack.stop(),
  };
}

/** Waits until something is true; every turn lets the sockets work. It says what was missing rather than hang. */
export async function reached(condition: () => boolean, what: string, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`never came: ${what}`);
    await new Promise<void>((done) => setImmediate(done));
  }
}

/** Octets as a test writes them: lines, an empty line, a body. */
export function lines(head: readonly string[], body = ""): Buffer {
  return Buffer.from(`${head.join("\r\n")}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

abstract class WirePeer {
  readonly received: SipMessage[] = [];
  #taken = 0;

  /** The next message that was not taken yet. */
  async next(what = "a message"): Promise<SipMessage> {
    await reached(() => this.received.length > this.#taken, what);
    return this.received[this.#taken++]!;
  }

  async nextRequest(method: string): Promise<SipRequest> {
    const message = await this.next(method);
    if (message.kind !== "request" || message.method !== method)
      throw new Error(`${method} expected, came ${nameOf(message)}`);
    return message;
  }

  async nextResponse(status: number): Promise<SipResponse> {
    const message = await this.next(String(status));
    if (message.kind !== "response" || message.status !== status)
      throw new Error(`${status} expected, came ${nameOf(message)}`);
    return message;
  }

  /** How many came that were not taken. */
  get waiting(): number {
    return this.received.length - this.#taken;
  }

  /** Leaves out what has come so far. */
  skip(): void {
    this.#taken = this.received.length;
  }
}

export function nameOf(message: SipMessage): string {
  return message.kind === "request" ? message.method : `${message.status} ${message.cseq.method}`;
}

/** A UDP socket of a peer. */
export class UdpPeer extends WirePeer {
  readonly #socket: UdpHandle;
  readonly address: string;
  readonly port: number;
  /** Datagrams that are no SIP. */
  readonly other: Buffer[] = [];
  /** Where the last message came from. */
  from = { address: "", port: 0 };

  private constructor(socket: UdpHandle) {
    super();
    this.#socket = socket;
    ({ address: this.address, port: this.port } = socket.address());
    socket.on("message", (bytes, from) => {
      this.from = from;
      try {
        this.received.push(parseMessage(bytes));
      } catch {
        this.other.push(bytes);
      }
    });
  }

  static async open(address = "127.0.0.1", port = 0): Promise<UdpPeer> {
    const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: 1024 * 1024 });
    socket.bind(port, address);
    await once(socket, "listening");
    return new UdpPeer(socket);
  }

  send(bytes: Uint8Array, port: number, address = "127.0.0.1"): Promise<void> {
    return new Promise((done, fail) =>
      this.#socket.send(bytes, port, address, (error) => (error === null ? done() : fail(error))),
    );
  }

  close(): Promise<void> {
    return new Promise((done) => this.#socket.close(() => done()));
  }
}

/** A TCP or TLS connection of a peer. */
export class StreamPeer extends WirePeer {
  readonly socket: Socket;
  readonly #parser = new StreamParser();
  /** Double and single CRLF that came. */
  pings = 0;
  pongs = 0;
  closed = false;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed = true;
    });
    socket.on("data", (chunk: Buffer) => {
      for (const event of this.#parser.push(chunk)) {
        if (event.kind === "message") this.received.push(event.message);
        else if (event.kind === "ping") this.pings++;
        else if (event.kind === "pong") this.pongs++;
      }
    });
  }

  static async open(port: number, options: { address?: string; localAddress?: string } = {}): Promise<StreamPeer> {
    const socket = connectTcp({
      host: options.address ?? "127.0.0.1",
      port,
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
    });
    await once(socket, "connect");
    return new StreamPeer(socket);
  }

  static async openTls(
    port: number,
    ca: string,
    options: { servername?: string; host?: string; localAddress?: string } = {},
  ): Promise<StreamPeer> {
    const socket = connectTls({ host: "127.0.0.1", port, ca, ...options });
    await once(socket, "secureConnect");
    return new StreamPeer(socket);
  }

  /** Whole, or one octet a segment. */
  async send(bytes: Uint8Array, octetByOctet = false): Promise<void> {
    const step = octetByOctet ? 1 : bytes.length;
    for (let at = 0; at < bytes.length && !this.socket.destroyed; at += step) {
      const chunk = bytes.subarray(at, at + step);
      await new Promise<void>((done) => this.socket.write(chunk, () => done()));
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.socket.destroy();
    await reached(() => this.closed, "the end of the connection");
  }
}

let lastOptions = 0;

/** OPTIONS with which a test asks whether the other side still lives; its Call-ID is in the answer. */
export function optionsRequest(
  transport: string,
  host: string,
  port: number,
  target = host,
): { bytes: Buffer; callId: string } {
  const callId = `alive-${++lastOptions}`;
  return {
    callId,
    bytes: lines([
      `OPTIONS sip:${target} SIP/2.0`,
      `Via: SIP/2.0/${transport.toUpperCase()} ${host}:${port};branch=z9hG4bKalive${lastOptions};rport`,
      "Max-Forwards: 70",
      `From: <sip:probe@${host}>;tag=probe`,
      `To: <sip:${target}>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 OPTIONS",
    ]),
  };
}
