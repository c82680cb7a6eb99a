/** Errors, accounts, paging and bad input of REST, by the client and by plain HTTP (trunking-rest.md 1 to 3, 11). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../../src/base/errors.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import type { Change } from "../../../src/store/store.ts";
import {
  ACCOUNT,
  BASE_DOMAIN,
  clientFor,
  OTHER_ACCOUNT,
  type RestStage,
  SUB_ACCOUNT,
  startRest,
} from "../../support/rest.ts";

/** A store whose disk can be full. */
class FailingStore extends MemoryStore {
  full = false;
  override async apply(changes: readonly Change[]): Promise<void> {
    if (this.full) throw new StoreError("STORE_FULL", "the disk is full");
    await super.apply(changes);
  }
}

const store = new FailingStore();
let stage: RestStage;
let client: ReturnType<typeof clientFor>;
beforeAll(async () => {
  stage = await startRest(store);
  client = clientFor(stage);
});
afterAll(() => stage.stop());

const basic = ({ sid, token }: { sid: string; token: string }) =>
  `Basic ${Buffer.from(`${sid}:${token}`).toString("base64")}`;
async function http(method: string, path: string, body?: string, headers: Record<string, string> = {}) {
  const answer = await fetch(stage.url + path, {
    method,
    headers: {
      authorization: basic(ACCOUNT),
      ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) };
}

describe("who may", () => {
  it("401, code 20003 and a challenge for wrong or missing credentials", async () => {
    for (const authorization of ["", "Basic xx", "Bearer abc", basic({ ...ACCOUNT, token: "wrong" })]) {
      const answer = await http("GET", "/v1/Trunks", undefined, { authorization });
      expect(answer).toMatchObject({ status: 401, body: { code: 20003, status: 401 } });
      expect(answer.headers.get("www-authenticate")).toBe('Basic realm="Twilio API"');
    }
    await expect(clientFor(stage, ACCOUNT, "wrong").trunking.v1.trunks.list()).rejects.toMatchObject({ code: 20003 });
  });

  it("another account's records do not exist; a parent manages its sub-accounts by path (trunking-rest.md 1.12)", async () => {
    const other = clientFor(stage, OTHER_ACCOUNT);
    const trunk = await client.trunking.v1.trunks.create({ friendlyName: "mine" });
    await expect(other.trunking.v1.trunks(trunk.sid).fetch()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(other.trunking.v1.trunks(trunk.sid).update({ secure: true })).rejects.toMatchObject({ status: 404 });
    expect(await other.trunking.v1.trunks.list()).toEqual([]);
    const sub = client.api.v2010.accounts(SUB_ACCOUNT.sid);
    const list = await sub.sip.ipAccessControlLists.create({ friendlyName: "of the sub-account" });
    expect(list.accountSid).toBe(SUB_ACCOUNT.sid);
    await expect(client.sip.ipAccessControlLists(list.sid).fetch()).rejects.toMatchObject({ status: 404 });
    await expect(other.api.v2010.accounts(SUB_ACCOUNT.sid).sip.ipAccessControlLists.list()).rejects.toMatchObject({
      status: 404,
    });
    // A list of another account is no value for a parameter.
    await expect(
      client.trunking.v1.trunks(trunk.sid).ipAccessControlLists.create({ ipAccessControlListSid: list.sid }),
    ).rejects.toMatchObject({ status: 400, code: 20001 });
    await client.trunking.v1.trunks(trunk.sid).remove();
  });
});

describe("bad input", () => {
  const trunks = "/v1/Trunks";
  const account = `/2010-04-01/Accounts/${ACCOUNT.sid}`;
  it.each([
    [trunks, `FriendlyName=${"x".repeat(65)}`, 20001, "FriendlyName"],
    [trunks, "FriendlyName=a%0Ab", 20001, "FriendlyName"],
    [trunks, "Secure=maybe", 20001, "Secure"],
    [trunks, "TransferMode=all", 20001, "TransferMode"],
    [trunks, "TransferCallerId=from-me", 20001, "TransferCallerId"],
    [trunks, "DisasterRecoveryMethod=PUT", 20001, "DisasterRecoveryMethod"],
    [trunks, "DisasterRecoveryUrl=ftp%3A%2F%2Fexample.com", 20001, "DisasterRecoveryUrl"],
    [trunks, "DisasterRecoveryUrl=example.com", 20001, "DisasterRecoveryUrl"],
    [trunks, "DomainName=office.example.com", 21245, "DomainName"],
    [trunks, `DomainName=a_b.pstn.${BASE_DOMAIN}`, 21245, "DomainName"],
    [trunks, `DomainName=sub.none.pstn.${BASE_DOMAIN}`, 21247, "DomainName"],
    ["/v1/ByocTrunks", `ConnectionPolicySid=NY${"0".repeat(32)}`, 20001, "ConnectionPolicySid"],
    ["/v1/ByocTrunks", "ConnectionPolicySid=nonsense", 20001, "ConnectionPolicySid"],
    ["/v1/ByocTrunks", "VoiceMethod=HEAD", 20001, "VoiceMethod"],
    ["/v1/ByocTrunks", `FriendlyName=${"x".repeat(256)}`, 20001, "FriendlyName"],
    [`${account}/SIP/Domains.json`, "", 20001, "DomainName"],
    [`${account}/SIP/Domains.json`, "DomainName=x.example.com", 21232, "DomainName"],
    [`${account}/SIP/Domains.json`, `DomainName=x.sip.${BASE_DOMAIN}&SipRegistration=true`, 20001, "SipRegistration"],
    [`${account}/SIP/IpAccessControlLists.json`, "", 20001, "FriendlyName"],
    [`${account}/SIP/CredentialLists.json`, `FriendlyName=${"x".repeat(65)}`, 20001, "FriendlyName"],
    [`${account}/IncomingPhoneNumbers.json`, "AreaCode=415", 20001, "AreaCode"],
    [`${account}/IncomingPhoneNumbers.json`, "PhoneNumber=5550100", 20001, "PhoneNumber"],
    [`${account}/IncomingPhoneNumbers.json`, "", 20001, "PhoneNumber"],
  ])("POST %s %s: 400 with code %i that names %s, and nothing was made", async (path, body, code, name) => {
    const count = () => [...store.list("trunks"), ...store.list("byocTrunks"), ...store.list("sipDomains")].length;
    const before = count();
    const answer = await http("POST", path, body);
    expect(answer).toMatchObject({ status: 400, body: { code, status: 400 } });
    expect(answer.body.message).toContain(name);
    expect(answer.body.more_info).toMatch(/^https:/);
    // The client takes a body with both of them for another kind of error.
    expect(answer.body).not.toHaveProperty("title");
    expect(count()).toBe(before);
  });

  it("origination URLs: each of the five is required, each is checked, and the eleventh is 21249 (R-ORIG-1)", async () => {
    const trunk = await client.trunking.v1.trunks.create();
    const path = `/v1/Trunks/${trunk.sid}/OriginationUrls`;
    const whole = { Weight: "10", Priority: "10", Enabled: "true", FriendlyName: "x", SipUrl: "sip:192.0.2.1" };
    const post = (changes: Record<string, string | undefined>) => {
      const given = Object.entries({ ...whole, ...changes }).filter((entry) => entry[1] !== undefined);
      return http("POST", path, new URLSearchParams(given as [string, string][]).toString());
    };
    for (const name of Object.keys(whole))
      expect(await post({ [name]: undefined }), name).toMatchObject({ status: 400, body: { code: 20001 } });
    for (const [changes, code] of [
      [{ Weight: "65536" }, 20001],
      [{ Weight: "-1" }, 20001],
      [{ Weight: "1.5" }, 20001],
      [{ Priority: "many" }, 20001],
      [{ Enabled: "1" }, 20001],
      [{ SipUrl: "http://192.0.2.1" }, 13249],
      [{ SipUrl: "sip:a b" }, 13249],
      [{ SipUrl: "sip:192.0.2.1;edge=atlantis" }, 21252],
      [{ SipUrl: "sip:192.0.2.1?X-a=1%0D%0AVia:x" }, 13252],
    ] as const)
      expect(await post(changes), JSON.stringify(changes)).toMatchObject({ status: 400, body: { code } });
    for (let i = 0; i < 10; i++) expect((await post({})).status).toBe(201);
    expect(await post({})).toMatchObject({ status: 400, body: { code: 21249 } });
    await client.trunking.v1.trunks(trunk.sid).remove();
  });

  it("credentials: a password that is too weak, a user twice; what is told never holds the password (R-AUTH-8)", async () => {
    const list = await client.sip.credentialLists.create({ friendlyName: "users" });
    const path = `${account}/SIP/CredentialLists/${list.sid}/Credentials.json`;
    for (const password of ["short1A", "nodigitsinHere", "lowercase1234", "UPPERCASE1234"]) {
      const answer = await http("POST", path, new URLSearchParams({ Username: "a", Password: password }).toString());
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body)).not.toContain(password);
    }
    const good = new URLSearchParams({ Username: "a", Password: "Right-Password-1" }).toString();
    expect((await http("POST", path, good)).status).toBe(201);
    expect((await http("POST", path, good)).status).toBe(400);
  });

  it.each([
    ["1.2.3", "32"],
    ["1.2.3.4", "33"],
    ["1.2.3.4", "0"],
    ["300.1.1.1", "32"],
    ["127.1", "32"],
    ["example.com", "32"],
  ])("ACL entry %s/%s is 400", async (ipAddress, prefix) => {
    const list = await client.sip.ipAccessControlLists.create({ friendlyName: "x" });
    const body = new URLSearchParams({ FriendlyName: "x", IpAddress: ipAddress, CidrPrefixLength: prefix });
    const path = `${account}/SIP/IpAccessControlLists/${list.sid}/IpAddresses.json`;
    expect(await http("POST", path, body.toString())).toMatchObject({ status: 400, body: { code: 20001 } });
  });

  it("21248 and 21247: a domain that is taken, and one with sub-domains", async () => {
    const parent = await client.trunking.v1.trunks.create({ domainName: `a.pstn.${BASE_DOMAIN}` });
    await expect(client.trunking.v1.trunks.create({ domainName: `A.pstn.${BASE_DOMAIN}` })).rejects.toMatchObject({
      code: 21248,
    });
    const child = await client.trunking.v1.trunks.create({ domainName: `b.a.pstn.${BASE_DOMAIN}` });
    await expect(client.trunking.v1.trunks(parent.sid).remove()).rejects.toMatchObject({ code: 21247 });
    await expect(
      client.trunking.v1.trunks(parent.sid).update({ domainName: `c.pstn.${BASE_DOMAIN}` }),
    ).rejects.toMatchObject({ code: 21247 });
    await client.trunking.v1.trunks(child.sid).remove();
    expect(await client.trunking.v1.trunks(parent.sid).remove()).toBe(true);
  });

  it("404 for unknown paths and SIDs, 405 with Allow, 413 and 415, in the form of all errors", async () => {
    expect(await http("GET", `/v1/Trunks/TK${"0".repeat(32)}`)).toMatchObject({ status: 404, body: { code: 20404 } });
    expect(await http("GET", `${account}/SIP/Domains`)).toMatchObject({ status: 404 });
    const put = await http("PUT", "/v1/Trunks", "");
    expect(put).toMatchObject({ status: 405, body: { code: 20004 } });
    expect(put.headers.get("allow")).toBe("GET, POST");
    expect(await http("POST", "/v1/Trunks", "{}", { "content-type": "application/xml" })).toMatchObject({
      status: 415,
      body: { code: 20422 },
    });
    expect(await http("POST", "/v1/Trunks", `FriendlyName=${"x".repeat(2 ** 21)}`)).toMatchObject({
      status: 413,
      body: { code: 20413 },
    });
  });

  it("a store that cannot write: 503, nothing is changed, and reads go on", async () => {
    const trunk = await client.trunking.v1.trunks.create({ friendlyName: "before" });
    store.full = true;
    try {
      const answer = await http("POST", `/v1/Trunks/${trunk.sid}`, "FriendlyName=after");
      expect(answer).toMatchObject({ status: 503, body: { status: 503 } });
      expect(answer.headers.get("retry-after")).toBe("1");
      expect((await client.trunking.v1.trunks(trunk.sid).fetch()).friendlyName).toBe("before");
    } finally {
      store.full = false;
    }
    await client.trunking.v1.trunks(trunk.sid).remove();
  });
});

