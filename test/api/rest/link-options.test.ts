/** Parameters of trunks and targets that only this gateway has (R-KEEP-6, SIP-ID-1, SIP-ID-10, SIP-ID-11, DTMF-7). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, clientFor, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
beforeAll(async () => {
  stage = await startRest();
});
afterAll(() => stage.stop());

const authorization = `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`;

async function post(path: string, fields: Readonly<Record<string, string>>) {
  const response = await fetch(`${stage.url}${path}`, {
    method: "POST",
    headers: { authorization },
    body: new URLSearchParams(fields),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const NOTHING = { trusted: false, pass_headers: [], user_phone: false, info_digits: "off" };
const GIVEN = { Trusted: "true", PassHeaders: "User-to-User, X-Tenant*", UserPhone: "true", InfoDigits: "always" };
const SHOWN = { trusted: true, pass_headers: ["user-to-user", "x-tenant*"], user_phone: true, info_digits: "always" };

describe.each([
  ["/v1/Trunks", "trunks"],
  ["/v1/ByocTrunks", "byocTrunks"],
] as const)("%s", (path, kind) => {
  it("SIP-ID-1, SIP-ID-10, SIP-ID-11, DTMF-7: how calls leave is off, is set, stays, and is taken back", async () => {
    const made = await post(path, {});
    expect(made).toMatchObject({ status: 201, body: NOTHING });
    const sid = String(made.body["sid"]);
    expect(await post(`${path}/${sid}`, GIVEN)).toMatchObject({ status: 200, body: SHOWN });
    expect(stage.store.get(kind, sid)).toMatchObject({
      trusted: true,
      passHeaders: SHOWN.pass_headers,
      userPhone: true,
      infoDigits: "always",
    });
    expect((await post(`${path}/${sid}`, { FriendlyName: "same" })).body).toMatchObject(SHOWN);
    expect((await post(`${path}/${sid}`, { PassHeaders: "", Trusted: "false" })).body).toMatchObject({
      ...SHOWN,
      trusted: false,
      pass_headers: [],
    });
  });

  it("SIP-ID-10: refuses headers that may not pass, and names the parameter", async () => {
    for (const bad of ["Via", "X-", "User-to-User,Route", Array.from({ length: 51 }, (_, n) => `X-${n}`).join(",")])
      expect(await post(path, { PassHeaders: bad })).toMatchObject({
        status: 400,
        body: { code: 20001, message: expect.stringContaining("PassHeaders") },
      });
    expect((await post(path, { InfoDigits: "sometimes" })).status).toBe(400);
  });
});

describe("certificates of callers", () => {
  it("SIP-TP-13: the names of trunks and of SIP domains are set, shown in lower case, and taken back", async () => {
    const domains = `/2010-04-01/Accounts/${ACCOUNT.sid}/SIP/Domains`;
    for (const [path, fields, suffix] of [
      ["/v1/Trunks", {}, ""],
      [`${domains}.json`, { DomainName: "certified.sip.voice.test" }, ".json"],
    ] as const) {
      const made = await post(path, fields);
      expect(made).toMatchObject({ status: 201, body: { certificate_names: [] } });
      const one = `${path.replace(".json", "")}/${made.body["sid"]}${suffix}`;
      const names = { CertificateNames: "PBX.example.com, sbc.example.com" };
      const shown = { certificate_names: ["pbx.example.com", "sbc.example.com"] };
      expect(await post(one, names)).toMatchObject({ status: 200, body: shown });
      expect((await post(one, { FriendlyName: "same" })).body).toMatchObject(shown);
      expect((await post(one, { CertificateNames: "" })).body).toMatchObject({ certificate_names: [] });
      for (const bad of ["192.0.2.1", "*.example.com", "a b"])
        expect((await post(one, { CertificateNames: bad })).status).toBe(400);
    }
  });
});

describe("targets", () => {
  it("R-KEEP-6: the interval of OPTIONS is set for each, and given back to the setting of the gateway", async () => {
    const client = clientFor(stage);
    const trunk = await client.trunking.v1.trunks.create();
    const policy = await client.voice.v1.connectionPolicies.create();
    const url = { FriendlyName: "pbx", SipUrl: "sip:192.0.2.1", Priority: "1", Weight: "1", Enabled: "true" };
    for (const [path, fields] of [
      [`/v1/Trunks/${trunk.sid}/OriginationUrls`, url],
      [`/v1/ConnectionPolicies/${policy.sid}/Targets`, { Target: "sip:192.0.2.1" }],
    ] as const) {
      const plain = await post(path, fields);
      expect(plain).toMatchObject({ status: 201, body: { options_seconds: null } });
      const made = await post(path, { ...fields, OptionsSeconds: "30" });
      expect(made).toMatchObject({ status: 201, body: { options_seconds: 30 } });
      const one = `${path}/${made.body["sid"]}`;
      expect((await post(one, { Weight: "2" })).body).toMatchObject({ weight: 2, options_seconds: 30 });
      expect((await post(one, { OptionsSeconds: "0" })).body).toMatchObject({ options_seconds: 0 });
      expect((await post(one, { OptionsSeconds: "" })).body).toMatchObject({ options_seconds: null });
      expect((await post(one, { OptionsSeconds: "3601" })).status).toBe(400);
    }
  });
});
