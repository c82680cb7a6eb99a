/**
 * Two edges in one process, each on a loopback address of its own: where calls are anchored, what the wire shows of them, and
 * what becomes of an edge that is drained (R-EDGE, R-NET, R-ORIG-10, R-REDIR-6, R-STRM-3).
 */
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { Application, type ApplicationAnswer } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import type { PartyCall } from "../../src/simulator/party.ts";
import type { SipResponse } from "../../src/sip/message.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { parseOperatorKey, Secrets } from "../../src/store/secrets.ts";
import { sdp } from "../support/call-rig.ts";
import { AUTH_TOKEN, BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture } from "../support/pcap.ts";
import { scratchFolder } from "../support/peers.ts";
import { lines, reached, UdpPeer } from "../support/sip-wire.ts";
import { hears, Talker, talking } from "../support/talkers.ts";
import { type NetworkEntry, outsideOf, type WirePacket, wirePackets } from "../support/wire-ends.ts";

const NET = "127.90.5";
const CENTRAL = `${NET}.9`;
const TOKYO = `${NET}.21`;
const TOKYO_2 = `${NET}.22`;
const TOKYO_MEDIA = `${NET}.23`;
const DUBLIN = `${NET}.31`;
const PRIVATE = `${NET}.33`;
/** Announces another address than its own. */
const FRANKFURT = `${NET}.36`;
const PBX = `${NET}.41`;
const CARRIER = `${NET}.51`;
const SPARE = `${NET}.52`;
const APP = `${NET}.61`;
const PROBE = `${NET}.71`;
const OWN = [CENTRAL, TOKYO, TOKYO_2, TOKYO_MEDIA, DUBLIN, PRIVATE];
const NUMBER = "+15550200300";
const OTHER_NUMBER = "+15550200301";
const OPERATOR_KEY = "7f".repeat(32);

const scratch = scratchFolder("edges");
let probes = 0;
let gateway: TestGateway;
let pbx: Talker;
let carrier: Talker;
let spare: Talker;
let consumer: Consumer;
let application: Application;

