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
import type { DemoCertificates } from "../../src/cli/demo/certificates.ts";
import type { SipBody } from "../../src/sip/message.ts";
import { nameAddr } from "../../src/sip/name-addr.ts";
import { SipStack } from "../../src/sip/sip-stack.ts";
import { parseUri } from "../../src/sip/uri.ts";
import type { Dialog, IncomingInvite, InDialogRequest } from "../../src/sip/user-agent.ts";
import { MemoryLog, until } from "./gateway.ts";
import { FIXTURES } from "./peers.ts";
import { rtpPacket } from "./rtp-peer.ts";
import type { MediaProxy } from "./rtpengine.ts";
import { deriveKeys, protectRtp } from "./srtp-reference.ts";
import { mediaIn, type ToldMedia } from "./wire-audio.ts";

const FRAME_MS = 20;
const SDP = "application/sdp";

export interface ScriptedPhoneOptions {
  readonly address: string;
  /** Address of the gateway; it is called over TLS. */
  readonly gateway: string;
  /** SRTP of its own, or plain RTP. */
  readonly srtp: boolean;
  readonly firstSequence: number;
  /** What it says, without end; a fixture of mu-law. */
  readonly speech?: string;
  /** Takes calls over TLS on this port. */
  readonly listen?: { readonly port: number; readonly certificates: DemoCertificates };
  /** Stands between its SDP and the gateway's. */
  readonly proxy?: MediaProxy;
}

export class ScriptedPhone {
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
  /** Payloads of plain RTP that came, in the order of arrival. */
  readonly heard: Buffer[] = [];
  /** Another one for the next offer is another session of the proxy. */
  proxy: MediaProxy | undefined;
  /** Requests inside the dialog that came, by method. */
  readonly requests: string[] = [];
  readonly #options: ScriptedPhoneOptions;
  readonly #stack: SipStack;
  readonly #speech: Buffer;
  #socket: Socket;
  #timestamp = 1000;
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  #dialog: Dialog | undefined;
  #version = 0;
  /** Where our RTP goes. */
  #remote: ToldMedia | undefined;

  private constructor(options: ScriptedPhoneOptions, stack: SipStack, socket: Socket) {
    this.#options = options;
    this.#stack = stack;
    this.#socket = socket;
    this.sequence = options.firstSequence;
    this.#speech = readFileSync(join(FIXTURES, options.speech ?? "caller.ul"));
    this.proxy = options.proxy;
    if (options.srtp) this.keySalt = randomBytes(30);
    this.#listen(socket);
    stack.onInvite = (invite) => void this.#take(invite);
  }

  static async start(options: ScriptedPhoneOptions): Promise<ScriptedPhone> {
    const stack = new SipStack({
      listen: [
        options.listen === undefined
          ? { transport: "tcp", address: options.address, port: 0 }
          : { transport: "tls", address: options.address, port: options.listen.port },
      ],
      ...(options.listen === undefined ? {} : { tls: options.listen.certificates }),
      clock: new SystemClock(),
      log: new MemoryLog(),
      userAgentName: "phone",
    });
    await stack.start();
    return new ScriptedPhone(options, stack, await bind(options.address));
  }

  get dialog(): Dialog {
    return this.#dialog!;
  }

