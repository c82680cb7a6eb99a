/** CNAM with real sockets at both ends and a name service over HTTP (R-CNAM-1 to R-CNAM-6), and the parts that need no call. */
import { writeFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { CallerNames, cleanName } from "../../src/calls/caller-names.ts";
import type { SipRequest } from "../../src/sip/message.ts";
import { isUsOrCanada } from "../../src/trunking/area-codes.ts";
import { nameIn, tableProvider } from "../../src/voice/cnam-provider.ts";
import { CALLER, type CallRig, sdp, startCallRig, type WireCall } from "../support/call-rig.ts";
import { BASE, until } from "../support/gateway.ts";
import { formOf, gatewayClient } from "../support/gateway-client.ts";
import { HttpPeer } from "../support/http-peer.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { scratchFolder } from "../support/peers.ts";

const NAMED = "+15550500001";
const PLAIN = "+15550500002";
const IN_BYOC = "+15550500003";
const SERVICE_CALLS_NEVER_ANSWERED = "+14155550166";
let rig: CallRig;
let service: HttpPeer;
let application: HttpPeer;
const unanswered: ServerResponse[] = [];
const scratch = scratchFolder("caller-names");

beforeAll(async () => {
  service = await HttpPeer.start(({ url }, response) => {
    const number = decodeURIComponent(url.split("/").at(-1)!);
    if (number === SERVICE_CALLS_NEVER_ANSWERED) unanswered.push(response);
    else if (number === "+14165550177") response.writeHead(500).end();
    else if (number === "+14155550188") response.end(`Acme "\\ Inc\r\nX-Evil: 1, and a long tail`);
    else response.setHeader("Content-Type", "application/json").end(JSON.stringify({ caller_name: "ACME INC" }));
  });
  application = await HttpPeer.start((_request, response) => {
    response
      .setHeader("Content-Type", "text/xml")
      .end("<Response><Dial answerOnBridge='true'><Number>+15550500009</Number></Dial></Response>");
  });
  rig = await startCallRig({
    top: `cnam: { url: "${service.url("/cnam/{number}")}" }`,
    byoc: ", cnamLookup: true, trusted: false",
    trunk: "cnamLookup: true",
    objects: `
  - name: named
    domain: named
    ipAccessControlLists: [peers]
    cnamLookup: true
    trusted: true
    originationUrls: [{ name: pbx, url: "sip:${CALLER}:5060" }]
  - name: plain
    domain: plain
    ipAccessControlLists: [peers]
    originationUrls: [{ name: pbx, url: "sip:${CALLER}:5060" }]
phoneNumbers:
  - { number: "${NAMED}", trunk: named }
  - { number: "${PLAIN}", trunk: plain }
  - { number: "${IN_BYOC}", voiceUrl: "${application.url("/voice")}" }
`,
  });
});
afterAll(async () => {
  for (const response of unanswered) response.end();
  await rig.stop();
  await service.stop();
  await application.stop();
  scratch.remove();
});

/** A call of the carrier from this number, as the customer gets it; it is busy. */
async function delivered(from: string, to = NAMED, headers: readonly string[] = []): Promise<SipRequest> {
  const call: WireCall = await rig.carrier.invite({
    to,
    from: `<sip:${from}@carrier.test>`,
    domain: `carrier.sip.${BASE}`,
    headers,
  });
  const invite = await rig.caller.request("INVITE");
  await rig.caller.answer(invite, 486);
  expect((await call.final()).status).toBe(486);
  return invite;
}

const asked = (number: string) => service.paths.filter((path) => decodeURIComponent(path).endsWith(number)).length;
const trunkSid = (name: string) =>
  [...rig.gateway.gateway.store.list("trunks")].find((one) => one.friendlyName === name)!.sid;

describe("CNAM on the wire", () => {
  it("R-CNAM-2, R-CNAM-5: the name stands in From, Contact and P-Asserted-Identity, and the lookup counts though the call is busy", async () => {
    const invite = await delivered("+14155550100");
    expect(invite.from.displayName).toBe("ACME INC");
    expect(invite.from.uri.user).toBe("+14155550100");
    expect(invite.headers.get("Contact")).toMatch(/^"ACME INC" <sip:/);
    expect(invite.headers.get("P-Asserted-Identity")).toMatch(/^"ACME INC" <sip:\+14155550100@/);
    expect(asked("+14155550100")).toBe(1);
    const metrics = await (await fetch(`${rig.gateway.gateway.httpUrl}/metrics`)).text();
    expect(metrics).toContain(`tandem_trunk_usage_total{trunk="${trunkSid("named")}",kind="lookups"} 1`);
  });

  it("R-CNAM-4: the second call of a number takes the name from memory", async () => {
    expect((await delivered("+14155550100")).from.displayName).toBe("ACME INC");
    expect(asked("+14155550100")).toBe(1);
  });

  it("R-CNAM-1, R-CNAM-3: no lookup where the trunk does not ask for it, for other countries, or for a caller who hides", async () => {
    const before = service.seen.length;
    expect((await delivered("+14155550101", PLAIN)).from.displayName).toBe("");
    for (const other of ["+81312345678", "+18765550100", "+17875550100"])
      expect((await delivered(other)).from.displayName).toBe("");
    const hidden = await delivered("+14155550102", NAMED, ["Privacy: id"]);
    expect(hidden.headers.get("Contact")).toMatch(/^<sip:/);
    expect(service.seen.length).toBe(before);
  });

  it("R-CNAM-4: a service that hangs costs a second, one that fails nothing; both calls go on by the number", async () => {
    const invite = await delivered(SERVICE_CALLS_NEVER_ANSWERED);
    expect(invite.from.displayName).toBe("");
    expect(unanswered.length).toBe(1);
    expect((await delivered("+14165550177")).from.displayName).toBe("");
    expect(asked("+14165550177")).toBe(1);
    expect(rig.gateway.gateway.status().cnam).toMatchObject({ failed: 2 });
  });

  it("R-CNAM-6: quotes, backslashes and line ends make one clean line", async () => {
    const invite = await delivered("+14155550188");
    expect(invite.from.displayName).toBe('Acme "\\ Inc');
    expect(invite.headers.get("X-Evil")).toBeUndefined();
    expect(invite.headers.all("Contact")).toHaveLength(1);
  });

  it("R-CNAM-1: a BYOC trunk with the switch tells the application and the leg that it dials", async () => {
    const call = await rig.carrier.invite({
      to: IN_BYOC,
      from: "<sip:+14165550100@carrier.test>",
      domain: `carrier.sip.${BASE}`,
    });
    const onward = await rig.carrier.request("INVITE");
    expect(onward.from.displayName).toBe("ACME INC");
    expect(formOf(application.seen[0]!)).toMatchObject({ CallerName: "ACME INC" });
    await rig.carrier.answer(onward, 200, { sdp: sdp(rig.carrier.address) });
    expect((await call.final()).status).toBe(200);
    await call.bye();
    await rig.carrier.answer(await rig.carrier.request("BYE"), 200);
    await until(() => rig.gateway.gateway.calls.liveCount === 0, "the end");
  });

  it("R-CNAM-1: CnamLookupEnabled round trip, off by default", async () => {
    const client = gatewayClient(rig.gateway);
    const trunk = await client.trunking.v1.trunks.create({});
    expect(trunk.cnamLookupEnabled).toBe(false);
    expect((await client.trunking.v1.trunks(trunk.sid).update({ cnamLookupEnabled: true })).cnamLookupEnabled).toBe(
      true,
    );
    const byoc = await client.voice.v1.byocTrunks.create({});
    expect(byoc.cnamLookupEnabled).toBe(false);
    expect((await client.voice.v1.byocTrunks(byoc.sid).update({ cnamLookupEnabled: true })).cnamLookupEnabled).toBe(
      true,
    );
  });
});

describe("names of callers, without calls", () => {
  const source = (nameOf: (number: string) => Promise<string>) => ({ nameOf, close: async () => undefined });

  function names(nameOf: (number: string) => Promise<string>, cacheMax = 10) {
    const clock = new ManualClock();
    const limits = { limitMs: 1000, cacheMs: 5000, cacheMax };
    return { clock, names: new CallerNames({ clock, log: silentLog, provider: source(nameOf), ...limits }) };
  }

  it("R-CNAM-4: after exactly one second the call goes on, and the failure is remembered", async () => {
    let count = 0;
    const { clock, names: all } = names(() => {
      count++;
      return new Promise(() => undefined);
    });
    let name: string | undefined;
    const waiting = all
      .of("+14155550100", () => undefined)
      .then((found) => {
        name = found;
      });
    clock.advance(999);
    await Promise.resolve();
    expect(name).toBeUndefined();
    clock.advance(1);
    await waiting;
    expect(name).toBe("");
    expect(await all.of("+14155550100", () => undefined)).toBe("");
    expect(count).toBe(1);
  });

  it("R-CNAM-4: names go with time, and the oldest with room; two calls at once ask once", async () => {
    const numbers: string[] = [];
    const { clock, names: all } = names(async (number) => {
      numbers.push(number);
      return "A";
    }, 2);
    let lookups = 0;
    const of = (number: string) => all.of(number, () => lookups++);
    await Promise.all([of("+14155550100"), of("+14155550100")]);
    expect(numbers).toEqual(["+14155550100"]);
    await of("+14155550101");
    await of("+14155550102");
    await of("+14155550101");
    expect(numbers).toHaveLength(3);
    await of("+14155550100");
    expect(numbers).toHaveLength(4);
    clock.advance(5000);
    await of("+14155550100");
    expect(numbers).toHaveLength(5);
    expect(lookups).toBe(5);
  });

  it("R-CNAM-3: area codes of the United States and Canada, and no others of +1", () => {
    for (const yes of ["+12125550100", "+14155550100", "+14165550100", "+19025550100", "+19075550100"])
      expect(isUsOrCanada(yes), yes).toBe(true);
    // Jamaica, Bahamas, Puerto Rico, Dominican Republic, toll-free, premium, no such number.
    for (const no of [
      "+18765550100",
      "+12425550100",
      "+17875550100",
      "+18095550100",
      "+18005550100",
      "+19005550100",
      "+1212555010",
      "+442071838750",
      "+11125550100",
    ])
      expect(isUsOrCanada(no), no).toBe(false);
  });

  it("R-CNAM-6: 15 characters, one line, no control or format characters", () => {
    expect(cleanName("  ACME \r\n\t INC\u0000 ")).toBe("ACME INC");
    expect(cleanName("ABCDEFGHIJKLMNOPQRST")).toBe("ABCDEFGHIJKLMNO");
    expect(cleanName("evil\u202Etxt\u2028x")).toBe("evil txt x");
    expect(cleanName("株式会社")).toBe("株式会社");
  });

  it("R-CNAM-4: answers as text and JSON, and a table in a file", async () => {
    expect(nameIn("ACME INC\r\nmore", "text/plain")).toBe("ACME INC");
    expect(nameIn('{"name":"A"}', "application/json; charset=utf-8")).toBe("A");
    expect(nameIn('{"caller_name":{"caller_name":"B"}}', "application/json")).toBe("B");
    expect(nameIn('{"caller_name":null}', "application/json")).toBe("");
    expect(() => nameIn("<html>", "application/json")).toThrow();
    const file = join(scratch.path, "names.csv");
    writeFileSync(file, "# ours\n+14155550100,ACME, INC\n\n+14155550101\tBOB\n");
    const table = tableProvider(file);
    const signal = new AbortController().signal;
    expect(await table.nameOf("+14155550100", signal)).toBe("ACME, INC");
    expect(await table.nameOf("+14155550101", signal)).toBe("BOB");
    expect(await table.nameOf("+14155550199", signal)).toBe("");
    writeFileSync(file, "4155550100,ACME\n");
    expect(() => tableProvider(file)).toThrow(/line 1/);
    expect(() => tableProvider(join(scratch.path, "none"))).toThrow(/cannot be read/);
  });
});
