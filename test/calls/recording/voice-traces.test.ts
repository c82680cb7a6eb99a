/** Voice traces (R-COMP-2, R-COMP-3): off unless switched on, kept for a while, deleted when switched off. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RecordingDetails } from "../../../src/calls/recording/recording-sink.ts";
import { MemoryStore } from "../../../src/store/memory-store.ts";
import { keptAudio } from "../../support/kept-audio.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const ACCOUNT = `AC${"1".repeat(32)}`;
const SUB_ACCOUNT = `AC${"2".repeat(32)}`;
const scratch = mkdtempSync(join(tmpdir(), "tandem-traces-"));
afterAll(() => rmSync(scratch, { recursive: true }));
let folders = 0;

async function stage(noAudioAtRest = false) {
  const folder = join(scratch, String(folders++));
  const store = new MemoryStore();
  const clock = new ManualClock();
  const { traces } = keptAudio(store, clock, { folder, noAudioAtRest });
  const set = (sid: string, voiceTrace: boolean) =>
    store.apply([
      {
        kind: "voiceSettings",
        put: { sid, accountSid: sid, dateCreated: "", dateUpdated: "", advancedFeatures: false, voiceTrace },
      },
    ]);
  const details = (accountSid = ACCOUNT): RecordingDetails => ({
    accountSid,
    callSid: `CA${"3".repeat(32)}`,
    trunkSid: null,
    channels: 2,
  });
  /** A trace as a worker leaves it, written just now. */
  const write = (path: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "audio");
    utimesSync(path, clock.wallTime(), clock.wallTime());
  };
  const files = () => (existsSync(`${folder}-traces`) ? readdirSync(`${folder}-traces`, { recursive: true }) : []);
  return { traces, set, details, write, clock, folder, files };
}

describe("R-COMP-2", () => {
  it("is off by default, and a switch of each account and sub-account of its own", async () => {
    const { traces, set } = await stage();
    expect([ACCOUNT, SUB_ACCOUNT].map((sid) => traces.isOn(sid))).toEqual([false, false]);
    await set(SUB_ACCOUNT, true);
    expect([ACCOUNT, SUB_ACCOUNT].map((sid) => traces.isOn(sid))).toEqual([false, true]);
  });

  it("R-COMP-6: is off under compliance.noAudioAtRest, whatever the setting says", async () => {
    const { traces, set } = await stage(true);
    await set(ACCOUNT, true);
    expect(traces.isOn(ACCOUNT)).toBe(false);
  });
});

describe("R-COMP-3", () => {
  it("a trace is deleted 24 hours after its end", async () => {
    const { traces, set, details, write, clock } = await stage();
    await set(ACCOUNT, true);
    await traces.start();
    const { sid, path } = traces.begin(details())!;
    write(path);
    await traces.finish(sid);
    clock.advance(23.9 * 3_600_000);
    await traces.deleteOld();
    expect(existsSync(path)).toBe(true);
    clock.advance(0.2 * 3_600_000);
    await traces.deleteOld();
    expect(existsSync(path)).toBe(false);
    traces.close();
  });

  it("switching it off deletes what is kept of this account, and what is being written when it ends", async () => {
    const { traces, set, details, write } = await stage();
    for (const account of [ACCOUNT, SUB_ACCOUNT]) await set(account, true);
    const [kept, running, other] = [details(), details(), details(SUB_ACCOUNT)].map((one) => traces.begin(one)!);
    for (const { path } of [kept!, running!, other!]) write(path);
    await traces.finish(kept!.sid);
    await traces.finish(other!.sid);
    await set(ACCOUNT, false);
    await traces.settingsChanged();
    expect([kept, running, other].map((one) => existsSync(one!.path))).toEqual([false, true, true]);
    await traces.finish(running!.sid);
    expect([running, other].map((one) => existsSync(one!.path))).toEqual([false, true]);
  });

  it("what a crash has left of accounts that have it off goes at the next start", async () => {
    const { traces, set, details, write, folder } = await stage();
    await set(ACCOUNT, true);
    const { path } = traces.begin(details())!;
    write(path);
    const next = await stage();
    // The same file in the folder of another process, which has it off.
    write(path.replace(`${folder}-traces`, `${next.folder}-traces`));
    expect(next.files().length).toBeGreaterThan(0);
    await next.traces.start();
    expect(next.files().filter((name) => String(name).endsWith(".wav"))).toEqual([]);
    next.traces.close();
  });
});
