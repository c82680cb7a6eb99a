import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { newSid } from "../../src/base/ids.ts";
import { loadConfig, parseConfig } from "../../src/cli/config.ts";
import { applyDeclared, declaredLines, planDeclared } from "../../src/cli/declare.ts";
import { declaredSid, isDeclaredSid } from "../../src/cli/declared-sid.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { testPhoneNumber, testTarget, testTrunk } from "../support/records.ts";

const EXAMPLE = resolve(import.meta.dirname, "../../examples/tandem.yaml");
const ACCOUNT = "accounts: [{ name: main, authToken: 0123456789abcdef }]\n";
const secrets = new Secrets(new Uint8Array(32).fill(7));
const options = (store: MemoryStore, now = "2026-01-01T00:00:00.000Z") => ({
  store,
  secrets,
  now,
  symmetricDefault: false,
});
const objectsOf = (text: string) => parseConfig(text, "t.yaml", { TANDEM_SIP_ANNOUNCE: "192.0.2.1" }).objects;

describe("declared objects", () => {
  it("become records that name each other", async () => {
    const store = new MemoryStore();
    const { objects } = loadConfig(EXAMPLE, {});
    const { summary } = await applyDeclared(objects, options(store));
    expect(summary.every(({ action }) => action === "created")).toBe(true);
    expect(summary.map(({ kind, name }) => `${kind}: ${name}`)).toContain("originationUrls: office / standby pbx");

    const trunk = store.trunkByDomain("office")!;
    expect(trunk).toMatchObject({
      friendlyName: "office",
      transferMode: "disable-all",
      callsPerSecondMax: 10,
      carrierLink: null,
    });
    expect(store.originationUrls(trunk.sid).map(({ friendlyName, priority }) => [friendlyName, priority])).toEqual([
      ["main pbx", 10],
      ["standby pbx", 20],
    ]);
    expect(store.phoneNumber("+14158675309")?.trunkSid).toBe(trunk.sid);
    expect(store.ownsCallerId(trunk.accountSid, "+442079460000")).toBe(true);
    expect(store.get("ipAcls", trunk.ipAclSids[0]!)?.addresses).toMatchObject([
      { ipAddress: "192.0.2.0", prefixLength: 24 },
      { ipAddress: "127.0.0.1", prefixLength: 32 },
    ]);

    const byoc = store.defaultCarrier(trunk.accountSid)!;
    expect(store.policyTargets(byoc.connectionPolicySid!)).toHaveLength(3);
    const domain = store.sipDomainByName("carrier")!;
    expect([domain.byocTrunkSid, byoc.fromDomainSid]).toEqual([byoc.sid, domain.sid]);

    const [credential] = store.get("credentialLists", trunk.credentialListSids[0]!)!.credentials;
    expect(JSON.stringify([...store.list("credentialLists")])).not.toContain("Change-Me");
    expect(secrets.unseal(credential!.sealedPassword, credential!.sid)).toBe("Change-Me-2-Something");
  });

  it("keep their identifiers, and change nothing when the file did not", async () => {
    const store = new MemoryStore();
    const { objects } = loadConfig(EXAMPLE, {});
    await applyDeclared(objects, options(store));
    const before = [...store.list("trunks"), ...store.list("credentialLists")];
    expect(planDeclared(loadConfig(EXAMPLE, {}).objects, options(store, "2027-01-01T00:00:00.000Z"))).toEqual({
      changes: [],
      summary: [],
      unchanged: expect.any(Number),
    });
    const other = new MemoryStore();
    await applyDeclared(objects, options(other));
    expect([...other.list("trunks")].map(({ sid }) => sid)).toEqual([...store.list("trunks")].map(({ sid }) => sid));
    expect([...store.list("trunks"), ...store.list("credentialLists")]).toEqual(before);
  });

  it("are created, updated and removed with the file, and say so", async () => {
    const store = new MemoryStore();
    await applyDeclared(objectsOf(`${ACCOUNT}trunks: [{ name: a }, { name: b }]`), options(store));
    const created = [...store.list("trunks")][0]!.dateCreated;
    const now = "2027-01-01T00:00:00.000Z";
    const { summary } = await applyDeclared(
      objectsOf(`${ACCOUNT}trunks: [{ name: a, cnamLookup: true }, { name: c }]`),
      options(store, now),
    );
    expect(summary.map(({ action, kind, name }) => [action, kind, name])).toEqual([
      ["updated", "trunks", "a"],
      ["created", "trunks", "c"],
      ["removed", "trunks", "b"],
    ]);
    expect([...store.list("trunks")][0]).toMatchObject({ cnamLookup: true, dateCreated: created, dateUpdated: now });
  });

  it("say how many were added, changed, removed and left, and name what changed up to a bound", async () => {
    const store = new MemoryStore();
    const many = Array.from({ length: 60 }, (_, n) => `{ name: t${n} }`).join(", ");
    const first = declaredLines(await applyDeclared(objectsOf(`${ACCOUNT}trunks: [${many}]`), options(store)));
    expect(first[0]).toEqual({
      text: "declared objects",
      fields: { added: 61, changed: 0, removed: 0, unchanged: 0 },
    });
    expect(first).toHaveLength(52);
    expect(first.at(-1)!.text).toBe("and 11 more declared objects");
    const some = `{ name: t0, cnamLookup: true }, ${many.slice(many.indexOf("{ name: t2 }"))}, { name: new }`;
    const second = declaredLines(await applyDeclared(objectsOf(`${ACCOUNT}trunks: [${some}]`), options(store)));
    expect(second.map(({ text }) => text)).toEqual([
      "declared objects",
      'updated trunks "t0"',
      'created trunks "new"',
      'removed trunks "t1"',
    ]);
    expect(second[0]!.fields).toEqual({ added: 1, changed: 1, removed: 1, unchanged: 59 });
  });

  it("leave an account suspended that was suspended by REST", async () => {
    const store = new MemoryStore();
    await applyDeclared(objectsOf(ACCOUNT), options(store));
    const [account] = store.list("accounts");
    await store.apply([{ kind: "accounts", put: { ...account!, status: "suspended" } }]);
    expect((await applyDeclared(objectsOf(ACCOUNT), options(store))).summary).toEqual([]);
    expect(store.get("accounts", account!.sid)?.status).toBe("suspended");
  });

  it("seal a password again only when it or the key changed", async () => {
    const store = new MemoryStore();
    const text = (password: string) =>
      `${ACCOUNT}credentialLists: [{ name: l, credentials: [{ username: u, password: ${password} }] }]`;
    await applyDeclared(objectsOf(text("Good-Enough-1")), options(store));
    expect(planDeclared(objectsOf(text("Good-Enough-1")), options(store)).summary).toEqual([]);
    expect(planDeclared(objectsOf(text("Good-Enough-2")), options(store)).summary).toMatchObject([
      { action: "updated" },
    ]);
    const plan = planDeclared(objectsOf(text("Good-Enough-1")), { ...options(store), secrets: Secrets.ephemeral() });
    expect(plan.summary).toMatchObject([{ action: "updated" }]);
  });

  it("leave what REST made, R-NUM-5 but let its numbers go when their trunk goes", async () => {
    const store = new MemoryStore();
    await applyDeclared(objectsOf(`${ACCOUNT}trunks: [{ name: a }]`), options(store));
    const [declared] = [...store.list("trunks")];
    const own = testTrunk({ sid: newSid("TK") });
    const number = testPhoneNumber({ sid: newSid("PN"), trunkSid: declared!.sid });
    const url = testTarget({ sid: newSid("OU"), parentSid: declared!.sid });
    await store.apply([
      { kind: "trunks", put: own },
      { kind: "phoneNumbers", put: number },
      { kind: "originationUrls", put: url },
    ]);
    await applyDeclared(objectsOf(ACCOUNT), options(store));
    expect([...store.list("trunks")]).toEqual([own]);
    expect(store.phoneNumber(number.phoneNumber)?.trunkSid).toBeNull();
    expect([...store.list("originationUrls")]).toEqual([]);
    expect([...store.list("accounts")]).toHaveLength(1);
  });

  it("take symmetric RTP from the settings where they do not say", async () => {
    const store = new MemoryStore();
    await applyDeclared(objectsOf(`${ACCOUNT}trunks: [{ name: a }, { name: b, symmetricRtp: false }]`), {
      ...options(store),
      symmetricDefault: true,
    });
    expect([...store.list("trunks")].map(({ symmetricRtp }) => symmetricRtp)).toEqual([true, false]);
  });

  it("have identifiers that can be told from random ones", () => {
    const sid = declaredSid("TK", "main", "trunks", "office");
    expect(sid).toMatch(/^TK[0-9a-f]{32}$/);
    expect(isDeclaredSid(sid)).toBe(true);
    expect(declaredSid("TK", "ab", "c")).not.toBe(declaredSid("TK", "a", "bc"));
    for (let run = 0; run < 1000; run++) expect(isDeclaredSid(newSid("TK"))).toBe(false);
    expect(isDeclaredSid("")).toBe(false);
  });
});