beforeAll(async () => {
  consumer = await Consumer.start({ clock: new SystemClock(), address: APP, mode: "echo" });
  application = await Application.start(
    new Map<string, () => ApplicationAnswer>([
      ["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`],
    ]),
    APP,
  );
  gateway = await startGateway(
    CENTRAL,
    `
ipAccessControlLists:
  - { name: parties, addresses: ["${NET}.0/24"] }
connectionPolicies:
  - { name: carrier, targets: [{ url: "sip:${CARRIER}" }] }
  - { name: from-dublin, targets: [{ url: "sip:${CARRIER};edge=dublin" }] }
  - { name: by-region, targets: [{ url: "sip:${CARRIER};region=ie1;transport=tcp" }] }
  - { name: private, targets: [{ url: "sip:${CARRIER};tnx=TK42" }] }
  - { name: sydney-first, targets: [{ url: "sip:${CARRIER};edge=sydney", priority: 1 }, { url: "sip:${SPARE}", priority: 2 }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: from-dublin, connectionPolicy: from-dublin }
  - { name: by-region, connectionPolicy: by-region }
  - { name: private, connectionPolicy: private }
  - { name: sydney-first, connectionPolicy: sydney-first }
  - { name: app, voiceUrl: "${application.url}/voice" }
sipDomains:
  - { name: app, domain: app, byocTrunk: app, ipAccessControlLists: [parties] }
  - { name: in, domain: in, byocTrunk: app, ipAccessControlLists: [parties] }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [parties], callerIdPolicy: any }
  - { name: dublin, domain: to-dublin, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: from-dublin } }
  - { name: region, domain: to-ie1, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: by-region } }
  - { name: private, domain: to-private, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: private } }
  - { name: sydney, domain: to-sydney, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: sydney-first } }
  - { name: redirected, ipAccessControlLists: [parties], originationUrls: [{ url: "sip:${CARRIER};edge=dublin" }] }
  - { name: numbers, ipAccessControlLists: [parties], originationUrls: [{ url: "sip:${CARRIER}" }] }
phoneNumbers:
  - { number: ${NUMBER}, trunk: numbers }
  - { number: ${OTHER_NUMBER}, trunk: redirected }
`,
    {
      top: `
edges:
  - { name: tokyo, listen: [${TOKYO}, ${TOKYO_2}], media: { address: ${TOKYO_MEDIA}, portMin: 24000, portMax: 24999 } }
  - { name: dublin, listen: [${DUBLIN}], media: { portMin: 26000, portMax: 26999 } }
  - { name: frankfurt, listen: [${FRANKFURT}], announce: [203.0.113.36], media: { portMin: 27000, portMax: 27099 } }
  - { name: tokyo-ix, listen: [${PRIVATE}], tnx: TK42, media: { portMin: 28000, portMax: 28099 } }
redirect: { reach: any }
staticIp: { anywhere: true }
auth: { operatorKey: "${OPERATOR_KEY}" }`,
    },
    2,
  );
  pbx = await Talker.start(PBX, 400);
  carrier = await Talker.start(CARRIER, 700);
  spare = await Talker.start(SPARE, 900);
});
afterEach(async () => {
  carrier.script = undefined;
  for (const { party } of [pbx, carrier, spare]) for (const call of party.received) call.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
});
afterAll(async () => {
  for (const talker of [pbx, carrier, spare]) await talker?.party.stop();
  await gateway?.stop();
  await application?.stop();
  await consumer?.stop();
  scratch.remove();
});

/** What went over the wire between the gateway's addresses and others while something happened. */
async function watched(act: () => Promise<void>): Promise<WirePacket[]> {
  const file = join(scratch.path, "watched.pcap");
  if (existsSync(file)) rmSync(file);
  const wire = await capture(file, `net ${NET}.0/24`);
  await act();
  await wire.stop();
  return wirePackets(file);
}

/** Addresses of the gateway that packets came from or went to, sorted. */
function ownEnds(packets: readonly WirePacket[]): string[] {
  const ends = new Set(packets.flatMap(({ from, to }) => [from, to]));
  return OWN.filter((address) => ends.has(address));
}

async function through(domain: string, arrive: string, callee = carrier): Promise<[PartyCall, PartyCall]> {
  const before = callee.party.received.length;
  const near = await pbx.call(`sip:${NUMBER}@${domain}`, `sip:${arrive}`, `sip:+15550100200@${PBX}`);
  const far = await callee.received(before + 1);
  await talking([near, pbx], [far, callee]);
  return [near, far];
}

async function ended(near: PartyCall): Promise<void> {
  near.hangup();
  // Also of the media of the far ends, or their last packets would be seen in the next capture.
  for (const { party } of [carrier, spare]) await Promise.all(party.received.map((call) => call.ended));
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of the call");
  // The worker's last word of a leg comes behind its last packet.
  const talked = [...gateway.gateway.calls.ended()].filter(({ status }) => status === "completed");
  await until(() => talked.every(({ mediaStats }) => mediaStats !== undefined), "the end of its media");
}

/** The operator over REST. */
async function rest(path: string, form?: Record<string, string>): Promise<{ status: number; body: unknown }> {
  const token = new Secrets(parseOperatorKey(OPERATOR_KEY)!).operatorToken;
  const response = await fetch(gateway.gateway.httpUrl + path, {
    headers: { authorization: `Basic ${Buffer.from(`operator:${token}`).toString("base64")}` },
    ...(form === undefined ? {} : { method: "POST", body: new URLSearchParams(form) }),
  });
  return { status: response.status, body: await response.json() };
}

/** OPTIONS to an edge by its address; the answer. */
async function optionsTo(edge: string): Promise<SipResponse> {
  const peer = await UdpPeer.open(PROBE, 5060);
  try {
    const via = `Via: SIP/2.0/UDP ${PROBE}:5060;branch=z9hG4bKoptions${++probes};rport`;
    const ends = [`From: <sip:probe@${PROBE}>;tag=probe`, `To: <sip:${edge}>`];
    const request = [`OPTIONS sip:${edge} SIP/2.0`, via, "Max-Forwards: 70", ...ends];
    await peer.send(lines([...request, `Call-ID: options-${probes}`, "CSeq: 1 OPTIONS"], ""), 5060, edge);
    await reached(() => peer.received.length > 0, `an answer of ${edge}`);
    return peer.received[0] as SipResponse;
  } finally {
    await peer.close();
  }
}

const sdpOf = (call: PartyCall): string => Buffer.from(call.invite!.request.body).toString();

describe("where a call is seen", () => {
  it("R-EDGE-7, R-EDGE-8: every packet of a call anchored in tokyo is on tokyo's addresses", async () => {
    const packets = await watched(async () => {
      const [near, far] = await through(`office.pstn.${BASE}`, TOKYO);
      const { request } = far.invite!;
      expect(request.vias[0]!.host).toBe(TOKYO);
      expect(request.headers.get("Contact")).toContain(TOKYO);
      expect(sdpOf(far)).toContain(`c=IN IP4 ${TOKYO_MEDIA}`);
      await ended(near);
    });
    expect(ownEnds(packets)).toEqual([TOKYO, TOKYO_MEDIA]);
    const media = packets.filter(({ from, protocol }) => from === TOKYO_MEDIA && protocol === "udp");
    expect(media.length).toBeGreaterThan(10);
    for (const { fromPort } of media) expect(fromPort >= 24_000 && fromPort <= 24_999).toBe(true);
    // RTCP: at the latest the BYE of each leg (RFC 3550 §6.6).
    expect(media.some(({ fromPort }) => fromPort % 2 === 1)).toBe(true);
  });

  it("R-STRM-3, R-COMP-5: the audio of a stream leaves from the edge of its call", async () => {
    const port = Number(new URL(consumer.url).port);
    const packets = await watched(async () => {
      const near = await pbx.call(`sip:me@app.sip.${BASE}`, `sip:${TOKYO_2}`, `sip:+15550100200@${PBX}`);
      await until(() => hears(near, pbx.toneHz), "the echo of the consumer");
      await ended(near);
    });
    expect(ownEnds(packets)).toEqual([TOKYO_2, TOKYO_MEDIA]);
    const stream = packets.filter(({ to, toPort, protocol }) => protocol === "tcp" && to === APP && toPort === port);
    expect(stream.length).toBeGreaterThan(0);
    expect(new Set(stream.map(({ from }) => from))).toEqual(new Set([TOKYO_MEDIA]));
  });

  it("R-ORIG-10: ;edge= sends INVITE and RTP from there, and is not sent on the wire", async () => {
    const packets = await watched(async () => {
      const [near, far] = await through(`to-dublin.pstn.${BASE}`, TOKYO);
      const { request } = far.invite!;
      expect(request.uri.params.size).toBe(0);
      expect(request.vias[0]!.host).toBe(DUBLIN);
      expect(request.headers.get("Contact")).toContain(DUBLIN);
      expect(sdpOf(far)).toContain(`c=IN IP4 ${DUBLIN}`);
      await ended(near);
    });
    const ends = (party: string) => ownEnds(packets.filter(({ from, to }) => from === party || to === party));
    expect(ends(PBX)).toEqual([TOKYO, TOKYO_MEDIA]);
    expect(ends(CARRIER)).toEqual([DUBLIN]);
  });

  it("R-ORIG-10: ;region= means the same, and a connection is opened from there", async () => {
    const packets = await watched(async () => {
      const [near, far] = await through(`to-ie1.pstn.${BASE}`, TOKYO);
      expect(far.invite!.request.vias[0]).toMatchObject({ transport: "TCP", host: DUBLIN });
      await ended(near);
    });
    const opened = packets.filter(
      ({ to, toPort, protocol }) => protocol === "tcp" && to === CARRIER && toPort === 5060,
    );
    expect(new Set(opened.map(({ from }) => from))).toEqual(new Set([DUBLIN]));
  });

  it("R-NET-5: ;tnx= selects the interconnect, and its host names are served there", async () => {
    const [near, far] = await through(`to-private.pstn.${BASE}`, TOKYO);
    expect(far.invite!.request.vias[0]!.host).toBe(PRIVATE);
    expect(sdpOf(far)).toContain(`c=IN IP4 ${PRIVATE}`);
    await ended(near);
    const [in2, out2] = await through(`office.pstn.tokyo-ix.${BASE}`, PRIVATE);
    expect(out2.invite!.request.vias[0]!.host).toBe(PRIVATE);
    await ended(in2);
  });

  it("R-EDGE-12: a target whose edge is not there is passed over for the next one", async () => {
    const [near, far] = await through(`to-sydney.pstn.${BASE}`, DUBLIN, spare);
    expect(far.invite!.request.vias[0]!.host).toBe(DUBLIN);
    await ended(near);
  });

  it("R-EDGE-2: all four host forms reach the same trunk or domain; another edge's name is served and logged", async () => {
    for (const host of [`office.pstn.${BASE}`, `office.pstn.tokyo.${BASE}`, `office.pstn.jp1.${BASE}`])
      await ended((await through(host, TOKYO))[0]);
    for (const host of [`in.sip.tokyo.${BASE}`, `in.sip.jp1.${BASE}`]) await ended((await through(host, TOKYO))[0]);
    expect(gateway.log.lines.filter((line) => line.includes("another edge"))).toEqual([]);
    await ended((await through(`office.pstn.ie1.${BASE}`, TOKYO))[0]);
    const [line] = gateway.log.lines.filter((one) => one.includes("another edge"));
    expect(line).toContain(`"host":"office.pstn.ie1.${BASE}","arrived":"tokyo","remote":"${PBX}:5060"`);
  });

  it("R-EDGE-8: a voice region moves the media and the outgoing leg, wherever the call comes in", async () => {
    const { store } = gateway.gateway;
    const number = store.phoneNumber(NUMBER)!;
    await store.apply([{ kind: "phoneNumbers", put: { ...number, voiceRegion: "ie1" } }]);
    const packets = await watched(async () => {
      const [near, far] = await through(`in.sip.${BASE}`, TOKYO);
      expect(near.negotiated!.remoteRtp!.address).toBe(DUBLIN);
      expect(far.invite!.request.vias[0]!.host).toBe(DUBLIN);
      expect(sdpOf(far)).toContain(`c=IN IP4 ${DUBLIN}`);
      await ended(near);
    });
    // Only the signalling that came to tokyo is there.
    expect(ownEnds(packets)).toEqual([TOKYO, DUBLIN]);
    await store.apply([{ kind: "phoneNumbers", put: { ...number, voiceRegion: "au1" } }]);
    const refused = await pbx.party.call(`sip:${NUMBER}@in.sip.${BASE}`, {
      from: `sip:+15550100200@${PBX}`,
      nextHop: `sip:${TOKYO}`,
    });
    await refused.answered;
    expect(refused.status).toBe(503);
    await store.apply([{ kind: "phoneNumbers", put: number }]);
  });

  it("R-REDIR-6, R-REDIR-7: a 302 is followed from the edge of the first INVITE, whatever its Contact says", async () => {
    carrier.script = () => ({ kind: "redirect", contact: `sip:${SPARE};edge=tokyo;tnx=TK42` });
    const before = spare.party.received.length;
    const near = await pbx.call(`sip:${OTHER_NUMBER}@in.sip.${BASE}`, `sip:${TOKYO}`, `sip:+15550100200@${PBX}`);
    const far = await spare.received(before + 1);
    expect(far.invite!.request.vias[0]!.host).toBe(DUBLIN);
    expect(far.invite!.request.uri.params.size).toBe(0);
    await ended(near);
  });
});

/** A call by hand: what the gateway answers to an INVITE, and BYE to its address. */
class HandCall {
  readonly #peer: UdpPeer;
  readonly #id = ++probes;

  private constructor(peer: UdpPeer) {
    this.#peer = peer;
  }

  static async open(): Promise<HandCall> {
    return new HandCall(await UdpPeer.open(PROBE, 5060));
  }

  async send(method: string, sequence: number, edge: string, host: string, branch: string, to = ""): Promise<void> {
    const body = method === "INVITE" ? sdp(PROBE) : "";
    const head = [
      `${method} sip:${NUMBER}@${host} SIP/2.0`,
      `Via: SIP/2.0/UDP ${PROBE}:5060;branch=z9hG4bKhand${this.#id}${branch};rport`,
      "Max-Forwards: 70",
      `From: <sip:+15550100200@${PROBE}>;tag=hand`,
      `To: <sip:${NUMBER}@${host}>${to}`,
      `Call-ID: hand-${this.#id}`,
      `CSeq: ${sequence} ${method}`,
      `Contact: <sip:${PROBE}:5060>`,
      ...(body === "" ? [] : ["Content-Type: application/sdp"]),
    ];
    await this.#peer.send(lines(head, body), 5060, edge);
  }

  async final(method: string): Promise<SipResponse> {
    const found = () =>
      this.#peer.received.find(
        (one): one is SipResponse => one.kind === "response" && one.status >= 200 && one.cseq.method === method,
      );
    await reached(() => found() !== undefined, `a final answer to ${method}`);
    return found()!;
  }

  close(): Promise<void> {
    return this.#peer.close();
  }
}

