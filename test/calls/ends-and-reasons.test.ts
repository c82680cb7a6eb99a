/** How a call ends on one side for what the other side said (SIP-INV-4 to 6, SIP-CAN-3, SIP-CAN-4, SIP-DLG-12, R-ORIG-23). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CallRig, sdp, startCallRig } from "../support/call-rig.ts";
import { until } from "../support/gateway.ts";

let rig: CallRig;
beforeAll(async () => {
  rig = await startCallRig({ sip: "  ringLimitMs: 1000" });
});
afterAll(() => rig.stop());

/** A call that both have answered. */
async function together() {
  const call = await rig.caller.invite();
  const invite = await rig.carrier.request("INVITE");
  await rig.carrier.answer(invite, 200, { sdp: sdp(rig.carrier.address) });
  expect((await call.final()).status).toBe(200);
  await rig.carrier.request("ACK");
  return { call, invite };
}

describe("an answer of the far side, as the caller gets it", () => {
  it.each([
    [401, 403],
    [407, 403],
    [404, 404],
    [480, 480],
    [484, 484],
    [486, 486],
    [488, 488],
    [487, 480],
    [500, 500],
    [503, 500],
    [301, 480],
    [302, 480],
    [603, 603],
  ])("SIP-INV-4: %i becomes %i", async (far, near) => {
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), far, {
      headers: ["Contact: <sip:elsewhere@192.0.2.9>"],
    });
    expect((await call.final()).status).toBe(near);
  });

  it("SIP-INV-4, hardening R3: Reason is read and written anew; what is malformed or of another protocol stays behind", async () => {
    const call = await rig.caller.invite();
    await rig.carrier.answer(await rig.carrier.request("INVITE"), 486, {
      headers: [
        'Reason: Q.850 ; cause=17 ; text=busy;location="LN"',
        'Reason: SIP;cause=486;text="all, \\"lines\\""',
        'Reason: X.inside;cause=1;text="rack 7"',
        "Reason: ;;;",
      ],
    });
    const answer = await call.final();
    expect(answer.headers.all("Reason")).toEqual(['Q.850;cause=17;text="busy", SIP;cause=486;text="all, \\"lines\\""']);
  });
});

describe("the end of a call before the answer", () => {
  it("SIP-CAN-4: the Reason of the caller's CANCEL is that of ours", async () => {
    const call = await rig.caller.invite();
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 180);
    await rig.caller.response(180);
    await call.cancel(['Reason: SIP;cause=200;text="Call completed elsewhere"']);
    expect((await call.final()).status).toBe(487);
    const cancel = await rig.carrier.request("CANCEL");
    expect(cancel.headers.all("Reason")).toEqual(['SIP;cause=200;text="Call completed elsewhere"']);
    await rig.carrier.answer(cancel, 200);
    await rig.carrier.answer(invite, 487);
  });

  it("SIP-CAN-4: a CANCEL without a Reason makes one without", async () => {
    const call = await rig.caller.invite();
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 180);
    await rig.caller.response(180);
    await call.cancel();
    expect((await call.final()).status).toBe(487);
    expect((await rig.carrier.request("CANCEL")).headers.has("Reason")).toBe(false);
    await rig.carrier.answer(invite, 487);
  });

  it("SIP-INV-5: Expires ran out: 487 to the caller, CANCEL to the carrier", async () => {
    const call = await rig.caller.invite({ headers: ["Expires: 1"] });
    const invite = await rig.carrier.request("INVITE");
    // Without a ring there is no ring limit.
    await rig.carrier.answer(invite, 100);
    expect((await call.final()).status).toBe(487);
    // SIP-CAN-1: after a provisional answer.
    const cancel = await rig.carrier.request("CANCEL");
    expect(cancel.headers.has("Reason")).toBe(false);
    await rig.carrier.answer(invite, 487);
  });

  it("SIP-INV-6, R-ORIG-23: it rang as long as it may: CANCEL to the carrier, 408 to the caller", async () => {
    const call = await rig.caller.invite();
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 180);
    await rig.carrier.request("CANCEL");
    await rig.carrier.answer(invite, 487);
    expect((await call.final()).status).toBe(408);
  });
});

describe("the end of a call that was answered", () => {
  it.each(["caller", "carrier"] as const)("SIP-INV-4: the Reason of the %s's BYE is that of ours", async (who) => {
    const { call, invite } = await together();
    const headers = ['Reason: Q.850;cause=31;text="Normal"'];
    if (who === "caller") {
      await call.request("BYE", headers);
      const bye = await rig.carrier.request("BYE");
      expect(bye.headers.all("Reason")).toEqual(['Q.850;cause=31;text="Normal"']);
      await rig.carrier.answer(bye, 200);
    } else {
      await rig.carrier.inDialog(invite, "BYE", headers);
      const bye = await rig.caller.request("BYE");
      expect(bye.headers.all("Reason")).toEqual(['Q.850;cause=31;text="Normal"']);
      await rig.caller.answer(bye, 200);
    }
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end of the call");
  });

  it("SIP-DLG-12: nothing of one side's Call-ID, Contact, Via, tag or product is seen on the other", async () => {
    const call = await rig.caller.invite({
      headers: ["User-Agent: Secret-PBX/9", "Server: Secret-PBX/9", "Organization: inside"],
    });
    const invite = await rig.carrier.request("INVITE");
    const text = JSON.stringify([...invite.headers]) + JSON.stringify([invite.callId, [...invite.from.params]]);
    expect(text).not.toContain("Secret-PBX");
    expect(text).not.toContain("inside");
    expect(text).not.toContain(rig.caller.address);
    expect(invite.callId).not.toBe(call.callId);
    expect(invite.vias.length).toBe(1);
    await rig.carrier.answer(invite, 486);
    await call.final();
  });
});
