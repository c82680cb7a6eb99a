/** Routes v2 and the Voice Trace switch (trunking-rest.md 8 and 9; R-EDGE-8, R-COMP-2, R-COMP-6). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import {
  ACCOUNT,
  BASE_DOMAIN,
  clientFor,
  OTHER_ACCOUNT,
  type RestStage,
  SUB_ACCOUNT,
  startRest,
} from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const unknown = { status: 404, code: 20404 };

describe("routes", () => {
  it("R-EDGE-8 a number, by a literal plus in the path, has the default region, takes another, and gives it back", async () => {
    const number = await client.incomingPhoneNumbers.create({ phoneNumber: "+14158675309" });
    const route = client.routes.v2.phoneNumbers("+14158675309");
    expect(await route.fetch()).toMatchObject({
      sid: `QQ${number.sid.slice(2)}`,
      phoneNumber: "+14158675309",
      accountSid: ACCOUNT.sid,
      voiceRegion: "us1",
      friendlyName: null,
      url: `${stage.url}/v2/PhoneNumbers/+14158675309`,
    });
    expect(await route.update({ voiceRegion: "jp1", friendlyName: "Tokyo" })).toMatchObject({
      voiceRegion: "jp1",
      friendlyName: "Tokyo",
    });
    expect(stage.store.phoneNumber("+14158675309")?.voiceRegion).toBe("jp1");
    // An edge is a name of a region; the name of the assignment is not that of the number.
    expect((await route.update({ voiceRegion: "tokyo" })).voiceRegion).toBe("tokyo");
    expect((await client.incomingPhoneNumbers(number.sid).fetch()).friendlyName).toBe("(415) 867-5309");
    await expect(route.update({ voiceRegion: "atlantis" })).rejects.toMatchObject({ status: 400, code: 21252 });
    await expect(route.update({ friendlyName: "x".repeat(65) })).rejects.toMatchObject({ status: 400, code: 20001 });
    expect((await route.fetch()).voiceRegion).toBe("tokyo");
    expect((await route.update({ voiceRegion: "" })).voiceRegion).toBe("us1");
    // Sent percent-encoded too.
    const encoded = await fetch(`${stage.url}/v2/PhoneNumbers/%2B14158675309`, {
      headers: { authorization: `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}` },
    });
    expect(encoded.status).toBe(200);
    await expect(clientFor(stage, OTHER_ACCOUNT).routes.v2.phoneNumbers("+14158675309").fetch()).rejects.toMatchObject(
      unknown,
    );
    await expect(client.routes.v2.phoneNumbers("+14158675399").fetch()).rejects.toMatchObject(unknown);
  });

  it("R-EDGE-8 SIP domains and trunk domains by their whole names, in any letter case", async () => {
    const sip = await client.sip.domains.create({ domainName: `routed.sip.${BASE_DOMAIN}` });
    const trunk = await client.trunking.v1.trunks.create({ domainName: `routed.pstn.${BASE_DOMAIN}` });
    const sipRoute = client.routes.v2.sipDomains(`routed.sip.${BASE_DOMAIN}`);
    const trunkRoute = client.routes.v2.trunks(`Routed.PSTN.${BASE_DOMAIN}`);
    expect(await sipRoute.update({ voiceRegion: "ie1" })).toMatchObject({
      sid: `QQ${sip.sid.slice(2)}`,
      sipDomain: `routed.sip.${BASE_DOMAIN}`,
      voiceRegion: "ie1",
    });
    expect(await trunkRoute.update({ voiceRegion: "AU1" })).toMatchObject({
      sid: `QQ${trunk.sid.slice(2)}`,
      sipTrunkDomain: `routed.pstn.${BASE_DOMAIN}`,
      voiceRegion: "au1",
    });
    expect(stage.store.sipDomainByName("routed")?.voiceRegion).toBe("ie1");
    expect(stage.store.trunkByDomain("routed")?.voiceRegion).toBe("au1");
    // Neither is a name of the other kind.
    await expect(client.routes.v2.trunks(`routed.sip.${BASE_DOMAIN}`).fetch()).rejects.toMatchObject(unknown);
    await expect(client.routes.v2.sipDomains("routed").fetch()).rejects.toMatchObject(unknown);
  });
});

describe("voice settings", () => {
  it("R-COMP-2 Voice Trace is off, and is switched for the account and for each sub-account by itself", async () => {
    const settings = client.insights.v1.settings();
    const ofSub = { subaccountSid: SUB_ACCOUNT.sid };
    expect(await settings.fetch()).toMatchObject({
      accountSid: ACCOUNT.sid,
      voiceTrace: false,
      advancedFeatures: false,
    });
    expect(await settings.update({ voiceTrace: true })).toMatchObject({ voiceTrace: true, advancedFeatures: false });
    expect(stage.store.get("voiceSettings", ACCOUNT.sid)?.voiceTrace).toBe(true);
    expect(await settings.fetch(ofSub)).toMatchObject({ accountSid: SUB_ACCOUNT.sid, voiceTrace: false });
    await settings.update({ ...ofSub, voiceTrace: true, advancedFeatures: true });
    expect(await settings.update({ voiceTrace: false })).toMatchObject({ accountSid: ACCOUNT.sid, voiceTrace: false });
    expect(await clientFor(stage, SUB_ACCOUNT).insights.v1.settings().fetch()).toMatchObject({
      voiceTrace: true,
      advancedFeatures: true,
    });
    const other = clientFor(stage, OTHER_ACCOUNT).insights.v1.settings();
    await expect(other.fetch(ofSub)).rejects.toMatchObject(unknown);
    await expect(other.update({ ...ofSub, voiceTrace: false })).rejects.toMatchObject(unknown);
    await expect(settings.update({ voiceTrace: "perhaps" as never })).rejects.toMatchObject({ status: 400 });
    await expect(settings.fetch({ subaccountSid: "AC1" })).rejects.toMatchObject({ status: 400, code: 20001 });
  });

  it("R-COMP-6 with noAudioAtRest Voice Trace cannot be switched on", async () => {
    const strict = await startRest(new MemoryStore(), { noAudioAtRest: true });
    try {
      const settings = clientFor(strict).insights.v1.settings();
      await expect(settings.update({ voiceTrace: true })).rejects.toMatchObject({ status: 400, code: 20001 });
      expect((await settings.update({ voiceTrace: false })).voiceTrace).toBe(false);
    } finally {
      await strict.stop();
    }
  });
});
