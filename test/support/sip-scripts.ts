/** A user agent that says exactly what a test tells it to, over one UDP socket. */
import { createRequest, createResponse, type ResponseFields } from "../../src/sip/build.ts";
import type { ExtraHeaders, SipBody, SipRequest, SipResponse } from "../../src/sip/message.ts";
import { nameAddr, parseNameAddrList } from "../../src/sip/name-addr.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { parseUri } from "../../src/sip/uri.ts";
import type { IncomingInvite, OutgoingInvite, OutgoingInviteOptions } from "../../src/sip/user-agent.ts";
import { reached, startStack, type TestStack, UdpPeer } from "./sip-wire.ts";

export const SDP: SipBody = { contentType: "application/sdp", content: "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n" };

let serial = 0;

export class ScriptedAgent {
  readonly peer: UdpPeer;
  readonly stackPort: number;
  readonly tag = `peer${++serial}`;

  readonly stackAddress: string;

  constructor(peer: UdpPeer, stackPort: number, stackAddress = "127.0.0.1") {
    this.peer = peer;
    this.stackPort = stackPort;
    this.stackAddress = stackAddress;
  }

  /** The Stage's agents are on 127.0.0.1, whatever address they send from. */
  get contact(): string {
    return `<sip:peer@${this.#host}:${this.peer.port}>`;
  }

  get #host(): string {
    return this.stackAddress === "127.0.0.1" ? "127.0.0.1" : this.peer.address;
  }

  sendRaw(bytes: Uint8Array): Promise<void> {
    return this.peer.send(bytes, this.stackPort, this.stackAddress);
  }

  /** An answer with our tag and Contact. */
  async answer(request: SipRequest, status: number, fields: ResponseFields & { contact?: string } = {}): Promise<void> {
    const { contact = this.contact, headers = [], ...rest } = fields;
    const response = createResponse(request, status, {
      toTag: this.tag,
      headers: [...(status > 100 && status < 300 ? [["Contact", contact] as const] : []), ...headers],
      ...rest,
    });
    await this.sendRaw(serializeMessage(response));
  }

  /** A request outside of a dialog. */
  async request(
    method: string,
    fields: {
      headers?: ExtraHeaders;
      body?: SipBody;
      callId?: string;
      cseq?: number;
      toTag?: string;
      branch?: string;
      uri?: string;
    } = {},
  ): Promise<SipRequest> {
    const number = ++serial;
    const to = parseUri(fields.uri ?? `sip:user@127.0.0.1:${this.stackPort}`);
    const request = createRequest({
      method,
      uri: to,
      vias: [this.#via(fields.branch ?? `z9hG4bKscript${number}`)],
      from: nameAddr(parseUri(`sip:peer@${this.#host}:${this.peer.port}`), "", [["tag", this.tag]]),
      to: nameAddr(to, "", fields.toTag === undefined ? [] : [["tag", fields.toTag]]),
      callId: fields.callId ?? `script-${number}`,
      cseq: { number: fields.cseq ?? 1, method },
      headers: [["Contact", this.contact], ...(fields.headers ?? [])],
      ...(fields.body === undefined ? {} : { body: fields.body }),
    });
    await this.sendRaw(serializeMessage(request));
    return request;
  }

  /** ACK to a 2xx of the stack. */
  async ack(invite: SipRequest, answer: SipResponse, body?: SipBody): Promise<void> {
    await this.inDialog("ACK", { answer, cseq: invite.cseq.number, ...(body === undefined ? {} : { body }) });
  }

  /**
   * A request in a dialog: one that the stack accepted (`answer`), or one that it began (`invite`, which we answered).
   */
  async inDialog(
    method: string,
    fields: {
      answer?: SipResponse;
      invite?: SipRequest;
      cseq: number;
      headers?: ExtraHeaders;
      body?: SipBody;
      branch?: string;
      contact?: string;
    },
  ): Promise<SipRequest> {
    const { answer, invite, cseq } = fields;
    const local = answer?.from ?? { ...invite!.to, params: new Map([["tag", this.tag]]) };
    const remote = answer?.to ?? invite!.from;
    const target = parseNameAddrList((answer ?? invite!).headers.get("Contact")!)[0]!.uri;
    const request = createRequest({
      method,
      uri: target,
      vias: [this.#via(fields.branch ?? `z9hG4bKscript${++serial}`)],
      from: local,
      to: remote,
      callId: (answer ?? invite!).callId,
      cseq: { number: cseq, method },
      headers: [["Contact", fields.contact ?? this.contact], ...(fields.headers ?? [])],
      ...(fields.body === undefined ? {} : { body: fields.body }),
    });
    await this.sendRaw(serializeMessage(request));
    return request;
  }

  #via(branch: string) {
    return { transport: "UDP", host: this.#host, port: this.peer.port, params: new Map([["branch", branch]]) };
  }
}

/** A stack and agents around it; `stop` ends all. */
export class Stage {
  readonly test: TestStack;
  readonly agent: ScriptedAgent;
  readonly invites: IncomingInvite[] = [];
  readonly #peers: UdpPeer[] = [];

  private constructor(test: TestStack, peer: UdpPeer) {
    this.test = test;
    this.agent = new ScriptedAgent(peer, test.port("udp"));
    this.#peers.push(peer);
    test.stack.onInvite = (invite) => this.invites.push(invite);
  }

  static async start(options: Parameters<typeof startStack>[0] = {}): Promise<Stage> {
    return new Stage(await startStack(options), await UdpPeer.open());
  }

  get clock() {
    return this.test.clock;
  }

  async anotherAgent(address = "127.0.0.1"): Promise<ScriptedAgent> {
    const peer = await UdpPeer.open(address);
    this.#peers.push(peer);
    return new ScriptedAgent(peer, this.test.port("udp"));
  }

  /** The stack calls the agent. */
  call(options: Partial<OutgoingInviteOptions> = {}): OutgoingInvite {
    const uri = parseUri(`sip:callee@127.0.0.1:${this.agent.peer.port}`);
    return this.test.stack.invite({
      uri,
      from: nameAddr(parseUri("sip:caller@127.0.0.1")),
      to: nameAddr(uri),
      body: SDP,
      ...options,
    });
  }

  /** The agent calls the stack; resolves when the INVITE is there. */
  async called(
    fields: Parameters<ScriptedAgent["request"]>[1] = {},
  ): Promise<{ request: SipRequest; invite: IncomingInvite }> {
    const count = this.invites.length;
    const request = await this.agent.request("INVITE", { body: SDP, ...fields });
    await reached(() => this.invites.length > count, "the INVITE");
    return { request, invite: this.invites[count]! };
  }

  async stop(): Promise<void> {
    await this.test.stop();
    await Promise.all(this.#peers.map((peer) => peer.close()));
  }
}

/** Lets what is in the sockets arrive. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise<void>((done) => setImmediate(done));
}