describe("paging", () => {
  it("120 trunks by 50: three pages, each once, newest first, while others come and go (trunking-rest.md 11.2)", async () => {
    for (const { sid } of await client.trunking.v1.trunks.list()) await client.trunking.v1.trunks(sid).remove();
    const made: string[] = [];
    for (let i = 0; i < 120; i++) {
      stage.clock.advance(1000);
      made.unshift((await client.trunking.v1.trunks.create({ friendlyName: `t${i}` })).sid);
    }
    const first = await http("GET", "/v1/Trunks?PageSize=50");
    expect(first.body.meta).toMatchObject({ page: 0, page_size: 50, key: "trunks", previous_page_url: null });
    stage.clock.advance(1000);
    const late = await client.trunking.v1.trunks.create();
    // The last row of the page goes: the token still knows where to go on.
    await client.trunking.v1.trunks(first.body.trunks[49].sid).remove();
    const seen: string[] = first.body.trunks.map(({ sid }: { sid: string }) => sid);
    let url: string | null = first.body.meta.next_page_url;
    let pages = 1;
    while (url !== null) {
      const page = await http("GET", url.slice(stage.url.length));
      seen.push(...page.body.trunks.map(({ sid }: { sid: string }) => sid));
      url = page.body.meta.next_page_url;
      pages++;
    }
    expect(pages).toBe(3);
    expect(seen).toEqual(made);
    expect(seen).not.toContain(late.sid);
    expect(await client.trunking.v1.trunks.list({ pageSize: 50 })).toHaveLength(120);
    expect(await client.trunking.v1.trunks.list({ limit: 7 })).toHaveLength(7);
    expect(await client.trunking.v1.trunks.list({ limit: 5000 })).toHaveLength(120);
  });

  it("2010-04-01 pages by relative URIs", async () => {
    for (let i = 0; i < 5; i++) {
      stage.clock.advance(1000);
      await client.incomingPhoneNumbers.create({ phoneNumber: `+1555020000${i}` });
    }
    const path = `/2010-04-01/Accounts/${ACCOUNT.sid}/IncomingPhoneNumbers.json`;
    const { body } = await http("GET", `${path}?PageSize=2`);
    expect(body).toMatchObject({ page: 0, page_size: 2, start: 0, end: 1, previous_page_uri: null });
    expect(body.next_page_uri).toMatch(new RegExp(`^${path.replace(/\./g, "\\.")}\\?PageSize=2&Page=1&PageToken=`));
    expect(await client.incomingPhoneNumbers.list({ pageSize: 2 })).toHaveLength(5);
    // Filters go with the URLs of further pages.
    expect(await client.incomingPhoneNumbers.list({ phoneNumber: "0000*", pageSize: 2 })).toHaveLength(5);
    await client.incomingPhoneNumbers.create({ phoneNumber: "+4420000001" });
    expect(await client.incomingPhoneNumbers.list({ phoneNumber: "+155502", pageSize: 2 })).toHaveLength(5);
    expect(await client.incomingPhoneNumbers.list({ phoneNumber: "00003" })).toHaveLength(1);
  });

  it.each(["PageSize=0", "PageSize=x", "Page=-1", "PageToken=xyz", `PageToken=${"a".repeat(300)}`])(
    "%s is 400",
    async (query) => {
      expect(await http("GET", `/v1/Trunks?${query}`)).toMatchObject({ status: 400, body: { code: 20001 } });
    },
  );
});
