import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Clock, SystemClock } from "../../src/base/clock.ts";
import { StoreError } from "../../src/base/errors.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { loadSqlite } from "../../src/store/sqlite-module.ts";
import { SqliteStore } from "../../src/store/sqlite-store.ts";
import {
  testAccount,
  testByocTrunk,
  testCredentialList,
  testPhoneNumber,
  testTarget,
  testTrunk,
} from "../support/records.ts";

const { DatabaseSync } = loadSqlite();
const KEY = new Uint8Array(32).fill(7);
const secrets = new Secrets(KEY);

/** Time that moves only by the waits asked for: a locked database costs the test nothing. */
function jumpingClock(): Clock & { waits: number } {
  let nowMs = 0;
  return {
    waits: 0,
    nowMs: () => nowMs,
    wallTime: () => new Date(0),
    after(delayMs, callback) {
      this.waits++;
      nowMs += delayMs;
      queueMicrotask(callback);
      return { cancel: () => undefined };
    },
  };
}

let folder: string;
let path: string;
const open = (changes: Partial<ConstructorParameters<typeof SqliteStore>[0]> = {}) =>
  new SqliteStore({ path, secrets, clock: jumpingClock(), busyMs: 200, ...changes });

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-store-"));
  path = join(folder, "tandem.db");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("SQLite store", () => {
  it("finds everything again after a restart, in order of creation, indexes included", async () => {
    const store = open();
    const [a, b, c] = [
      testTrunk({ domainName: "a" }),
      testTrunk({ domainName: "b" }),
      testTrunk({ domainName: "c" }),
    ] as const;
    const url = testTarget({ parentSid: a.sid });
    const number = testPhoneNumber({ trunkSid: a.sid });
    await store.apply([a, b, c].map((put) => ({ kind: "trunks", put })));
    await store.apply([
      { kind: "originationUrls", put: url },
      { kind: "phoneNumbers", put: number },
      { kind: "trunks", put: { ...a, friendlyName: 'quotes " and ünïcode' } },
      { kind: "trunks", remove: b.sid },
    ]);
    await store.close();

    const again = open();
    expect([...again.list("trunks")]).toEqual([{ ...a, friendlyName: 'quotes " and ünïcode' }, c]);
    expect(again.originationUrls(a.sid)).toEqual([url]);
    expect(again.phoneNumber(number.phoneNumber)).toEqual(number);
    expect(again.trunkByDomain("b")).toBeUndefined();
    await again.close();
  });

  it("R-AUTH-11 has no clear secret in any of its files", async () => {
    const account = testAccount({ authToken: "Clear-Token-1234567890" });
    const byoc = testByocTrunk({ targetUsername: "us", targetPassword: "Clear-Target-Password-1" });
    const credential = { sid: "CR1", username: "pbx", sealedPassword: secrets.seal("Clear-Credential-1", "CR1") };
    const list = testCredentialList({ credentials: [credential] });
    const store = open();
    await store.apply([
      { kind: "accounts", put: account },
      { kind: "byocTrunks", put: byoc },
      { kind: "credentialLists", put: list },
    ]);
    for (const name of readdirSync(folder)) expect(readFileSync(join(folder, name)).includes("Clear-")).toBe(false);
    await store.close();
    const again = open();
    expect(again.get("accounts", account.sid)).toEqual(account);
    expect(again.get("byocTrunks", byoc.sid)).toEqual(byoc);
    expect(again.get("credentialLists", list.sid)).toEqual(list);
    await again.close();
  });

  it("makes files that only the operator can read", async () => {
    const store = open();
    await store.apply([{ kind: "trunks", put: testTrunk() }]);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    await store.close();
  });

  it("tells another operator key at once", async () => {
    await open().close();
    expect(thrownBy(() => open({ secrets: Secrets.ephemeral() }))).toMatchObject({ code: "STORE_KEY" });
    await open().close();
  });

  it("survives being killed in the middle of its writes with whole groups only", async () => {
    const script = `
      const { SqliteStore } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../src/store/sqlite-store.ts")).href)});
      const { Secrets } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../src/store/secrets.ts")).href)});
      const { SystemClock } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../../src/base/clock.ts")).href)});
      const store = new SqliteStore({ path: ${JSON.stringify(path)}, secrets: new Secrets(new Uint8Array(32).fill(7)), clock: new SystemClock() });
      const base = { accountSid: "AC1", friendlyName: "", phoneNumber: "" };
      for (let group = 0; ; group++) {
        const pair = ["x", "y"].map((half) => ({ ...base, sid: "PN" + group + half, phoneNumber: "+1" + group + half }));
        await store.apply(pair.map((put) => ({ kind: "phoneNumbers", put })));
        process.stdout.write(group + "\\n");
      }`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let durable = -1;
    await new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk: Buffer) => {
        durable = Number(chunk.toString().trim().split("\n").at(-1));
        if (durable >= 20) child.kill("SIGKILL");
      });
      child.on("close", () => resolve());
    });
    expect(durable).toBeGreaterThanOrEqual(20);
    const store = open();
    const numbers = [...store.list("phoneNumbers")].map(({ sid }) => sid);
    for (let group = 0; group <= durable; group++)
      expect(numbers).toEqual(expect.arrayContaining([`PN${group}x`, `PN${group}y`]));
    expect(numbers.length % 2).toBe(0);
    await store.close();
  });
});

