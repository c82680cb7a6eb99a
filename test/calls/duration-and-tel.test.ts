/** The longest call (SIP-INV-13), dead peers (SIP-TMR-7), the name of the product (SIP-DLG-15), numbers without a domain (SIP-MSG-19). */
import { afterEach, describe, expect, it } from "vitest";
import { CALLER, type CallRig, sdp, startCallRig } from "../support/call-rig.ts";
import { lines } from "../support/sip-wire.ts";

let rig: CallRig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

it("SIP-INV-13 a call that lasts as long as it may is ended with BYE both ways", async () => {
  rig = await startCallRig({ sip: "  callDurationMaxMs: 1000" });
  const call = await rig.caller.invite();
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 200, { sdp: sdp(rig.carrier.address) });
  expect((await call.final()).status).toBe(200);
  const [near, far] = [await rig.caller.request("BYE"), await rig.carrier.request("BYE")];
  await rig.caller.answer(near, 200);
  await rig.carrier.answer(far, 200);
});

describe("SIP-MSG-19 a tel URI as Request-URI names no trunk", () => {
  const invite = (number: number): Buffer =>
    lines([
      "INVITE tel:+15550300200 SIP/2.0",
      `Via: SIP/2.0/UDP ${CALLER}:5060;branch=z9hG4bKtel${number};rport`,
      "Max-Forwards: 70",
      `From: <sip:+15550100200@${CALLER}>;tag=tel`,
      "To: <tel:+15550300200>",
      `Call-ID: tel-${number}`,
      "CSeq: 1 INVITE",
      `Contact: <sip:${CALLER}:5060>`,
    ]);

  it("404 where unknown domains are told so", async () => {
    rig = await startCallRig({ sip: "  unknownDomain: 404" });
    await rig.caller.send(invite(1));
    expect((await rig.caller.final()).status).toBe(404);
    expect(rig.gateway.gateway.calls.liveCount).toBe(0);
  });

  it("no answer where they are not", async () => {
    rig = await startCallRig();
    await rig.caller.send(invite(2));
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
    expect((await call.final()).status).toBe(486);
    expect(rig.caller.received.filter(({ callId }) => callId === "tel-2")).toEqual([]);
  });
});

it("SIP-TMR-7, RTP-SES-8 a call that nobody is heard in is ended with BYE both ways, without any session timer", async () => {
  rig = await startCallRig({ sip: "  sessionExpiresSeconds: 0", media: "  rtpTimeoutSeconds: 1" });
  const call = await rig.caller.invite();
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 200, { sdp: sdp(rig.carrier.address) });
  expect((await call.final()).status).toBe(200);
  const [near, far] = [await rig.caller.request("BYE"), await rig.carrier.request("BYE")];
  await rig.caller.answer(near, 200);
  await rig.carrier.answer(far, 200);
});

it.each([
  ["Exchange 7", "Exchange 7"],
  ['""', undefined],
])("SIP-DLG-15 sip.productName %s is what User-Agent and Server say", async (productName, wanted) => {
  rig = await startCallRig({ sip: `  productName: ${productName}` });
  const call = await rig.caller.invite();
  const invite = await rig.carrier.request("INVITE");
  expect(invite.headers.get("User-Agent")).toBe(wanted);
  await rig.carrier.answer(invite, 486);
  expect((await call.final()).headers.get("Server")).toBe(wanted);
});
