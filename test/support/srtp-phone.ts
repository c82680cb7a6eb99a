/**
 * A telephone that does with its media what real ones cannot be told to: it begins at a sequence number of the test's
 * choice, jumps, moves to another port, another key or another SSRC. SRTP by the reference implementation, SIP by the
 * stack; offers are written by the test.
 */

import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SystemClock } from "../../src/base/clock.ts";
import { nameAddr } from "../../src/sip/name-addr.ts";
import { SipStack } from "../../src/sip/sip-stack.ts";
import { parseUri } from "../../src/sip/uri.ts";
import type { Dialog, InDialogRequest } from "../../src/sip/user-agent.ts";
import { MemoryLog, until } from "./gateway.ts";
import { FIXTURES } from "./peers.ts";
import { rtpPacket } from "./rtp-peer.ts";
import { deriveKeys, protectRtp } from "./srtp-reference.ts";
import { mediaIn, type ToldMedia } from "./wire-audio.ts";

const FRAME_MS = 20;

export interface SrtpPhoneOptions {
  readonly address: string;
  /** Address of the gateway; TLS with SRTP when `secure`, else UDP with plain RTP. */
  readonly gateway: string;
  readonly secure: boolean;
  readonly firstSequence: number;
}

export class SrtpPhone {
  readonly log = new MemoryLog();
  /** Descriptions that were told, ours and theirs, oldest first. */
  readonly told: ToldMedia[] = [];
  ssrc = 0x5107_0000 + Math.floor(Math.random() * 0xffff);
  sequence: number;
  rolloverCounter = 0;
  /** Master key and salt of what we send; `undefined` for plain RTP. */
  keySalt: Buffer | undefined;
  sending = true;
  /** Packets that have left. */
  sent = 0;
  ended = false;
  /** Requests inside the dialog that came, by method. */
  readonly requests: string[] = [];
  readonly #options: SrtpPhoneOptions;
  readonly #stack: SipStack;
  readonly #speech = readFileSync(join(FIXTURES, "caller.ul"));
  #socket: Socket;
  #timestamp = 1000;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  #dialog: Dialog | undefined;
  #version = 0;

  private constructor(options: SrtpPhoneOptions, stack: SipStack, socket: Socket) {
    this.#options = options;
    this.#stack = stack;
    this.#socket = socket;
    this.sequence = options.firstSequence;
    if (options.secure) this.keySalt = randomBytes(30);
  }

  static async start(options: SrtpPhoneOptions): Promise<SrtpPhone> {
    const stack = new SipStack({
      listen: [{ transport: options.secure ? "tcp" : "udp", address: options.address, port: 0 }],
      clock: new SystemClock(),
      log: new MemoryLog(),
      userAgentName: "phone",
    });
    await stack.start();
    return new SrtpPhone(options, stack, await bind(options.address));
  }

  get dialog(): Dialog {
    return this.#dialog!;
  }

