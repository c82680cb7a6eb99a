/** The addresses of one edge are all the same to a peer (R-TERM-11), on real sockets. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { CALLER, CARRIER, type CallRig, GATEWAY, sdp, startCallRig } from "../support/call-rig.ts";
import { BASE } from "../support/gateway.ts";
import { lines, nameOf, ownAddress, reached, UdpPeer } from "../support/sip-wire.ts";

// The carrier of the rig answers to this one, wherever it was called from.
const FIRST = GATEWAY;
const SECOND = ownAddress(4);
/** Of the edge as well by DNS, but nothing that is sent there arrives. */
const FIREWALLED = ownAddress(5);
let rig: CallRig;
let peer: UdpPeer;
let sent = 0;

beforeAll(async () => {
  rig = await startCallRig({
    top: `edges: [{ name: ashburn, listen: [${FIRST}, ${SECOND}] }]`,
    domains: "  - { name: app, domain: app, byocTrunk: carrier, ipAccessControlLists: [peers] }",
  });
  peer = await UdpPeer.open(CALLER, 5070);
});
afterAll(async () => {
  await rig.stop();
  await peer.close();
});

async function invite(to: string, uri: string, callId: string): Promise<void> {
  const head = [
    `INVITE ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${CALLER}:5070;branch=z9hG4bKedge${++sent}p${process.pid};rport`,
    "Max-Forwards: 70",
    "From: <sip:+15550100200@caller.test>;tag=edge",
    `To: <${uri}>`,
    `Call-ID: ${callId}`,
    "CSeq: 1 INVITE",
    `Contact: <sip:${CALLER}:5070>`,
    "Content-Type: application/sdp",
  ];
  await peer.send(lines(head, sdp(CALLER)), 5060, to);
}

const finalOf = (callId: string) =>
  peer.received.find((one) => one.kind === "response" && one.callId === callId && one.status >= 200);

it.each([
  ["the first", FIRST],
  ["the second", SECOND],
])("R-TERM-11: %s address serves every domain", async (_name, address) => {
  const trunk = `trunk-${address}`;
  await invite(address, `sip:+15550200300@office.pstn.${BASE}`, trunk);
  await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
  await reached(() => finalOf(trunk) !== undefined, "the answer of the trunk");
  expect(nameOf(finalOf(trunk)!)).toBe("486 INVITE");
  // A number that nobody has: the domain has answered, and not the gateway for an unknown one, which says nothing.
  const domain = `domain-${address}`;
  await invite(address, `sip:+15550200399@app.sip.${BASE}`, domain);
  await reached(() => finalOf(domain) !== undefined, "the answer of the SIP domain");
  expect(nameOf(finalOf(domain)!)).toBe("404 INVITE");
});

it("R-TERM-11: whoever gets no answer from one address is served at the next, with the same Call-ID", async () => {
  const callId = `moved-${process.pid}`;
  const uri = `sip:+15550200300@office.pstn.${BASE}`;
  await invite(FIREWALLED, uri, callId);
  await invite(SECOND, uri, callId);
  const onward = await rig.carrier.request("INVITE");
  await rig.carrier.answer(onward, 200, { sdp: sdp(CARRIER) });
  await reached(() => finalOf(callId) !== undefined, "the answer");
  expect(nameOf(finalOf(callId)!)).toBe("200 INVITE");
});
