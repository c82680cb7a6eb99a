/** What a customer does from nothing to nothing with the unmodified client (trunking-rest.md 4 to 7, 11.1). Its own classes parse every answer. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, BASE_DOMAIN, clientFor, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const nothingThere = { status: 404, code: 20404 };

describe("a trunk from nothing", () => {
  it("R-GEN-1 to R-GEN-4, R-AUTH-1, R-AUTH-7, R-AUTH-8, R-ORIG-1, R-NUM-1: made, guarded, routed, changed and taken down", async () => {
    const bare = await client.trunking.v1.trunks.create();
    // R-GEN-3: the defaults of a trunk.
    expect(bare).toMatchObject({
      accountSid: ACCOUNT.sid,
      domainName: null,
      friendlyName: null,
      disasterRecoveryMethod: "POST",
      disasterRecoveryUrl: null,
      secure: false,
      recording: { mode: "do-not-record", trim: "do-not-trim" },
      transferMode: "disable-all",
      transferCallerId: "from-transferee",
      cnamLookupEnabled: false,
      symmetricRtpEnabled: false,
      authType: "",
      authTypeSet: [],
    });
    expect(bare.sid).toMatch(/^TK[0-9a-f]{32}$/);
    expect(bare.dateCreated.getTime()).toBe(Math.floor(stage.clock.wallTime().getTime() / 1000) * 1000);
    expect(bare.links).toMatchObject({ origination_urls: `${stage.url}/v1/Trunks/${bare.sid}/OriginationUrls` });
    const trunk = await client.trunking.v1.trunks(bare.sid).update({
      friendlyName: "Büro Zürich",
      domainName: `office.pstn.${BASE_DOMAIN}`,
      secure: true,
      transferMode: "sip-only",
      transferCallerId: "from-transferor",
      cnamLookupEnabled: true,
      disasterRecoveryUrl: "https://example.com/dr?a=1&b=2",
      disasterRecoveryMethod: "GET",
    });
    expect(trunk).toMatchObject({
      sid: bare.sid,
      friendlyName: "Büro Zürich",
      domainName: `office.pstn.${BASE_DOMAIN}`,
      secure: true,
      transferMode: "sip-only",
      transferCallerId: "from-transferor",
      disasterRecoveryUrl: "https://example.com/dr?a=1&b=2",
      disasterRecoveryMethod: "GET",
    });
    expect(stage.store.trunkByDomain("office")?.sid).toBe(trunk.sid);

    const acl = await client.api.v2010.account.sip.ipAccessControlLists.create({ friendlyName: "PBX" });
    const address = await client.sip.ipAccessControlLists(acl.sid).ipAddresses.create({
      friendlyName: "main",
      ipAddress: "192.0.2.10",
      cidrPrefixLength: 28,
    });
    expect(address).toMatchObject({ ipAddress: "192.0.2.10", cidrPrefixLength: 28, ipAccessControlListSid: acl.sid });
    await client.sip.ipAccessControlLists(acl.sid).ipAddresses(address.sid).update({ ipAddress: "192.0.2.32" });
    const [listed] = await client.sip.ipAccessControlLists(acl.sid).ipAddresses.list();
    expect(listed).toMatchObject({ friendlyName: "main", ipAddress: "192.0.2.32", cidrPrefixLength: 28 });

    const credentials = await client.sip.credentialLists.create({ friendlyName: "users" });
    const user = await client.sip
      .credentialLists(credentials.sid)
      .credentials.create({ username: "pbx", password: "Secret-Password-1" });
    expect(user).toMatchObject({ username: "pbx", credentialListSid: credentials.sid });
    expect(JSON.stringify(user)).not.toContain("Secret");
    await client.sip.credentialLists(credentials.sid).credentials(user.sid).update({ password: "Other-Password-22" });
    const sealed = stage.store.get("credentialLists", credentials.sid)!.credentials[0]!;
    expect(stage.secrets.unseal(sealed.sealedPassword, sealed.sid)).toBe("Other-Password-22");

    const mappedAcl = await client.trunking.v1.trunks(trunk.sid).ipAccessControlLists.create({
      ipAccessControlListSid: acl.sid,
    });
    expect(mappedAcl).toMatchObject({ sid: acl.sid, trunkSid: trunk.sid, friendlyName: "PBX" });
    await client.trunking.v1.trunks(trunk.sid).credentialsLists.create({ credentialListSid: credentials.sid });
    const guarded = await client.trunking.v1.trunks(trunk.sid).fetch();
    expect(guarded).toMatchObject({ authType: "IP_ACL,CREDENTIAL_LIST", authTypeSet: ["IP_ACL", "CREDENTIAL_LIST"] });

    // R-ORIG-12: 60/20/20 and a backup.
    const urls = client.trunking.v1.trunks(trunk.sid).originationUrls;
    for (const [weight, priority, sipUrl] of [
      [60, 10, "sip:a@192.0.2.1:5060;transport=tcp?X-a=1%2B2"],
      [20, 10, "sip:192.0.2.2"],
      [20, 10, "sip://192.0.2.3:5070"],
      [10, 20, "sip:backup.example.com;edge=tokyo"],
    ] as const)
      await urls.create({ weight, priority, enabled: true, friendlyName: sipUrl, sipUrl });
    const targets = await urls.list();
    expect(targets.map(({ weight }) => weight).sort()).toEqual([10, 20, 20, 60]);
    expect(targets.map(({ sipUrl }) => sipUrl)).toContain("sip:a@192.0.2.1:5060;transport=tcp?X-a=1%2B2");
    expect(targets.map(({ sipUrl }) => sipUrl)).toContain("sip:192.0.2.3:5070");
    const off = await urls(targets[0]!.sid).update({ enabled: false });
    expect(off).toMatchObject({ enabled: false, sipUrl: targets[0]!.sipUrl });

    const number = await client.incomingPhoneNumbers.create({
      phoneNumber: "+15550100300",
      smsUrl: "https://a.example/",
    });
    expect(number).toMatchObject({ phoneNumber: "+15550100300", trunkSid: null, smsUrl: "https://a.example/" });
    const onTrunk = await client.trunking.v1.trunks(trunk.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
    expect(onTrunk).toMatchObject({ sid: number.sid, trunkSid: trunk.sid, phoneNumber: "+15550100300" });
    expect(stage.store.phoneNumber("+15550100300")?.trunkSid).toBe(trunk.sid);
    expect(await client.trunking.v1.trunks(trunk.sid).phoneNumbers.list()).toHaveLength(1);

    // Down again: lists in use stay (409), the trunk lets its number go (R-GEN-4).
    await expect(client.sip.ipAccessControlLists(acl.sid).remove()).rejects.toMatchObject({ status: 409, code: 20409 });
    expect(await client.trunking.v1.trunks(trunk.sid).ipAccessControlLists(acl.sid).remove()).toBe(true);
    expect(await client.trunking.v1.trunks(trunk.sid).remove()).toBe(true);
    expect((await client.incomingPhoneNumbers(number.sid).fetch()).trunkSid).toBeNull();
    expect(await client.incomingPhoneNumbers(number.sid).remove()).toBe(true);
    expect(await client.sip.ipAccessControlLists(acl.sid).remove()).toBe(true);
    expect(await client.sip.credentialLists(credentials.sid).remove()).toBe(true);
    await expect(client.trunking.v1.trunks(trunk.sid).fetch()).rejects.toMatchObject(nothingThere);
    await expect(client.trunking.v1.trunks(trunk.sid).remove()).rejects.toMatchObject(nothingThere);
    expect([...stage.store.list("originationUrls")]).toEqual([]);
  });
});

describe("BYOC from nothing", () => {
  it("R-BYOC-1 to R-BYOC-3, R-BYOC-10: domain, policy, targets, trunk, mappings of both generations", async () => {
    const policy = await client.voice.v1.connectionPolicies.create({ friendlyName: "carrier" });
    const target = await client.voice.v1
      .connectionPolicies(policy.sid)
      .targets.create({ target: "sip:sip-box.com:1234" });
    expect(target).toMatchObject({ target: "sip:sip-box.com:1234", priority: 10, weight: 10, enabled: true });
    expect(
      (await client.voice.v1.connectionPolicies(policy.sid).targets(target.sid).update({ weight: 7 })).weight,
    ).toBe(7);
    const trunk = await client.voice.v1.byocTrunks.create({ connectionPolicySid: policy.sid });
    expect(trunk).toMatchObject({ connectionPolicySid: policy.sid, voiceMethod: "POST", cnamLookupEnabled: false });
    const domain = await client.sip.domains.create({
      domainName: `carrier.sip.${BASE_DOMAIN}`,
      byocTrunkSid: trunk.sid,
      voiceUrl: "https://example.com/voice",
    });
    expect(domain).toMatchObject({
      domainName: `carrier.sip.${BASE_DOMAIN}`,
      byocTrunkSid: trunk.sid,
      apiVersion: "2010-04-01",
      sipRegistration: false,
      secure: false,
    });
    await client.voice.v1.byocTrunks(trunk.sid).update({ fromDomainSid: domain.sid, friendlyName: "carrier" });
    const acl = await client.sip.ipAccessControlLists.create({ friendlyName: "carrier" });
    await client.sip
      .domains(domain.sid)
      .auth.calls.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid });
    expect(await client.sip.domains(domain.sid).auth.calls.ipAccessControlListMappings.list()).toMatchObject([
      { sid: acl.sid, friendlyName: "carrier" },
    ]);
    expect(await client.sip.domains(domain.sid).ipAccessControlListMappings.list()).toMatchObject([
      { sid: acl.sid, domainSid: domain.sid },
    ]);
    expect(await client.sip.domains(domain.sid).auth.calls.credentialListMappings.list()).toEqual([]);
    await expect(
      client.sip.domains(domain.sid).ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid }),
    ).rejects.toMatchObject({ status: 409 });
    expect((await client.sip.domains(domain.sid).fetch()).authType).toBe("IP_ACL");

    // What is in use does not go.
    await expect(client.voice.v1.connectionPolicies(policy.sid).remove()).rejects.toMatchObject({ status: 409 });
    await expect(client.voice.v1.byocTrunks(trunk.sid).remove()).rejects.toMatchObject({ status: 409 });
    await client.voice.v1.byocTrunks(trunk.sid).update({ fromDomainSid: "" });
    expect(await client.sip.domains(domain.sid).auth.calls.ipAccessControlListMappings(acl.sid).remove()).toBe(true);
    expect(await client.sip.domains(domain.sid).remove()).toBe(true);
    expect(await client.voice.v1.byocTrunks(trunk.sid).remove()).toBe(true);
    expect(await client.voice.v1.connectionPolicies(policy.sid).remove()).toBe(true);
    expect([...stage.store.list("connectionPolicyTargets")]).toEqual([]);
  });
});
