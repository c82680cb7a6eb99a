/** Records and files of recordings (R-REC-6): from beginning to deletion, after a crash, with a full folder and a store that cannot write. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { StoreError } from "../../../src/base/errors.ts";
import { silentLog } from "../../../src/base/log.ts";
import { AlertLog } from "../../../src/calls/alert-log.ts";
import type { RecordingDetails } from "../../../src/calls/recording/recording-sink.ts";
import { wavHeader } from "../../../src/media/wav-header.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import type { Change } from "../../../src/store/store.ts";
import { type KeptAudioSettings, keptAudio } from "../../support/kept-audio.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const ACCOUNT = `AC${"1".repeat(32)}`;
const scratch = mkdtempSync(join(tmpdir(), "tandem-book-"));
afterAll(() => rmSync(scratch, { recursive: true }));
let folders = 0;

async function stage(settings: KeptAudioSettings = {}, store = new MemoryStore()) {
  const folder = settings.folder ?? join(scratch, String(folders++));
  const clock = new ManualClock();
  const alerts = new AlertLog(clock, silentLog);
  const put = { sid: ACCOUNT, friendlyName: "main", parentSid: null, authToken: "x" };
  await store.apply([{ kind: "accounts", put }]);
  const { recordings: book } = keptAudio(store, clock, { ...settings, folder, alerts });
  await book.start();
  const details: RecordingDetails = {
    accountSid: ACCOUNT,
    callSid: `CA${"2".repeat(32)}`,
    trunkSid: null,
    channels: 2,
  };
  const states = () => [...store.list("recordings")].map(({ status, durationMs }) => ({ status, durationMs }));
  return { book, store, clock, alerts, details, states, folder };
}

/** A file as a worker leaves it: with a head that counts `dataBytes`, and `more` octets that it does not count yet. */
function writeFile(path: string, dataBytes: number, more = 0): void {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(
    path,
    Buffer.concat([wavHeader({ encoding: "pcm16", channels: 2 }, dataBytes), Buffer.alloc(dataBytes + more)]),
  );
}

const turn = () => new Promise((done) => setImmediate(done));

describe("R-REC-6 the life of a recording", () => {
  it("is in progress, then completed with its duration", async () => {
    const { book, details, states } = await stage();
    const file = book.begin(details)!;
    await turn();
    expect(states()).toEqual([{ status: "in-progress", durationMs: null }]);
    writeFile(file.path, 32_000);
    await book.finish(file.sid, { dataBytes: 32_000, droppedBytes: 0, error: null });
    await turn();
    expect(states()).toEqual([{ status: "completed", durationMs: 1000 }]);
  });

  it("is absent when there was nothing to hear, and failed when nothing could be kept; neither leaves a file", async () => {
    const { book, details, states, alerts, folder } = await stage();
    for (const error of [null, "ENOSPC: no space left on device"]) {
      const file = book.begin(details)!;
      writeFile(file.path, 0);
      await book.finish(file.sid, { dataBytes: 0, droppedBytes: 0, error });
    }
    await turn();
    expect(states().map(({ status }) => status)).toEqual(["absent", "failed"]);
    expect(readdirSync(join(folder, ACCOUNT))).toEqual([]);
    expect(alerts.all().map(({ code, level }) => ({ code, level }))).toEqual([{ code: 32230, level: "warning" }]);
  });

  it("keeps the part that a full disk has left, and says that it is not whole", async () => {
    const { book, details, store } = await stage();
    const file = book.begin(details)!;
    writeFile(file.path, 64_000);
    await book.finish(file.sid, { dataBytes: 64_000, droppedBytes: 320, error: "ENOSPC" });
    await turn();
    expect(store.get("recordings", file.sid)).toMatchObject({
      status: "completed",
      durationMs: 2000,
      errorCode: 32230,
    });
  });
});

describe("what a crash leaves", () => {
  it("is completed with what the head of the file counts, and listed", async () => {
    const before = await stage();
    const file = before.book.begin(before.details)!;
    const empty = before.book.begin(before.details)!;
    await turn();
    writeFile(file.path, 32_000, 700);
    expect(existsSync(empty.path)).toBe(false);
    const after = await stage({ folder: before.folder }, before.store);
    expect(after.states()).toEqual([
      { status: "completed", durationMs: 1000 },
      { status: "failed", durationMs: 0 },
    ]);
  });

  it("is listed even when the store had not heard of it", async () => {
    const { folder } = await stage();
    const sid = `RE${"a".repeat(32)}`;
    writeFile(join(folder, ACCOUNT, `${sid}.wav`), 16_000);
    writeFileSync(join(folder, ACCOUNT, `RE${"b".repeat(32)}.wav`), "no recording");
    writeFileSync(join(folder, ACCOUNT, "notes.txt"), "no recording either");
    const { store } = await stage({ folder });
    expect([...store.list("recordings")]).toMatchObject([
      { sid, accountSid: ACCOUNT, callSid: null, status: "completed", channels: 2, durationMs: 500 },
    ]);
  });
});

describe("limits", () => {
  it("a recording is deleted at its age, its file first", async () => {
    const { book, details, states, clock } = await stage({ retentionHours: 2 });
    const file = book.begin(details)!;
    writeFile(file.path, 32_000);
    await book.finish(file.sid, { dataBytes: 32_000, droppedBytes: 0, error: null });
    await turn();
    clock.advance(1.9 * 3_600_000);
    await book.deleteOld();
    expect(states()).toHaveLength(1);
    clock.advance(0.2 * 3_600_000);
    await book.deleteOld();
    expect(states()).toHaveLength(0);
    expect(existsSync(file.path)).toBe(false);
  });

  it("none begins where bytesMax is reached, where there is no folder, and under R-COMP-6", async () => {
    const full = await stage({ bytesMax: 10_000 });
    const file = full.book.begin(full.details)!;
    await full.book.finish(file.sid, { dataBytes: 32_000, droppedBytes: 0, error: null });
    expect(full.book.begin(full.details)).toBeUndefined();
    expect(full.alerts.all()[0]?.text).toContain("recordings.bytesMax is reached");
    const forbidden = await stage({ noAudioAtRest: true });
    expect(forbidden.book.begin(forbidden.details)).toBeUndefined();
    expect(forbidden.alerts.all()[0]?.text).toContain("compliance.noAudioAtRest forbids recordings");
    expect(existsSync(forbidden.folder)).toBe(false);
    const clock = new ManualClock();
    const alerts = new AlertLog(clock, silentLog);
    expect(keptAudio(new MemoryStore(), clock, { alerts }).recordings.begin(full.details)).toBeUndefined();
    expect(alerts.all()[0]?.text).toContain("set recordings.folder");
  });

  it("a store that cannot write for a while loses no record", async () => {
    class LockedStore extends MemoryStore {
      locked = false;
      override apply(changes: readonly Change[]): Promise<void> {
        if (this.locked) return Promise.reject(new StoreError("STORE_BUSY", "locked"));
        return super.apply(changes);
      }
    }
    const store = new LockedStore();
    const { book, details, states, clock } = await stage({}, store);
    store.locked = true;
    const file = book.begin(details)!;
    writeFile(file.path, 32_000);
    await book.finish(file.sid, { dataBytes: 32_000, droppedBytes: 0, error: null });
    await turn();
    expect(states()).toEqual([]);
    store.locked = false;
    clock.advance(2000);
    for (let i = 0; i < 3; i++) await turn();
    expect(states()).toEqual([{ status: "completed", durationMs: 1000 }]);
  });
});
