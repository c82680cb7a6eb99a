/**
 * Asks name servers itself (RFC 1035, RFC 2782, RFC 3403), since the system's functions do not tell how long a service
 * record may be kept (SIP-DNS-7). UDP with one port for each question, TCP for what was cut off. The codec is `dns-packet`.
 */

import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import { type Answer, decode, encode, type Packet, type RecordType, streamDecode, streamEncode } from "dns-packet";
import type { Clock } from "../../base/clock.ts";
import type { AddressRecord, NaptrRecord, Resolver, SrvRecord } from "./resolver.ts";

export interface NameServer {
  readonly address: string;
  readonly port: number;
}

export interface DnsClientOptions {
  readonly clock: Clock;
  /** Asked anew for each question: the system's servers may change. */
  servers(): readonly NameServer[];
}

/** A server that is silent this long is left for the next one; all of them are asked twice. */
const TRY_MS = 400;
const ROUNDS = 2;
const SERVERS_MAX = 3;
const ANSWERS_MAX = 256;
const STREAM_BYTES_MAX = 65_537;

/** The name servers said nothing that could be used. */
export class DnsUnavailableError extends Error {}

export class DnsClient implements Resolver {
  readonly #options: DnsClientOptions;

  constructor(options: DnsClientOptions) {
    this.#options = options;
  }

  async srv(name: string): Promise<readonly SrvRecord[]> {
    return (await this.#ask(name, "SRV")).flatMap((answer) => {
      if (answer.type !== "SRV") return [];
      const { target, port, priority = 0, weight = 0 } = answer.data;
      return [{ name: target, port, priority, weight, ttlSeconds: answer.ttl ?? 0 }];
    });
  }

  /** IPv4 first. One family that cannot be had does not hide the other. */
  async addresses(name: string): Promise<readonly AddressRecord[]> {
    const [four, six] = await Promise.allSettled([this.#ask(name, "A"), this.#ask(name, "AAAA")]);
    const answers = [four, six].flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    const found = answers.filter(({ type }) => type === "A" || type === "AAAA");
    const failed = [four, six].find((one) => one.status === "rejected");
    if (found.length === 0 && failed !== undefined) throw failed.reason;
    // An alias on the way may be short-lived too.
    const ttlSeconds = Math.min(...answers.map((answer) => ("ttl" in answer ? (answer.ttl ?? 0) : 0)));
    return found.map((answer) => ({ address: String("data" in answer ? answer.data : ""), ttlSeconds }));
  }

  async naptr(name: string): Promise<readonly NaptrRecord[]> {
    return (await this.#ask(name, "NAPTR")).flatMap((answer) => {
      if (answer.type !== "NAPTR") return [];
      const { order, preference, flags, services, replacement } = answer.data;
      return [{ order, preference, flags, service: services, replacement, ttlSeconds: answer.ttl ?? 0 }];
    });
  }

  /** @throws DnsUnavailableError when no server answers; an empty list means that there is no such record */
  async #ask(name: string, type: RecordType): Promise<readonly Answer[]> {
    const servers = this.#options.servers().slice(0, SERVERS_MAX);
    let last: unknown;
    for (let round = 0; round < ROUNDS; round++)
      for (const server of servers) {
        try {
          return await this.#askOne(server, name, type);
        } catch (error) {
          last = error;
        }
      }
    throw new DnsUnavailableError(`no name server answers for ${type} ${name}`, { cause: last });
  }

  async #askOne(server: NameServer, name: string, type: RecordType): Promise<readonly Answer[]> {
    const id = randomInt(65_536);
    const question: Packet = { type: "query", id, flags: RECURSION_DESIRED, questions: [{ type, name }] };
    const isAnswer = (packet: Packet): boolean => {
      const asked = packet.questions?.[0];
      return (
        packet.type === "response" &&
        packet.id === id &&
        asked?.type === type &&
        asked.name.toLowerCase() === name.toLowerCase()
      );
    };
    let packet = await this.#overUdp(server, question, isAnswer);
    if (packet.flag_tc) packet = await this.#overTcp(server, question, isAnswer);
    // 3 says that there is no such name; all others but 0 say nothing about it.
    if (packet.rcode !== "NOERROR" && packet.rcode !== "NXDOMAIN")
      throw new DnsUnavailableError(`${server.address} answers ${packet.rcode}`);
    return (packet.answers ?? []).slice(0, ANSWERS_MAX);
  }

  #overUdp(server: NameServer, question: Packet, isAnswer: (packet: Packet) => boolean): Promise<Decoded> {
    const socket = createSocket(isIP(server.address) === 6 ? "udp6" : "udp4");
    return this.#limited(
      (done, fail) => {
        socket.on("error", fail);
        socket.on("message", (bytes) => {
          // What is no answer to this question is somebody else's guess: the right one may still come.
          const packet = decoded(() => decode(bytes));
          if (packet !== undefined && isAnswer(packet)) done(packet);
        });
        // Connected, so that only this server is heard, and one that is not there is known at once.
        // Node calls back with the error when there is no way there (or too late, with the socket closed), which its types
        // do not say; and the names that are asked for come from the network, so that the codec may refuse them.
        const send = (error?: Error): void => {
          if (error !== undefined && error !== null) fail(error);
          else
            try {
              socket.send(encode(question));
            } catch (fault) {
              fail(fault as Error);
            }
        };
        socket.connect(server.port, server.address, send as () => void);
      },
      () => socket.close(),
    );
  }

  #overTcp(server: NameServer, question: Packet, isAnswer: (packet: Packet) => boolean): Promise<Decoded> {
    const socket = connect(server.port, server.address);
    return this.#limited(
      (done, fail) => {
        let bytes = Buffer.alloc(0);
        socket.on("error", fail);
        socket.on("close", () => fail(new DnsUnavailableError("closed without an answer")));
        socket.on("data", (chunk: Buffer) => {
          bytes = Buffer.concat([bytes, chunk]);
          if (bytes.length < 2 || (bytes.length < bytes.readUInt16BE(0) + 2 && bytes.length < STREAM_BYTES_MAX)) return;
          const packet = decoded(() => streamDecode(bytes));
          if (packet !== undefined && isAnswer(packet)) done(packet);
          else fail(new DnsUnavailableError("an answer that cannot be read"));
        });
        socket.write(streamEncode(question));
      },
      () => socket.destroy(),
    );
  }

  #limited(
    work: (done: (packet: Decoded) => void, fail: (error: Error) => void) => void,
    close: () => void,
  ): Promise<Decoded> {
    return new Promise<Decoded>((done, fail) => {
      let isOver = false;
      const finish = (report: () => void): void => {
        if (isOver) return;
        isOver = true;
        timer.cancel();
        close();
        report();
      };
      const timer = this.#options.clock.after(TRY_MS, () =>
        finish(() => fail(new DnsUnavailableError("no answer in time"))),
      );
      work(
        (packet) => finish(() => done(packet)),
        (error) => finish(() => fail(error)),
      );
    });
  }
}

const RECURSION_DESIRED = 0x0100;

type Decoded = ReturnType<typeof decode> & { readonly rcode?: string };

/** Hostile packets make the codec throw. */
function decoded(read: () => Packet): Decoded | undefined {
  try {
    return read() as Decoded;
  } catch {
    return undefined;
  }
}
