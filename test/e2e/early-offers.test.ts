/** Offers before the answer on both legs of a call through the gateway: they are answered, and the audio follows (SIP-PRK-5, SIP-UPD-1). */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ExtraHeaders, SipBody, SipMessage, SipRequest } from "../../src/sip/message.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { ScriptedAgent } from "../support/sip-scripts.ts";
import { nameOf, UdpPeer } from "../support/sip-wire.ts";

const GATEWAY = "127.77.23.1";
const CALLER = "127.77.23.2";
const CARRIER = "127.77.23.3";
const SUPPORTED: ExtraHeaders = [["Supported", "100rel"]];

let gateway: TestGateway;
let caller: ScriptedAgent;
let carrier: ScriptedAgent;
const sockets: Audio[] = [];

beforeEach(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists: [{ name: peers, addresses: [${CALLER}] }]
connectionPolicies: [{ name: carrier, targets: [{ name: peer, url: "sip:${CARRIER}:5060" }] }]
byocTrunks: [{ name: carrier, connectionPolicy: carrier, defaultCarrier: true }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`,
  );
  caller = new ScriptedAgent(await UdpPeer.open(CALLER, 5060), 5060, GATEWAY);
  carrier = new ScriptedAgent(await UdpPeer.open(CARRIER, 5060), 5060, GATEWAY);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  await caller.peer.close();
  await carrier.peer.close();
  await gateway.stop();
});

/** One RTP socket: what it says is told apart by one octet of PCMU. */
class Audio {
  readonly #socket: Socket;
  readonly #address: string;
  #sequenceNumber = 1000;
  readonly heard = new Set<number>();

  private constructor(socket: Socket, address: string) {
    this.#socket = socket;
    this.#address = address;
    socket.on("message", (bytes) => {
      for (const octet of bytes.subarray(12)) this.heard.add(octet);
    });
    sockets.push(this);
  }

  static async open(address: string): Promise<Audio> {
    const socket = createSocket("udp4");
    socket.bind(0, address);
    await once(socket, "listening");
    return new Audio(socket, address);
  }

  description(version: number): SipBody {
    const { port } = this.#socket.address();
    return {
      contentType: "application/sdp",
      content: `v=0\r\no=- 7 ${version} IN IP4 ${this.#address}\r\ns=-\r\nc=IN IP4 ${this.#address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP 0\r\n`,
    };
  }

  /** One packet of 20 ms. */
  say(octet: number, to: SipMessage): void {
    const packet = Buffer.alloc(172, octet);
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE(this.#sequenceNumber++, 2);
    packet.writeUInt32BE(this.#sequenceNumber * 160, 4);
    packet.writeUInt32BE(0x1234_5678, 8);
    this.#socket.send(packet, portOf(to), GATEWAY);
  }

  close(): void {
    this.#socket.close();
  }
}

function portOf(message: SipMessage): number {
  return Number(/m=audio (\d+)/.exec(Buffer.from(message.body).toString())![1]);
}

async function next(agent: ScriptedAgent, name: string): Promise<SipMessage> {
  for (;;) {
    const message = await agent.peer.next(name);
    if (nameOf(message) === name) return message;
    if (nameOf(message) !== "100 INVITE") throw new Error(`${name} expected, came ${nameOf(message)}`);
  }
}

/** Says something each turn until it has been heard: what was sent before the worker knew the new address is lost. */
async function heard(from: Audio, octet: number, via: SipMessage, by: Audio): Promise<void> {
  await until(() => {
    from.say(octet, via);
    return by.heard.has(octet);
  }, `octet ${octet}`);
}

const reliably = (rseq: number, body: SipBody): { headers: ExtraHeaders; body: SipBody } => ({
  headers: [
    ["Require", "100rel"],
    ["RSeq", String(rseq)],
  ],
  body,
});

describe("offers before the answer", () => {
  it("SIP-PRK-5 in PRACK of the caller, SIP-UPD-1 in UPDATE of the carrier: answered, and early audio moves with them", async () => {
    const [callerFirst, callerMoved] = [await Audio.open(CALLER), await Audio.open(CALLER)];
    const [carrierFirst, carrierMoved] = [await Audio.open(CARRIER), await Audio.open(CARRIER)];
    const invite = await caller.request("INVITE", {
      uri: `sip:+15550200300@office.pstn.${BASE}`,
      headers: SUPPORTED,
      body: callerFirst.description(1),
    });
    const outgoing = (await next(carrier, "INVITE")) as SipRequest;
    await carrier.answer(outgoing, 183, reliably(1, carrierFirst.description(1)));
    await carrier.answer((await next(carrier, "PRACK")) as SipRequest, 200);
    const early = await next(caller, "183 INVITE");
    if (early.kind !== "response") throw new Error("no response");
    expect(early.headers.get("Require")).toBe("100rel");
    await heard(carrierFirst, 0x11, outgoing, callerFirst);

    await caller.inDialog("PRACK", {
      answer: early,
      cseq: 2,
      headers: [["RAck", `${early.headers.get("RSeq")} 1 INVITE`]],
      body: callerMoved.description(2),
    });
    const moved = await next(caller, "200 PRACK");
    expect(portOf(moved)).toBe(portOf(early));
    await heard(carrierFirst, 0x12, outgoing, callerMoved);
    expect(callerFirst.heard.has(0x12)).toBe(false);

    await carrier.inDialog("UPDATE", { invite: outgoing, cseq: 1, body: carrierMoved.description(2) });
    expect(portOf(await next(carrier, "200 UPDATE"))).toBe(portOf(outgoing));
    await heard(carrierMoved, 0x13, outgoing, callerMoved);

    // The 2xx repeats what the carrier said first: it is old, and moves nothing back.
    await carrier.answer(outgoing, 200, { body: carrierFirst.description(1) });
    await next(carrier, "ACK");
    const answer = await next(caller, "200 INVITE");
    if (answer.kind !== "response") throw new Error("no response");
    await caller.ack(invite, answer);
    await heard(callerMoved, 0x21, early, carrierMoved);
    await heard(carrierMoved, 0x14, outgoing, callerMoved);
    expect(carrierFirst.heard.has(0x21)).toBe(false);
    await caller.inDialog("BYE", { answer, cseq: 3 });
    await next(caller, "200 BYE");
    await carrier.answer((await next(carrier, "BYE")) as SipRequest, 200);
  });

  it("SIP-PRK-5, SDP-3 without an offer in the INVITE: ours is in the 183, its answer in PRACK, the 200 has none", async () => {
    const [callerAudio, carrierAudio] = [await Audio.open(CALLER), await Audio.open(CARRIER)];
    const invite = await caller.request("INVITE", {
      uri: `sip:+15550200300@office.pstn.${BASE}`,
      headers: SUPPORTED,
    });
    const outgoing = (await next(carrier, "INVITE")) as SipRequest;
    await carrier.answer(outgoing, 183, { body: carrierAudio.description(1) });
    const early = await next(caller, "183 INVITE");
    if (early.kind !== "response") throw new Error("no response");
    await caller.inDialog("PRACK", {
      answer: early,
      cseq: 2,
      headers: [["RAck", `${early.headers.get("RSeq")} 1 INVITE`]],
      body: callerAudio.description(1),
    });
    await next(caller, "200 PRACK");
    await heard(carrierAudio, 0x31, outgoing, callerAudio);
    await carrier.answer(outgoing, 200, { body: carrierAudio.description(1) });
    const answer = await next(caller, "200 INVITE");
    if (answer.kind !== "response") throw new Error("no response");
    expect(answer.body.length).toBe(0);
    await caller.ack(invite, answer);
    await heard(callerAudio, 0x32, early, carrierAudio);
    await caller.inDialog("BYE", { answer, cseq: 3 });
    await next(caller, "200 BYE");
  });

  it("SDP-21 a PRACK without the answer that it owes ends the call with 488", async () => {
    await caller.request("INVITE", { uri: `sip:+15550200300@office.pstn.${BASE}`, headers: SUPPORTED });
    const carrierAudio = await Audio.open(CARRIER);
    const outgoing = (await next(carrier, "INVITE")) as SipRequest;
    await carrier.answer(outgoing, 183, { body: carrierAudio.description(1) });
    const early = await next(caller, "183 INVITE");
    if (early.kind !== "response") throw new Error("no response");
    await caller.inDialog("PRACK", {
      answer: early,
      cseq: 2,
      headers: [["RAck", `${early.headers.get("RSeq")} 1 INVITE`]],
    });
    const names = [nameOf(await caller.peer.next()), nameOf(await caller.peer.next())].sort();
    expect(names).toEqual(["200 PRACK", "488 INVITE"]);
    await next(carrier, "CANCEL");
  });
});
