/**
 * Listens on TCP or TLS. Connections are counted from their first packet, before any handshake, so that half-open ones
 * fill the limits too (hardening R16).
 */

import { createServer as createTcpServer, isIP, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket } from "node:tls";
import ipaddr from "ipaddr.js";
import { TransportError } from "../../base/errors.ts";
import { plainAddress } from "./local-address.ts";
import type { ListenAddress, ListenOptions } from "./target.ts";
import { clientCertificates, type PreparedTls, type TlsOptions } from "./tls-options.ts";

const HANDSHAKE_MS = 10_000;

export interface AcceptedLimits {
  readonly perSourceMax: number;
  readonly max: number;
  /** Of `max`, for sources that are no strangers: however many strangers come, a known trunk gets in (hardening R16). */
  readonly reserved: number;
  /** Asked only when what strangers may have is used up. */
  isKnown(address: string): boolean;
}

/** How many connections there are, shared by all listeners of a stack. */
export class AcceptedCounter {
  readonly #perSource = new Map<string, number>();
  readonly #limits: AcceptedLimits;
  #count = 0;

  constructor(limits: AcceptedLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Counts the socket until it closes. False when there are too many. */
  admit(socket: Socket): boolean {
    const address = plainAddress(socket.remoteAddress ?? "");
    const source = sourceOf(address);
    const count = this.#perSource.get(source) ?? 0;
    const { perSourceMax, max, reserved, isKnown } = this.#limits;
    if (count >= perSourceMax || this.#count >= max || (this.#count >= max - reserved && !isKnown(address)))
      return false;
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

/** A host has a whole /64 of IPv6 addresses to send from. */
function sourceOf(address: string): string {
  if (isIP(address) !== 6) return address;
  return ipaddr.IPv6.parse(address).parts.slice(0, 4).join(":");
}

export interface StreamListenerOptions {
  readonly listen: ListenOptions;
  readonly counter: AcceptedCounter;
  readonly tls: { readonly options: TlsOptions; readonly prepared: PreparedTls } | undefined;
  /** A connection that is ready; on TLS after the handshake. */
  onConnection(socket: Socket): void;
  /** A handshake failed; `code` is that of OpenSSL, such as ERR_SSL_UNSUPPORTED_PROTOCOL. */
  onHandshakeFailed(code: string, remote: string): void;
}

export class StreamListener {
  readonly options: ListenOptions;
  readonly #server: Server;
  /** All that were accepted: those in their handshake belong to nobody else yet. */
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(options: ListenOptions, server: Server, sockets: ReadonlySet<Socket>) {
    this.options = options;
    this.#server = server;
    this.#sockets = sockets;
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
    const sockets = new Set<Socket>();
    // Before the server's own listener, which would begin the handshake.
    server.prependListener("connection", (socket: Socket) => {
      socket.on("error", () => undefined);
      if (!counter.admit(socket)) {
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      if (!isTls) options.onConnection(socket);
    });
    if (isTls) {
      server.on("secureConnection", (socket: TLSSocket) => options.onConnection(socket));
      server.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
        const { remoteAddress = "", remotePort = 0 } = socket;
        socket.destroy();
        options.onHandshakeFailed(error.code ?? "", `${plainAddress(remoteAddress)}:${remotePort}`);
      });
    }
    return new StreamListener(listen, server, sockets);
  }

  get bound(): ListenAddress {
    const { transport, address, port } = this.options;
    const bound = this.#server.address();
    if (bound === null || typeof bound === "string") return { transport, address, port };
    return { transport, address: plainAddress(bound.address), port: bound.port };
  }

  /** Ends handshakes that are under way too: they would hold the port for 10 s. */
  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
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
    ...clientCertificates(options),
    handshakeTimeout: HANDSHAKE_MS,
  });
}
