/**
 * All transports of one stack (RFC 3261 §18): listening sockets, outgoing connections, and the rules of Via. Above it
 * there are messages and flows; below it there are sockets.
 */

import { connect as connectTcp, createServer as createTcpServer, isIP, type Server, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { messageOf, SipParseError, TransportError } from "../../base/errors.ts";
import type { Flow, SipMessage, SipRequest, Via } from "../message.ts";
import { parseMessage } from "../parser.ts";
import { serializeMessage } from "../serialize.ts";
import { Connection, type ConnectionHandler, plainAddress } from "./connection.ts";
import { defaultPort, type ListenAddress, type ListenOptions, type Target } from "./target.ts";
import { clientAuthorities, type PreparedTls, prepareTls, type TlsOptions } from "./tls-options.ts";
import { UdpSocket } from "./udp.ts";

export interface TransportHandler {
  onMessage(message: SipMessage, flow: Flow): void;
  /** A message that could not be read; `UnacceptableRequestError` can be answered. */
  onParseError(error: SipParseError, flow: Flow): void;
  /** A connection is gone; transactions on it that still wait learn of it. */
  onFlowLost(flow: Flow, reason: string): void;
}

export interface TransportOptions {
  readonly listen: readonly ListenOptions[];
  readonly tls?: TlsOptions;
  readonly clock: Clock;
  /** Default 2000 (SIP-TP-7). */
  readonly connectTimeoutMs?: number;
  /** Accepted connections of one source address; default 1000. */
  readonly connectionsPerSourceMax?: number;
  /** Accepted connections in all; default 20 000. */
  readonly connectionsMax?: number;
}

/** Who said what, for traces: called with every message that crosses. */
export type MessageObserver = (direction: "in" | "out", message: SipMessage, flow: Flow) => void;

export class TransportLayer {
  readonly #options: TransportOptions;
  readonly #handler: TransportHandler;
  readonly #udp: UdpSocket[] = [];
  readonly #servers: { readonly server: Server; readonly options: ListenOptions }[] = [];
  readonly #connections = new Map<number, Connection>();
  /** Outgoing connections by target, ready or still being made (SIP-TP-7, R17: by verified name too). */
  readonly #pool = new Map<string, Promise<Connection>>();
  readonly #accepted = new Map<string, number>();
  readonly #tls: PreparedTls | undefined;
  readonly #connectionHandler: ConnectionHandler;
  #acceptedCount = 0;
  onObserved: MessageObserver | undefined;

  constructor(options: TransportOptions, handler: TransportHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#tls = options.tls === undefined ? undefined : prepareTls(options.tls);
    this.#connectionHandler = {
      onMessage: (message, connection) => this.#received(message, connection.flow),
      onParseError: (error, connection) => handler.onParseError(error, connection.flow),
      onClosed: (connection, error) => {
        this.#connections.delete(connection.flow.connectionId!);
        handler.onFlowLost(connection.flow, error === undefined ? "closed" : messageOf(error));
      },
    };
  }

  /** Binds everything; on a failure what was bound is closed again. @throws TransportError naming the address and the cure */
  async start(): Promise<ListenAddress[]> {
    try {
      for (const options of this.#options.listen) await this.#listen(options);
    } catch (error) {
      await this.stop();
      throw error;
    }
    return this.listening;
  }

  get listening(): ListenAddress[] {
    return [
      ...this.#udp.map((socket) => socket.bound),
      ...this.#servers.map(({ server, options }) => boundOf(server, options)),
    ];
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  async stop(): Promise<void> {
    for (const connection of [...this.#connections.values()]) connection.destroy();
    await Promise.all([
      ...this.#udp.splice(0).map((socket) => socket.close()),
      ...this.#servers.splice(0).map(({ server }) => new Promise<void>((done) => server.close(() => done()))),
    ]);
  }

  /** A flow to send requests on. @throws TransportError when no connection can be had */
  async flowTo(target: Target): Promise<Flow> {
    if (target.transport === "udp") {
      const socket = this.#udpFor(target);
      if (socket === undefined) throw new TransportError("TRANSPORT_LOST", "no UDP socket to send from");
      const { address, port } = socket.bound;
      return {
        transport: "udp",
        remoteAddress: target.address,
        remotePort: target.port,
        localAddress: address,
        localPort: port,
        connectionId: undefined,
      };
    }
    const key = `${target.transport} ${target.address} ${target.port} ${target.localAddress} ${target.tlsName} ${target.tlsVerify}`;
    const known = await this.#pool.get(key)?.catch(() => undefined);
    if (known !== undefined && !known.closed) return known.flow;
    const made = this.#connect(target);
    this.#pool.set(key, made);
    made.catch(() => this.#pool.delete(key));
    return (await made).flow;
  }

  /** True while the connection behind a flow is there; UDP always is. */
  isOpen(flow: Flow): boolean {
    return flow.connectionId === undefined || this.#connections.get(flow.connectionId)?.closed === false;
  }

  /** Sends; `onError` is called when the network refuses at once. */
  send(message: SipMessage, flow: Flow, onError: (error: TransportError) => void = () => undefined): void {
    const lost = (reason: string): void =>
      onError(
        new TransportError("TRANSPORT_LOST", `${flow.transport} ${flow.remoteAddress}:${flow.remotePort}: ${reason}`),
      );
    const bytes = serializeMessage(message);
    this.onObserved?.("out", message, flow);
    if (flow.connectionId !== undefined) {
      if (this.#connections.get(flow.connectionId)?.send(bytes) !== true) lost("connection is gone");
      return;
    }
    const socket =
      this.#udp.find((one) => one.bound.port === flow.localPort && one.bound.address === flow.localAddress) ??
      this.#udp[0];
    if (socket === undefined) lost("no UDP socket");
    else socket.send(bytes, flow.remoteAddress, flow.remotePort, (error) => lost(error.message));
  }

  /** Sends a response by the rules of RFC 3261 §18.2.2 and RFC 3581 §4. */
  sendResponse(message: SipMessage, flow: Flow, onError?: (error: TransportError) => void): void {
    const via = message.vias[0];
    if (via === undefined) return;
    if (flow.connectionId !== undefined) {
      if (this.#connections.get(flow.connectionId)?.closed === false) this.send(message, flow, onError);
      else void this.#reconnect(message, via, flow, onError);
      return;
    }
    const address = via.params.get("received") || via.host;
    const rport = via.params.get("rport");
    const port = rport !== undefined && rport !== "" ? Number(rport) : (via.port ?? 5060);
    if (isIP(address) === 0 || isMulticast(address)) return;
    this.send(message, { ...flow, remoteAddress: address, remotePort: port }, onError);
  }

  /** Host and port that we say in Via and Contact for messages on this flow. */
  announced(flow: Pick<Flow, "transport" | "localAddress" | "localPort">): { host: string; port: number } {
    const listen = this.#listenOptions(flow);
    const bound = listen?.bound;
    return {
      host:
        listen?.options.announceAddress ??
        (isWildcard(bound?.address) ? flow.localAddress : (bound?.address ?? flow.localAddress)),
      port: listen?.options.announcePort ?? bound?.port ?? defaultPort(flow.transport),
    };
  }

  /** The listening socket behind a flow: the same one for UDP, one of the same transport (and address) for connections. */
  #listenOptions(
    flow: Pick<Flow, "transport" | "localAddress" | "localPort">,
  ): { options: ListenOptions; bound: ListenAddress } | undefined {
    const all =
      flow.transport === "udp"
        ? this.#udp.map((socket) => ({ options: socket.options, bound: socket.bound }))
        : this.#servers
            .filter(({ options }) => options.transport === flow.transport)
            .map(({ server, options }) => ({ options, bound: boundOf(server, options) }));
    return (
      all.find(({ bound }) => bound.address === flow.localAddress && bound.port === flow.localPort) ??
      all.find(({ bound }) => bound.address === flow.localAddress) ??
      all[0]
    );
  }

  async #listen(options: ListenOptions): Promise<void> {
    try {
      if (options.transport === "udp") {
        this.#udp.push(
          await UdpSocket.bind(options, (bytes, address, port, socket) => this.#datagram(bytes, address, port, socket)),
        );
        return;
      }
      const server = options.transport === "tcp" ? createTcpServer() : this.#tlsServer();
      await new Promise<void>((done, fail) => {
        server.once("error", fail);
        server.listen(options.port, options.address, () => {
          server.removeListener("error", fail);
          server.on("error", () => undefined);
          done();
        });
      });
      server.on(options.transport === "tcp" ? "connection" : "secureConnection", (socket: Socket) =>
        this.#accept(socket, options.transport as "tcp" | "tls"),
      );
      if (options.transport === "tls") server.on("tlsClientError", (_error, socket: TLSSocket) => socket.destroy());
      this.#servers.push({ server, options });
    } catch (error) {
      throw listenError(error, options);
    }
  }

  #tlsServer(): Server {
    const tls = this.#tls;
    if (tls === undefined)
      throw new TransportError("TRANSPORT_TLS", "TLS is to be listened on, but no certificate is configured");
    return createTlsServer({
      SNICallback: (name, done) => done(null, tls.contextFor(name)),
      ...secureFields(this.#options.tls!),
      minVersion: tls.minVersion,
      handshakeTimeout: 10_000,
    });
  }

  #accept(socket: Socket, transport: "tcp" | "tls"): void {
    const source = plainAddress(socket.remoteAddress ?? "");
    const count = this.#accepted.get(source) ?? 0;
    if (
      count >= (this.#options.connectionsPerSourceMax ?? 1000) ||
      this.#acceptedCount >= (this.#options.connectionsMax ?? 20_000)
    ) {
      socket.destroy();
      return;
    }
    this.#accepted.set(source, count + 1);
    this.#acceptedCount++;
    socket.once("close", () => {
      this.#acceptedCount--;
      const left = (this.#accepted.get(source) ?? 1) - 1;
      if (left > 0) this.#accepted.set(source, left);
      else this.#accepted.delete(source);
    });
    this.#adopt(new Connection(socket, transport, true, this.#connectionHandler, this.#options.clock));
  }

  #adopt(connection: Connection): Connection {
    this.#connections.set(connection.flow.connectionId!, connection);
    return connection;
  }

  #connect(target: Target): Promise<Connection> {
    const { transport, address, port, localAddress } = target;
    const where = `${transport} ${address}:${port}`;
    return new Promise((done, fail) => {
      const common = { host: address, port, ...(localAddress === "" ? {} : { localAddress }) };
      const socket =
        transport === "tcp"
          ? connectTcp(common)
          : connectTls({
              ...common,
              ...(isIP(target.tlsName) === 0 ? { servername: target.tlsName } : {}),
              ca: this.#tls?.ca ?? clientAuthorities(undefined),
              rejectUnauthorized: target.tlsVerify,
              minVersion: this.#tls?.minVersion ?? "TLSv1.2",
              ...(this.#options.tls === undefined
                ? {}
                : { cert: this.#options.tls.certPem, key: this.#options.tls.keyPem }),
            });
      const timer = this.#options.clock.after(this.#options.connectTimeoutMs ?? 2000, () => {
        socket.destroy();
        fail(new TransportError("TRANSPORT_LOST", `${where}: no connection in time`));
      });
      socket.once("error", (error) => {
        timer.cancel();
        const isTls = transport === "tls" && (error as NodeJS.ErrnoException).syscall === undefined;
        fail(
          new TransportError(isTls ? "TRANSPORT_TLS" : "TRANSPORT_REFUSED", `${where}: ${error.message}`, {
            cause: error,
          }),
        );
      });
      socket.once(transport === "tcp" ? "connect" : "secureConnect", () => {
        timer.cancel();
        done(
          this.#adopt(
            new Connection(socket, transport as "tcp" | "tls", false, this.#connectionHandler, this.#options.clock),
          ),
        );
      });
    });
  }

  /** The request's connection is gone: one is opened to received and the sent-by port (SIP-TP-6). */
  async #reconnect(
    message: SipMessage,
    via: Via,
    flow: Flow,
    onError: (error: TransportError) => void = () => undefined,
  ): Promise<void> {
    const address = via.params.get("received") || via.host;
    try {
      const target: Target = {
        transport: flow.transport,
        address,
        port: via.port ?? defaultPort(flow.transport),
        tlsName: via.host,
        tlsVerify: true,
        localAddress: flow.localAddress,
      };
      this.send(message, await this.flowTo(target), onError);
    } catch (error) {
      // The far end is gone for good.
      onError(error instanceof TransportError ? error : new TransportError("TRANSPORT_LOST", messageOf(error)));
    }
  }

  #udpFor(target: Target): UdpSocket | undefined {
    const family = isIP(target.address) === 6;
    return (
      this.#udp.find((socket) => socket.bound.address === target.localAddress) ??
      this.#udp.find((socket) => socket.bound.address.includes(":") === family) ??
      this.#udp[0]
    );
  }

  #datagram(bytes: Uint8Array, address: string, port: number, socket: UdpSocket): void {
    // Keep-alives of NAT bindings: line ends or NULs only.
    if (bytes.length <= 4) return;
    const { address: localAddress, port: localPort } = socket.bound;
    const flow: Flow = {
      transport: "udp",
      remoteAddress: plainAddress(address),
      remotePort: port,
      localAddress,
      localPort,
      connectionId: undefined,
    };
    let message: SipMessage;
    try {
      message = parseMessage(bytes);
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      this.#handler.onParseError(error, flow);
      return;
    }
    this.#received(message, flow);
  }

  #received(message: SipMessage, flow: Flow): void {
    if (message.kind === "request") stampVia(message, flow);
    this.onObserved?.("in", message, flow);
    this.#handler.onMessage(message, flow);
  }
}

