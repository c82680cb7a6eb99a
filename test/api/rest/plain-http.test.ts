/**
 * Errors and paging as another HTTP client sees them (undici), without anything that the `twilio` client would smooth over: status,
 * body and headers of every code of trunking-rest.md 3.2, and pages forwards and backwards while rows come and go (2.1, 2.2).
 */
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StoreError } from "../../../src/base/errors.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import type { Change, OwnedKind } from "../../../src/store/store.ts";
import { ACCOUNT, BASE_DOMAIN, OTHER_ACCOUNT, type RestStage, SUB_ACCOUNT, startRest } from "../../support/rest.ts";

/** A store that says it is full of a kind, or fails. */
class UnwellStore extends MemoryStore {
  fault: Error | undefined;
  counts: Partial<Record<OwnedKind, number>> = {};
  override async apply(changes: readonly Change[]): Promise<void> {
    if (this.fault !== undefined) throw this.fault;
    await super.apply(changes);
  }
  override countOf(kind: OwnedKind, accountSid: string): number {
    return this.counts[kind] ?? super.countOf(kind, accountSid);
  }
}

const store = new UnwellStore();
let stage: RestStage;
beforeAll(async () => {
  stage = await startRest(store);
});
afterAll(() => stage.stop());

interface Options {
  readonly as?: { readonly sid: string; readonly token: string };
  readonly headers?: Record<string, string>;
}
type Form = Record<string, string | number> | string;

