/** OPTIONS to the gateway's domains: answers, rates and lists (R-KEEP-1 to R-KEEP-3, SIP-INV-12), on the wire. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { CALLER, type CallRig, GATEWAY, startCallRig, WireParty } from "../support/call-rig.ts";
import { BASE } from "../support/gateway.ts";
import { lines, ownAddress } from "../support/sip-wire.ts";

let rig: CallRig;
let stranger: WireParty;
let sent = 0;

beforeAll(async () => {
  rig = await startCallRig({
    domains: "  - { name: open, domain: open, byocTrunk: carrier, credentialLists: [phones] }",
    objects: "credentialLists: [{ name: phones, credentials: [{ username: phone, password: Stranger-Pass-1 }] }]",
  });
  stranger = await WireParty.open(ownAddress(3));
});
afterAll(async () => {
  await rig.stop();
  await stranger.close();
});

async function ask(party: WireParty, host: string): Promise<void> {
  await party.send(
    lines([
      `OPTIONS sip:${host} SIP/2.0`,
      `Via: SIP/2.0/UDP ${party.address}:5060;branch=z9hG4bKask${++sent};rport`,
      "Max-Forwards: 70",
      "From: <sip:monitor@peer.test>;tag=m",
      `To: <sip:${host}>`,
      `Call-ID: ask-${sent}`,
      `CSeq: ${sent} OPTIONS`,
    ]),
  );
}

const answers = (party: WireParty): number => party.names.filter((name) => name.endsWith(" OPTIONS")).length;

/** Answers come in the order of what was asked: when this one is there, all others before it are. */
async function settled(party: WireParty): Promise<void> {
  await ask(party, GATEWAY);
  await party.final("OPTIONS");
}

it("R-KEEP-1, R-KEEP-3: 200 with Allow, Accept and Supported, without a password", async () => {
  await ask(stranger, `open.sip.${BASE}`);
  const answer = await stranger.final("OPTIONS");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Allow")).toContain("INVITE");
  expect(answer.headers.get("Accept")).toBe("application/sdp");
  expect(answer.headers.has("Supported")).toBe(true);
});

it("R-KEEP-3: a source that is not in the list of the domain gets no answer", async () => {
  const before = answers(stranger);
  await ask(stranger, `office.pstn.${BASE}`);
  await settled(stranger);
  expect(answers(stranger) - before).toBe(1);
});

it("R-KEEP-2: of 30 in a row five are answered, and calls are not touched by it", async () => {
  for (let number = 0; number < 30; number++) await ask(rig.caller, `office.pstn.${BASE}`);
  await settled(rig.caller);
  expect(answers(rig.caller) - 1).toBe(5);
  const call = await rig.caller.invite();
  await rig.carrier.answer(await rig.carrier.request("INVITE"), 486);
  expect((await call.final()).status).toBe(486);
  expect(rig.caller.address).toBe(CALLER);
});
