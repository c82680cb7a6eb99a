/** Calls over IPv6, signalling and media (SIP-TP-1, SDP-15, RFC 5118). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { Talker, talking } from "../support/talkers.ts";

const NUMBER = "+15550200300";

let gateway: TestGateway;
let pbx: Talker;
let carrier: Talker;

beforeAll(async () => {
  gateway = await startGateway(
    "::1",
    `
ipAccessControlLists:
  - { name: parties, addresses: ["::1"] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:[::1]:5072" }] }
  - { name: carrier-tcp, targets: [{ name: carrier, url: "sip:[::1]:5072;transport=tcp" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: carrier-tcp, connectionPolicy: carrier-tcp }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [parties], callerIdPolicy: any }
  - { name: tcp, domain: tcp, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: carrier-tcp } }
`,
  );
  pbx = await Talker.start("::1", 400, 5070);
  carrier = await Talker.start("::1", 700, 5072);
});
afterEach(async () => {
  for (const call of carrier.party.received) if (call.dialog !== undefined) call.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
});
afterAll(async () => {
  await pbx?.party.stop();
  await carrier?.party.stop();
  await gateway.stop();
});

describe("IPv6", () => {
  it.each([
    ["UDP", "office", ""],
    ["TCP", "tcp", ";transport=tcp"],
  ])("a call over %s, audio both ways", async (_name, trunk, transport) => {
    const count = carrier.party.received.length;
    const near = await pbx.call(
      `sip:${NUMBER}@${trunk}.pstn.${BASE}`,
      `sip:[::1]:5060${transport}`,
      "sip:+15550100200@[::1]",
    );
    const far = await carrier.received(count + 1);
    await talking([near, pbx], [far, carrier]);
    const body = Buffer.from(far.invite!.request.body).toString();
    expect(body).toMatch(/\r\nc=IN IP6 ::1\r\n/);
    expect(far.invite!.request.vias[0]!.host).toBe("::1");
  });
});