async function http(method: "GET" | "POST" | "DELETE" | "PUT", path: string, form?: Form, options: Options = {}) {
  const { sid, token } = options.as ?? ACCOUNT;
  const body =
    form === undefined || typeof form === "string"
      ? form
      : new URLSearchParams(Object.entries(form).map(([name, value]) => [name, String(value)])).toString();
  const answer = await request(path.startsWith("http") ? path : stage.url + path, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString("base64")}`,
      ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      ...options.headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text), text };
}
type Answer = Awaited<ReturnType<typeof http>>;

const V2010 = `/2010-04-01/Accounts/${ACCOUNT.sid}`;
const nobody = (prefix: string) => prefix + "0".repeat(32);
async function make(path: string, form: Form = {}): Promise<string> {
  const { status, body } = await http("POST", path, form);
  expect(status).toBe(201);
  return body.sid;
}
const pstn = (label: string) => `${label}.pstn.${BASE_DOMAIN}`;
const sip = (label: string) => `${label}.sip.${BASE_DOMAIN}`;
const listOf = (kind: "IpAccessControlLists" | "CredentialLists") =>
  make(`${V2010}/SIP/${kind}.json`, { FriendlyName: "x" });

/** HTTP status, code, what it is for, how it comes about. */
const REFUSALS: readonly (readonly [number, number, string, () => Promise<Answer>])[] = [
  [400, 20001, "a parameter that is missing", () => http("POST", `${V2010}/SIP/CredentialLists.json`)],
  [400, 20001, "a parameter of the wrong form", () => http("POST", "/v1/Trunks", { Secure: "maybe" })],
  [400, 20001, "a page size of nothing", () => http("GET", "/v1/Trunks?PageSize=0")],
  [
    400,
    20001,
    "a SID in a parameter that leads nowhere",
    () => http("POST", "/v1/ByocTrunks", { ConnectionPolicySid: nobody("NY") }),
  ],
  [401, 20003, "a wrong token", () => http("GET", "/v1/Trunks", undefined, { as: { ...ACCOUNT, token: "wrong" } })],
  [
    401,
    20003,
    "an account that does not exist",
    () => http("GET", "/v1/Trunks", undefined, { as: { sid: nobody("AC"), token: "wrong" } }),
  ],
  [
    403,
    20403,
    "the operator, where an account is needed",
    () => http("GET", "/v1/Trunks", undefined, { as: { sid: "operator", token: stage.secrets.operatorToken } }),
  ],
  [
    403,
    20403,
    "a key that manages keys",
    async () => {
      const key = await http("POST", `${V2010}/Keys.json`);
      return http("GET", `${V2010}/Keys.json`, undefined, { as: { sid: key.body.sid, token: key.body.secret } });
    },
  ],
  [
    403,
    10001,
    "a suspended account that writes",
    async () => {
      const sub = `/2010-04-01/Accounts/${SUB_ACCOUNT.sid}.json`;
      await http("POST", sub, { Status: "suspended" });
      const answer = await http("POST", "/v1/Trunks", {}, { as: SUB_ACCOUNT });
      await http("POST", sub, { Status: "active" });
      return answer;
    },
  ],
  [404, 20404, "a SID that does not exist", () => http("GET", `/v1/Trunks/${nobody("TK")}`)],
  [
    404,
    20404,
    "a SID of another account",
    async () => http("DELETE", `/v1/Trunks/${await make("/v1/Trunks")}`, undefined, { as: OTHER_ACCOUNT }),
  ],
  [404, 20404, "another account in the path", () => http("GET", `/2010-04-01/Accounts/${OTHER_ACCOUNT.sid}/Keys.json`)],
  [404, 20404, "a path that does not exist", () => http("GET", "/v1/Trunkz")],
  [404, 20404, "2010-04-01 without .json", () => http("GET", `${V2010}/SIP/Domains`)],
  [405, 20004, "a method that is not offered", () => http("PUT", "/v1/Trunks", {})],
  [
    409,
    20409,
    "a list that is still mapped",
    async () => {
      const acl = await listOf("IpAccessControlLists");
      const trunk = await make("/v1/Trunks");
      await make(`/v1/Trunks/${trunk}/IpAccessControlLists`, { IpAccessControlListSid: acl });
      return http("DELETE", `${V2010}/SIP/IpAccessControlLists/${acl}.json`);
    },
  ],
  [
    409,
    20409,
    "a number that exists",
    async () => {
      await make(`${V2010}/IncomingPhoneNumbers.json`, { PhoneNumber: "+15550177001" });
      return http("POST", `${V2010}/IncomingPhoneNumbers.json`, { PhoneNumber: "+15550177001" });
    },
  ],
  [413, 20413, "a body of two megabytes", () => http("POST", "/v1/Trunks", `FriendlyName=${"x".repeat(2 ** 21)}`)],
  [
    415,
    20422,
    "JSON, which is not read",
    () => http("POST", "/v1/Trunks", "{}", { headers: { "content-type": "application/json" } }),
  ],
  [
    415,
    20422,
    "a body of another kind",
    () => http("POST", "/v1/Trunks", "<x/>", { headers: { "content-type": "text/xml" } }),
  ],
  [
    500,
    20500,
    "a fault of our own",
    async () => {
      store.fault = new Error("a secret of the house");
      const answer = await http("POST", "/v1/Trunks", {}).finally(() => (store.fault = undefined));
      expect(answer.text).not.toContain("a secret of the house");
      return answer;
    },
  ],
  [
    503,
    20503,
    "a disk that is full",
    async () => {
      store.fault = new StoreError("STORE_FULL", "the disk is full");
      const answer = await http("POST", "/v1/Trunks", {}).finally(() => (store.fault = undefined));
      expect(answer.headers["retry-after"]).toBe("1");
      return answer;
    },
  ],
  [
    400,
    21232,
    "the name of a SIP domain that is none",
    () => http("POST", `${V2010}/SIP/Domains.json`, { DomainName: "a.example.com" }),
  ],
  [
    400,
    21232,
    "the name of a SIP domain that is taken",
    async () => {
      await make(`${V2010}/SIP/Domains.json`, { DomainName: sip("taken") });
      return http("POST", `${V2010}/SIP/Domains.json`, { DomainName: sip("TAKEN") });
    },
  ],
  [
    400,
    21244,
    "a trunk too many",
    async () => {
      store.counts = { trunks: 100_000 };
      return http("POST", "/v1/Trunks", {}).finally(() => (store.counts = {}));
    },
  ],
  [400, 21245, "the domain of a trunk that is none", () => http("POST", "/v1/Trunks", { DomainName: "a.example.com" })],
  [
    400,
    21245,
    "a list that the trunk has",
    async () => {
      const path = `/v1/Trunks/${await make("/v1/Trunks")}/CredentialLists`;
      const form = { CredentialListSid: await listOf("CredentialLists") };
      await make(path, form);
      return http("POST", path, form);
    },
  ],
  [400, 21247, "a sub-domain of nothing", () => http("POST", "/v1/Trunks", { DomainName: pstn("a.missing") })],
  [
    400,
    21247,
    "the end of a domain with sub-domains",
    async () => {
      const parent = await make("/v1/Trunks", { DomainName: pstn("parent") });
      await make("/v1/Trunks", { DomainName: pstn("child.parent") });
      return http("DELETE", `/v1/Trunks/${parent}`);
    },
  ],
  [
    400,
    21248,
    "the domain of a trunk that is taken",
    async () => {
      await make("/v1/Trunks", { DomainName: pstn("taken") });
      return http("POST", "/v1/Trunks", { DomainName: pstn("taken") });
    },
  ],
  [
    400,
    21249,
    "an eleventh origination URL",
    async () => {
      const path = `/v1/Trunks/${await make("/v1/Trunks")}/OriginationUrls`;
      const form = { Weight: 1, Priority: 1, Enabled: "true", FriendlyName: "x", SipUrl: "sip:a.example" };
      for (let count = 0; count < 10; count++) await make(path, form);
      return http("POST", path, form);
    },
  ],
  [
    400,
    21252,
    "a region that nobody knows",
    async () => {
      await make(`${V2010}/IncomingPhoneNumbers.json`, { PhoneNumber: "+15550177002" });
      return http("POST", "/v2/PhoneNumbers/+15550177002", { VoiceRegion: "atlantis" });
    },
  ],
  [
    400,
    21253,
    "a connection policy too many",
    async () => {
      store.counts = { connectionPolicies: 10_000 };
      return http("POST", "/v1/ConnectionPolicies", {}).finally(() => (store.counts = {}));
    },
  ],
  [
    400,
    21254,
    "an eleventh target",
    async () => {
      const path = `/v1/ConnectionPolicies/${await make("/v1/ConnectionPolicies")}/Targets`;
      for (let count = 0; count < 10; count++) await make(path, { Target: "sip:a.example" });
      return http("POST", path, { Target: "sip:a.example" });
    },
  ],
];

describe("errors", () => {
  it.each(REFUSALS)("%i with code %i for %s", async (status, code, _what, ask) => {
    const answer = await ask();
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(answer.body).toEqual({
      code,
      message: expect.stringMatching(/./),
      more_info: `https://www.twilio.com/docs/errors/${code}`,
      status,
    });
    if (status === 401) expect(answer.headers["www-authenticate"]).toBe('Basic realm="Twilio API"');
    if (status === 405) expect(answer.headers["allow"]).toBe("GET, POST");
  });

  it("429, code 20429, with Retry-After, for an address that guesses; right credentials count again after a minute", async () => {
    const guesses = await startRest();
    try {
      const at = (token: string) => http("GET", `${guesses.url}/v1/Trunks`, undefined, { as: { ...ACCOUNT, token } });
      const statuses = new Set<number>();
      for (let count = 0; count < 40; count++) statuses.add((await at("wrong")).status);
      expect([...statuses]).toEqual([401, 429]);
      const blocked = await at(ACCOUNT.token);
      expect(blocked).toMatchObject({ status: 429, body: { code: 20429, status: 429 } });
      expect(blocked.headers["retry-after"]).toBeTruthy();
      guesses.clock.advance(120_000);
      expect((await at(ACCOUNT.token)).status).toBe(200);
    } finally {
      await guesses.stop();
    }
  });

  it("a path that cannot be decoded is refused in the form of all errors", async () => {
    const answer = await http("GET", "/v1/Trunks/%zz");
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.body).toMatchObject({ status: answer.status, code: expect.any(Number), message: expect.any(String) });
  });

  it("no answer of an error has type and title, which the client would take for another kind of error", async () => {
    for (const path of ["/v1/Trunkz", `/v1/Trunks/${nobody("TK")}`, "/v1/Trunks?PageSize=x"]) {
      const { body } = await http("GET", path);
      expect("type" in body && "title" in body).toBe(false);
    }
  });
});

