/** One TCP or TLS connection: framing, pings, idle limits, a bounded send buffer (SIP-TP-9, SIP-TP-10, SIP-TP-15). */

import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.ts";
import type { SipParseError } from "../../base/errors.ts";
import type { Flow, SipMessage } from "../message.ts";
import { StreamParser } from "../stream-parser.ts";
import { plainAddress } from "./local-address.ts";

/** Limits of one connection. */
export interface ConnectionLimits {
  /** Without a complete message this long after accept: closed. */
  readonly firstMessageMs: number;
  /** Without any octet this long: closed. */
  readonly idleMs: number;
  readonly sendBufferBytes: number;
  /** After the last message, for the far end to read it and close. */
  readonly lingerMs: number;
}

/** Our own pings on a connection that we opened (RFC 5626 §4.4.1, SIP-TP-10). */
export interface KeepAlive {
  /** Quiet this long: ping. */
  readonly intervalMs: number;
  /** Without any octet this long after a ping: the connection is dead. */
  readonly pongMs: number;
}

const CONNECTION_LIMITS: ConnectionLimits = {
  firstMessageMs: 30_000,
  idleMs: 600_000,
  sendBufferBytes: 1024 * 1024,
  lingerMs: 5000,
};

export interface ConnectionHandler {
  /** `octets`: the message as it came, to be read before this returns. */
  onMessage(message: SipMessage, connection: Connection, octets: Uint8Array): void;
  onParseError(error: SipParseError, connection: Connection, octets: Uint8Array): void;
  onClosed(connection: Connection, error: Error | undefined): void;
  /** True while somebody waits for an answer on it. */
  isAwaited(connection: Connection): boolean;
}

let lastConnectionId = 0;

export class Connection {
  readonly flow: Flow;
  readonly #socket: Socket;
  readonly #parser = new StreamParser();
  readonly #handler: ConnectionHandler;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #keepAlive: KeepAlive | undefined;
  #idle: Timer | undefined;
  #ping: Timer | undefined;
  /** The far end answers pings; those that know nothing of RFC 5626 leave them out (RFC 3261 §7.5). */
  #answersPings = false;
  #closed = false;

  /**
   * @param accepted - true when the far end opened it
   * @param keepAlive - undefined sends no pings
   * @param tlsNames - of the verified certificate of the far end
   */
  constructor(
    socket: Socket,
    transport: "tcp" | "tls",
    accepted: boolean,
    handler: ConnectionHandler,
    clock: Clock,
    keepAlive?: KeepAlive,
    tlsNames: readonly string[] = [],
    limits = CONNECTION_LIMITS,
  ) {
    this.#socket = socket;
    this.#handler = handler;
    this.#clock = clock;
    this.#limits = limits;
    this.#keepAlive = keepAlive;
    this.flow = {
      transport,
      remoteAddress: plainAddress(socket.remoteAddress ?? ""),
      remotePort: socket.remotePort ?? 0,
      localAddress: plainAddress(socket.localAddress ?? ""),
      localPort: socket.localPort ?? 0,
      connectionId: ++lastConnectionId,
      ...(tlsNames.length === 0 ? {} : { tlsNames }),
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#data(chunk));
    socket.on("error", (error) => this.#close(error));
    socket.on("close", () => this.#close(undefined));
    this.#armIdle(accepted ? limits.firstMessageMs : limits.idleMs);
    this.#armPing();
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** False when the connection is gone or its buffer is full; a full buffer closes it, since order is lost otherwise. */
  send(bytes: Uint8Array): boolean {
    if (this.#closed) return false;
    if (this.#socket.writableLength + bytes.length > this.#limits.sendBufferBytes) {
      this.#close(new Error("the far end reads too slowly"));
      return false;
    }
    this.#socket.write(bytes);
    return true;
  }

  /** Sends what is buffered, then closes. A far end that does not close its side is cut off. */
  end(): void {
    if (this.#closed) return;
    this.#socket.end();
    const linger = this.#clock.after(this.#limits.lingerMs, () => this.#socket.destroy());
    this.#socket.once("close", () => linger.cancel());
    this.#close(undefined);
  }

  destroy(): void {
    this.#close(undefined);
  }

  #data(chunk: Buffer): void {
    if (this.#closed) return;
    this.#armPing();
    for (const event of this.#parser.push(chunk)) {
      if (this.#closed) return;
      if (event.kind === "message") {
        this.#armIdle(this.#limits.idleMs);
        this.#handler.onMessage(event.message, this, event.octets);
      } else if (event.kind === "ping") {
        this.#armIdle(this.#limits.idleMs);
        this.send(PONG);
      } else if (event.kind === "pong") {
        // Only what answers a ping of ours keeps the connection; line ends of the far end's own making do not.
        if (this.#keepAlive === undefined) continue;
        this.#answersPings = true;
        this.#armIdle(this.#limits.idleMs);
      } else if (event.kind === "error") {
        this.#handler.onParseError(event.error, this, event.octets);
        if (event.error.fatalToStream) this.end();
      }
    }
  }

  #armIdle(delayMs: number): void {
    this.#idle?.cancel();
    this.#idle = this.#clock.after(delayMs, () => this.#close(new Error("idle")));
  }

  #armPing(): void {
    const keepAlive = this.#keepAlive;
    if (keepAlive === undefined) return;
    this.#ping?.cancel();
    this.#ping = this.#clock.after(keepAlive.intervalMs, () => {
      this.#ping = this.#clock.after(keepAlive.pongMs, () => {
        // A call that rings for long is not lost for a far end that never answered a ping.
        if (!this.#answersPings && this.#handler.isAwaited(this)) this.#armPing();
        else this.#close(new Error("no answer to a ping"));
      });
      this.send(PING);
    });
  }

  #close(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#idle?.cancel();
    this.#ping?.cancel();
    if (error !== undefined || !this.#socket.writableEnded) this.#socket.destroy();
    this.#handler.onClosed(this, error);
  }
}

const PONG = Buffer.from("\r\n");
const PING = Buffer.from("\r\n\r\n");
