/** Calls that come back to the gateway (SIP-DLG-11). */
import { afterEach, describe, expect, it } from "vitest";
import { LoopGuard } from "../../src/calls/loop-guard.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { CALLER, GATEWAY, WireParty } from "../support/call-rig.ts";
import { a, DnsServer } from "../support/dns-server.ts";
import { BASE, startGateway } from "../support/gateway.ts";
import { ManualClock } from "../support/manual-clock.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

describe("LoopGuard", () => {
  const request = (callId: string, uri: string) => ({ callId, uri: parseUri(uri) }) as SipRequest;

  it("the same user and domain again is a loop, whatever port and parameters; another one is none, up to eight", () => {
    const guard = new LoopGuard(new ManualClock());
    const first = request("theirs", "sip:+1@a.test;x=1");
    expect(guard.isLoop(first)).toBe(false);
    guard.sent("ours-1", guard.pathOf(first));
    expect(guard.isLoop(request("ours-1", "sip:+1@A.test:5060;transport=tcp"))).toBe(true);
    expect(guard.isLoop(request("other", "sip:+1@a.test"))).toBe(false);
    for (let pass = 1; pass < 8; pass++) {
      const next = request(`ours-${pass}`, `sip:+${pass + 1}@a.test`);
      expect(guard.isLoop(next)).toBe(false);
      guard.sent(`ours-${pass + 1}`, guard.pathOf(next));
    }
    expect(guard.isLoop(request("ours-8", "sip:+9@a.test"))).toBe(true);
    expect(guard.isLoop(request("ours-5", "sip:+1@a.test"))).toBe(true);
  });

  it("paths are forgotten after one to two minutes, so that nothing is left of a hundred thousand calls", () => {
    const clock = new ManualClock();
    const guard = new LoopGuard(clock);
    guard.sent("ours", ["+1@a.test"]);
    clock.advance(60_000);
    expect(guard.isLoop(request("ours", "sip:+1@a.test"))).toBe(true);
    clock.advance(60_000);
    expect(guard.isLoop(request("ours", "sip:+1@a.test"))).toBe(false);
    guard.sent("later", ["+1@a.test"]);
    clock.advance(3_600_000);
    expect(guard.isLoop(request("later", "sip:+1@a.test"))).toBe(false);
  });
});

it("SIP-DLG-11 a trunk whose carrier link is itself: 482 at the second pass, and no third leg", async () => {
  const dns = await DnsServer.start();
  stops.push(() => dns.stop());
  dns.replies.set(`A office.pstn.${BASE}`, [a(`office.pstn.${BASE}`, GATEWAY)]);
  const gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists: [{ name: peers, addresses: [${CALLER}, ${GATEWAY}] }]
connectionPolicies: [{ name: self, targets: [{ name: self, url: "sip:office.pstn.${BASE}:5060" }] }]
byocTrunks: [{ name: self, connectionPolicy: self, defaultCarrier: true }]
trunks: [{ name: office, domain: office, ipAccessControlLists: [peers], callerIdPolicy: any }]
`,
    { sip: `  dnsServers: ["${dns.address}"]` },
  );
  stops.push(() => gateway.stop());
  const caller = await WireParty.open(CALLER);
  stops.push(() => caller.close());
  const call = await caller.invite();
  expect((await call.final()).status).toBe(482);
  const { calls } = gateway.gateway;
  expect([...calls.live(), ...calls.ended()]).toHaveLength(2);
});