describe("bodies", () => {
  it("UTF-8, plus and percent signs come back as they were sent; blanks as + or %20", async () => {
    for (const [sent, meant] of [
      ["B%C3%BCro+Z%C3%BCrich%20%2B%25", "Büro Zürich +%"],
      ["%E6%9D%B1%E4%BA%AC", "東京"],
    ]) {
      const made = await http("POST", "/v1/Trunks", `FriendlyName=${sent}`);
      expect(made.body.friendly_name).toBe(meant);
      await http("DELETE", `/v1/Trunks/${made.body.sid}`);
    }
  });

  it("one connection serves many requests, each with an identifier of its own, and nothing is to be cached", async () => {
    const ids = new Set<unknown>();
    for (let count = 0; count < 50; count++) {
      const { headers } = await http("GET", "/v1/IpRecords");
      ids.add(headers["twilio-request-id"]);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["connection"]).not.toBe("close");
    }
    expect(ids.size).toBe(50);
    expect([...ids][0]).toMatch(/^RQ[0-9a-f]{32}$/);
  });
});

/** Pages of both families as one thing. */
interface PageSeen {
  readonly sids: string[];
  readonly page: number;
  readonly next: string | null;
  readonly previous: string | null;
  readonly first: string;
  readonly self: string;
}

async function pageAt(path: string, key: string): Promise<PageSeen> {
  const { status, body } = await http("GET", path);
  expect(status).toBe(200);
  const sids = body[key].map(({ sid }: { sid: string }) => sid);
  if (body.meta !== undefined) {
    const { meta } = body;
    expect(Object.keys(meta).sort()).toEqual(
      ["first_page_url", "key", "next_page_url", "page", "page_size", "previous_page_url", "url"].sort(),
    );
    expect(meta.key).toBe(key);
    for (const url of [meta.url, meta.first_page_url]) expect(url.startsWith(`${stage.url}/v`)).toBe(true);
    const { page, next_page_url: next, previous_page_url: previous, first_page_url: first, url: self } = meta;
    return { sids, page, next, previous, first, self };
  }
  const { page, page_size: size, next_page_uri: next, previous_page_uri: previous, first_page_uri: first } = body;
  expect([body.start, body.end]).toEqual(sids.length === 0 ? [0, 0] : [page * size, page * size + sids.length - 1]);
  for (const uri of [body.uri, first]) expect(uri.startsWith("/2010-04-01/")).toBe(true);
  return { sids, page, next, previous, first, self: body.uri };
}

