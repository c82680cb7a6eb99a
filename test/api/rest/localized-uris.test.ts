/** `…/LocalizedUris`: the host names of a trunk and of a SIP domain with their addresses (R-EDGE-3, R-EDGE-11). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testSipDomain, testTrunk } from "../../support/records.ts";
import { ACCOUNT, OTHER_ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
const trunk = testTrunk({ accountSid: ACCOUNT.sid, domainName: "office" });
const unnamed = testTrunk({ accountSid: ACCOUNT.sid, sid: `TK${"7".repeat(32)}`, domainName: null });
const domain = testSipDomain({ accountSid: ACCOUNT.sid, domainName: "carrier" });

beforeAll(async () => {
  stage = await startRest();
  await stage.store.apply([
    { kind: "trunks", put: trunk },
    { kind: "trunks", put: unnamed },
    { kind: "sipDomains", put: domain },
  ]);
});
afterAll(() => stage.stop());

async function get(path: string, asker = ACCOUNT) {
  const authorization = `Basic ${Buffer.from(`${asker.sid}:${asker.token}`).toString("base64")}`;
  const response = await fetch(stage.url + path, { headers: { authorization } });
  return { status: response.status, body: (await response.json()) as { localized_uris: { host: string }[] } };
}

describe("localized URIs by REST", () => {
  it("R-EDGE-3: lists the eight names of a trunk and of a SIP domain, in both forms, with the plain one", async () => {
    const ofTrunk = await get(`/v1/Trunks/${trunk.sid}/LocalizedUris`);
    expect(ofTrunk.status).toBe(200);
    const hosts = ofTrunk.body.localized_uris.map(({ host }) => host.split(".").slice(0, -2).join("."));
    expect(hosts).toHaveLength(17);
    for (const name of ["office.pstn", "office.pstn.tokyo", "office.pstn.jp1", "office.pstn.sydney"])
      expect(hosts).toContain(name);
    const ofDomain = await get(`/2010-04-01/Accounts/${ACCOUNT.sid}/SIP/Domains/${domain.sid}/LocalizedUris.json`);
    expect(ofDomain.body.localized_uris.map(({ host }) => host.split(".").slice(0, 3).join("."))).toContain(
      "carrier.sip.au1",
    );
  });

  it("R-EDGE-3: a trunk without a domain has none, and that of another account does not exist", async () => {
    expect((await get(`/v1/Trunks/${unnamed.sid}/LocalizedUris`)).status).toBe(404);
    expect((await get(`/v1/Trunks/${trunk.sid}/LocalizedUris`, OTHER_ACCOUNT)).status).toBe(404);
  });
});
