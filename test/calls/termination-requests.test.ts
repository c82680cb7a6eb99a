/** What a PBX may send to a trunk, and where it goes from there (R-TERM-10 to R-TERM-14, R-ORIG-20, R-ORIG-21), on real sockets. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALLER, CARRIER, type CallRig, startCallRig, WireParty } from "../support/call-rig.ts";
import { a, DnsServer } from "../support/dns-server.ts";
import { BASE } from "../support/gateway.ts";
import { lines, nameOf, ownAddress, startStack, type TestStack } from "../support/sip-wire.ts";

const SECOND = ownAddress(3);
const NEXT = ownAddress(4);
let rig: CallRig;
let dns: DnsServer;
let second: WireParty;
let next: WireParty;
let tls: TestStack;

beforeAll(async () => {
  dns = await DnsServer.start();
  dns.replies.set("A sbc.example", [a("sbc.example", CARRIER), a("sbc.example", SECOND)]);
  rig = await startCallRig({
    sip: `  noAnswerMs: 2000\n  dnsServers: ["${dns.address}"]`,
    objects: `
  - name: named
    domain: named
    ipAccessControlLists: [peers]
    originationUrls:
      - { name: several addresses, url: "sip:sbc.example:5060", priority: 10 }
      - { name: next, url: "sip:${NEXT}", priority: 20 }
  - name: broken
    domain: broken
    ipAccessControlLists: [peers]
    originationUrls:
      - { name: closed, url: "sip:${NEXT}:5999;transport=tcp", priority: 10 }
      - { name: no such name, url: "sip:nobody.example", priority: 20 }
      - { name: somebody else, url: "sip:${NEXT};transport=tls", priority: 30 }
      - { name: next, url: "sip:${NEXT}", priority: 40 }
phoneNumbers:
  - { number: "+15550300001", trunk: named }
  - { number: "+15550300002", trunk: broken }`,
  });
  // Its certificate is good for the gateway's address and for no other.
  const { certPem, keyPem } = rig.gateway.certificates;
  tls = await startStack({ listen: [{ transport: "tls", address: NEXT, port: 5061 }], tls: { certPem, keyPem } });
  [second, next] = await Promise.all([WireParty.open(SECOND), WireParty.open(NEXT)]);
});
afterAll(async () => {
  await rig.stop();
  await Promise.all([second.close(), next.close(), dns.stop(), tls.stop()]);
});

describe("a trunk's domain", () => {
  it("R-TERM-10: the caller is answered with 100 while its carrier says nothing at all", async () => {
    const call = await rig.caller.invite();
    await rig.caller.response(100);
    // How soon: SIP-TXN-5 says 200 ms, by a clock that the test moves.
    const invite = await rig.carrier.request("INVITE");
    expect(rig.caller.received.filter(({ callId }) => callId === call.callId).map(nameOf)).toEqual(["100 INVITE"]);
    await rig.carrier.answer(invite, 486);
    expect((await call.final()).status).toBe(486);
  });

  it.each([
    [20, 19],
    [1, 0],
    [70, 69],
    [255, 70],
  ])("R-TERM-14: Max-Forwards %i on arrival is %i further on", async (maxForwards, expected) => {
    const call = await rig.caller.invite({ maxForwards });
    const invite = await rig.carrier.request("INVITE");
    expect(invite.maxForwards).toBe(expected);
    await rig.carrier.answer(invite, 486);
    expect((await call.final()).status).toBe(486);
  });

  it("R-TERM-14: Max-Forwards 0 is 483, and nothing goes further", async () => {
    const call = await rig.caller.invite({ maxForwards: 0 });
    expect((await call.final()).status).toBe(483);
    expect(rig.carrier.hasRequest("INVITE")).toBe(false);
  });

  it("R-TERM-13: REGISTER is 405 with Allow and an alert; calls need none", async () => {
    const uri = `sip:office.pstn.${BASE}`;
    await rig.caller.send(
      lines([
        `REGISTER ${uri} SIP/2.0`,
        `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKregister${process.pid};rport`,
        "Max-Forwards: 70",
        `From: <${uri}>;tag=r`,
        `To: <${uri}>`,
        `Call-ID: register-${process.pid}`,
        "CSeq: 1 REGISTER",
        `Contact: <sip:${CALLER}:5060>`,
      ]),
    );
    const answer = await rig.caller.final("REGISTER");
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Allow")).toContain("INVITE");
    expect(answer.headers.get("Allow")).not.toContain("REGISTER");
    expect(rig.gateway.gateway.alerts.all().map(({ code }) => code)).toContain(32210);
  });
});

describe("origination", () => {
  const deliver = (to: string) => rig.carrier.invite({ to, domain: `carrier.sip.${BASE}` });

  it("R-ORIG-21: every address of a name is tried, each for its time, before the next URI", async () => {
    const call = await deliver("+15550300001");
    const [one, other] = await Promise.all([rig.carrier.request("INVITE"), second.request("INVITE")]);
    for (const invite of [one, other]) expect(invite.uri).toMatchObject({ user: "+15550300001", host: "sbc.example" });
    const third = await next.request("INVITE");
    expect(third.uri.host).toBe(NEXT);
    await next.answer(third, 486);
    expect((await call.final()).status).toBe(486);
    const [leg] = [...rig.gateway.gateway.calls.ended()].slice(-1);
    expect(leg!.decisions.entries.filter(({ step }) => step === "attempt").length).toBeLessThanOrEqual(2);
  });

  it("R-ORIG-20: a closed port, a name that is not there and a certificate for somebody else are left at once", async () => {
    // With any of them waited for, the time for silence alone would leave this call without an answer.
    const call = await deliver("+15550300002");
    const invite = await next.request("INVITE");
    await next.answer(invite, 486);
    expect((await call.final()).status).toBe(486);
    const attempts = [...rig.gateway.gateway.calls.ended()]
      .flatMap(({ decisions }) => decisions.entries)
      .filter(({ fields }) => fields["code"] === "target.unreachable");
    expect(attempts).toHaveLength(3);
    for (const { text } of attempts) expect(text).not.toContain("no answer within");
  });
});
