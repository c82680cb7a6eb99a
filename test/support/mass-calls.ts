/**
 * Many calls that are refused at once, on bare UDP sockets: a caller with a window of calls under way, and targets that answer
 * what a test says. They read and write text: what is measured is the gateway.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

const SDP = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 40000 RTP/AVP 0"];

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket({ type: "udp4", recvBufferSize: 1024 * 1024 });
  socket.bind(port, address);
  await once(socket, "listening");
  return socket;
}

function lineOf(text: string, name: string): string {
  return new RegExp(`\r\n${name}:[^\r]*`, "i").exec(text)?.[0].slice(2) ?? "";
}

/** Value of a header, without its name. */
export function headerValue(text: string, name: string): string {
  return lineOf(text, name).replace(/^[^:]*:\s*/, "");
}

/** Answers each INVITE with a status, and acknowledges nothing else. */
export class RefusingTarget {
  readonly address: string;
  /** Call-IDs of its INVITEs, each once, in order. */
  readonly callIds: string[] = [];
  /** First lines and headers of its INVITEs, each once, in order. */
  readonly invites: string[] = [];
  readonly #socket: Socket;

  private constructor(address: string, socket: Socket) {
    this.address = address;
    this.#socket = socket;
  }

  /** @param statusFor - from the INVITE; undefined says nothing */
  static async open(
    address: string,
    statusFor: (invite: string) => number | undefined,
    more: (status: number) => readonly string[] = () => [],
  ): Promise<RefusingTarget> {
    const socket = await bound(address, 5060);
    const target = new RefusingTarget(address, socket);
    socket.on("message", (bytes, from) => {
      const text = bytes.toString();
      if (!text.startsWith("INVITE ")) return;
      const callId = headerValue(text, "Call-ID");
      if (!target.callIds.includes(callId)) {
        target.callIds.push(callId);
        target.invites.push(text);
      }
      const status = statusFor(text);
      if (status === undefined) return;
      const head = [
        `SIP/2.0 ${status} Scripted`,
        ...[...text.matchAll(/\r\n(Via:[^\r]*)/gi)].map((match) => match[1]!),
        lineOf(text, "From"),
        `${lineOf(text, "To")};tag=refused`,
        lineOf(text, "Call-ID"),
        lineOf(text, "CSeq"),
        ...more(status),
        "Content-Length: 0",
      ];
      socket.send(`${head.join("\r\n")}\r\n\r\n`, from.port, from.address);
    });
    return target;
  }

  close(): void {
    this.#socket.close();
  }
}

export interface MassCall {
  readonly callId: string;
  readonly to: string;
  readonly from: string;
}

/** Places calls that nobody answers, and collects how each ended. */
export class MassCaller {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #gateway: string;
  readonly #waiting = new Map<string, (status: number) => void>();
  #branch = 0;

  private constructor(socket: Socket, address: string, gateway: string) {
    this.#socket = socket;
    this.#address = address;
    this.#gateway = gateway;
    socket.on("message", (bytes) => this.#answered(bytes.toString()));
  }

  static async open(address: string, gateway: string): Promise<MassCaller> {
    return new MassCaller(await bound(address, 5060), address, gateway);
  }

  /** Final statuses in the order of the calls, at most `window` of which are under way at one time. */
  async run(calls: readonly MassCall[], window = 8): Promise<number[]> {
    const statuses: number[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < calls.length) {
        const index = next++;
        statuses[index] = await this.#call(calls[index]!);
      }
    };
    await Promise.all(Array.from({ length: window }, work));
    return statuses;
  }

  close(): void {
    this.#socket.close();
  }

  #call({ callId, to, from }: MassCall): Promise<number> {
    const body = `${SDP.join("\r\n")}\r\n`;
    const head = [
      `INVITE ${to} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.#address}:5060;branch=z9hG4bKmass${++this.#branch}p${process.pid};rport`,
      "Max-Forwards: 70",
      `From: <${from}>;tag=mass`,
      `To: <${to}>`,
      `Call-ID: ${callId}`,
      "CSeq: 1 INVITE",
      `Contact: <sip:${this.#address}:5060>`,
      "Content-Type: application/sdp",
      `Content-Length: ${body.length}`,
    ];
    const invite = `${head.join("\r\n")}\r\n\r\n${body}`;
    return new Promise((done) => {
      this.#waiting.set(callId, done);
      this.#send(invite);
    });
  }

  #answered(text: string): void {
    const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1]);
    if (!(status >= 200) || !/ INVITE$/.test(headerValue(text, "CSeq"))) return;
    const via = lineOf(text, "Via").split(",")[0]!;
    const to = lineOf(text, "To");
    const uri = /<([^>]*)>/.exec(to)?.[1] ?? "";
    const head = [
      `ACK ${uri} SIP/2.0`,
      via,
      "Max-Forwards: 70",
      lineOf(text, "From"),
      to,
      lineOf(text, "Call-ID"),
      "CSeq: 1 ACK",
      "Content-Length: 0",
    ];
    this.#send(`${head.join("\r\n")}\r\n\r\n`);
    const callId = headerValue(text, "Call-ID");
    this.#waiting.get(callId)?.(status);
    this.#waiting.delete(callId);
  }

  #send(text: string): void {
    this.#socket.send(text, 5060, this.#gateway);
  }
}
