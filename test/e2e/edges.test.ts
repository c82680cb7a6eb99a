/**
 * Two edges in one process, each on a loopback address of its own: where calls are anchored, what the wire shows of them, and
 * what becomes of an edge that is drained (R-EDGE, R-NET, R-ORIG-10, R-REDIR-6, R-STRM-3).
 */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { Application, type ApplicationAnswer } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import type { PartyCall } from "../../src/simulator/party.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture } from "../support/pcap.ts";
import { scratchFolder } from "../support/peers.ts";
import { Talker, talking } from "../support/talkers.ts";
import { type WirePacket, wirePackets } from "../support/wire-ends.ts";

const NET = "127.90.5";
const CENTRAL = `${NET}.9`;
const TOKYO = `${NET}.21`;
const TOKYO_2 = `${NET}.22`;
const TOKYO_MEDIA = `${NET}.23`;
const DUBLIN = `${NET}.31`;
const PRIVATE = `${NET}.33`;
const PBX = `${NET}.41`;
const CARRIER = `${NET}.51`;
const SPARE = `${NET}.52`;
const APP = `${NET}.61`;
const OWN = [CENTRAL, TOKYO, TOKYO_2, TOKYO_MEDIA, DUBLIN, PRIVATE];
const NUMBER = "+15550200300";

const scratch = scratchFolder("edges");
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
  - { name: numbers, ipAccessControlLists: [parties], originationUrls: [{ url: "sip:${CARRIER}" }] }
phoneNumbers:
  - { number: ${NUMBER}, trunk: numbers }
`,
    {
      top: `
edges:
  - { name: tokyo, listen: [${TOKYO}, ${TOKYO_2}], media: { address: ${TOKYO_MEDIA}, portMin: 24000, portMax: 24999 } }
  - { name: dublin, listen: [${DUBLIN}], media: { portMin: 26000, portMax: 26999 } }
  - { name: tokyo-ix, listen: [${PRIVATE}], tnx: TK42, media: { portMin: 28000, portMax: 28099 } }
redirect: { reach: any }`,
    },
    2,
  );
  pbx = await Talker.start(PBX, 400);
  carrier = await Talker.start(CARRIER, 700);
  spare = await Talker.start(SPARE, 900);
});
afterEach(async () => {
  carrier.script = undefined;
  for (const { party } of [pbx, carrier, spare]) for (const call of party.received) call.dialog?.bye();
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
  near.dialog?.bye();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of the call");
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
});
