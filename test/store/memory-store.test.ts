import { describe, expect, it } from "vitest";
import { StoreError } from "../../src/base/errors.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { PhoneNumber, Trunk } from "../../src/trunking/records.ts";
import {
  TEST_ACCOUNT,
  testAccount,
  testByocTrunk,
  testOutgoingCallerId,
  testPhoneNumber,
  testSipDomain,
  testTarget,
  testTrunk,
} from "../support/records.ts";

describe("memory store", () => {
  it("finds records by SID and lists them in order of creation, changes included", async () => {
    const store = new MemoryStore();
    const [a, b, c] = ["a", "b", "c"].map((domainName) => testTrunk({ domainName })) as [
      ReturnType<typeof testTrunk>,
      ReturnType<typeof testTrunk>,
      ReturnType<typeof testTrunk>,
    ];
    await store.apply([a, b, c].map((put) => ({ kind: "trunks", put })));
    await store.apply([{ kind: "trunks", put: { ...a, friendlyName: "changed" } }]);
    expect(store.get("trunks", a.sid)?.friendlyName).toBe("changed");
    expect([...store.list("trunks")].map(({ domainName }) => domainName)).toEqual(["a", "b", "c"]);
    await store.apply([{ kind: "trunks", remove: b.sid }]);
    expect(store.get("trunks", b.sid)).toBeUndefined();
    expect(store.trunkByDomain("b")).toBeUndefined();
  });

  it("R-TERM-5 finds trunks and SIP domains by label, renamed ones by the new one", async () => {
    const store = new MemoryStore();
    const trunk = testTrunk({ domainName: "a" });
    const domain = testSipDomain({ domainName: "a" });
    await store.apply([
      { kind: "trunks", put: trunk },
      { kind: "trunks", put: testTrunk({ domainName: null }) },
      { kind: "trunks", put: testTrunk({ domainName: null }) },
      { kind: "sipDomains", put: domain },
    ]);
    expect(store.trunkByDomain("a")).toBe(trunk);
    expect(store.sipDomainByName("a")).toBe(domain);
    await store.apply([{ kind: "trunks", put: { ...trunk, domainName: "z" } }]);
    expect(store.trunkByDomain("a")).toBeUndefined();
    expect(store.trunkByDomain("z")?.sid).toBe(trunk.sid);
    expect(store.trunkByDomain("__proto__")).toBeUndefined();
  });

  it("R-TERM-1 refuses a name that is taken, and then makes none of the changes", async () => {
    const store = new MemoryStore();
    const first = testTrunk({ domainName: "a" });
    await store.apply([{ kind: "trunks", put: first }]);
    const extra = testPhoneNumber();
    const group = store.apply([
      { kind: "phoneNumbers", put: extra },
      { kind: "trunks", put: testTrunk({ domainName: "a" }) },
    ]);
    await expect(group).rejects.toMatchObject({ code: "STORE_CONFLICT" });
    await expect(group).rejects.toBeInstanceOf(StoreError);
    expect(store.phoneNumber(extra.phoneNumber)).toBeUndefined();
    const twice = [testTrunk({ domainName: "b" }), testTrunk({ domainName: "b" })];
    await expect(store.apply(twice.map((put) => ({ kind: "trunks", put })))).rejects.toMatchObject({
      code: "STORE_CONFLICT",
    });
    expect([...store.list("trunks")]).toEqual([first]);
  });

  it("lets names pass between records of one group in any order", async () => {
    const store = new MemoryStore();
    const [a, b] = [testTrunk({ domainName: "a" }), testTrunk({ domainName: "b" })];
    await store.apply([
      { kind: "trunks", put: a },
      { kind: "trunks", put: b },
    ]);
    await store.apply([
      { kind: "trunks", put: { ...a, domainName: "b" } },
      { kind: "trunks", put: { ...b, domainName: "a" } },
    ]);
    expect(store.trunkByDomain("a")?.sid).toBe(b.sid);
    expect(store.trunkByDomain("b")?.sid).toBe(a.sid);
    const heir = testTrunk({ domainName: "a" });
    await store.apply([
      { kind: "trunks", put: heir },
      { kind: "trunks", remove: b.sid },
    ]);
    expect(store.trunkByDomain("a")).toBe(heir);
  });

  it("keeps the targets of each parent in order of creation", async () => {
    const store = new MemoryStore();
    const targets = ["TK1", "TK2", "TK1", "TK1"].map((parentSid) => testTarget({ parentSid }));
    await store.apply(targets.map((put) => ({ kind: "originationUrls", put })));
    const before = store.originationUrls("TK1");
    expect(before).toEqual([targets[0], targets[2], targets[3]]);
    const changed = { ...targets[2]!, weight: 1 };
    await store.apply([
      { kind: "originationUrls", put: changed },
      { kind: "originationUrls", remove: targets[0]!.sid },
    ]);
    expect(store.originationUrls("TK1")).toEqual([changed, targets[3]]);
    // A reader that is in the middle of its list is not disturbed.
    expect(before).toHaveLength(3);
    await store.apply([{ kind: "originationUrls", put: { ...changed, parentSid: "TK2" } }]);
    expect(store.originationUrls("TK2").map(({ sid }) => sid)).toEqual([targets[1]!.sid, changed.sid]);
    expect(store.policyTargets("TK1")).toEqual([]);
  });

  it("R-CID-3 knows numbers of the account and verified caller ids", async () => {
    const store = new MemoryStore();
    const number = testPhoneNumber();
    const verified = [testOutgoingCallerId(), testOutgoingCallerId()];
    await store.apply([
      { kind: "phoneNumbers", put: number },
      ...verified.map((put) => ({ kind: "outgoingCallerIds", put }) as const),
    ]);
    const owns = (account: string, e164: string) => store.ownsCallerId(account, e164);
    expect([owns(TEST_ACCOUNT, number.phoneNumber), owns(TEST_ACCOUNT, "+14155550000")]).toEqual([true, true]);
    expect([owns("AC2", number.phoneNumber), owns("AC2", "+14155550000"), owns(TEST_ACCOUNT, "+1999")]).toEqual([
      false,
      false,
      false,
    ]);
    await store.apply([{ kind: "outgoingCallerIds", remove: verified[0]!.sid }]);
    expect(owns(TEST_ACCOUNT, "+14155550000")).toBe(true);
    await store.apply([
      { kind: "outgoingCallerIds", remove: verified[1]!.sid },
      { kind: "phoneNumbers", remove: number.sid },
    ]);
    expect([owns(TEST_ACCOUNT, number.phoneNumber), owns(TEST_ACCOUNT, "+14155550000")]).toEqual([false, false]);
  });

  it("R-GEN-6 gives the oldest default carrier of the account", async () => {
    const store = new MemoryStore();
    const [plain, first, second] = [
      testByocTrunk(),
      testByocTrunk({ defaultCarrier: true }),
      testByocTrunk({ defaultCarrier: true }),
    ] as const;
    await store.apply([plain, first, second].map((put) => ({ kind: "byocTrunks", put })));
    expect(store.defaultCarrier(TEST_ACCOUNT)).toBe(first);
    expect(store.defaultCarrier("AC2")).toBeUndefined();
    await store.apply([{ kind: "byocTrunks", put: { ...first, defaultCarrier: false } }]);
    expect(store.defaultCarrier(TEST_ACCOUNT)).toBe(second);
    await store.apply([{ kind: "byocTrunks", remove: second.sid }]);
    expect(store.defaultCarrier(TEST_ACCOUNT)).toBeUndefined();
  });

  it("hardening R25 refuses a kind that does not exist", async () => {
    const store = new MemoryStore();
    expect(() => store.list("__proto__" as never)).toThrow(TypeError);
    await expect(store.apply([{ kind: "constructor" as never, remove: "x" }])).rejects.toBeInstanceOf(TypeError);
  });
});