describe("addresses of an edge", () => {
  it("R-TERM-11: a peer that moves on to another address of the edge during call setup is served there", async () => {
    const call = await HandCall.open();
    const host = `office.pstn.${BASE}`;
    try {
      // Nobody is at the first address, as if a firewall took the INVITE.
      await call.send("INVITE", 1, `${NET}.29`, host, "a");
      await call.send("INVITE", 1, TOKYO_2, host, "b");
      const response = await call.final("INVITE");
      expect(response.status).toBe(200);
      expect(response.headers.get("Contact")).toContain(TOKYO_2);
      const tag = `;tag=${response.to.params.get("tag")}`;
      await call.send("ACK", 1, TOKYO_2, host, "c", tag);
      // The rest of the dialog may come to any address.
      await call.send("BYE", 2, TOKYO, host, "d", tag);
      expect((await call.final("BYE")).status).toBe(200);
    } finally {
      await call.close();
    }
  });

  it("R-NET-4: behind NAT the announced address is in Via, Contact and SDP, the private one nowhere", async () => {
    const before = carrier.party.received.length;
    const call = await HandCall.open();
    const host = `office.pstn.frankfurt.${BASE}`;
    try {
      await call.send("INVITE", 1, FRANKFURT, host, "a");
      const response = await call.final("INVITE");
      expect(response.headers.get("Contact")).toBe("<sip:203.0.113.36:5060>");
      expect(Buffer.from(response.body).toString()).toContain("c=IN IP4 203.0.113.36\r\n");
      const { request } = (await carrier.received(before + 1)).invite!;
      expect(request.vias[0]!.host).toBe("203.0.113.36");
      expect(request.headers.get("Contact")).toBe("<sip:203.0.113.36:5060>");
      expect(Buffer.from(request.body).toString()).toContain("c=IN IP4 203.0.113.36\r\n");
      // Where a request came from is written into its Via by who receives it.
      for (const message of [response, { ...request, vias: [] }])
        expect(Buffer.from(serializeMessage(message)).toString()).not.toContain(FRANKFURT);
      const tag = `;tag=${response.to.params.get("tag")}`;
      await call.send("ACK", 1, FRANKFURT, host, "b", tag);
      await call.send("BYE", 2, FRANKFURT, host, "c", tag);
      expect((await call.final("BYE")).status).toBe(200);
    } finally {
      await call.close();
    }
  });
});

