/** A name server on a socket of its own, UDP and TCP on one port, that says what a test wants. */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { type Answer, decode, encode, type Packet, streamDecode, streamEncode } from "dns-packet";

export type DnsReply =
  | readonly Answer[]
  /** No such name. */
  | "NXDOMAIN"
  /** The server has trouble. */
  | "SERVFAIL"
  | "silent"
  /** UDP is cut off, so that TCP is asked. */
  | { readonly overTcp: readonly Answer[] }
  /** Somebody who guesses is faster than the server. */
  | { readonly forged: readonly Answer[]; readonly real: readonly Answer[] }
  | { readonly raw: Buffer };

const RCODES = { NXDOMAIN: 3, SERVFAIL: 2 } as const;
const TRUNCATED = 0x0200;

export class DnsServer {
  readonly #udp: Socket;
  readonly #tcp: Server;
  readonly replies = new Map<string, DnsReply>();
  /** `TYPE name`, in order; TCP ones begin with "tcp ". */
  readonly asked: string[] = [];

  private constructor(udp: Socket, tcp: Server) {
    this.#udp = udp;
    this.#tcp = tcp;
    udp.on("message", (bytes, { port, address }) => {
      const query = decode(bytes);
      const key = keyOf(query);
      this.asked.push(key);
      for (const reply of this.#udpReplies(query, this.replies.get(key) ?? "NXDOMAIN")) udp.send(reply, port, address);
    });
    tcp.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => {
        const query = streamDecode(bytes) as Packet;
        this.asked.push(`tcp ${keyOf(query)}`);
        const reply = this.replies.get(keyOf(query));
        if (typeof reply === "object" && "overTcp" in reply) {
          const whole = streamEncode(packet(query, reply.overTcp));
          // In two segments, as a network may do it.
          socket.write(whole.subarray(0, 3));
          setImmediate(() => socket.end(whole.subarray(3)));
        } else socket.end();
      });
    });
  }

  /** UDP and TCP share a number, which another program may have for one of them. */
  static async start(): Promise<DnsServer> {
    for (;;) {
      const udp = createSocket("udp4");
      udp.bind(0, "127.0.0.1");
      await once(udp, "listening");
      const tcp = createServer();
      tcp.listen(udp.address().port, "127.0.0.1");
      try {
        await once(tcp, "listening");
        return new DnsServer(udp, tcp);
      } catch (error) {
        udp.close();
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      }
    }
  }

  /** For `dnsServers`. */
  get address(): string {
    return `127.0.0.1:${this.#udp.address().port}`;
  }

  async stop(): Promise<void> {
    this.#udp.close();
    await new Promise<void>((done) => this.#tcp.close(() => done()));
  }

  #udpReplies(query: Packet, reply: DnsReply): Buffer[] {
    if (reply === "silent") return [];
    if (reply === "NXDOMAIN" || reply === "SERVFAIL") return [encode(packet(query, [], RCODES[reply]))];
    if ("raw" in reply) return [reply.raw];
    if ("overTcp" in reply) return [encode(packet(query, [], TRUNCATED))];
    if ("forged" in reply) {
      const guess = { ...query, id: ((query.id ?? 0) + 1) & 0xffff };
      const other = { ...query, questions: [{ type: "A" as const, name: "other.test" }] };
      return [
        encode(packet(guess, reply.forged)),
        encode(packet(other, reply.forged)),
        encode(packet(query, reply.real)),
      ];
    }
    return [encode(packet(query, reply))];
  }
}

function keyOf(query: Packet): string {
  const question = query.questions![0]!;
  return `${question.type} ${question.name}`;
}

function packet(query: Packet, answers: readonly Answer[], flags = 0): Packet {
  return { type: "response", id: query.id!, flags, questions: query.questions!, answers: [...answers] };
}

export const srv = (name: string, target: string, port: number, priority = 1, weight = 0, ttl = 60): Answer => ({
  type: "SRV",
  name,
  ttl,
  data: { target, port, priority, weight },
});
export const a = (name: string, address: string, ttl = 60): Answer => ({ type: "A", name, ttl, data: address });