  /** Places the call; resolves when it is answered and talking. */
  async call(to: string, from: string): Promise<void> {
    const { gateway, secure } = this.#options;
    const answered = Promise.withResolvers<void>();
    const invite = this.#stack.invite({
      uri: parseUri(to),
      nextHop: parseUri(`sip:${gateway}:${secure ? 5061 : 5060};transport=${secure ? "tls" : "udp"}`),
      from: nameAddr(parseUri(from)),
      to: nameAddr(parseUri(to)),
      body: { contentType: "application/sdp", content: this.#offer("sendrecv", this.#socket, this.keySalt) },
      tlsVerify: false,
    });
    invite.onAccepted = (response, dialog) => {
      this.#dialog = dialog;
      dialog.onEnded = () => this.#end();
      dialog.onRequest = (request) => this.#requested(request);
      this.#hear(response.body);
      answered.resolve();
    };
    invite.onRejected = ({ status, reason }) => answered.reject(new Error(`refused: ${status} ${reason}`));
    invite.onFailed = (error) => answered.reject(error);
    await answered.promise;
    this.#talk();
  }

  /**
   * re-INVITE; what it changes holds from the answer on. Resolves with the gateway's description.
   * @param change - another direction, another port, or another key, whose rollover counter begins at 0 (RFC 3711 §3.3.1)
   */
  async reoffer(change: { direction?: "sendrecv" | "sendonly"; port?: boolean; key?: boolean }): Promise<ToldMedia> {
    const socket = change.port === true ? await bind(this.#options.address) : this.#socket;
    const keySalt = change.key === true ? randomBytes(30) : this.keySalt;
    const content = this.#offer(change.direction ?? "sendrecv", socket, keySalt);
    const response = await this.#dialog!.reoffer("INVITE", { contentType: "application/sdp", content });
    if (response.status !== 200) throw new Error(`re-INVITE: ${response.status} ${response.reason}`);
    const told = this.#hear(response.body);
    if (socket !== this.#socket) this.#socket.close();
    this.#socket = socket;
    if (keySalt !== this.keySalt) this.rolloverCounter = 0;
    this.keySalt = keySalt;
    return told;
  }

  /** A new source under the same key, with a rollover counter of its own (RFC 3711 §3.2.3). */
  renumber(sequence: number): void {
    this.ssrc++;
    this.sequence = sequence;
    this.rolloverCounter = 0;
  }

  /** Resolves when this many packets more have left. */
  async say(packets: number): Promise<void> {
    const goal = this.sent + packets;
    await until(() => this.sent >= goal, `${packets} more packets`);
  }

  /**
   * Leaves out numbers, as a lossy network would, until the counted ones are `steps` further. In strides below 3000, which RFC
   * 3550 A.1 takes for loss, so that whoever relays the stream keeps the gaps.
   */
  async skip(steps: number): Promise<void> {
    for (let left = steps; left > 0; left -= 2900) {
      this.#advance(Math.min(left, 2900) - 1);
      await this.say(1);
    }
  }

  hangup(): void {
    this.#dialog?.bye();
    this.#end();
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#stack.stop();
    this.#socket.close();
  }

  #end(): void {
    this.ended = true;
    clearInterval(this.#timer);
  }

  #requested(request: InDialogRequest): void {
    const { method, body } = request.request;
    this.requests.push(method === "NOTIFY" ? `NOTIFY ${Buffer.from(body).toString().trim()}` : method);
    request.respond(200);
  }

  #offer(direction: string, socket: Socket, keySalt: Buffer | undefined): string {
    const { address, secure } = this.#options;
    const crypto =
      keySalt === undefined ? "" : `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${keySalt.toString("base64")}\r\n`;
    const sdp = `v=0\r\no=- 77 ${++this.#version} IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${socket.address().port} RTP/${secure ? "S" : ""}AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n${crypto}a=${direction}\r\n`;
    this.told.push(...mediaIn(sdp));
    return sdp;
  }

  #hear(body: Uint8Array): ToldMedia {
    const [media] = mediaIn(Buffer.from(body).toString());
    if (media === undefined) throw new Error("an answer without audio");
    this.told.push(media);
    return media;
  }

  #talk(): void {
    const startMs = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      // What was missed is sent late, none is left out.
      for (; due * FRAME_MS <= performance.now() - startMs; due++) if (this.sending) this.#send();
    }, 5);
  }

  #send(): void {
    const theirs = this.told.findLast(({ address }) => address === this.#options.gateway)!;
    const at = (this.#frame++ * 160) % (this.#speech.length - 160);
    const plain = rtpPacket({
      marker: false,
      payloadType: 0,
      sequenceNumber: this.sequence,
      timestamp: this.#timestamp,
      ssrc: this.ssrc,
      payload: this.#speech.subarray(at, at + 160),
    });
    const packet =
      this.keySalt === undefined ? plain : protectRtp(deriveKeys(this.keySalt), plain, this.rolloverCounter, 10);
    this.#socket.send(packet, theirs.port, theirs.address);
    this.#advance(1);
    this.sent++;
  }

  #advance(steps: number): void {
    const next = this.sequence + steps;
    this.rolloverCounter += next >> 16;
    this.sequence = next & 0xffff;
    this.#timestamp += steps * 160;
  }
}

async function bind(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}