describe("calls that begin here", () => {
  /** POST to the API under another name than that of its address. */
  async function create(host: string): Promise<{ status: number; sid: string }> {
    const account = [...gateway.gateway.store.list("accounts")][0]!;
    const { port, hostname } = new URL(gateway.gateway.httpUrl!);
    const form = {
      To: `sip:me@${CARRIER}`,
      From: `sip:desk@office.example`,
      Twiml: '<Response><Pause length="60"/></Response>',
    };
    const call = httpRequest({
      host: hostname,
      port,
      method: "POST",
      path: `/2010-04-01/Accounts/${account.sid}/Calls.json`,
      headers: { host, "content-type": "application/x-www-form-urlencoded" },
      auth: `${account.sid}:${AUTH_TOKEN}`,
    });
    call.end(new URLSearchParams(form).toString());
    const [response] = (await once(call, "response")) as [IncomingMessage];
    const text = Buffer.concat(await response.toArray()).toString();
    return { status: response.statusCode!, sid: (JSON.parse(text) as { sid: string }).sid };
  }

  it("R-EDGE-9: a call that is made at a regional API host leaves from that region, or is not made", async () => {
    const before = carrier.party.received.length;
    const packets = await watched(async () => {
      expect((await create(`api.dublin.ie1.${BASE}`)).status).toBe(201);
      const far = await carrier.received(before + 1);
      expect(far.invite!.request.vias[0]!.host).toBe(DUBLIN);
      expect(sdpOf(far)).toContain(`c=IN IP4 ${DUBLIN}`);
      await until(() => far.dialog !== undefined, "the call is up");
      await ended(far);
    });
    const atCarrier = packets.filter(({ from, to }) => from === CARRIER || to === CARRIER);
    expect(ownEnds(atCarrier)).toEqual([DUBLIN]);
    expect((await create(`api.au1.${BASE}`)).status).toBe(400);
    expect(await rest("/v1/Edges/dublin", { Status: "draining" })).toMatchObject({ status: 200 });
    expect((await create(`api.ie1.${BASE}`)).status).toBe(503);
    await rest("/v1/Edges/dublin", { Status: "active" });
  });
});

