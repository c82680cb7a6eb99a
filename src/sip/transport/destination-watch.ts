/**
 * Learns that nobody listens at a UDP port (ICMP, RFC 3261 §18.4, SIP-TP-14). A system tells that of connected sockets only, so each
 * destination of ours gets one beside the listening socket, on the same address and port: what comes from there arrives on it, errors too, and
 * everything is sent as before. Bounded; what was not used for a while is closed.
 */

import { createSocket, type Socket } from "node:dgram";
import type { Clock } from "../../base/clock.ts";
import { markDatagrams } from "../../base/service-mark.ts";

const WATCHED_MAX = 256;
const IDLE_MS = 120_000;

export interface WatchOptions {
  /** As the listening socket is bound. */
  readonly address: string;
  readonly port: number;
  readonly dscp: number;
  readonly clock: Clock;
  onDatagram(bytes: Uint8Array, address: string, port: number): void;
  /** Nobody listens there. */
  onRefused(address: string, port: number): void;
}

interface Watched {
  readonly socket: Socket;
  /** When it is connected, or cannot be: that makes no difference to who sends. */
  readonly ready: Promise<void>;
  usedMs: number;
}

export class DestinationWatch {
  readonly #options: WatchOptions;
  /** In order of use. */
  readonly #watched = new Map<string, Watched>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** From the end of this on it is told when nobody listens there. Never fails: without a socket there is silence, as ever. */
  async watch(address: string, port: number): Promise<void> {
    const key = `${address} ${port}`;
    const nowMs = this.#options.clock.nowMs();
    const watched = this.#watched.get(key) ?? this.#open(key, address, port);
    this.#watched.delete(key);
    this.#watched.set(key, watched);
    watched.usedMs = nowMs;
    for (const [name, { usedMs }] of this.#watched) {
      if (this.#watched.size <= WATCHED_MAX && nowMs - usedMs < IDLE_MS) break;
      this.#close(name);
    }
    await watched.ready;
  }

  get size(): number {
    return this.#watched.size;
  }

  close(): void {
    for (const key of [...this.#watched.keys()]) this.#close(key);
  }

  #open(key: string, address: string, port: number): Watched {
    const { address: own, port: ownPort, dscp, onDatagram, onRefused } = this.#options;
    const family = own.includes(":") ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      reusePort: true,
      recvBufferSize: 1024 * 1024,
      lookup: (name, _options, found) => found(null, name, family),
    });
    const ready = new Promise<void>((done) => {
      socket.on("error", (error: NodeJS.ErrnoException) => {
        done();
        if (error.syscall === "recvmsg") {
          if (error.code === "ECONNREFUSED") onRefused(address, port);
        } else if (this.#watched.get(key)?.socket === socket) this.#close(key);
      });
      socket.on("message", (bytes, from) => onDatagram(bytes, from.address, from.port));
      socket.bind(ownPort, own, () => {
        markDatagrams(socket, dscp);
        socket.connect(port, address, () => done());
      });
      socket.once("close", () => done());
    });
    return { socket, ready, usedMs: 0 };
  }

  #close(key: string): void {
    const { socket } = this.#watched.get(key)!;
    this.#watched.delete(key);
    socket.close();
  }
}