/** RFC 3261 §18.2.1, RFC 3581 §4: where the request really came from. */
export function stampVia(request: SipRequest, flow: Flow): void {
  const via = request.vias[0];
  if (via === undefined) return;
  const hasRport = via.params.has("rport");
  if (hasRport) via.params.set("rport", String(flow.remotePort));
  if (hasRport || via.host !== flow.remoteAddress) via.params.set("received", flow.remoteAddress);
}

function secureFields(options: TlsOptions): { cert: string; key: string; ciphers?: string } {
  return {
    cert: options.certPem,
    key: options.keyPem,
    ...(options.allowDeprecated === true ? { ciphers: "DEFAULT@SECLEVEL=0" } : {}),
  };
}

function boundOf(server: Server, options: ListenOptions): ListenAddress {
  const address = server.address();
  if (address === null || typeof address === "string")
    return { transport: options.transport, address: options.address, port: options.port };
  return { transport: options.transport, address: plainAddress(address.address), port: address.port };
}

function listenError(error: unknown, options: ListenOptions): Error {
  if (error instanceof TransportError) return error;
  const where = `${options.transport.toUpperCase()} ${options.address}:${options.port}`;
  const code = (error as NodeJS.ErrnoException).code;
  const cure =
    code === "EADDRINUSE"
      ? "another program has this port: stop it or choose another port"
      : code === "EADDRNOTAVAIL"
        ? "this machine has no such address"
        : code === "EACCES"
          ? "ports below 1024 need more rights"
          : messageOf(error);
  return new TransportError("TRANSPORT_REFUSED", `cannot listen on ${where}: ${cure}`, { cause: error });
}

function isWildcard(address: string | undefined): boolean {
  return address === "0.0.0.0" || address === "::";
}

function isMulticast(address: string): boolean {
  const first = Number(address.split(".")[0]);
  return (isIP(address) === 4 && first >= 224) || address.toLowerCase().startsWith("ff");
}
