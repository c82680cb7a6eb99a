/**
 * Janus as a peer: its SIP plugin, driven over a WebSocket as a browser would. The browser's side is a description without a
 * browser behind it, so that signalling is real and no audio flows.
 */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { until } from "./gateway.ts";
import { PEERS, Peer } from "./peers.ts";

const URL = "ws://127.0.0.1:8188";
const FINGERPRINT = Array.from({ length: 32 }, () => "AA").join(":");
const OFFER = [
  "v=0",
  "o=- 1 1 IN IP4 127.0.0.1",
  "s=-",
  "t=0 0",
  "a=group:BUNDLE 0",
  "a=msid-semantic: WMS",
  "m=audio 9 UDP/TLS/RTP/SAVPF 0",
  "c=IN IP4 0.0.0.0",
  "a=rtcp:9 IN IP4 0.0.0.0",
  "a=ice-ufrag:abcd",
  "a=ice-pwd:abcdefghijklmnopqrstuvwx",
  `a=fingerprint:sha-256 ${FINGERPRINT}`,
  "a=setup:actpass",
  "a=mid:0",
  "a=sendrecv",
  "a=rtcp-mux",
  "a=rtpmap:0 PCMU/8000",
  "",
].join("\r\n");

/** It gathers ICE candidates from interfaces other than loopback, and calls nobody without one: an empty cable will do. */
function haveInterface(): void {
  const isThere = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .some(({ family, internal }) => family === "IPv4" && !internal);
  if (isThere) return;
  const lines = [
    "ip link add tandem-ice type veth peer name tandem-ice-end",
    "ip addr add 192.0.2.1/30 dev tandem-ice",
    "ip link set tandem-ice up && ip link set tandem-ice-end up",
  ];
  const made = spawnSync("sh", ["-c", lines.join(" && ")], { encoding: "utf8" });
  if (made.status !== 0) throw new Error(`Janus needs a network interface besides loopback: ${made.stderr}`);
}

export class Janus {
  readonly peer: Peer;
  /** Names of the SIP plugin's events: registered, calling, accepted, hangup … */
  readonly events: string[] = [];
  /** All that it told, for a message when a test fails. */
  readonly told: string[] = [];
  #socket: WebSocket | undefined;
  #session = 0;
  #handle = 0;
  #last = 0;

  private constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.peer = new Peer("sh", [join(PEERS, "janus", "start-janus.sh"), join(folder, "run")], folder);
  }

  /**
   * Starts it with a session of the SIP plugin.
   * @throws Error where the machine has loopback alone and no other interface can be made
   */
  static async start(folder: string): Promise<Janus> {
    haveInterface();
    const janus = new Janus(folder);
    janus.#socket = await janus.#connect();
    janus.#socket.on("message", (data) => janus.#heard(String(data)));
    janus.#session = await janus.#ask({ janus: "create" });
    janus.#handle = await janus.#ask({ janus: "attach", session_id: janus.#session, plugin: "janus.plugin.sip" });
    return janus;
  }

  /** A request of the SIP plugin; what becomes of it comes as an event. */
  request(body: object): void {
    this.#send({ janus: "message", session_id: this.#session, handle_id: this.#handle, body });
  }

  /** Calls with an offer of RTP/SAVP that carries SDES keys. */
  call(uri: string): void {
    const body = { request: "call", uri, srtp: "sdes_mandatory" };
    const jsep = { type: "offer", sdp: OFFER };
    this.#send({ janus: "message", session_id: this.#session, handle_id: this.#handle, body, jsep });
  }

  async event(name: string): Promise<void> {
    await until(() => {
      if (this.peer.ended) throw new Error(`janus ended: ${this.peer.stdout.slice(-2000)}`);
      return this.events.includes(name);
    }, `${name} of Janus`).catch((error) => {
      throw new Error(`${error.message}; it told ${this.told.join(" ").slice(-2000)}`);
    });
  }

  async stop(): Promise<void> {
    this.#socket?.terminate();
    await this.peer.stop("SIGTERM");
  }

  async #connect(): Promise<WebSocket> {
    for (let attempt = 0; attempt < 200; attempt++) {
      if (this.peer.ended)
        throw new Error(`janus ended: ${this.peer.stdout.slice(-2000)}${this.peer.stderr.slice(-2000)}`);
      const socket = new WebSocket(URL, "janus-protocol");
      try {
        await once(socket, "open");
        socket.on("error", () => undefined);
        return socket;
      } catch {
        await new Promise((done) => setTimeout(done, 100));
      }
    }
    throw new Error("janus did not open its WebSocket");
  }

  #replies = new Map<string, (id: number) => void>();

  #ask(message: object): Promise<number> {
    return new Promise((done) => {
      this.#replies.set(this.#send(message), done);
    });
  }

  #send(message: object): string {
    const transaction = `t${++this.#last}`;
    this.#socket!.send(JSON.stringify({ ...message, transaction }));
    return transaction;
  }

  #heard(text: string): void {
    this.told.push(text);
    const message = JSON.parse(text);
    const event = message.plugindata?.data?.result?.event;
    if (event !== undefined) this.events.push(event);
    if (message.janus === "success") this.#replies.get(message.transaction)?.(message.data.id);
  }
}
