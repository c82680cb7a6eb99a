/**
 * Listens on TCP or TLS. Connections are counted from their first packet, before any handshake, so that half-open ones
 * fill the limits too (hardening R16).
 */

import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import { TransportError } from "../../base/errors.ts";
import { plainAddress } from "./local-address.ts";
import type { ListenAddress, ListenOptions } from "./target.ts";
import type { PreparedTls, TlsOptions } from "./tls-options.ts";

const HANDSHAKE_MS = 10_000;

/** How many connections there are, shared by all listeners of a stack. */
export class AcceptedCounter {
  readonly #perSource = new Map<string, number>();
  readonly #perSourceMax: number;
  readonly #max: number;
  #count = 0;
  /** Connections that were turned away. */
  refused = 0;

  constructor(perSourceMax: number, max: number) {
    this.#perSourceMax = perSourceMax;
    this.#max = max;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts the socket until it closes. False when there are too many. */
  admit(socket: Socket): boolean {
    const source = plainAddress(socket.remoteAddress ?? "");
    const count = this.#perSource.get(source) ?? 0;
    if (count >= this.#perSourceMax || this.#count >= this.#max) {
      this.refused++;
      return false;
    }
    this.#perSource.set(source, count + 1);
    this.#count++;
    socket.once("close", () => {
      this.#count--;
      const left = (this.#perSource.get(source) ?? 1) - 1;
      if (left > 0) this.#perSource.set(source, left);
      else this.#perSource.delete(source);
    });
    return true;
  }
}

export interface StreamListenerOptions {
  readonly listen: ListenOptions;
  readonly counter: AcceptedCounter;
  readonly tls: { readonly options: TlsOptions; readonly prepared: PreparedTls } | undefined;
  /** A connection that is ready; on TLS after the handshake. */
  onConnection(socket: Socket): void;
}

export class StreamListener {
  readonly options: ListenOptions;
  readonly #server: Server;

  private constructor(options: ListenOptions, server: Server) {
    this.options = options;
    this.#server = server;
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static async listen(options: StreamListenerOptions): Promise<StreamListener> {
    const { listen, counter } = options;
    const isTls = listen.transport === "tls";
    const server = isTls ? tlsServer(options.tls) : createTcpServer();
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(listen.port, listen.address, () => {
        server.removeListener("error", fail);
        server.on("error", () => undefined);
        done();
      });
    });
    // Before the server's own listener, which would begin the handshake.
    server.prependListener("connection", (socket: Socket) => {
      socket.on("error", () => undefined);
      if (!counter.admit(socket)) socket.destroy();
      else if (!isTls) options.onConnection(socket);
    });
    if (isTls) {
      server.on("secureConnection", (socket: TLSSocket) => options.onConnection(socket));
      server.on("tlsClientError", (_error, socket: TLSSocket) => socket.destroy());
    }
    return new StreamListener(listen, server);
  }

  get bound(): ListenAddress {
    const { transport, address, port } = this.options;
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") return { transport, address, port };
    return { transport, address: plainAddress(bound.address), port: bound.port };
  }

  close(): Promise<void> {
    return new Promise((done) => this.#server.close(() => done()));
  }
}

function tlsServer(tls: StreamListenerOptions["tls"]): Server {
  if (tls === undefined)
    throw new TransportError("TRANSPORT_TLS", "TLS is to be listened on, but no certificate is configured");
  const { options, prepared } = tls;
  return createTlsServer({
    SNICallback: (name, done) => done(null, prepared.contextFor(name)),
    cert: options.certPem,
    key: options.keyPem,
    ...(prepared.ciphers === undefined ? {} : { ciphers: prepared.ciphers }),
    minVersion: prepared.minVersion,
    handshakeTimeout: HANDSHAKE_MS,
  });
}