  /** Places the call; resolves when it is answered and talking. */
  async call(to: string, from: string): Promise<void> {
    const { gateway } = this.#options;
    const answered = Promise.withResolvers<void>();
    const invite = this.#stack.invite({
      uri: parseUri(to),
      nextHop: parseUri(`sip:${gateway}:5061;transport=tls`),
      from: nameAddr(parseUri(from)),
      to: nameAddr(parseUri(to)),
      body: await this.#offer("sendrecv", this.#socket, this.keySalt),
      tlsVerify: false,
    });
    invite.onAccepted = (response, dialog) => {
      this.#inDialog(dialog);
      this.#heard(response.body).then(() => answered.resolve(), answered.reject);
    };
    invite.onRejected = ({ status, reason }) => answered.reject(new Error(`refused: ${status} ${reason}`));
    invite.onFailed = (error) => answered.reject(error);
    await answered.promise;
    this.#talk();
  }

  /** Resolves once it has taken a call. */
  async taken(): Promise<void> {
    await until(() => this.#timer !== undefined, "a call at the scripted phone");
  }

  /**
   * re-INVITE; what it changes holds from the answer on. Resolves with the gateway's description.
   * @param change - another direction, another port, or another key, whose rollover counter begins at 0 (RFC 3711 §3.3.1)
   */
  async reoffer(change: { direction?: "sendrecv" | "sendonly"; port?: boolean; key?: boolean }): Promise<ToldMedia> {
    const socket = change.port === true ? await bind(this.#options.address) : this.#socket;
    const keySalt = change.key === true ? randomBytes(30) : this.keySalt;
    const response = await this.#dialog!.reoffer(
      "INVITE",
      await this.#offer(change.direction ?? "sendrecv", socket, keySalt),
    );
    if (response.status !== 200) throw new Error(`re-INVITE: ${response.status} ${response.reason}`);
    const told = await this.#heard(response.body);
    if (socket !== this.#socket) {
      this.#socket.close();
      this.#listen(socket);
    }
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

  async #take(invite: IncomingInvite): Promise<void> {
    const offer = Buffer.from(invite.request.body).toString();
    this.told.push(...mediaIn(offer));
    this.#remember(await (this.proxy?.offer(offer) ?? offer));
    const sdp = this.#describe("sendrecv", this.#socket, this.keySalt);
    const answer = await (this.proxy?.answer(sdp) ?? sdp);
    this.told.push(...mediaIn(answer));
    this.#inDialog(invite.accept({ body: { contentType: SDP, content: answer } }));
    this.#talk();
  }

  #inDialog(dialog: Dialog): void {
    this.#dialog = dialog;
    dialog.onEnded = () => this.#end();
    dialog.onRequest = (request) => this.#requested(request);
  }

  #requested(request: InDialogRequest): void {
    const { method, body } = request.request;
    this.requests.push(method === "NOTIFY" ? `NOTIFY ${Buffer.from(body).toString().trim()}` : method);
    request.respond(200);
  }

  async #offer(direction: string, socket: Socket, keySalt: Buffer | undefined): Promise<SipBody> {
    const sdp = this.#describe(direction, socket, keySalt);
    const content = await (this.proxy?.offer(sdp) ?? sdp);
    this.told.push(...mediaIn(content));
    return { contentType: SDP, content };
  }

  #describe(direction: string, socket: Socket, keySalt: Buffer | undefined): string {
    const { address } = this.#options;
    const crypto =
      keySalt === undefined ? "" : `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${keySalt.toString("base64")}\r\n`;
    const profile = keySalt === undefined ? "RTP/AVP" : "RTP/SAVP";
    return `v=0\r\no=- 77 ${++this.#version} IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${socket.address().port} ${profile} 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n${crypto}a=${direction}\r\n`;
  }

  /** An answer of the gateway, past the proxy. Resolves with what the gateway said. */
  async #heard(body: Uint8Array): Promise<ToldMedia> {
    const answer = Buffer.from(body).toString();
    const [media] = mediaIn(answer);
    if (media === undefined) throw new Error("an answer without audio");
    this.told.push(media);
    this.#remember(await (this.proxy?.answer(answer) ?? answer));
    return media;
  }

  #remember(sdp: string): void {
    const [remote] = mediaIn(sdp);
    if (remote === undefined) throw new Error("a description without audio");
    this.#remote = remote;
  }

  /** Audio that comes to it, in the order of arrival. */
  #listen(socket: Socket): void {
    socket.on("message", (bytes) => {
      if ((bytes[1]! & 127) === 0) this.heard.push(Buffer.from(bytes.subarray(12)));
    });
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
    this.#socket.send(packet, this.#remote!.port, this.#remote!.address);
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
