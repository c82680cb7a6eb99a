/** 302 of origination targets (R-REDIR-1 to R-REDIR-4, R-REDIR-10 to R-REDIR-13), on the wire of a whole gateway. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SipRequest } from "../../src/sip/message.ts";
import { CALLER, CARRIER, type CallRig, startCallRig, type WireCall, WireParty } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { ownAddress } from "../support/sip-wire.ts";

const ELSEWHERE = ownAddress(3);
const DENIED = ownAddress(4);
const NUMBER = "+15550300001";
let rig: CallRig;
let elsewhere: WireParty;
let denied: WireParty;

beforeAll(async () => {
  rig = await startCallRig({
    top: `redirect: { reach: any, denied: [${DENIED}] }`,
    sip: "  noAnswerMs: 2000",
    objects: `
  - name: customer
    domain: customer
    ipAccessControlLists: [peers]
    originationUrls:
      - { name: pbx, url: "sip:${CALLER}:5060?X-Site=Tokyo", priority: 10 }
      - { name: second, url: "sip:second@${CALLER}:5060", priority: 20 }
phoneNumbers: [{ number: "${NUMBER}", trunk: customer }]
`,
  });
  [elsewhere, denied] = await Promise.all([WireParty.open(ELSEWHERE), WireParty.open(DENIED)]);
});
afterAll(async () => {
  await rig.stop();
  await Promise.all([elsewhere.close(), denied.close()]);
});

/** A call of the carrier to the number, and the INVITE that the customer gets for it. */
async function delivered(): Promise<{ call: WireCall; invite: SipRequest }> {
  const call = await rig.carrier.invite({ to: NUMBER, domain: `carrier.sip.${BASE}` });
  return { call, invite: await rig.caller.request("INVITE") };
}

const redirect = (invite: SipRequest, ...contacts: string[]): Promise<void> =>
  rig.caller.answer(invite, 302, { headers: contacts.map((contact) => `Contact: ${contact}`) });

const alerts = () => rig.gateway.gateway.alerts.all();

describe("a 302 of an origination target", () => {
  it("R-REDIR-1, R-REDIR-3, R-REDIR-13: the first URI gets the INVITE, whatever q says; X- headers again, no further Diversion", async () => {
    const { call, invite } = await delivered();
    await redirect(
      invite,
      `<sip:77@${ELSEWHERE}:5060;edge=tokyo;tnx=7;secure=true>;q=0.1, <sip:1@${DENIED}:5060>;q=1.0`,
      `<sip:2@${DENIED}:5060>`,
    );
    const followed = await elsewhere.request("INVITE");
    // R-REDIR-6, R-REDIR-7: what names our ways is not sent on.
    expect(followed.uri).toMatchObject({ user: "77", host: ELSEWHERE });
    expect([...followed.uri.params.keys()]).toEqual([]);
    expect(followed.headers.get("X-Site")).toBe("Tokyo");
    expect(followed.headers.all("Diversion")).toEqual(invite.headers.all("Diversion"));
    await elsewhere.answer(followed, 486);
    expect((await call.final()).status).toBe(486);
    expect(denied.received).toEqual([]);
  });

  it("R-REDIR-2: a second 302 is followed by nobody and nothing: 480", async () => {
    const { call, invite } = await delivered();
    await redirect(invite, `<sip:77@${ELSEWHERE}:5060>`);
    await elsewhere.answer(await elsewhere.request("INVITE"), 302, { headers: [`Contact: <sip:88@${CARRIER}:5060>`] });
    expect((await call.final()).status).toBe(480);
    expect(rig.carrier.hasRequest("INVITE")).toBe(false);
    expect(rig.caller.hasRequest("INVITE")).toBe(false);
  });

  it.each([
    ["R-REDIR-4: a domain of the gateway", `<sip:a@b.pstn.${BASE}>`],
    ["R-REDIR-4: another of them", `<sip:a@carrier.sip.${BASE}>`],
    ["R-REDIR-10: a denied address", `<sip:a@${DENIED}:5060>`],
    ["R-REDIR-10: multicast", "<sip:a@224.0.0.1>"],
    ["R-REDIR-10: no SIP URI", "<mailto:a@example.test>"],
    ["R-REDIR-10: what cannot be read", "<sip:"],
  ])("%s: no INVITE, 480, alert 32219", async (_name, contact) => {
    const before = alerts().length;
    const { call, invite } = await delivered();
    await redirect(invite, contact);
    expect((await call.final()).status).toBe(480);
    expect(rig.caller.hasRequest("INVITE")).toBe(false);
    await until(
      () =>
        alerts()
          .slice(before)
          .some(({ code }) => code === 32219),
      "the alert",
    );
    expect(denied.received).toEqual([]);
  });

  it.each([300, 301, 305, 380])("R-REDIR-11: %i is not followed, the next URI is tried", async (status) => {
    const { call, invite } = await delivered();
    await rig.caller.answer(invite, status, { headers: [`Contact: <sip:77@${ELSEWHERE}:5060>`] });
    const next = await rig.caller.request("INVITE");
    expect(next.uri.user).toBe("second");
    await rig.caller.answer(next, 486);
    expect((await call.final()).status).toBe(486);
    expect(elsewhere.hasRequest("INVITE")).toBe(false);
  });

  it("R-REDIR-12: silence of where it led moves on to the next URI", async () => {
    const { call, invite } = await delivered();
    await redirect(invite, `<sip:77@${ELSEWHERE}:5060>`);
    await elsewhere.request("INVITE");
    const next = await rig.caller.request("INVITE");
    expect(next.uri.user).toBe("second");
    await rig.caller.answer(next, 486);
    expect((await call.final()).status).toBe(486);
  });
});
