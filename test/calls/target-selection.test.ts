/** Which targets calls get while some are out (R-KEEP-6, SIP-OVL-3, R-ORIG-12), on the wire of a whole gateway. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CARRIER, type CallRig, startCallRig, WireParty } from "../support/call-rig.ts";
import { until } from "../support/gateway.ts";
import { ownAddress, reached } from "../support/sip-wire.ts";

const SECOND = ownAddress(3);
let rig: CallRig;
let second: WireParty;

beforeAll(async () => {
  rig = await startCallRig({
    targets: [
      `{ name: first, url: "sip:${CARRIER}:5060", priority: 10 }`,
      `{ name: second, url: "sip:${SECOND}:5060", priority: 20 }`,
    ],
  });
  second = await WireParty.open(SECOND);
});

afterAll(async () => {
  await rig.stop();
  await second.close();
});

const stories = (): string =>
  [...rig.gateway.gateway.calls.ended()]
    .flatMap(({ decisions }) => decisions.entries.map(({ text }) => text))
    .join("\n");

/** Which of both targets gets the INVITE of the next call; it answers it 486. */
async function nextGoesTo(): Promise<string> {
  const call = await rig.caller.invite();
  const parties = [rig.carrier, second];
  await reached(() => parties.some((party) => party.hasRequest("INVITE")), "the INVITE");
  const party = parties.find((one) => one.hasRequest("INVITE"))!;
  await party.answer(await party.request("INVITE"), 486);
  expect((await call.final()).status).toBe(486);
  return party.address;
}

describe("selection of targets", () => {
  it("SIP-OVL-3: 503 with Retry-After moves this call on and keeps the next one away; metrics and story tell", async () => {
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 503, { headers: ["Retry-After: 45"] });
    await second.answer(await second.request("INVITE"), 486);
    expect((await call.final()).status).toBe(486);
    expect(rig.gateway.gateway.status().targets).toMatchObject([{ label: `sip:${CARRIER}:5060`, usable: false }]);
    const metrics = await (await fetch(`${rig.gateway.gateway.httpUrl}/metrics`)).text();
    expect(metrics).toMatch(
      new RegExp(`tandem_target_usable\\{sid="NE[0-9a-f]{32}",target="sip:${CARRIER}:5060"\\} 0`),
    );

    const before = rig.carrier.names.filter((name) => name === "INVITE").length;
    const next = await rig.caller.invite();
    await second.answer(await second.request("INVITE"), 486);
    expect((await next.final()).status).toBe(486);
    expect(rig.carrier.names.filter((name) => name === "INVITE").length).toBe(before);
    await until(() => stories().includes("left out"), "the note");
    expect(stories()).toMatch(
      new RegExp(`sip:${CARRIER}:5060 is left out: it answered 503 and wants to be left alone for 4[0-9] s more`),
    );
  });

  it("SIP-OVL-3: when all are out, they are tried all the same, in order of priority", async () => {
    const call = await rig.caller.invite();
    // The first is still out.
    await second.answer(await second.request("INVITE"), 503, { headers: ["Retry-After: 45"] });
    // SIP-INV-4: 503 of the far side is no 503 of ours.
    expect((await call.final()).status).toBe(500);
    expect(await nextGoesTo()).toBe(CARRIER);
    expect(stories()).toContain(`sip:${SECOND}:5060 is tried all the same, as all are out`);
  });
});

describe("a target that is watched", () => {
  it("R-KEEP-6: gets no INVITE after two OPTIONS without an answer, and gets them again after one", async () => {
    await rig.stop();
    rig = await startCallRig({
      policy: "optionsSeconds: 1",
      targets: [
        `{ name: first, url: "sip:${CARRIER}:5060", priority: 10 }`,
        `{ name: second, url: "sip:${SECOND}:5060", priority: 20, optionsSeconds: 0 }`,
      ],
    });
    const state = () => rig.gateway.gateway.status().targets.find(({ label }) => label === `sip:${CARRIER}:5060`);
    await rig.carrier.request("OPTIONS");
    expect(await nextGoesTo()).toBe(CARRIER);
    await until(() => state()?.usable === false, "two misses");
    expect(await nextGoesTo()).toBe(SECOND);
    expect(second.names).not.toContain("OPTIONS");
    while (state()?.usable !== true) {
      if (rig.carrier.hasRequest("OPTIONS")) await rig.carrier.answer(await rig.carrier.request("OPTIONS"), 200);
      await new Promise<void>((done) => setImmediate(done));
    }
    expect(await nextGoesTo()).toBe(CARRIER);
  }, 30_000);
});