describe("indexes of REST", () => {
  const sids = (rows: Iterable<{ sid: string }>) => [...rows].map(({ sid }) => sid);
  const at = (second: number) => ({ dateCreated: `2026-01-01T00:00:0${second}.000Z` });

  it("list the records of an account from the newest on, and count them", async () => {
    const store = new MemoryStore();
    const trunks = [3, 1, 2].map((second) => testTrunk({ domainName: null, ...at(second) }));
    const foreign = testTrunk({ domainName: null, accountSid: "AC2" });
    await store.apply([...trunks, foreign].map((put) => ({ kind: "trunks", put })));
    const [third, first, second] = trunks as [Trunk, Trunk, Trunk];
    expect(sids(store.listOf("trunks", TEST_ACCOUNT))).toEqual([third.sid, second.sid, first.sid]);
    expect(sids(store.listOf("trunks", TEST_ACCOUNT).olderThan(third))).toEqual([second.sid, first.sid]);
    await store.apply([
      { kind: "trunks", remove: second.sid },
      { kind: "trunks", put: { ...first, accountSid: "AC2" } },
    ]);
    // The key of a record that is gone still says where to go on.
    expect(sids(store.listOf("trunks", TEST_ACCOUNT).olderThan(second))).toEqual([]);
    expect([store.countOf("trunks", TEST_ACCOUNT), store.countOf("trunks", "AC2")]).toEqual([1, 2]);
  });

  it("R-NUM-5 know the numbers of a trunk as they come and go", async () => {
    const store = new MemoryStore();
    const [a, b] = [1, 2].map((second) =>
      testPhoneNumber({ trunkSid: "TK1", phoneNumber: `+1415555000${second}`, ...at(second) }),
    ) as [PhoneNumber, PhoneNumber];
    await store.apply([a, b].map((put) => ({ kind: "phoneNumbers", put })));
    expect(sids(store.numbersOfTrunk("TK1"))).toEqual([b.sid, a.sid]);
    await store.apply([{ kind: "phoneNumbers", put: { ...b, trunkSid: "TK2" } }]);
    await store.apply([{ kind: "phoneNumbers", put: { ...a, trunkSid: null } }]);
    expect([sids(store.numbersOfTrunk("TK1")), sids(store.numbersOfTrunk("TK2"))]).toEqual([[], [b.sid]]);
  });

  it("R-TERM-4 know sub-domains, who names a SID, and sub-accounts", async () => {
    const store = new MemoryStore();
    const child = testTrunk({ domainName: "a.b.c", ipAclSids: ["AL1"], credentialListSids: ["CL1"] });
    const link = testTrunk({ domainName: null, carrierLink: { kind: "byoc", byocTrunkSid: "BY1" } });
    const byoc = testByocTrunk({ connectionPolicySid: "NY1", fromDomainSid: "SD1" });
    await store.apply([
      { kind: "trunks", put: child },
      { kind: "trunks", put: link },
      { kind: "byocTrunks", put: byoc },
      { kind: "accounts", put: testAccount({ sid: "AC2", parentSid: "AC1" }) },
    ]);
    const under = (label: string) => store.hasSubdomains("trunks", label);
    expect([under("c"), under("b.c"), under("a.b.c"), under("b")]).toEqual([true, true, false, false]);
    expect(store.hasSubdomains("sipDomains", "c")).toBe(false);
    const users = (sid: string) => store.usesOf(sid).map(({ kind, record }) => [kind, record.sid]);
    expect([users("AL1"), users("CL1")]).toEqual([[["trunks", child.sid]], [["trunks", child.sid]]]);
    expect([users("BY1"), users("NY1"), users("SD1"), users("AL2")]).toEqual([
      [["trunks", link.sid]],
      [["byocTrunks", byoc.sid]],
      [["byocTrunks", byoc.sid]],
      [],
    ]);
    expect(sids(store.subAccounts("AC1"))).toEqual(["AC2"]);
    await store.apply([{ kind: "trunks", put: { ...child, domainName: "x", ipAclSids: [] } }]);
    expect([under("c"), users("AL1"), users("CL1").length]).toEqual([false, [], 1]);
  });
});
