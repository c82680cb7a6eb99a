/** Caller ids that are no numbers of ours (trunking-rest.md 7.2; R-CID-3, R-CID-4). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { ACCOUNT, clientFor, OTHER_ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest();
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const phoneNumber = "+14155550123";

describe("outgoing caller ids", () => {
  it("R-CID-4 with verification.mode trust one is added by POST, may be shown at once, is named, found and deleted", async () => {
    expect(stage.store.ownsCallerId(ACCOUNT.sid, phoneNumber)).toBe(false);
    const asked = await client.validationRequests.create({ phoneNumber, friendlyName: "reception", callDelay: 5 });
    expect(asked).toMatchObject({ accountSid: ACCOUNT.sid, phoneNumber, friendlyName: "reception", callSid: null });
    expect(asked.validationCode).toMatch(/^[0-9]{6}$/);
    expect(stage.store.ownsCallerId(ACCOUNT.sid, phoneNumber)).toBe(true);
    expect(stage.store.ownsCallerId(OTHER_ACCOUNT.sid, phoneNumber)).toBe(false);
    const [listed] = await client.outgoingCallerIds.list({ phoneNumber });
    expect(listed).toMatchObject({ phoneNumber, friendlyName: "reception" });
    const one = client.outgoingCallerIds(listed!.sid);
    expect((await one.update({ friendlyName: "front desk" })).friendlyName).toBe("front desk");
    await expect(client.validationRequests.create({ phoneNumber })).rejects.toMatchObject({ status: 409, code: 20409 });
    await expect(client.validationRequests.create({ phoneNumber: "4155550123" })).rejects.toMatchObject({
      status: 400,
      code: 20001,
    });
    await expect(client.validationRequests.create({ phoneNumber: "+1415", callDelay: 61 })).rejects.toMatchObject({
      status: 400,
    });
    expect(await one.remove()).toBe(true);
    expect(stage.store.ownsCallerId(ACCOUNT.sid, phoneNumber)).toBe(false);
    expect((await client.validationRequests.create({ phoneNumber })).friendlyName).toBe("(415) 555-0123");
  });

  it("R-CID-4 without trust nothing is added, and the answer says what to do", async () => {
    const strict = await startRest(new MemoryStore(), { verification: "off" });
    try {
      const refusal = clientFor(strict).validationRequests.create({ phoneNumber });
      await expect(refusal).rejects.toMatchObject({ status: 403, code: 20403 });
      await expect(refusal).rejects.toThrow(/verification\.mode/);
      expect([...strict.store.list("outgoingCallerIds")]).toEqual([]);
    } finally {
      await strict.stop();
    }
  });
});
