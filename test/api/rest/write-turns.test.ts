/** Concurrent writes: none is lost, limits hold, and nobody waits for ever (issue: "concurrent writes … no lost update"). */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StoreError } from "../../../src/base/errors.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import type { Change } from "../../../src/store/store.ts";
import { ACCOUNT, type RestStage, startRest } from "../../support/rest.ts";

/** A store whose writes stay under way until they are let go, as on a database that is locked for a moment. */
class SlowStore extends MemoryStore {
  held: (() => void)[] = [];
  slow = false;
  failing = false;
  override async apply(changes: readonly Change[]): Promise<void> {
    if (this.slow) await new Promise<void>((resolve) => this.held.push(resolve));
    if (this.failing) throw new StoreError("STORE_BUSY", "the database is locked");
    await super.apply(changes);
  }
  release(): void {
    for (const one of this.held.splice(0)) one();
  }
}

let store: SlowStore;
let stage: RestStage;
beforeEach(async () => {
  store = new SlowStore();
  stage = await startRest(store);
});
afterEach(() => stage.stop());

const authorization = `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`;
async function post(path: string, fields: Record<string, string>) {
  const answer = await fetch(stage.url + path, {
    method: "POST",
    headers: { authorization },
    body: new URLSearchParams(fields),
  });
  const body = (await answer.json()) as { sid: string; message?: string };
  return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body };
}
/** Lets all go on that are held, until the answers are there. */
async function settled<T>(answers: Promise<T>[]): Promise<T[]> {
  let done = false;
  const all = Promise.all(answers).finally(() => {
    done = true;
  });
  while (!done) {
    store.release();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return all;
}

describe("concurrent writes", () => {
  it("of different fields of one resource are all kept", async () => {
    const { body } = await post("/v1/Trunks", {});
    store.slow = true;
    const changes: Record<string, string>[] = [
      { FriendlyName: "both" },
      { Secure: "true" },
      { CnamLookupEnabled: "true" },
      { TransferMode: "sip-only" },
      { SymmetricRtpEnabled: "true" },
    ];
    const answers = await settled(changes.map((fields) => post(`/v1/Trunks/${body.sid}`, fields)));
    expect(answers.map(({ status }) => status)).toEqual(changes.map(() => 200));
    expect(store.get("trunks", body.sid)).toMatchObject({
      friendlyName: "both",
      secure: true,
      cnamLookup: true,
      transferMode: "sip-only",
      symmetricRtp: true,
    });
  });

  it("R-ORIG-1: twenty at a time leave ten origination URLs", async () => {
    const { body } = await post("/v1/Trunks", {});
    store.slow = true;
    const url = { Weight: "1", Priority: "1", Enabled: "true", FriendlyName: "u", SipUrl: "sip:192.0.2.1" };
    const answers = await settled(
      Array.from({ length: 20 }, () => post(`/v1/Trunks/${body.sid}/OriginationUrls`, url)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(10).fill(201), ...Array(10).fill(400)]);
    expect(store.originationUrls(body.sid)).toHaveLength(10);
  });

  it("of credentials in one list are all kept", async () => {
    const path = `/2010-04-01/Accounts/${ACCOUNT.sid}/SIP/CredentialLists`;
    const { body } = await post(`${path}.json`, { FriendlyName: "phones" });
    store.slow = true;
    const users = Array.from({ length: 8 }, (_, n) => ({ Username: `user${n}`, Password: "Good-Enough-12" }));
    await settled(users.map((fields) => post(`${path}/${body.sid}/Credentials.json`, fields)));
    expect(store.get("credentialLists", body.sid)?.credentials).toHaveLength(8);
  });

  it("that wait too long for a locked database get 503 with Retry-After, and nothing is changed", async () => {
    store.slow = true;
    store.failing = true;
    const answers = [post("/v1/Trunks", {}), post("/v1/Trunks", {})];
    while (store.held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    // By now the other one may or may not have come in; it is late only when it has.
    await fetch(`${stage.url}/v1/Trunks`, { headers: { authorization } });
    stage.clock.advance(6000);
    for (const { status, retryAfter, body } of await settled(answers)) {
      expect([status, retryAfter]).toEqual([503, "1"]);
      expect(body.message).toContain("nothing was changed");
    }
    expect([...store.list("trunks")]).toEqual([]);
    store.failing = false;
    store.slow = false;
    expect((await post("/v1/Trunks", {})).status).toBe(201);
  });
});
