/** What the whole gateway makes of TLS without verification and of a flood of connections (R-SEC-14, hardening R16). */
import { afterEach, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { ScriptedAgent, SDP } from "../support/sip-scripts.ts";
import { optionsRequest, reached, StreamPeer, startStack, type TestStack, UdpPeer } from "../support/sip-wire.ts";

const GATEWAY = "127.77.24.1";
const PEER = "127.77.24.2";
const STRANGER = "127.77.24.3";

let gateway: TestGateway | undefined;
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await gateway?.stop();
  gateway = undefined;
});

async function carrier(): Promise<TestStack> {
  // The certificate of the gateway itself stands for one that is trusted and for another name.
  const { certPem, keyPem } = gateway!.certificates;
  const test = await startStack({
    listen: [{ transport: "tls", address: PEER, port: 5061 }],
    tls: { certPem, keyPem },
  });
  test.stack.onInvite = (invite) => invite.reject(486);
  stops.push(() => test.stop());
  return test;
}

describe("R-SEC-14", () => {
  it("a target with tlsVerify off gets the call, and an alert and a line of the log say that nobody checked it", async () => {
    gateway = await startGateway(
      GATEWAY,
      `
ipAccessControlLists: [{ name: peers, addresses: [${PEER}] }]
connectionPolicies: [{ name: carrier, targets: [{ name: peer, url: "sips:${PEER}:5061" }] }]
byocTrunks: [{ name: carrier, connectionPolicy: carrier, defaultCarrier: true, tlsVerify: false }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`,
    );
    await carrier();
    const caller = new ScriptedAgent(await UdpPeer.open(PEER, 5060), 5060, GATEWAY);
    stops.push(() => caller.peer.close());
    await caller.request("INVITE", {
      uri: `sip:+15550200300@office.pstn.${BASE}`,
      body: {
        ...SDP,
        content: `v=0\r\no=- 1 1 IN IP4 ${PEER}\r\ns=-\r\nc=IN IP4 ${PEER}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n`,
      },
    });
    await until(
      () => caller.peer.received.some((one) => one.kind === "response" && one.status === 486),
      "the answer of the carrier",
    );
    const alert = gateway.gateway.alerts.all().find(({ text }) => text.includes("R-SEC-14"));
    expect(alert).toMatchObject({ level: "warning", remote: `${PEER}:5061` });
    expect(alert?.text).toContain(`its certificate is not for ${PEER}`);
    expect(gateway.log.lines.filter((line) => line.startsWith("warn") && line.includes("R-SEC-14"))).toHaveLength(1);
  });
});

describe("hardening R16", () => {
  it("sip.connectionsReserved: strangers fill their part, an address of a list still gets in", async () => {
    gateway = await startGateway(
      GATEWAY,
      `
ipAccessControlLists: [{ name: peers, addresses: [${PEER}] }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`,
      { sip: "  connectionsMax: 4\n  connectionsReserved: 2" },
    );
    const strangers: StreamPeer[] = [];
    for (let number = 0; number < 3; number++)
      strangers.push(await StreamPeer.open(5060, { address: GATEWAY, localAddress: STRANGER }));
    await reached(() => strangers[2]!.closed, "the end of the stranger too many");
    const trunk = await StreamPeer.open(5060, { address: GATEWAY, localAddress: PEER });
    await trunk.send(optionsRequest("tcp", PEER, 5060, `office.pstn.${BASE}`).bytes);
    await trunk.nextResponse(200);
    for (const peer of [...strangers, trunk]) await peer.close();
  });
});