describe("drain", () => {
  it("R-EDGE-6: a drained edge answers INVITE and OPTIONS 503, its calls go on, others take calls", async () => {
    const [near, far] = await through(`office.pstn.${BASE}`, DUBLIN);
    expect(await rest("/v1/Edges/dublin", { Status: "draining" })).toMatchObject({
      status: 200,
      body: { name: "dublin", status: "draining", calls: 2 },
    });
    expect(await optionsTo(DUBLIN)).toMatchObject({ status: 503 });
    expect(await optionsTo(TOKYO)).toMatchObject({ status: 200 });
    const refused = await pbx.party.call(`sip:${NUMBER}@office.pstn.${BASE}`, {
      from: `sip:+15550100200@${PBX}`,
      nextHop: `sip:${DUBLIN}`,
    });
    await refused.answered;
    expect(refused.status).toBe(503);
    const [second] = await through(`office.pstn.${BASE}`, TOKYO);
    second.hangup();
    // The call that was up is still heard both ways.
    const heard = far.leg.heard.length;
    await until(() => far.leg.heard.length > heard + 8000, "one more second of audio");
    await talking([near, pbx], [far, carrier]);
    await ended(near);
    expect(await rest("/v1/Edges/dublin", { Status: "active" })).toMatchObject({
      body: { status: "active", calls: 0 },
    });
    await ended((await through(`office.pstn.${BASE}`, DUBLIN))[0]);
  });

  it("R-EDGE-6: only the operator drains, and only edges of this process", async () => {
    expect(await rest("/v1/Edges/atlantis", { Status: "draining" })).toMatchObject({ status: 404 });
    expect(await rest("/v1/Edges/tokyo", { Status: "closed" })).toMatchObject({ status: 400 });
    const account = [...gateway.gateway.store.list("accounts")][0]!;
    const authorization = `Basic ${Buffer.from(`${account.sid}:${AUTH_TOKEN}`).toString("base64")}`;
    const url = `${gateway.gateway.httpUrl}/v1/Edges/tokyo`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(200);
    const body = new URLSearchParams({ Status: "draining" });
    expect((await fetch(url, { method: "POST", body, headers: { authorization } })).status).toBe(403);
    expect((await fetch(url)).status).toBe(401);
  });
});

