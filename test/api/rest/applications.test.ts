/** Applications, and numbers between trunk and application (trunking-rest.md 7.1, decision 10; R-NUM-1 to R-NUM-9). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCOUNT, clientFor, OTHER_ACCOUNT, type RestStage, SUB_ACCOUNT, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const bad = { status: 400, code: 20001 };

describe("applications", () => {
  it("made with defaults, changed, cleared, found by name, deleted; each property is the client's", async () => {
    const bare = await client.applications.create();
    expect(bare).toMatchObject({
      accountSid: ACCOUNT.sid,
      apiVersion: "2010-04-01",
      friendlyName: null,
      voiceUrl: null,
      voiceMethod: "POST",
      voiceFallbackUrl: null,
      voiceFallbackMethod: "POST",
      voiceCallerIdLookup: false,
      statusCallback: null,
      statusCallbackMethod: "POST",
      smsUrl: null,
      messageStatusCallback: null,
      publicApplicationConnectEnabled: false,
      uri: `/2010-04-01/Accounts/${ACCOUNT.sid}/Applications/${bare.sid}.json`,
    });
    expect(bare.sid).toMatch(/^AP[0-9a-f]{32}$/);
    expect(Object.values(bare)).not.toContain(undefined);
    const given = {
      friendlyName: "reception",
      voiceUrl: "https://example.com/voice?a=1",
      voiceMethod: "GET" as const,
      voiceFallbackUrl: "https://example.com/fallback",
      statusCallback: "https://example.com/status",
      voiceCallerIdLookup: true,
      smsUrl: "https://example.com/sms",
    };
    expect(await client.applications(bare.sid).update(given)).toMatchObject(given);
    expect(await client.applications.list({ friendlyName: "reception" })).toMatchObject([given]);
    expect(await client.applications.list({ friendlyName: "recept" })).toEqual([]);
    expect((await client.applications(bare.sid).update({ voiceUrl: "" })).voiceUrl).toBeNull();
    await expect(client.applications.create({ voiceUrl: "ftp://example.com" })).rejects.toMatchObject(bad);
    await expect(clientFor(stage, OTHER_ACCOUNT).applications(bare.sid).fetch()).rejects.toMatchObject({ status: 404 });
    expect(await client.applications(bare.sid).remove()).toBe(true);
    await expect(client.applications(bare.sid).remove()).rejects.toMatchObject({ status: 404, code: 20404 });
  });
});

describe("numbers", () => {
  it("R-NUM-7 a trunk clears the application and the reverse; the application that is deleted lets its number go", async () => {
    const trunk = await client.trunking.v1.trunks.create();
    const application = await client.applications.create({ voiceUrl: "https://example.com/voice" });
    const number = await client.incomingPhoneNumbers.create({
      phoneNumber: "+14158675309",
      voiceApplicationSid: application.sid,
    });
    expect(number).toMatchObject({ voiceApplicationSid: application.sid, trunkSid: null });
    const one = client.incomingPhoneNumbers(number.sid);
    expect(await one.update({ trunkSid: trunk.sid })).toMatchObject({
      trunkSid: trunk.sid,
      voiceApplicationSid: null,
    });
    expect(await one.update({ voiceApplicationSid: application.sid })).toMatchObject({
      trunkSid: null,
      voiceApplicationSid: application.sid,
    });
    // By the trunk's own list as well.
    await client.trunking.v1.trunks(trunk.sid).phoneNumbers.create({ phoneNumberSid: number.sid });
    expect(await one.fetch()).toMatchObject({ trunkSid: trunk.sid, voiceApplicationSid: null });
    // Both at once: the trunk counts.
    expect(await one.update({ voiceApplicationSid: application.sid, trunkSid: trunk.sid })).toMatchObject({
      trunkSid: trunk.sid,
      voiceApplicationSid: null,
    });
    expect(await one.update({ trunkSid: "" })).toMatchObject({ trunkSid: null });
    await one.update({ voiceApplicationSid: application.sid });
    await client.applications(application.sid).remove();
    expect((await one.fetch()).voiceApplicationSid).toBeNull();
    await expect(one.update({ voiceApplicationSid: application.sid })).rejects.toMatchObject(bad);
    await expect(one.update({ trunkSid: `TK${"0".repeat(32)}` })).rejects.toMatchObject(bad);
    expect(await one.remove()).toBe(true);
    await client.trunking.v1.trunks(trunk.sid).remove();
  });

  it("R-NUM-2, R-NUM-3, R-NUM-4, R-NUM-5, R-NUM-6 associated both ways, let go in three ways, released by itself alone", async () => {
    const [one, two] = [await client.trunking.v1.trunks.create(), await client.trunking.v1.trunks.create()];
    const onTrunk = (trunk: { sid: string }) => client.trunking.v1.trunks(trunk.sid).phoneNumbers;
    const numbersOf = async (trunk: { sid: string }) => (await onTrunk(trunk).list()).map(({ sid }) => sid);
    const { sid } = await client.incomingPhoneNumbers.create({ phoneNumber: "+14158675310", trunkSid: one.sid });
    const number = client.incomingPhoneNumbers(sid);
    expect(await numbersOf(one)).toEqual([sid]);
    // Way one: from the trunk's list.
    expect(await onTrunk(one)(sid).remove()).toBe(true);
    expect(await numbersOf(one)).toEqual([]);
    await onTrunk(one).create({ phoneNumberSid: sid });
    await expect(onTrunk(one).create({ phoneNumberSid: sid })).rejects.toMatchObject({ status: 400, code: 21245 });
    expect((await number.fetch()).trunkSid).toBe(one.sid);
    // Way two: another trunk, an application.
    await onTrunk(two).create({ phoneNumberSid: sid });
    expect([await numbersOf(one), await numbersOf(two)]).toEqual([[], [sid]]);
    const application = await client.applications.create();
    await number.update({ voiceApplicationSid: application.sid });
    expect(await numbersOf(two)).toEqual([]);
    // Way three: the trunk goes, the number stays.
    await number.update({ trunkSid: two.sid });
    await client.trunking.v1.trunks(two.sid).remove();
    expect(await number.fetch()).toMatchObject({ trunkSid: null, phoneNumber: "+14158675310" });
    expect(await number.remove()).toBe(true);
    expect(await client.incomingPhoneNumbers.list()).toEqual([]);
    await client.trunking.v1.trunks(one.sid).remove();
  });

  it("R-NUM-8, R-NUM-9 E.164 alone, once; the name is the formatted number; nothing has a price", async () => {
    const number = await client.incomingPhoneNumbers.create({ phoneNumber: "+14158675311", voiceCallerIdLookup: true });
    expect(number).toMatchObject({ friendlyName: "(415) 867-5311", voiceCallerIdLookup: true, status: "in-use" });
    expect(Object.keys(number).filter((name) => /price/i.test(name))).toEqual([]);
    expect(Object.entries(number).filter(([, value]) => value === undefined)).toEqual([]);
    await expect(client.incomingPhoneNumbers.create({ phoneNumber: "4158675309" })).rejects.toMatchObject(bad);
    await expect(client.incomingPhoneNumbers.create({ phoneNumber: "+14158675311" })).rejects.toMatchObject({
      status: 409,
      code: 20409,
    });
    await client.incomingPhoneNumbers(number.sid).remove();
  });

  it("AccountSid moves a number to a sub-account and back, without trunk, never to an account that is not below", async () => {
    const trunk = await client.trunking.v1.trunks.create();
    const { sid } = await client.incomingPhoneNumbers.create({ phoneNumber: "+14158675312", trunkSid: trunk.sid });
    const inSub = client.api.v2010.accounts(SUB_ACCOUNT.sid).incomingPhoneNumbers;
    await expect(client.incomingPhoneNumbers(sid).update({ accountSid: OTHER_ACCOUNT.sid })).rejects.toMatchObject(bad);
    const moved = await client.incomingPhoneNumbers(sid).update({ accountSid: SUB_ACCOUNT.sid });
    expect(moved).toMatchObject({ accountSid: SUB_ACCOUNT.sid, trunkSid: null });
    await expect(client.incomingPhoneNumbers(sid).fetch()).rejects.toMatchObject({ status: 404 });
    expect((await inSub(sid).fetch()).phoneNumber).toBe("+14158675312");
    await expect(
      clientFor(stage, SUB_ACCOUNT).incomingPhoneNumbers(sid).update({ accountSid: ACCOUNT.sid }),
    ).rejects.toMatchObject(bad);
    await inSub(sid).update({ accountSid: ACCOUNT.sid });
    expect(await client.incomingPhoneNumbers(sid).remove()).toBe(true);
    await client.trunking.v1.trunks(trunk.sid).remove();
  });
});
