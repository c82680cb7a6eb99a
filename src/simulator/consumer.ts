/**
 * A WebSocket consumer of Media Streams for demos and tests: accepts streams, checks that their numbering has no gap, and
 * echoes, collects or ignores the audio. It behaves as the published sample consumers do and trusts nothing it is sent.
 */

import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import type { Clock } from "../base/clock.ts";

/** What one stream has been seen to do. */
export interface ConsumerStream {
  readonly streamSid: string;
  readonly callSid: string;
  readonly customParameters: ReadonlyMap<string, string>;
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
  /** Media messages received and sent back. */
  readonly framesIn: number;
  readonly framesOut: number;
  /** Steps of sequenceNumber, chunk (per track) or timestamp (per track) that were not as they should be. */
  readonly numberingFaults: number;
  readonly firstFault: string;
  readonly stopped: boolean;
  readonly closeCode: number;
  /** mu-law of the inbound track when collecting. */
  readonly audio: readonly Buffer[];
  readonly marks: readonly string[];
  readonly digits: readonly string[];
}

export interface ConsumerOptions {
  readonly clock: Clock;
  readonly address?: string;
  readonly port?: number;
  /** "echo" sends each payload back, "collect" keeps it, "both" does both, "ignore" neither. Default "echo". */
  readonly mode?: "echo" | "collect" | "both" | "ignore";
  /** Called for every message after it was looked at, for tests that script a consumer. */
  readonly onMessage?: (
    message: Record<string, unknown>,
    socket: WebSocket,
    stream: ConsumerStream | undefined,
  ) => void;
}

/** Mutable inside this file. */
type StreamState = { -readonly [K in keyof ConsumerStream]: ConsumerStream[K] } & {
  audio: Buffer[];
  marks: string[];
  digits: string[];
  lastSequence: number;
  readonly tracks: Map<string, { chunk: number; timestamp: number }>;
};

const AUDIO_BYTES_MAX = 64 * 1024 * 1024;

export class Consumer {
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  readonly #mode: NonNullable<ConsumerOptions["mode"]>;
  readonly #options: ConsumerOptions;
  readonly #streams: StreamState[] = [];
  #audioBytes = 0;

  private constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#mode = options.mode ?? "echo";
    this.#server = createServer((_request, response) => response.writeHead(426).end("This is a WebSocket server.\n"));
    this.#sockets = new WebSocketServer({ server: this.#server, perMessageDeflate: false, maxPayload: 1024 * 1024 });
    this.#sockets.on("connection", (socket, request) => this.#connected(socket, request));
  }

  static async start(options: ConsumerOptions): Promise<Consumer> {
    const consumer = new Consumer(options);
    await new Promise<void>((done, fail) => {
      consumer.#server.once("error", fail);
      consumer.#server.listen(options.port ?? 0, options.address ?? "127.0.0.1", done);
    });
    return consumer;
  }

  /** ws:// URL of this consumer. */
  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `ws://${address}:${port}/media`;
  }

  get streams(): readonly ConsumerStream[] {
    return this.#streams;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    await new Promise<void>((done) => this.#sockets.close(() => done()));
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #connected(socket: WebSocket, request: IncomingMessage): void {
    let stream: StreamState | undefined;
    socket.on("error", () => socket.terminate());
    socket.on("close", (code) => {
      if (stream !== undefined) stream.closeCode = code;
    });
    socket.on("message", (data, isBinary) => {
      const message = isBinary ? undefined : parseObject(data.toString());
      if (message === undefined) return;
      if (message["event"] === "start" && stream === undefined) {
        stream = newStream(message, request);
        if (stream !== undefined) this.#streams.push(stream);
      }
      if (stream !== undefined) this.#received(stream, message, socket);
      this.#options.onMessage?.(message, socket, stream);
    });
  }

  #received(stream: StreamState, message: Record<string, unknown>, socket: WebSocket): void {
    checkSequence(stream, message);
    switch (message["event"]) {
      case "media":
        this.#media(stream, message, socket);
        break;
      case "mark":
        stream.marks.push(String(objectOf(message["mark"])?.["name"]));
        break;
      case "dtmf":
        stream.digits.push(String(objectOf(message["dtmf"])?.["digit"]));
        break;
      case "stop":
        stream.stopped = true;
        socket.close(1000);
        break;
    }
  }

  #media(stream: StreamState, message: Record<string, unknown>, socket: WebSocket): void {
    const media = objectOf(message["media"]);
    const payload = media?.["payload"];
    if (media === undefined || typeof payload !== "string") return;
    stream.framesIn++;
    checkMedia(stream, media);
    if (media["track"] !== "inbound") return;
    if (this.#mode === "echo" || this.#mode === "both") {
      socket.send(JSON.stringify({ event: "media", streamSid: stream.streamSid, media: { payload } }));
      stream.framesOut++;
    }
    if ((this.#mode === "collect" || this.#mode === "both") && this.#audioBytes < AUDIO_BYTES_MAX) {
      const audio = Buffer.from(payload, "base64");
      this.#audioBytes += audio.length;
      stream.audio.push(audio);
    }
  }
}

function newStream(message: Record<string, unknown>, request: IncomingMessage): StreamState | undefined {
  const start = objectOf(message["start"]);
  if (start === undefined) return undefined;
  return {
    streamSid: String(start["streamSid"]),
    callSid: String(start["callSid"]),
    customParameters: new Map(
      Object.entries(objectOf(start["customParameters"]) ?? {}).map(([k, v]) => [k, String(v)]),
    ),
    headers: request.headers,
    url: request.url ?? "",
    framesIn: 0,
    framesOut: 0,
    numberingFaults: 0,
    firstFault: "",
    stopped: false,
    closeCode: 0,
    audio: [],
    marks: [],
    digits: [],
    lastSequence: 0,
    tracks: new Map(),
  };
}

/** media-streams.md 5.2: one counter over all messages but `connected`. */
function checkSequence(stream: StreamState, message: Record<string, unknown>): void {
  const sequence = Number(message["sequenceNumber"]);
  if (sequence !== stream.lastSequence + 1) fault(stream, `sequenceNumber ${sequence} after ${stream.lastSequence}`);
  stream.lastSequence = sequence;
}

/** media-streams.md 5.3 and 5.4: chunk counts by one, timestamp by 20 ms, per track. */
function checkMedia(stream: StreamState, media: Record<string, unknown>): void {
  const track = String(media["track"]);
  const chunk = Number(media["chunk"]);
  const timestamp = Number(media["timestamp"]);
  const last = stream.tracks.get(track);
  if (chunk !== (last?.chunk ?? 0) + 1) fault(stream, `chunk ${chunk} after ${last?.chunk ?? 0} of ${track}`);
  if (last !== undefined && timestamp !== last.timestamp + 20)
    fault(stream, `timestamp ${timestamp} after ${last.timestamp} of ${track}`);
  stream.tracks.set(track, { chunk, timestamp });
}

function fault(stream: StreamState, text: string): void {
  stream.numberingFaults++;
  if (stream.firstFault === "") stream.firstFault = text;
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined;
}