describe("static IP addressing", () => {
  it("R-NET-6, R-NET-9, R-BYOC-18: a call to our own address belongs to the domain of its source, at the default edge only", async () => {
    const { store } = gateway.gateway;
    const domain = store.sipDomainByName("app")!;
    const base = {
      accountSid: domain.accountSid,
      dateCreated: "2026-01-01T00:00:00Z",
      dateUpdated: "2026-01-01T00:00:00Z",
    };
    const ipRecordSid = `IL${"1".repeat(32)}`;
    await store.apply([
      // Its own list does not count here: no party is in it.
      { kind: "sipDomains", put: { ...domain, ipAclSids: [`AL${"9".repeat(32)}`] } },
      {
        kind: "ipRecords",
        put: { ...base, sid: ipRecordSid, friendlyName: "carrier", ipAddress: PBX, prefixLength: 32 },
      },
      {
        kind: "sourceIpMappings",
        put: { ...base, sid: `IB${"1".repeat(32)}`, ipRecordSid, sipDomainSid: domain.sid },
      },
    ]);
    const webhooks = application.requests.length;
    const near = await pbx.call(`sip:+15550999000@${TOKYO_2}`, `sip:${TOKYO_2}`, `sip:+15550100200@${PBX}`);
    expect(application.requests.length).toBe(webhooks + 1);
    expect(application.requests.at(-1)!.parameters.get("To")).toContain("+15550999000");
    await ended(near);
    const dropped = gateway.gateway.status().sip.dropped;
    const lost = await pbx.party.call(`sip:+15550999000@${DUBLIN}`, {
      from: `sip:+15550100200@${PBX}`,
      nextHop: `sip:${DUBLIN}`,
    });
    await until(() => gateway.gateway.status().sip.dropped > dropped, "the INVITE to another edge is dropped");
    expect(lost.status).toBe(0);
    await store.apply([
      { kind: "sourceIpMappings", remove: `IB${"1".repeat(32)}` },
      { kind: "ipRecords", remove: ipRecordSid },
      { kind: "sipDomains", put: domain },
    ]);
  });
});

