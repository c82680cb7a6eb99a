/** Accounts, sub-accounts and API keys by the unmodified client (trunking-rest.md 1, decisions 4 and 9; R-EDGE-9). */
import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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

const refused = { status: 401, code: 20003 };
const forbidden = { status: 403, code: 20403 };
const suspended = { status: 403, code: 10001 };
const unknown = { status: 404, code: 20404 };

/** A client with key and secret, for an account. */
function withKey(sid: string, secret: string, accountSid = ACCOUNT.sid): ReturnType<typeof twilio> {
  const made = twilio(sid, secret, { accountSid });
  for (const product of [made.trunking, made.voice, made.api, made.routes, made.insights]) product.baseUrl = stage.url;
  return made;
}

/** GET with a Host of its own, which fetch does not let through. */
async function statusAt(host: string, user: string, password: string): Promise<number> {
  const answer = await stage.server.inject({
    method: "GET",
    url: "/v1/Trunks",
    headers: { host, authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` },
  });
  return answer.statusCode;
}

describe("accounts", () => {
  it("a sub-account: made with a token that is shown once, used with it and by the parent's, listed, named", async () => {
    const made = await client.api.v2010.accounts.create({ friendlyName: "Tokyo office" });
    expect(made).toMatchObject({
      friendlyName: "Tokyo office",
      ownerAccountSid: ACCOUNT.sid,
      status: "active",
      type: "Full",
      uri: `/2010-04-01/Accounts/${made.sid}.json`,
    });
    expect(made.authToken).toMatch(/^[0-9a-f]{32}$/);
    expect(made.dateCreated).toEqual(new Date(Math.floor(stage.clock.wallTime().getTime() / 1000) * 1000));
    const sub = clientFor(stage, { sid: made.sid, token: made.authToken });
    // Its own credentials, and those of the parent by the path.
    const acl = await sub.sip.ipAccessControlLists.create({ friendlyName: "own" });
    const byParent = client.api.v2010.accounts(made.sid).sip.ipAccessControlLists;
    expect((await byParent.list()).map(({ sid }) => sid)).toEqual([acl.sid]);
    await byParent(acl.sid).update({ friendlyName: "named by the parent" });
    expect((await sub.sip.ipAccessControlLists(acl.sid).fetch()).friendlyName).toBe("named by the parent");
    // Never shown again, to neither of them.
    const fetched = await client.api.v2010.accounts(made.sid).fetch();
    expect(fetched).toMatchObject({ sid: made.sid, authToken: "*".repeat(32), ownerAccountSid: ACCOUNT.sid });
    expect(JSON.stringify(await client.api.v2010.accounts.list())).not.toContain(made.authToken);
    expect((await sub.api.v2010.accounts(made.sid).fetch()).authToken).toBe("*".repeat(32));
    const renamed = await client.api.v2010.accounts(made.sid).update({ friendlyName: "Osaka office" });
    expect(renamed.friendlyName).toBe("Osaka office");
    const listed = await client.api.v2010.accounts.list({ pageSize: 1 });
    expect(new Set(listed.map(({ sid }) => sid))).toEqual(new Set([ACCOUNT.sid, SUB_ACCOUNT.sid, made.sid]));
    expect(await client.api.v2010.accounts.list({ friendlyName: "Osaka office" })).toHaveLength(1);
    expect(await client.api.v2010.accounts.list({ status: "suspended" })).toEqual([]);
    // The sub-account sees itself alone, has none below it, and others see nothing of it.
    expect((await sub.api.v2010.accounts.list()).map(({ sid }) => sid)).toEqual([made.sid]);
    await expect(sub.api.v2010.accounts.create({})).rejects.toMatchObject(forbidden);
    await expect(sub.api.v2010.accounts(ACCOUNT.sid).fetch()).rejects.toMatchObject(unknown);
    const other = clientFor(stage, OTHER_ACCOUNT);
    await expect(other.api.v2010.accounts(made.sid).fetch()).rejects.toMatchObject(unknown);
    await expect(other.api.v2010.accounts(made.sid).update({ status: "closed" })).rejects.toMatchObject(unknown);
    expect((await client.api.v2010.accounts.create()).friendlyName).toMatch(/^SubAccount Created at /);
  });

  it("a suspended account reads and does not write (code 10001), nor does its parent for it, until it is woken", async () => {
    const made = await client.api.v2010.accounts.create({ friendlyName: "late payer" });
    const sub = clientFor(stage, { sid: made.sid, token: made.authToken });
    const trunk = await sub.trunking.v1.trunks.create({ domainName: `late.pstn.${BASE_DOMAIN}` });
    await expect(sub.api.v2010.accounts(made.sid).update({ status: "suspended" })).rejects.toMatchObject(forbidden);
    expect((await client.api.v2010.accounts(made.sid).update({ status: "suspended" })).status).toBe("suspended");
    expect(await sub.trunking.v1.trunks.list()).toHaveLength(1);
    await expect(sub.trunking.v1.trunks.create()).rejects.toMatchObject(suspended);
    await expect(sub.trunking.v1.trunks(trunk.sid).remove()).rejects.toMatchObject(suspended);
    await expect(sub.api.v2010.accounts(made.sid).update({ status: "active" })).rejects.toMatchObject(suspended);
    await expect(sub.api.v2010.accounts(made.sid).update({ friendlyName: "x" })).rejects.toMatchObject(suspended);
    await expect(
      client.api.v2010.accounts(made.sid).sip.ipAccessControlLists.create({ friendlyName: "x" }),
    ).rejects.toMatchObject(suspended);
    await client.api.v2010.accounts(made.sid).update({ status: "active" });
    await sub.trunking.v1.trunks(trunk.sid).update({ friendlyName: "paid" });
  });

  it("a closed account is closed for good: its credentials are refused, its numbers and domains are free again", async () => {
    const made = await client.api.v2010.accounts.create({ friendlyName: "gone" });
    const sub = clientFor(stage, { sid: made.sid, token: made.authToken });
    const domainName = `gone.pstn.${BASE_DOMAIN}`;
    await sub.trunking.v1.trunks.create({ domainName });
    await sub.incomingPhoneNumbers.create({ phoneNumber: "+15550100999" });
    const key = await sub.newKeys.create({ friendlyName: "of a closed account" });
    const closed = await client.api.v2010.accounts(made.sid).update({ status: "closed" });
    expect(closed.status).toBe("closed");
    await expect(sub.trunking.v1.trunks.list()).rejects.toMatchObject(refused);
    await expect(withKey(key.sid, key.secret, made.sid).trunking.v1.trunks.list()).rejects.toMatchObject(refused);
    await expect(client.api.v2010.accounts(made.sid).update({ status: "active" })).rejects.toMatchObject({
      status: 400,
      code: 20001,
    });
    expect((await client.api.v2010.accounts(made.sid).fetch()).status).toBe("closed");
    const trunk = await client.trunking.v1.trunks.create({ domainName });
    const number = await client.incomingPhoneNumbers.create({ phoneNumber: "+15550100999" });
    await client.trunking.v1.trunks(trunk.sid).remove();
    await client.incomingPhoneNumbers(number.sid).remove();
  });
});

describe("API keys", () => {
  it("a key acts with its secret, which is in the first answer and nowhere else, until it is deleted", async () => {
    const made = await client.newKeys.create({ friendlyName: "robot" });
    expect(made.sid).toMatch(/^SK[0-9a-f]{32}$/);
    expect(made.secret.length).toBeGreaterThanOrEqual(32);
    expect(made.dateCreated).toBeInstanceOf(Date);
    const robot = withKey(made.sid, made.secret);
    const trunk = await robot.trunking.v1.trunks.create({ friendlyName: "by key" });
    expect(trunk.accountSid).toBe(ACCOUNT.sid);
    expect(await robot.incomingPhoneNumbers.list()).toEqual([]);
    expect(await robot.api.v2010.accounts(SUB_ACCOUNT.sid).sip.domains.list()).toEqual([]);
    expect((await robot.api.v2010.accounts(ACCOUNT.sid).fetch()).status).toBe("active");
    await robot.trunking.v1.trunks(trunk.sid).remove();
    // It manages neither accounts nor keys.
    await expect(robot.api.v2010.accounts.create()).rejects.toMatchObject(forbidden);
    await expect(robot.newKeys.create()).rejects.toMatchObject(forbidden);
    await expect(robot.keys.list()).rejects.toMatchObject(forbidden);
    // Nor is it good with another secret, or for somebody else.
    await expect(withKey(made.sid, `${made.secret}x`).trunking.v1.trunks.list()).rejects.toMatchObject(refused);
    await expect(withKey(made.sid, "wrong").trunking.v1.trunks.list()).rejects.toMatchObject(refused);
    const ofOther = withKey(made.sid, made.secret, OTHER_ACCOUNT.sid);
    await expect(ofOther.incomingPhoneNumbers.list()).rejects.toMatchObject(unknown);
    const read = await client.keys(made.sid).update({ friendlyName: "robot 2" });
    expect(JSON.stringify([read, await client.keys(made.sid).fetch(), await client.keys.list()])).not.toContain(
      made.secret,
    );
    expect(JSON.stringify([...stage.store.list("apiKeys")])).not.toContain(made.secret);
    expect(await client.keys.list()).toMatchObject([{ sid: made.sid, friendlyName: "robot 2" }]);
    expect(await client.signingKeys.list()).toMatchObject([{ sid: made.sid }]);
    await expect(clientFor(stage, OTHER_ACCOUNT).keys(made.sid).fetch()).rejects.toMatchObject(unknown);
    expect(await client.keys(made.sid).remove()).toBe(true);
    await expect(robot.trunking.v1.trunks.list()).rejects.toMatchObject(refused);
    const signing = await client.newSigningKeys.create({ friendlyName: "signer" });
    expect(signing.secret).toBeTruthy();
    expect(await client.signingKeys(signing.sid).remove()).toBe(true);
  });

  it("R-EDGE-9 a key of a region is refused at the API host of another one, 401", async () => {
    const inTokyo = await stage.server.inject({
      method: "POST",
      url: `/2010-04-01/Accounts/${ACCOUNT.sid}/Keys.json`,
      headers: {
        // Where a key is made is where it belongs.
        host: `api.tokyo.jp1.${BASE_DOMAIN}:8080`,
        authorization: `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`,
      },
    });
    const { sid, secret, region } = inTokyo.json();
    expect([inTokyo.statusCode, region]).toEqual([201, "tokyo"]);
    for (const [host, status] of [
      [`api.jp1.${BASE_DOMAIN}`, 200],
      [`trunking.tokyo.jp1.${BASE_DOMAIN}`, 200],
      // Its edge is where the request comes in, its region where it counts.
      [`api.sydney.jp1.${BASE_DOMAIN}`, 200],
      [`api.ie1.${BASE_DOMAIN}`, 401],
      [`api.tokyo.ie1.${BASE_DOMAIN}`, 401],
      [`api.${BASE_DOMAIN}`, 200],
      ["127.0.0.1:8080", 200],
    ] as const)
      expect(await statusAt(host, sid, secret), host).toBe(status);
    // Account and token are good everywhere.
    expect(await statusAt(`api.ie1.${BASE_DOMAIN}`, ACCOUNT.sid, ACCOUNT.token)).toBe(200);
  });
});