describe("when the disk refuses", () => {
  const first = testTrunk({ domainName: "first" });
  const second = testTrunk({ domainName: "second" });

  it("STORE_BUSY: waits for a lock without blocking, then gives up and leaves memory as it was", async () => {
    const clock = jumpingClock();
    const store = open({ clock });
    await store.apply([{ kind: "trunks", put: first }]);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const write = store.apply([
      { kind: "trunks", put: second },
      { kind: "trunks", remove: first.sid },
    ]);
    await expect(write).rejects.toMatchObject({ code: "STORE_BUSY" });
    expect(clock.waits).toBeGreaterThan(5);
    expect([...store.list("trunks")]).toEqual([first]);
    expect(store.trunkByDomain("first")).toBe(first);
    other.exec("ROLLBACK");
    other.close();
    await store.apply([{ kind: "trunks", put: second }]);
    expect(store.trunkByDomain("second")).toBe(second);
    await store.close();
  });

  it("goes through when the lock goes away in time, in the order of the calls", async () => {
    const clock = new SystemClock();
    const store = open({ clock, busyMs: 10_000 });
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const writes = [
      store.apply([{ kind: "trunks", put: first }]),
      store.apply([{ kind: "trunks", put: { ...first, friendlyName: "later" } }]),
    ];
    await new Promise<void>((resolve) => clock.after(50, resolve));
    expect(store.trunkByDomain("first")).toBeUndefined();
    other.exec("ROLLBACK");
    other.close();
    await Promise.all(writes);
    expect(store.trunkByDomain("first")?.friendlyName).toBe("later");
    await store.close();
  });

  it("STORE_READ_ONLY: a file that may not be written", async () => {
    const store = open();
    await store.apply([{ kind: "trunks", put: first }]);
    const readOnly = vi.spyOn(DatabaseSync.prototype, "exec").mockImplementation(() => {
      throw Object.assign(new Error("attempt to write a readonly database"), { errcode: 8 });
    });
    await expect(store.apply([{ kind: "trunks", put: second }])).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
    readOnly.mockRestore();
    expect([...store.list("trunks")]).toEqual([first]);
    await store.close();
    await expect(store.apply([{ kind: "trunks", put: second }])).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
    expect(store.trunkByDomain("first")).toBe(first);
    const nowhere = join(folder, "nothing", "tandem.db");
    expect(thrownBy(() => open({ path: nowhere }))).toMatchObject({ code: "STORE_READ_ONLY" });
  });

  it("STORE_CONFLICT: writes nothing to the disk either", async () => {
    const store = open();
    await store.apply([{ kind: "trunks", put: first }]);
    const clash = store.apply([
      { kind: "trunks", put: second },
      { kind: "trunks", put: testTrunk({ domainName: "first" }) },
    ]);
    await expect(clash).rejects.toMatchObject({ code: "STORE_CONFLICT" });
    await store.close();
    const again = open();
    expect([...again.list("trunks")]).toEqual([first]);
    await again.close();
  });
});

describe("files that are not ours", () => {
  it.each([
    ["no database", () => writeFileSync(path, "this is no database, and long enough to be looked at".repeat(20))],
    ["another program's", () => withDatabase((database) => database.exec("CREATE TABLE theirs (a)"))],
    ["another program's by its mark", () => withDatabase((database) => database.exec("PRAGMA application_id = 1"))],
    [
      "a newer version",
      () =>
        open()
          .close()
          .then(() => withDatabase((database) => database.exec("PRAGMA user_version = 99"))),
    ],
    ["a record that is no JSON", () => withRow("trunks", "TK1", "{")],
    ["a record of another row", () => withRow("trunks", "TK1", '{"sid":"TK2"}')],
    ["null", () => withRow("trunks", "TK1", "null")],
    ["an unknown kind", () => withRow("__proto__", "TK1", '{"sid":"TK1"}')],
  ])("STORE_CORRUPT: %s", async (_name, make) => {
    await make();
    const error = thrownBy(() => open());
    expect(error).toBeInstanceOf(StoreError);
    expect(error).toMatchObject({ code: "STORE_CORRUPT", message: expect.stringContaining(path) });
  });

  function withDatabase(action: (database: InstanceType<typeof DatabaseSync>) => void): void {
    const database = new DatabaseSync(path);
    action(database);
    database.close();
  }

  async function withRow(kind: string, sid: string, body: string): Promise<void> {
    await open().close();
    withDatabase((database) =>
      database.prepare("INSERT INTO records (kind, sid, body) VALUES (?, ?, ?)").run(kind, sid, body),
    );
  }
});

describe("the warning of node:sqlite", () => {
  it("is left out, and only that one", () => {
    const emitted: unknown[] = [];
    const emitWarning = process.emitWarning;
    process.emitWarning = ((warning: unknown) => emitted.push(warning)) as typeof process.emitWarning;
    const original = process.getBuiltinModule;
    try {
      process.getBuiltinModule = (() => {
        process.emitWarning("SQLite is an experimental feature and might change at any time", "ExperimentalWarning");
        process.emitWarning("something else", "ExperimentalWarning");
        return {};
      }) as unknown as typeof original;
      loadSqlite();
    } finally {
      process.getBuiltinModule = original;
      process.emitWarning = emitWarning;
    }
    expect(emitted).toEqual(["something else"]);
  });
});