describe("what is told to firewalls", () => {
  it("R-NET-1, R-NET-2, R-NET-3: 50 calls use nothing but addresses and ports of the list", async () => {
    const list = ((await rest("/v1/Network")).body as { network: NetworkEntry[] }).network;
    expect(list.filter(({ edge, protocol }) => edge === "tokyo" && protocol === "RTP and RTCP")).toMatchObject([
      { address: TOKYO_MEDIA, port_min: 24_000, port_max: 24_999, transport: "udp", direction: "in and out" },
    ]);
    const domains = ["office", "to-dublin", "to-ie1", "to-private"];
    const packets = await watched(async () => {
      for (let round = 0; round < 10; round++) {
        const calls = await Promise.all(
          [...domains, "office"].map((domain, index) =>
            pbx.call(
              `sip:${NUMBER}@${domain}.pstn.${BASE}`,
              `sip:${[TOKYO, TOKYO_2, DUBLIN][(round + index) % 3]}${index === 4 ? ";transport=tcp" : ""}`,
              `sip:+15550100200@${PBX}`,
            ),
          ),
        );
        for (const call of calls) call.hangup();
        await until(() => gateway.gateway.calls.liveCount === 0, "the end of a round");
      }
    });
    // The API is told to nobody's firewall.
    const http = Number(new URL(gateway.gateway.httpUrl!).port);
    const calls = packets.filter(({ fromPort, toPort }) => fromPort !== http && toPort !== http);
    const { ends, outside } = outsideOf(list, calls, OWN);
    expect(ends).toBeGreaterThan(500);
    expect(outside).toEqual([]);
  });
});
