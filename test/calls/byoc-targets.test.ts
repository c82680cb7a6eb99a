/**
 * Targets of a connection policy follow the rules of origination URIs (R-BYOC-11: R-ORIG-12 to R-ORIG-24), seen from calls that
 * REST makes; and TwiML documents that the gateway keeps itself (R-BYOC-19).
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CARRIER, type CallRig, sdp, startCallRig, WireParty } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { gatewayClient } from "../support/gateway-client.ts";
import { ownAddress } from "../support/sip-wire.ts";

const DISABLED = ownAddress(3);
const SECOND = ownAddress(4);
const OWNED = "+15550800001";
const TO = "+15550800002";
const FAILOVER = [300, 301, 305, 401, 403, 406, 407, 408, 480, 488, 491, 500, 502, 503, 504];
const FINAL = [400, 404, 405, 410, 416, 482, 484, 486, 600, 603, 604, 606];
const folder = mkdtempSync(join(tmpdir(), "tandem-documents-"));
let rig: CallRig;
let disabled: WireParty;
let second: WireParty;
let client: ReturnType<typeof gatewayClient>;

beforeAll(async () => {
  writeFileSync(join(folder, "busy.xml"), "<Response><Reject reason='busy'/></Response>");
  writeFileSync(join(folder, "large.xml"), `<Response>${" ".repeat(70_000)}</Response>`);
  rig = await startCallRig({
    sip: "  noAnswerMs: 3000",
    http: `, documents: ${folder}`,
    targets: [
      `{ name: off, url: "sip:${DISABLED}:5060", priority: 5, enabled: false }`,
      `{ name: first, url: "sip:${CARRIER}:5060", priority: 10 }`,
      `{ name: second, url: "sip:${SECOND}:5060", priority: 20 }`,
    ],
    objects: `phoneNumbers: [{ number: "${OWNED}" }, { number: "+15550800003" }]`,
  });
  [disabled, second] = await Promise.all([WireParty.open(DISABLED), WireParty.open(SECOND)]);
  client = gatewayClient(rig.gateway);
});
afterAll(async () => {
  await rig.stop();
  await Promise.all([disabled.close(), second.close()]);
  rmSync(folder, { recursive: true, force: true });
});

const create = () => client.calls.create({ to: TO, from: OWNED, twiml: "<Response/>" });
async function ended(sid: string): Promise<string> {
  await until(() => rig.gateway.gateway.calls.bySid(sid)!.ended, "the end of the call");
  return rig.gateway.gateway.calls.bySid(sid)!.status;
}

describe("R-BYOC-11: targets of a connection policy", () => {
  it("R-ORIG-12, R-ORIG-16, R-ORIG-18: lowest priority first, never a disabled one; these answers go on to the next", async () => {
    for (const code of FAILOVER) {
      const call = await create();
      await rig.carrier.answer(await rig.carrier.request("INVITE"), code, {
        headers:
          code === 401 || code === 407
            ? [`${code === 401 ? "WWW" : "Proxy"}-Authenticate: Digest realm="carrier", nonce="n", algorithm=MD5`]
            : [],
      });
      await second.answer(await second.request("INVITE"), 486);
      expect(await ended(call.sid), String(code)).toBe("busy");
    }
    expect(disabled.names).toEqual([]);
  });

  it("R-ORIG-18, R-ORIG-19: these end the call, and the next target hears nothing", async () => {
    for (const code of FINAL) {
      const call = await create();
      await rig.carrier.answer(await rig.carrier.request("INVITE"), code);
      expect(await ended(call.sid), String(code)).toBe([486, 600, 603].includes(code) ? "busy" : "failed");
    }
    expect(second.hasRequest("INVITE")).toBe(false);
  });

  it("R-ORIG-17, R-ORIG-22: a silent one is left after the limit; its late 200 gets ACK and BYE", async () => {
    const call = await create();
    const late = await rig.carrier.request("INVITE");
    const invite = await second.request("INVITE");
    await second.answer(invite, 200, { sdp: sdp(SECOND) });
    await second.request("ACK");
    await second.answer(await second.request("BYE"), 200);
    expect(await ended(call.sid)).toBe("completed");
    await rig.carrier.answer(late, 200, { sdp: sdp(CARRIER) });
    await rig.carrier.request("ACK");
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
  });

  it("R-ORIG-24: a call that is cancelled cancels its attempt, and no other follows", async () => {
    const call = await create();
    const invite = await rig.carrier.request("INVITE");
    await rig.carrier.answer(invite, 180);
    await until(() => rig.gateway.gateway.calls.bySid(call.sid)!.status === "ringing", "ringing");
    await client.calls(call.sid).update({ status: "canceled" });
    await rig.carrier.answer(await rig.carrier.request("CANCEL"), 200);
    await rig.carrier.answer(invite, 487);
    await rig.carrier.request("ACK");
    expect(second.hasRequest("INVITE")).toBe(false);
  });
});

describe("R-BYOC-19: a TwiML document that the gateway keeps", () => {
  const url = (name: string): string => `${rig.gateway.gateway.httpUrl}/documents/${name}`;

  it("is a voice URL like any other, and a change of it counts at the next call", async () => {
    const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: "+15550800003" });
    await client.incomingPhoneNumbers(number!.sid).update({ voiceUrl: url("busy.xml") });
    const deliver = async (): Promise<number> =>
      (await (await rig.carrier.invite({ to: "+15550800003", domain: `carrier.sip.${BASE}` })).final()).status;
    expect(await deliver()).toBe(486);
    writeFileSync(join(folder, "busy.xml"), "<Response><Reject/></Response>");
    expect(await deliver()).toBe(404);
  });

  it("nothing else of the machine is served", async () => {
    for (const name of [
      "none.xml",
      "large.xml",
      "busy",
      ".xml",
      "..%2Fbusy.xml",
      "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
      "a%00.xml",
    ])
      expect((await fetch(url(name))).status, name).toBe(404);
    expect((await fetch(url("busy.xml"))).headers.get("content-type")).toContain("text/xml");
  });
});
