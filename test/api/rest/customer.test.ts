/**
 * What a customer does from nothing to nothing with the unmodified client, over a durable store: trunk, domain, access control list,
 * credential list, origination URLs, number, recording; BYOC trunk, connection policy, targets, SIP domain; and all of it down again.
 * Every answer is read by the client's own classes and compared with the wire, property by property (trunking-rest.md 11.1).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../../src/base/clock.ts";
import { Secrets } from "../../../src/store/secrets.ts";
import { SqliteStore } from "../../../src/store/sqlite-store.ts";
import { ACCOUNT, BASE_DOMAIN, type RestStage, SUB_ACCOUNT, startRest } from "../../support/rest.ts";
import { WholeAnswers } from "../../support/whole-answers.ts";

let folder: string;
let stage: RestStage;
let store: SqliteStore;
let look: WholeAnswers;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-customer-"));
  store = new SqliteStore({ path: join(folder, "data"), secrets: Secrets.ephemeral(), clock: new SystemClock() });
  stage = await startRest(store);
  look = new WholeAnswers(stage.url, ACCOUNT.sid, ACCOUNT.token);
});
afterAll(async () => {
  await stage.stop();
  await store.close();
  rmSync(folder, { recursive: true });
});

describe("a customer from nothing to nothing", () => {
  it("R-GEN-2, R-GEN-5: a trunk with domain, list of addresses, list of users, 60/20/20 and a backup, a number, recording", async () => {
    const { trunking, sip, incomingPhoneNumbers } = look.client;
    const { trunks } = trunking.v1;
    const trunk = await look.made(
      trunks.create({ friendlyName: "Office", domainName: `customer.pstn.${BASE_DOMAIN}`, secure: false }),
    );
    // The clock of the stage stands still: a date that the client made up would be another.
    expect(trunk.dateCreated).toEqual(new Date(Math.floor(stage.clock.wallTime().getTime() / 1000) * 1000));
    const one = trunks(trunk.sid);

    const acl = await look.made(sip.ipAccessControlLists.create({ friendlyName: "office network" }));
    const addresses = sip.ipAccessControlLists(acl.sid).ipAddresses;
    const address = await look.made(
      addresses.create({ friendlyName: "gateway", ipAddress: "192.0.2.0", cidrPrefixLength: 28 }),
    );
    expect(address.cidrPrefixLength).toBe(28);
    await look.one(addresses(address.sid).fetch());
    await look.one(addresses(address.sid).update({ friendlyName: "gateways" }));
    await look.list(addresses.list(), "ip_addresses");
    await look.one(sip.ipAccessControlLists(acl.sid).update({ friendlyName: "office" }));
    await look.list(sip.ipAccessControlLists.list(), "ip_access_control_lists");

    const users = await look.made(sip.credentialLists.create({ friendlyName: "pbx users" }));
    const credentials = sip.credentialLists(users.sid).credentials;
    const user = await look.made(credentials.create({ username: "pbx", password: "Correct-Horse-9" }));
    await look.one(credentials(user.sid).fetch());
    await look.one(credentials(user.sid).update({ password: "Correct-Horse-10" }));
    await look.list(credentials.list(), "credentials");
    await look.one(sip.credentialLists(users.sid).update({ friendlyName: "users" }));
    await look.list(sip.credentialLists.list(), "credential_lists");

    await look.made(one.ipAccessControlLists.create({ ipAccessControlListSid: acl.sid }));
    await look.made(one.credentialsLists.create({ credentialListSid: users.sid }));
    await look.one(one.ipAccessControlLists(acl.sid).fetch());
    await look.one(one.credentialsLists(users.sid).fetch());
    await look.list(one.ipAccessControlLists.list(), "ip_access_control_lists");
    await look.list(one.credentialsLists.list(), "credential_lists");
    expect((await look.one(one.fetch())).authType).toBe("IP_ACL,CREDENTIAL_LIST");

    for (const [weight, priority, sipUrl] of [
      [60, 10, "sip:pbx1.customer.example"],
      [20, 10, "sip:pbx2.customer.example;transport=tcp"],
      [20, 10, "sip:pbx3.customer.example?X-site=3"],
      [10, 20, "sip:backup.customer.example:5070;edge=tokyo"],
    ] as const) {
      const made = await look.made(
        one.originationUrls.create({ weight, priority, enabled: true, friendlyName: sipUrl, sipUrl }),
      );
      expect(made).toMatchObject({ weight, priority, enabled: true, sipUrl, trunkSid: trunk.sid });
    }
    const [newest] = await look.list(one.originationUrls.list(), "origination_urls");
    await look.one(one.originationUrls(newest!.sid).update({ enabled: false }));
    await look.one(one.originationUrls(newest!.sid).fetch());

    const number = await look.made(incomingPhoneNumbers.create({ phoneNumber: "+14158675309" }));
    await look.made(one.phoneNumbers.create({ phoneNumberSid: number.sid }));
    await look.one(one.phoneNumbers(number.sid).fetch());
    await look.list(one.phoneNumbers.list(), "phone_numbers");
    expect((await look.one(incomingPhoneNumbers(number.sid).fetch())).trunkSid).toBe(trunk.sid);
    await look.list(incomingPhoneNumbers.local.list(), "incoming_phone_numbers");
    await look.one(look.client.routes.v2.phoneNumbers("+14158675309").update({ voiceRegion: "jp1" }));
    await look.one(look.client.routes.v2.trunks(`customer.pstn.${BASE_DOMAIN}`).fetch());

    const recording = await look.one(
      one.recordings().update({ mode: "record-from-answer-dual", trim: "trim-silence" }),
    );
    expect(recording).toMatchObject({ mode: "record-from-answer-dual", trim: "trim-silence" });
    await look.one(one.recordings().fetch());
    await look.one(one.update({ transferMode: "enable-all", cnamLookupEnabled: true }));
    await look.list(trunks.list(), "trunks");

    // Down again; the lists outlive the trunk, and the number is released by itself.
    await look.gone(one.originationUrls(newest!.sid).remove());
    await look.gone(one.phoneNumbers(number.sid).remove());
    await look.gone(one.credentialsLists(users.sid).remove());
    await look.gone(one.ipAccessControlLists(acl.sid).remove());
    await look.gone(one.remove());
    await look.gone(addresses(address.sid).remove());
    await look.gone(sip.ipAccessControlLists(acl.sid).remove());
    await look.gone(credentials(user.sid).remove());
    await look.gone(sip.credentialLists(users.sid).remove());
    await look.gone(incomingPhoneNumbers(number.sid).remove());
  });

  it("R-BYOC-1, R-BYOC-2, R-BYOC-10, R-NET-6: a BYOC trunk with policy, targets, SIP domain, source addresses, and down again", async () => {
    const { voice, sip } = look.client;
    const { connectionPolicies, byocTrunks, ipRecords, sourceIpMappings } = voice.v1;
    const policy = await look.made(connectionPolicies.create({ friendlyName: "carrier" }));
    const { targets } = connectionPolicies(policy.sid);
    const target = await look.made(targets.create({ target: "sip:sbc1.carrier.example:5061;transport=tls" }));
    await look.made(targets.create({ target: "sip:sbc2.carrier.example", priority: 20, weight: 5, enabled: false }));
    await look.one(targets(target.sid).update({ friendlyName: "first", weight: 60 }));
    await look.one(targets(target.sid).fetch());
    await look.list(targets.list(), "targets");
    await look.one(connectionPolicies(policy.sid).update({ friendlyName: "the carrier" }));
    await look.list(connectionPolicies.list(), "connection_policies");

    const trunk = await look.made(
      byocTrunks.create({
        friendlyName: "carrier",
        voiceUrl: "https://app.example.com/voice",
        voiceFallbackUrl: "https://app.example.com/fallback",
        statusCallbackUrl: "https://app.example.com/status",
        cnamLookupEnabled: true,
        connectionPolicySid: policy.sid,
      }),
    );
    await look.one(byocTrunks(trunk.sid).fetch());
    await look.list(byocTrunks.list(), "byoc_trunks");

    const domain = await look.made(
      sip.domains.create({ domainName: `carrier.sip.${BASE_DOMAIN}`, byocTrunkSid: trunk.sid }),
    );
    const status = { voiceStatusCallbackUrl: "https://app.example.com/d", voiceStatusCallbackMethod: "GET" as const };
    expect(await look.one(sip.domains(domain.sid).update(status))).toMatchObject(status);
    await look.one(byocTrunks(trunk.sid).update({ fromDomainSid: domain.sid }));
    const users = await look.made(sip.credentialLists.create({ friendlyName: "carrier" }));
    const acl = await look.made(sip.ipAccessControlLists.create({ friendlyName: "carrier" }));
    const { calls, registrations } = sip.domains(domain.sid).auth;
    await look.made(calls.credentialListMappings.create({ credentialListSid: users.sid }));
    await look.made(sip.domains(domain.sid).ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid }));
    await look.one(calls.ipAccessControlListMappings(acl.sid).fetch());
    await look.one(sip.domains(domain.sid).credentialListMappings(users.sid).fetch());
    await look.list(calls.credentialListMappings.list(), "contents");
    await look.list(registrations.credentialListMappings.list(), "contents");
    await look.list(sip.domains(domain.sid).ipAccessControlListMappings.list(), "ip_access_control_list_mappings");
    expect((await look.one(sip.domains(domain.sid).fetch())).authType).toBe("IP_ACL,CREDENTIAL_LIST");
    await look.list(sip.domains.list(), "domains");
    await look.one(look.client.routes.v2.sipDomains(`carrier.sip.${BASE_DOMAIN}`).update({ friendlyName: "carrier" }));

    const record = await look.made(ipRecords.create({ ipAddress: "198.51.100.0", cidrPrefixLength: 24 }));
    await look.one(ipRecords(record.sid).update({ friendlyName: "carrier" }));
    await look.list(ipRecords.list(), "ip_records");
    const mapping = await look.made(sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: domain.sid }));
    await look.one(sourceIpMappings(mapping.sid).fetch());
    await look.list(sourceIpMappings.list(), "source_ip_mappings");

    await look.gone(sourceIpMappings(mapping.sid).remove());
    await look.gone(ipRecords(record.sid).remove());
    await look.one(byocTrunks(trunk.sid).update({ fromDomainSid: "" }));
    await look.gone(calls.credentialListMappings(users.sid).remove());
    await look.gone(calls.ipAccessControlListMappings(acl.sid).remove());
    await look.gone(sip.domains(domain.sid).remove());
    await look.gone(byocTrunks(trunk.sid).remove());
    await look.gone(targets(target.sid).remove());
    await look.gone(connectionPolicies(policy.sid).remove());
    await look.gone(sip.credentialLists(users.sid).remove());
    await look.gone(sip.ipAccessControlLists(acl.sid).remove());
  });

  it("accounts, keys, applications and settings: each answer whole", async () => {
    const { api, keys, newKeys, applications, insights } = look.client;
    const sub = await look.made(api.v2010.accounts.create({ friendlyName: "branch" }));
    await look.one(api.v2010.accounts(sub.sid).fetch());
    await look.list(api.v2010.accounts.list(), "accounts");
    const key = await look.made(newKeys.create({ friendlyName: "robot" }));
    await look.one(keys(key.sid).fetch());
    await look.list(keys.list(), "keys");
    await look.gone(keys(key.sid).remove());
    const application = await look.made(applications.create({ friendlyName: "ivr", voiceUrl: "https://a.example/" }));
    await look.one(applications(application.sid).update({ voiceMethod: "GET" }));
    await look.list(applications.list(), "applications");
    await look.gone(applications(application.sid).remove());
    const settings = insights.v1.settings();
    expect(await look.one(settings.fetch())).toMatchObject({ voiceTrace: false, advancedFeatures: false });
    expect(await look.one(settings.update({ voiceTrace: true, subaccountSid: SUB_ACCOUNT.sid }))).toMatchObject({
      accountSid: SUB_ACCOUNT.sid,
      voiceTrace: true,
    });
    expect(await look.one(settings.fetch({ subaccountSid: SUB_ACCOUNT.sid }))).toMatchObject({ voiceTrace: true });
    expect(await look.one(settings.fetch())).toMatchObject({ accountSid: ACCOUNT.sid, voiceTrace: false });
    await api.v2010.accounts(sub.sid).update({ status: "closed" });
  });

  it("nothing is left, neither in memory nor in the data file, and each class of the client was looked at", () => {
    for (const kind of [
      "trunks",
      "originationUrls",
      "byocTrunks",
      "connectionPolicies",
      "connectionPolicyTargets",
      "sipDomains",
      "ipAcls",
      "credentialLists",
      "phoneNumbers",
      "ipRecords",
      "sourceIpMappings",
      "apiKeys",
      "applications",
    ] as const)
      expect([...stage.store.list(kind)], kind).toEqual([]);
    expect([...look.seen.keys()].sort()).toEqual([
      "AccountInstance",
      "ApplicationInstance",
      "AuthCallsCredentialListMappingInstance",
      "AuthCallsIpAccessControlListMappingInstance",
      "ByocTrunkInstance",
      "ConnectionPolicyInstance",
      "ConnectionPolicyTargetInstance",
      "CredentialInstance",
      "CredentialListInstance",
      "CredentialListMappingInstance",
      "DomainInstance",
      "IncomingPhoneNumberInstance",
      "IpAccessControlListInstance",
      "IpAccessControlListMappingInstance",
      "IpAddressInstance",
      "IpRecordInstance",
      "KeyInstance",
      "LocalInstance",
      "NewKeyInstance",
      "OriginationUrlInstance",
      "PhoneNumberInstance",
      "RecordingInstance",
      "SettingInstance",
      "SipDomainInstance",
      "SourceIpMappingInstance",
      "TrunkInstance",
    ]);
  });
});
