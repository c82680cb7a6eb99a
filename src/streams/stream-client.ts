/**
 * One WebSocket connection to a consumer (RFC 6455; media-streams.md 2.2, 3, 8): connects, upgrades with exactly the
 * headers of 2.2, reads messages, answers pings and notices when the other side is gone. `ws` does the protocol; frames
 * that the engine has already written go straight to the socket. Knows nothing of the messages themselves.
 */

import type { ClientRequest } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type SecureContext,
} from "node:tls";
import WebSocket from "ws";
import type { Clock, Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { FrameSlab } from "./frame-slab.ts";
import { type ConnectPhase, connectFailureCode, errorCodeOf, type StreamAlertCode } from "./stream-errors.ts";
import type { StreamDefaults, StreamDescription } from "./stream-types.ts";

/** Why a connection is over. */
export type ClientEnd =
  | { readonly kind: "connect-failed"; readonly alertCode: StreamAlertCode; readonly detail: string }
  | { readonly kind: "peer-closed"; readonly closeCode: number }
  | { readonly kind: "protocol-fault"; readonly detail: string }
  | { readonly kind: "broken"; readonly detail: string };

/** Told what happens on the connection. */
export interface StreamClientListener {
  onUpgraded(): void;
  onMessage(data: Buffer, isBinary: boolean): void;
  /** Called once, unless {@link StreamClient.drop} came first. After a fault the socket may stay open for 2 s to close. */
  onEnd(end: ClientEnd): void;
  /** The socket is closed. */
  onGone(): void;
}

/** What a client needs to know. */
export interface StreamClientOptions {
  readonly stream: Pick<StreamDescription, "url" | "signature" | "connectAddress" | "localAddress">;
  readonly defaults: StreamDefaults;
  readonly clock: Clock;
}

/** Header order of 2.2, as two captures show it. */
const HEADER_ORDER = [
  "Host",
  "User-Agent",
  "Connection",
  "Upgrade",
  "Sec-WebSocket-Version",
  "Sec-WebSocket-Key",
  "X-Twilio-Signature",
];

/** Wait for the other side's close frame. */
const CLOSE_TIMEOUT_MS = 2000;
/** A ping of ours goes out when nothing else did for this long; no pong for twice as long means a dead connection. */
const PING_IDLE_MS = 30_000;
const PONG_TIMEOUT_MS = 60_000;
/** More pings than this in a second are an attack, not a heartbeat. */
const PINGS_PER_SECOND_MAX = 100;

export class StreamClient {
  readonly #options: StreamClientOptions;
  readonly #listener: StreamClientListener;
  readonly #url: URL;
  readonly #slab: FrameSlab;
  #ws: WebSocket | undefined;
  #socket: Socket | undefined;
  #phase: ConnectPhase = "connecting";
  #timer: Timer | undefined;
  #wasOpen = false;
  #isOver = false;
  #lastSentMs = 0;
  #pingSentMs: number | undefined;
  #pingSecond = 0;
  #pingsThisSecond = 0;

  /** @throws TypeError when the URL cannot be parsed or is neither ws nor wss */
  constructor(options: StreamClientOptions, listener: StreamClientListener, slab: FrameSlab = new FrameSlab()) {
    this.#options = options;
    this.#listener = listener;
    this.#slab = slab;
    this.#url = new URL(options.stream.url);
    if (this.#url.protocol !== "ws:" && this.#url.protocol !== "wss:")
      throw new TypeError(`url: ws or wss, not ${this.#url.protocol}`);
    // The fragment stays here, and userinfo is never sent as credentials (2.1).
    this.#url.hash = "";
    this.#url.username = "";
    this.#url.password = "";
  }

  /** Begins to connect; what comes of it is told to the listener. */
  connect(): void {
    const { stream, defaults } = this.#options;
    this.#arm(defaults.connectTimeoutMs, () => this.#failConnect(31901, "no connection in time"));
    try {
      const ws = new WebSocket(this.#url, {
        perMessageDeflate: false,
        followRedirects: false,
        maxPayload: defaults.maxMessageBytes,
        closeTimeout: CLOSE_TIMEOUT_MS,
        // One message for each turn of the event loop: a consumer that floods us must not hold up the calls' audio.
        allowSynchronousEvents: false,
        headers: { "User-Agent": defaults.userAgent, "X-Twilio-Signature": stream.signature },
        createConnection: () => this.#openSocket(),
        finishRequest: sendInOrder,
      } as WebSocket.ClientOptions);
      this.#ws = ws;
      this.#listen(ws);
    } catch (error) {
      this.#failConnect(31900, messageOf(error));
    }
  }

  /** Octets that were written and that the kernel has not taken yet. */
  get backlogBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  /** True when data can be sent: upgraded, and no side has begun to close. */
  get isOpen(): boolean {
    return this.#ws?.readyState === WebSocket.OPEN && !this.#isOver;
  }

  /** Sends one text message. */
  sendText(text: string): void {
    if (!this.isOpen) return;
    this.#lastSentMs = this.#options.clock.nowMs();
    this.#ws?.send(text);
  }

  /** Writes whole, masked frames that stand in `bytes`; they are copied, since the kernel may take them later. */
  writeFrame(bytes: Uint8Array, offset: number, length: number, nowMs: number): void {
    if (!this.isOpen) return;
    this.#lastSentMs = nowMs;
    this.#socket?.write(this.#slab.copy(bytes, offset, length));
  }

  /** Sends a close frame and waits at most 2 s for the other side's. */
  close(closeCode: number): void {
    this.#ws?.close(closeCode);
    this.awaitClose();
  }

  /** Drops the connection in 2 s unless the other side has closed it by then. */
  awaitClose(): void {
    this.#arm(CLOSE_TIMEOUT_MS, () => this.drop());
  }

  /** Ends the connection at once; nothing more is told but `onGone`. */
  drop(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    this.#ws?.terminate();
    this.#socket?.destroy();
  }

  #openSocket(): Socket {
    const { stream, defaults } = this.#options;
    const isSecure = this.#url.protocol === "wss:";
    const hostname = this.#url.hostname.replace(/^\[|\]$/g, "");
    const target = {
      host: stream.connectAddress === "" ? hostname : stream.connectAddress,
      port: Number(this.#url.port) || (isSecure ? 443 : 80),
      ...(stream.localAddress === "" ? {} : { localAddress: stream.localAddress }),
    };
    const socket = isSecure
      ? connectTls({
          ...target,
          // The name that the URL says, whatever address it was resolved to.
          servername: isIP(hostname) === 0 ? hostname : "",
          checkServerIdentity: (_host, certificate) => checkServerIdentity(hostname, certificate),
          secureContext: secureContextOf(defaults),
          rejectUnauthorized: defaults.tlsVerify,
        })
      : connectTcp(target);
    this.#socket = socket;
    socket.setNoDelay(true);
    const connected = () => {
      this.#phase = "upgrading";
      this.#arm(defaults.upgradeTimeoutMs, () => this.#failConnect(31901, "no answer to the upgrade in time"));
    };
    if (isSecure) {
      socket.once("connect", () => {
        this.#phase = "securing";
      });
      socket.once("secureConnect", connected);
    } else {
      socket.once("connect", connected);
    }
    return socket;
  }

  #listen(ws: WebSocket): void {
    ws.on("open", () => {
      this.#wasOpen = true;
      this.#arm(PING_IDLE_MS, () => this.#keepAlive());
      this.#lastSentMs = this.#options.clock.nowMs();
      this.#listener.onUpgraded();
    });
    ws.on("unexpected-response", (request: ClientRequest, response) => {
      this.#failConnect(31920, `HTTP ${response.statusCode}`);
      request.destroy();
    });
    ws.on("message", (data: Buffer, isBinary) => {
      if (!this.#isOver) this.#listener.onMessage(data, isBinary);
    });
    ws.on("ping", () => this.#onPing());
    ws.on("pong", () => {
      this.#pingSentMs = undefined;
    });
    ws.on("error", (error) => this.#onError(error));
    ws.on("close", (closeCode) => {
      if (closeCode === 1006) this.#end({ kind: "broken", detail: "connection lost" });
      else this.#end({ kind: "peer-closed", closeCode });
      this.#timer?.cancel();
      this.#listener.onGone();
    });
  }

  #onError(error: Error): void {
    if (this.#isOver) return;
    const code = errorCodeOf(error);
    if (!this.#wasOpen) this.#failConnect(connectFailureCode(code, this.#phase), code ?? messageOf(error));
    else if (code?.startsWith("WS_ERR_") === true) this.#end({ kind: "protocol-fault", detail: messageOf(error) });
    else this.#end({ kind: "broken", detail: code ?? messageOf(error) });
  }

  #onPing(): void {
    const second = Math.floor(this.#options.clock.nowMs() / 1000);
    if (second !== this.#pingSecond) {
      this.#pingSecond = second;
      this.#pingsThisSecond = 0;
    }
    this.#pingsThisSecond++;
    if (this.#pingsThisSecond <= PINGS_PER_SECOND_MAX || this.#isOver) return;
    this.#ws?.close(1008);
    this.#end({ kind: "protocol-fault", detail: "too many pings" });
  }

  #keepAlive(): void {
    const nowMs = this.#options.clock.nowMs();
    if (this.#pingSentMs !== undefined && nowMs - this.#pingSentMs >= PONG_TIMEOUT_MS) {
      this.#end({ kind: "broken", detail: "no pong" });
      this.drop();
      return;
    }
    const idleMs = nowMs - this.#lastSentMs;
    if (idleMs >= PING_IDLE_MS) {
      this.#lastSentMs = nowMs;
      this.#pingSentMs ??= nowMs;
      if (this.isOpen) this.#ws?.ping();
      this.#arm(PING_IDLE_MS, () => this.#keepAlive());
    } else {
      this.#arm(PING_IDLE_MS - idleMs, () => this.#keepAlive());
    }
  }

  #failConnect(alertCode: StreamAlertCode, detail: string): void {
    this.#end({ kind: "connect-failed", alertCode, detail });
    this.drop();
  }

  #end(end: ClientEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd(end);
  }

  #arm(delayMs: number, callback: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, callback);
  }
}

const secureContexts = new WeakMap<StreamDefaults, SecureContext>();

/** Made once: reading all root certificates takes longer than a frame lasts. */
function secureContextOf(defaults: StreamDefaults): SecureContext {
  const known = secureContexts.get(defaults);
  if (known !== undefined) return known;
  const context = createSecureContext({
    minVersion: "TLSv1.2",
    ...(defaults.caPem === "" ? {} : { ca: [...rootCertificates, defaults.caPem] }),
  });
  secureContexts.set(defaults, context);
  return context;
}

/** Sends the upgrade request with the headers of 2.2 in their order and no other. */
function sendInOrder(request: ClientRequest): void {
  const values = HEADER_ORDER.map((name) => [name, request.getHeader(name)] as const);
  for (const name of request.getHeaderNames()) request.removeHeader(name);
  for (const [name, value] of values) if (value !== undefined) request.setHeader(name, value);
  request.end();
}
