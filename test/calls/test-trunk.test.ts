/** `tandem test-trunk` against a whole gateway, with telephones of bare sockets behind the trunk (R-GEN-9). */
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestTrunkOptions, testTrunk } from "../../src/cli/test-trunk.ts";
import { CALLER, type CallRig, sdp, startCallRig, WireParty } from "../support/call-rig.ts";
import { AUTH_TOKEN } from "../support/gateway.ts";
import { accountOf } from "../support/gateway-client.ts";
import { ownAddress } from "../support/sip-wire.ts";

const SECOND = ownAddress(3);
const NUMBER = "+15550700001";
let rig: CallRig;
let second: WireParty;

beforeAll(async () => {
  rig = await startCallRig({
    objects: `
  - name: Tokyo office
    domain: tokyo
    ipAccessControlLists: [peers]
    originationUrls:
      - { name: first, url: "sip:${CALLER}:5060", priority: 10 }
      - { name: second, url: "sip:${SECOND}:5060", priority: 20 }
  - { name: numberless, domain: numberless, ipAccessControlLists: [peers] }
phoneNumbers: [{ number: "${NUMBER}", trunk: Tokyo office }]
`,
  });
  second = await WireParty.open(SECOND);
});
afterAll(async () => {
  await rig.stop();
  await second.close();
});

/** Exit code and what was printed. */
async function run(options: Partial<TestTrunkOptions> = {}): Promise<{ code: number; text: string }> {
  let text = "";
  const out = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const environment = { TANDEM_ACCOUNT_SID: accountOf(rig.gateway), TANDEM_AUTH_TOKEN: AUTH_TOKEN };
  const url = rig.gateway.gateway.httpUrl!;
  const code = await testTrunk({ trunk: "Tokyo office", ring: 20, url, ...options }, { environment, out, err: out });
  return { code, text };
}

describe("R-GEN-9: tandem test-trunk", () => {
  it("one INVITE to the trunk's own number; the second URI answers, and is hung up; the exit code is 0", async () => {
    const testing = run();
    const first = await rig.caller.request("INVITE");
    expect(first.uri.user).toBe(NUMBER);
    expect(first.headers.get("Diversion")).toContain(NUMBER);
    await rig.caller.answer(first, 503);
    const invite = await second.request("INVITE");
    await second.answer(invite, 180);
    await second.answer(invite, 200, { sdp: sdp(SECOND) });
    await second.request("ACK");
    await second.answer(await second.request("BYE"), 200);
    const { code, text } = await testing;
    expect(code).toBe(0);
    expect(text).toContain(`answered: sip:${SECOND}:5060 answered 200`);
    expect(text).toMatch(new RegExp(`sip:${CALLER}:5060  503  after \\d+ ms`));
    expect(text).toContain(NUMBER);
  });

  it("a telephone that rings is cancelled after the time; the exit code is 0", async () => {
    const testing = run({ trunk: "tokyo", number: NUMBER, ring: 3, json: true });
    const invite = await rig.caller.request("INVITE");
    await rig.caller.answer(invite, 180);
    await rig.caller.answer(await rig.caller.request("CANCEL"), 200);
    await rig.caller.answer(invite, 487);
    const { code, text } = await testing;
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      result: "rang",
      target: `sip:${CALLER}:5060`,
      sipStatus: 180,
      number: NUMBER,
    });
  });

  it("all refuse: the exit code is 1, and the SIP code is printed", async () => {
    const testing = run();
    await rig.caller.answer(await rig.caller.request("INVITE"), 503);
    await second.answer(await second.request("INVITE"), 486);
    const { code, text } = await testing;
    expect(code).toBe(1);
    expect(text).toMatch(/^failed: .*486/);
  });

  it("what cannot be tested is said", async () => {
    await expect(run({ trunk: "nobody" })).rejects.toThrow(/no trunk has this SID, name or domain/);
    await expect(run({ trunk: "numberless" })).rejects.toThrow(/no such number/);
    await expect(run({ number: "+15550700009" })).rejects.toThrow(/no such number/);
    const url = `${rig.gateway.gateway.httpUrl}/v1/TrunkTests`;
    const post = async (
      body: unknown,
      authorization = `Basic ${Buffer.from(`${accountOf(rig.gateway)}:${AUTH_TOKEN}`).toString("base64")}`,
    ) =>
      (
        await fetch(url, {
          method: "POST",
          headers: { "content-type": "application/json", authorization },
          body: JSON.stringify(body),
        })
      ).status;
    for (const bad of [{}, { trunk: 7 }, { trunk: "tokyo", number: 7 }, { trunk: "tokyo", ringSeconds: 61 }, []])
      expect(await post(bad), JSON.stringify(bad)).toBe(400);
    expect(await post({ trunk: "tokyo" }, "Basic bm9ib2R5Om5vdGhpbmc=")).toBe(401);
  });
});