describe("paging", () => {
  const ip = (count: number) => ({ IpAddress: `10.0.0.${count}` });
  const name = (count: number) => ({ FriendlyName: `row ${count}` });
  const kinds: readonly (readonly [string, string, () => Promise<string>, (count: number) => Form])[] = [
    ["v1 records", "ip_records", async () => "/v1/IpRecords", ip],
    [
      "v1 records of a parent",
      "targets",
      async () => `/v1/ConnectionPolicies/${await make("/v1/ConnectionPolicies")}/Targets`,
      () => ({ Target: "sip:a.example" }),
    ],
    ["2010 records", "applications", async () => `${V2010}/Applications.json`, name],
    [
      "entries of a list",
      "ip_addresses",
      async () => `${V2010}/SIP/IpAccessControlLists/${await listOf("IpAccessControlLists")}/IpAddresses.json`,
      (count) => ({ ...name(count), ...ip(count) }),
    ],
  ];

  it.each(kinds)(
    "%s: forwards and backwards, while rows come and go between two pages",
    async (_what, key, at, form) => {
      const path = await at();
      const made: string[] = [];
      const add = async (count: number): Promise<string> => {
        stage.clock.advance(1000);
        return await make(path, form(count));
      };
      for (let count = 1; count <= 7; count++) made.unshift(await add(count));
      const first = await pageAt(`${path}?PageSize=3`, key);
      expect(first).toMatchObject({ sids: made.slice(0, 3), page: 0, previous: null });
      // A row comes before the first page, and the one that the next page goes on from is deleted.
      const late = await add(100);
      const gone = made[2]!;
      const one = path.endsWith(".json") ? `${path.slice(0, -5)}/${gone}.json` : `${path}/${gone}`;
      expect((await http("DELETE", one)).status).toBe(204);
      const second = await pageAt(first.next!, key);
      expect(second).toMatchObject({ sids: made.slice(3, 6), page: 1 });
      const third = await pageAt(second.next!, key);
      expect(third).toMatchObject({ sids: made.slice(6), page: 2, next: null });
      // And back again, over what is there now.
      const back = await pageAt(third.previous!, key);
      expect(back).toMatchObject({ sids: made.slice(3, 6), page: 1 });
      expect((await pageAt(back.next!, key)).sids).toEqual(made.slice(6));
      const begin = await pageAt(back.previous!, key);
      expect(begin).toMatchObject({ sids: [late, made[0], made[1]], page: 0, previous: null });
      // A page tells where it is, and where the first one is.
      expect((await pageAt(second.self, key)).sids).toEqual(second.sids);
      expect((await pageAt(third.first, key)).sids).toEqual(begin.sids);
      // By number alone, as clients do that know no token.
      expect((await pageAt(`${path}?PageSize=3&Page=2`, key)).sids).toEqual(made.slice(6));
      expect(await pageAt(`${path}?PageSize=3&Page=9`, key)).toMatchObject({ sids: [], next: null });
      // More than is allowed is clamped, not refused: the client asks for its limit.
      expect((await pageAt(`${path}?PageSize=100000`, key)).sids).toHaveLength(7);
      expect((await http("GET", `${path}?PageSize=100000`)).text).toContain('"page_size":1000');
      for (const query of ["PageSize=-1", "PageSize=1.5", "Page=x", "PageToken=PA", "PageToken=PX0", "PageToken=%00"])
        expect(await http("GET", `${path}?${query}`), query).toMatchObject({ status: 400, body: { code: 20001 } });
    },
  );

  it("a filter goes with every URL of a page", async () => {
    for (let count = 0; count < 3; count++) await make(`${V2010}/Applications.json`, { FriendlyName: "a&b=c" });
    const path = `${V2010}/Applications.json?PageSize=1&FriendlyName=a%26b%3Dc`;
    const seen: string[] = [];
    let at: PageSeen = await pageAt(path, "applications");
    const first = at;
    for (; ; at = await pageAt(at.next, "applications")) {
      seen.push(...at.sids);
      if (at.next === null) break;
    }
    expect(seen).toHaveLength(3);
    for (const uri of [first.first, first.self, at.previous!])
      expect((await pageAt(uri, "applications")).sids).toHaveLength(1);
  });
});
