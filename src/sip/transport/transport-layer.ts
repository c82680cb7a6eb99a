/**
 * All transports of one stack (RFC 3261 §18): listening sockets, connections, and the way of every message. Above it there
 * are messages and flows; below it there are sockets.
 */

import { isIP, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { messageOf, SipParseError, TransportError } from "../../base/errors.ts";
import { markConnection } from "../../base/service-mark.ts";
import type { Flow, SipMessage, SipRequest, Via } from "../message.ts";
import { UnacceptableRequestError } from "../parse-failure.ts";
import { parseMessage } from "../parser.ts";
import type { SendObserver } from "../send-observer.ts";
import { serializeMessage } from "../serialize.ts";
import { Connection, type ConnectionHandler, type KeepAlive } from "./connection.ts";
import { Connector } from "./connector.ts";
import { isWildcard, localAddressFor, plainAddress } from "./local-address.ts";
import { AcceptedCounter, StreamListener } from "./stream-listener.ts";
import { answerBinding, isStun } from "./stun.ts";
import { defaultPort, type ListenAddress, type ListenOptions, type Target } from "./target.ts";
import { type PreparedTls, peerNames, prepareTls, type TlsOptions } from "./tls-options.ts";
import { UdpSocket } from "./udp.ts";
import { datagramReturn, stampVia } from "./via-rules.ts";

export interface TransportHandler {
  /** `octets` are the message as it came, to be read before this returns. */
  onMessage(message: SipMessage, flow: Flow, octets: Uint8Array): void;
  /** A message that could not be read; `UnacceptableRequestError` can be answered. */
  onParseError(error: SipParseError, flow: Flow): void;
  /** A connection is gone; transactions on it that still wait learn of it. */
  onFlowLost(flow: Flow, reason: string): void;
  /** Nobody listens at this UDP destination of ours (SIP-TP-14). */
  onRefused(address: string, port: number): void;
  /** No stranger: may have one of the connections that are reserved (hardening R16). */
  isKnownPeer(address: string): boolean;
  /** A TLS connection was opened without a check of its certificate (R-SEC-14). */
  onUnverified(target: Target, fault: string | undefined): void;
  /** Somebody could not set up TLS with us; `code` is that of OpenSSL. */
  onHandshakeFailed(code: string, remote: string): void;
  /** True while a transaction waits for an answer on this flow. */
  isAwaited(flow: Flow): boolean;
  /** Something above threw while it handled a message: a defect, and no reason to end other calls (hardening R1). */
  onFault(error: unknown, flow: Flow): void;
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
  /** Of these for peers that `isKnownPeer` vouches for; default a tenth. */
  readonly connectionsReserved?: number;
  /** Larger requests go over TCP where that is possible (RFC 3261 §18.1.1); default 1300. */
  readonly udpRequestBytesMax?: number;
  /** Mark of what is sent (SIP-TP-16), 0 to 63; default 0. */
  readonly dscp?: number;
  /** Learn by ICMP that nobody listens at a UDP destination (SIP-TP-14); Linux only, and not on port 0. Default false. */
  readonly watchDestinations?: boolean;
  /** Uniform in [0, 1): spreads pings. */
  readonly random: () => number;
  /** Pings on connections that we opened, each at 80 to 100 % of the interval; default none. */
  readonly keepAlive?: KeepAlive;
}

/**
 * Who said what, for traces: called with every message that crosses, and with requests that are answered although they
 * could not be read in full. `octets` is the message as it stands on the wire; they are the observer's only while it runs.
 */
export type MessageObserver = (direction: "in" | "out", message: SipMessage, flow: Flow, octets: Uint8Array) => void;

type LocalEnd = Pick<Flow, "transport" | "localAddress" | "localPort" | "remoteAddress">;

/** Datagrams up to this length are keep-alives of NAT bindings: line ends or NULs only. */
const KEEP_ALIVE_BYTES_MAX = 4;
/** How long it is believed which address of ours a peer sees. */
const LOCAL_ADDRESS_MS = 60_000;
const LOCAL_ADDRESSES_MAX = 10_000;

export class TransportLayer {
  readonly #options: TransportOptions;
  readonly #handler: TransportHandler;
  readonly #udp: UdpSocket[] = [];
  readonly #listeners: StreamListener[] = [];
  readonly #connections = new Map<number, Connection>();
  readonly #connector: Connector;
  readonly #accepted: AcceptedCounter;
  readonly #tls: { readonly options: TlsOptions; readonly prepared: PreparedTls } | undefined;
  readonly #connectionHandler: ConnectionHandler;
  /** By remote address, for sockets that are bound to all addresses. */
  readonly #localAddresses = new Map<string, string | undefined>();
  #localAddressesUntilMs = 0;
  onObserved: MessageObserver | undefined;

  constructor(options: TransportOptions, handler: TransportHandler) {
    this.#options = options;
    this.#handler = handler;
    this.#tls = options.tls === undefined ? undefined : { options: options.tls, prepared: prepareTls(options.tls) };
    const max = options.connectionsMax ?? 20_000;
    this.#accepted = new AcceptedCounter({
      perSourceMax: options.connectionsPerSourceMax ?? 1000,
      max,
      reserved: options.connectionsReserved ?? Math.floor(max / 10),
      isKnown: (address) => handler.isKnownPeer(address),
    });
    this.#connector = new Connector({
      clock: options.clock,
      timeoutMs: options.connectTimeoutMs ?? 2000,
      tls: this.#tls,
      onUnverified: (target, fault) => handler.onUnverified(target, fault),
      adopt: (socket, transport) => this.#adopt(socket, transport, false),
    });
    this.#connectionHandler = {
      onMessage: (message, connection, octets) => this.#received(message, connection.flow, octets),
      onParseError: (error, connection, octets) => this.#unreadable(error, connection.flow, octets),
      isAwaited: (connection) => handler.isAwaited(connection.flow),
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
    return [...this.#udp, ...this.#listeners].map(({ bound }) => bound);
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  /** We show a certificate and take requests on connections that we opened (RFC 5923). */
  get offersAlias(): boolean {
    const wanted = this.#tls?.options.clientCertificates ?? "off";
    return wanted !== "off";
  }

  get udpRequestBytesMax(): number {
    return this.#options.udpRequestBytesMax ?? 1300;
  }

  async stop(): Promise<void> {
    for (const connection of [...this.#connections.values()]) connection.destroy();
    await Promise.all([...this.#udp.splice(0), ...this.#listeners.splice(0)].map((one) => one.close()));
  }

  /** A flow to send requests on. @throws TransportError when no connection can be had */
  async flowTo(target: Target): Promise<Flow> {
    if (target.transport !== "udp")
      return (await this.#connector.connect({ ...target, localAddress: this.#connectFrom(target) })).flow;
    const socket = this.#udpFor(target);
    if (socket === undefined) throw new TransportError("TRANSPORT_LOST", "no UDP socket to send from");
    await socket.watch(target.address, target.port);
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

  /** True while the connection behind a flow is there; UDP always is. */
  isOpen(flow: Flow): boolean {
    return flow.connectionId === undefined || this.#connections.get(flow.connectionId)?.closed === false;
  }

  /**
   * Sends and says what went out.
   * @param observer - told when the network refuses at once
   * @param octets - of the message, when it has been written already
   */
  send(message: SipMessage, flow: Flow, observer?: SendObserver, octets?: Uint8Array): Uint8Array {
    const bytes = octets ?? serializeMessage(message);
    this.onObserved?.("out", message, flow, bytes);
    this.#write(bytes, flow, observer);
    return bytes;
  }

  /** Octets that were sent before, once more. @param octets - one character for each */
  repeat(octets: string, flow: Flow, observer?: SendObserver): void {
    const bytes = Buffer.from(octets, "latin1");
    if (this.onObserved !== undefined) {
      const message = readBack(bytes);
      if (message !== undefined) this.onObserved("out", message, flow, bytes);
    }
    this.#write(bytes, flow, observer);
  }

  /**
   * Sends a response by the rules of RFC 3261 §18.2.2 and RFC 3581 §4.
   * @returns what went where, for a repeat; undefined when it went nowhere, or will on a connection that is being made
   */
  sendResponse(
    message: SipMessage,
    flow: Flow,
    observer?: SendObserver,
  ): { bytes: Uint8Array; flow: Flow } | undefined {
    const via = message.vias[0];
    if (via === undefined) return undefined;
    if (flow.connectionId !== undefined) {
      if (this.isOpen(flow)) return { bytes: this.send(message, flow, observer), flow };
      void this.#sendOnNewConnection(message, via, flow, observer);
      return undefined;
    }
    const back = datagramReturn(via);
    if (back === undefined) return undefined;
    const isSource = back.address === flow.remoteAddress && back.port === flow.remotePort;
    const to = isSource ? flow : { ...flow, remoteAddress: back.address, remotePort: back.port };
    return { bytes: this.send(message, to, observer), flow: to };
  }

  #write(bytes: Uint8Array, flow: Flow, observer: SendObserver | undefined): void {
    if (flow.connectionId !== undefined) {
      if (this.#connections.get(flow.connectionId)?.send(bytes) !== true) lost(observer, flow, "connection is gone");
      return;
    }
    const socket =
      this.#udp.find((one) => one.bound.port === flow.localPort && one.bound.address === flow.localAddress) ??
      this.#udp[0];
    if (socket === undefined) lost(observer, flow, "no UDP socket");
    else if (observer === undefined) socket.send(bytes, flow.remoteAddress, flow.remotePort);
    else socket.send(bytes, flow.remoteAddress, flow.remotePort, (error) => lost(observer, flow, error.message));
  }

  /** Host and port that we say in Via and Contact for messages on this flow. */
  announced(flow: LocalEnd): { host: string; port: number } {
    const listen = this.#listenerOf(flow);
    const host = isWildcard(flow.localAddress)
      ? (this.#localAddressFor(flow.remoteAddress) ?? flow.localAddress)
      : flow.localAddress;
    return {
      host:
        listen?.options.announceAddress ?? (isWildcard(listen?.bound.address) ? host : (listen?.bound.address ?? host)),
      port:
        listen?.options.transport === flow.transport
          ? (listen.options.announcePort ?? listen.bound.port)
          : defaultPort(flow.transport),
    };
  }

  /** Peers that know us by our address shall see the same one whichever transport we use: that of a listener. */
  #connectFrom(target: Target): string {
    if (target.localAddress !== "") return target.localAddress;
    const fits = ({ bound }: { bound: ListenAddress }) =>
      isIP(bound.address) === isIP(target.address) && !isWildcard(bound.address);
    const all = [...this.#listeners, ...this.#udp].filter(fits).map(({ bound }) => bound);
    return (all.find(({ transport }) => transport === target.transport) ?? all[0])?.address ?? "";
  }

  /** Interfaces are looked at once a minute for each peer. */
  #localAddressFor(remoteAddress: string): string | undefined {
    const nowMs = this.#options.clock.nowMs();
    if (nowMs >= this.#localAddressesUntilMs || this.#localAddresses.size >= LOCAL_ADDRESSES_MAX) {
      this.#localAddresses.clear();
      this.#localAddressesUntilMs = nowMs + LOCAL_ADDRESS_MS;
    }
    if (!this.#localAddresses.has(remoteAddress))
      this.#localAddresses.set(remoteAddress, localAddressFor(remoteAddress));
    return this.#localAddresses.get(remoteAddress);
  }

  /** What listens behind a flow: the same socket for UDP, one of the same transport (and address) for connections. */
  #listenerOf(flow: LocalEnd): { options: ListenOptions; bound: ListenAddress } | undefined {
    const every = [...this.#udp, ...this.#listeners];
    const all = every.filter(({ options }) => options.transport === flow.transport);
    return (
      all.find(({ bound }) => bound.address === flow.localAddress && bound.port === flow.localPort) ??
      all.find(({ bound }) => bound.address === flow.localAddress) ??
      // An address that does not listen on this transport is still no other one.
      every.find(({ bound }) => bound.address === flow.localAddress) ??
      all.find(({ bound }) => bound.address.includes(":") === flow.remoteAddress.includes(":")) ??
      all[0]
    );
  }

  async #listen(options: ListenOptions): Promise<void> {
    try {
      if (options.transport === "udp")
        this.#udp.push(
          await UdpSocket.bind(options, {
            dscp: this.#options.dscp ?? 0,
            clock: this.#options.clock,
            onDatagram: (bytes, address, port, socket) => this.#datagram(bytes, address, port, socket),
            onRefused:
              this.#options.watchDestinations === true
                ? (address, port) => this.#handler.onRefused(address, port)
                : undefined,
          }),
        );
      else
        this.#listeners.push(
          await StreamListener.listen({
            listen: options,
            counter: this.#accepted,
            tls: this.#tls,
            onConnection: (socket) => this.#adopt(socket, options.transport as "tcp" | "tls", true),
            onHandshakeFailed: (code, remote) => this.#handler.onHandshakeFailed(code, remote),
          }),
        );
    } catch (error) {
      throw listenError(error, options);
    }
  }

  #adopt(socket: Socket, transport: "tcp" | "tls", accepted: boolean): Connection {
    const { clock } = this.#options;
    const keepAlive = accepted ? undefined : this.#keepAlive();
    const names = socket instanceof TLSSocket && socket.authorized ? peerNames(socket.getPeerCertificate()) : [];
    markConnection(socket, this.#options.dscp ?? 0);
    const made = new Connection(socket, transport, accepted, this.#connectionHandler, clock, keepAlive, names);
    this.#connections.set(made.flow.connectionId!, made);
    return made;
  }

  /** Connections that began together do not ping together (RFC 5626 §4.4.1). */
  #keepAlive(): KeepAlive | undefined {
    const { keepAlive, random } = this.#options;
    return keepAlive && { ...keepAlive, intervalMs: keepAlive.intervalMs * (0.8 + 0.2 * random()) };
  }

  /** The request's connection is gone: one is opened to received and the sent-by port (SIP-TP-6). */
  async #sendOnNewConnection(
    message: SipMessage,
    via: Via,
    flow: Flow,
    observer: SendObserver | undefined,
  ): Promise<void> {
    try {
      const target: Target = {
        transport: flow.transport,
        address: via.params.get("received") || via.host,
        port: via.port ?? defaultPort(flow.transport),
        tlsName: via.host,
        tlsVerify: true,
        localAddress: flow.localAddress,
      };
      this.send(message, await this.flowTo(target), observer);
    } catch (error) {
      // The far end is gone for good.
      observer?.sendFailed(
        error instanceof TransportError ? error : new TransportError("TRANSPORT_LOST", messageOf(error)),
      );
    }
  }

  #udpFor(target: Target): UdpSocket | undefined {
    const isIpv6 = target.address.includes(":");
    const sameFamily = this.#udp.filter((socket) => socket.bound.address.includes(":") === isIpv6);
    const { localAddress } = target;
    if (localAddress === "" || isWildcard(localAddress)) return sameFamily[0] ?? this.#udp[0];
    // Who asks for an address gets no other one: it may belong to another edge.
    return (
      sameFamily.find((socket) => socket.bound.address === localAddress) ??
      sameFamily.find((socket) => isWildcard(socket.bound.address))
    );
  }

  #datagram(bytes: Uint8Array, address: string, port: number, socket: UdpSocket): void {
    if (bytes.length <= KEEP_ALIVE_BYTES_MAX) return;
    if (isStun(bytes)) {
      const answer = answerBinding(bytes, plainAddress(address), port);
      if (answer !== undefined) socket.send(answer, address, port);
      return;
    }
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
      if (error instanceof SipParseError) this.#unreadable(error, flow, bytes);
      else this.#handler.onFault(error, flow);
      return;
    }
    this.#received(message, flow, bytes);
  }

  #received(message: SipMessage, flow: Flow, octets: Uint8Array): void {
    try {
      if (message.kind === "request") {
        stampVia(message, flow);
        if (flow.tlsNames !== undefined) this.#alias(message, flow);
      }
      this.onObserved?.("in", message, flow, octets);
      this.#handler.onMessage(message, flow, octets);
    } catch (error) {
      this.#handler.onFault(error, flow);
    }
  }

  /** RFC 5923 §5: our requests to this name may use the connection, since its certificate is verified for it (SIP-TP-8). */
  #alias({ vias: [via] }: SipRequest, flow: Flow): void {
    if (via === undefined || !via.params.has("alias") || !flow.tlsNames?.includes(via.host.toLowerCase())) return;
    const connection = this.#connections.get(flow.connectionId!);
    if (connection !== undefined)
      this.#connector.alias(flow.remoteAddress, via.port ?? defaultPort("tls"), via.host, connection);
  }

  #unreadable(error: SipParseError, flow: Flow, octets: Uint8Array): void {
    try {
      if (error instanceof UnacceptableRequestError) this.onObserved?.("in", error.request, flow, octets);
      this.#handler.onParseError(error, flow);
    } catch (fault) {
      this.#handler.onFault(fault, flow);
    }
  }
}

function lost(observer: SendObserver | undefined, flow: Flow, reason: string): void {
  const where = `${flow.transport} ${flow.remoteAddress}:${flow.remotePort}`;
  observer?.sendFailed(new TransportError("TRANSPORT_LOST", `${where}: ${reason}`));
}

/** An answer of ours; undefined for one to a request that lacked what every message needs. */
function readBack(bytes: Uint8Array): SipMessage | undefined {
  try {
    return parseMessage(bytes);
  } catch {
    return undefined;
  }
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
