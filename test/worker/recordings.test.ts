/** Recordings of legs (R-REC-4): both parties in their channels or mixed, in step, and a disk that fails harms no call. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { RecordingStart } from "../../src/worker/protocol.ts";
import { Recordings } from "../../src/worker/recordings.ts";
import { parseWav } from "../../src/worker/wav.ts";
import { Host, run } from "../support/media-pair.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-recordings-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Octets that the caller says and that it hears. */
const SAID = 0x90;
const HEARD = 0xa5;

/** A leg that hears one code and says another, recorded for a second. */
async function record(path: string, channels: 1 | 2, encoding: "mulaw" | "pcm16") {
  const [caller, gateway] = [new Host(1), new Host(1)];
  const far = caller.open("127.0.0.1", 1000, { remoteRtp: { address: "127.0.0.2", port: 2000 } });
  const leg = gateway.open("127.0.0.2", 2000, { remoteRtp: { address: "127.0.0.1", port: 1000 } });
  const failures: string[] = [];
  const recordings = new Recordings(gateway.core, (legId, recordingId, reason) =>
    failures.push(`${legId} ${recordingId} ${reason}`),
  );
  recordings.start({ legId: 7, recordingId: 1, path, channels, encoding }, leg, 0);
  const tap = gateway.core.openTap({ leg, tracks: ["inbound"] }, 0);
  let others = 0;
  for (let nowMs = 0; nowMs < 1000; nowMs += 5) {
    if (nowMs % 20 === 0) {
      caller.core.playbackWrite(far, Buffer.alloc(160, SAID));
      gateway.core.playbackWrite(leg, Buffer.alloc(160, HEARD));
    }
    caller.core.tick(nowMs);
    gateway.core.tick(nowMs);
    gateway.core.forEachFrame((frame) => {
      if (!recordings.accept(frame)) others++;
    });
    run([caller, gateway], nowMs, nowMs + 1);
  }
  expect(others).toBeGreaterThan(45);
  gateway.core.closeStream(tap);
  return { result: await recordings.stop(1), failures, recordings, gateway, leg };
}

describe("what is recorded", () => {
  it("two channels: what we hear on the left, what we say on the right, every 20 ms", async () => {
    const path = join(folder, "dual.wav");
    const { result, failures } = await record(path, 2, "mulaw");
    const { channels, encoding, data } = parseWav(readFileSync(path));
    expect({ channels, encoding }).toEqual({ channels: 2, encoding: "mulaw" });
    expect(result).toEqual({ dataBytes: data.length, droppedBytes: 0, error: null });
    expect(failures).toEqual([]);
    expect(data.length / 320).toBeGreaterThanOrEqual(48);
    expect(data.length / 320).toBeLessThanOrEqual(52);
    const [left, right] = [0, 1].map((channel) => data.filter((_, i) => i % 2 === channel));
    expect(left!.includes(HEARD)).toBe(false);
    expect(right!.includes(SAID)).toBe(false);
    // From the first word on, which the jitter buffer holds back, nothing is missing.
    const from = left!.indexOf(SAID);
    expect(left!.subarray(from, 45 * 160).every((octet) => octet === SAID)).toBe(true);
    expect(right!.subarray(right!.indexOf(HEARD), 45 * 160).every((octet) => octet === HEARD)).toBe(true);
    expect(from).toBeLessThan(8 * 160);
  });

  it("one channel: the sum of both", async () => {
    const [dual, mono] = [join(folder, "dual16.wav"), join(folder, "mono16.wav")];
    await record(dual, 2, "pcm16");
    await record(mono, 1, "pcm16");
    const pair = Buffer.from(parseWav(readFileSync(dual)).data);
    const mixed = Buffer.from(parseWav(readFileSync(mono)).data);
    const at = 30 * 160;
    expect(mixed.readInt16LE(at * 2)).toBe(pair.readInt16LE(at * 4) + pair.readInt16LE(at * 4 + 2));
    expect(mixed.readInt16LE(at * 2)).not.toBe(0);
  });
});

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** A leg that hears `SAID` between two times and nothing before and after, in virtual time. */
async function recordSpan(
  start: Omit<RecordingStart, "legId" | "recordingId">,
  totalMs: number,
  from = 0,
  upTo = totalMs,
) {
  const [caller, gateway] = [new Host(1), new Host(1)];
  const far = caller.open("127.0.0.1", 1000, { remoteRtp: { address: "127.0.0.2", port: 2000 } });
  const leg = gateway.open("127.0.0.2", 2000, { remoteRtp: { address: "127.0.0.1", port: 1000 } });
  const recordings = new Recordings(gateway.core, () => undefined);
  const base = start.resume === true ? statSync(start.path).size : 0;
  const limit = start.dataBytesMax ?? Number.POSITIVE_INFINITY;
  recordings.start({ legId: 7, recordingId: 1, ...start }, leg, 0);
  for (let nowMs = 0; nowMs < totalMs; nowMs += 5) {
    if (nowMs % 20 === 0)
      caller.core.playbackWrite(far, Buffer.alloc(160, nowMs >= from && nowMs < upTo ? SAID : 0xff));
    caller.core.tick(nowMs);
    gateway.core.tick(nowMs);
    gateway.core.forEachFrame((frame) => recordings.accept(frame));
    run([caller, gateway], nowMs, nowMs + 1);
    // Virtual time is faster than the disk, which gets turns until it is no more than a second behind.
    const { channels, trim = false } = start;
    const due = base + Math.min(limit, Math.max(0, nowMs - (trim ? from : 0) - 1200) * 16 * channels);
    for (let turns = 0; turns < 2000 && upTo > from && sizeOf(start.path) < due; turns++)
      await new Promise((done) => setImmediate(done));
  }
  const result = await recordings.stop(1).catch(() => undefined);
  await recordings.settled();
  return { result, data: Buffer.from(parseWav(readFileSync(start.path)).data) };
}

describe("how long it is", () => {
  it.each([1, 2] as const)("R-REC-3: 15 s and 10 s are 15 and 10 ± 0.2 s, with %i channels", async (channels) => {
    for (const seconds of [10, 15]) {
      const path = join(folder, `span-${channels}-${seconds}.wav`);
      const { result, data } = await recordSpan({ path, channels, encoding: "pcm16" }, seconds * 1000);
      expect(result).toEqual({ dataBytes: data.length, droppedBytes: 0, error: null });
      expect(Math.abs(data.length / (16_000 * channels) - seconds)).toBeLessThanOrEqual(0.2);
    }
  });

  it("R-REC-5: silence of 2 s at both ends is kept by do-not-trim and cut by trim-silence", async () => {
    const seconds: number[] = [];
    for (const trim of [false, true]) {
      const path = join(folder, `trim-${trim}.wav`);
      const { data } = await recordSpan({ path, channels: 2, encoding: "pcm16", trim }, 7000, 2000, 5000);
      seconds.push(data.length / 32_000);
    }
    expect(Math.abs(seconds[0]! - 7)).toBeLessThanOrEqual(0.2);
    // 3 s of sound, with 100 ms at each end.
    expect(Math.abs(seconds[1]! - 3.2)).toBeLessThanOrEqual(0.2);
  });

  it("R-REC-5: nothing is left of a call in which nobody says anything", async () => {
    const path = join(folder, "mute.wav");
    const { data } = await recordSpan({ path, channels: 2, encoding: "pcm16", trim: true }, 3000, 0, 0);
    expect(data.length).toBe(0);
  });

  it("ends where it may not be longer", async () => {
    const path = join(folder, "bounded.wav");
    const start = { path, channels: 1, encoding: "pcm16", dataBytesMax: 16_000 } as const;
    expect((await recordSpan(start, 3000)).data.length).toBe(16_000);
  });

  it("a second recording goes on where the first one has ended, and its channels can be the other way round", async () => {
    const path = join(folder, "resumed.wav");
    const start = { path, channels: 2, encoding: "pcm16" } as const;
    const first = await recordSpan(start, 1000);
    const { result, data } = await recordSpan({ ...start, resume: true, inboundChannel: 2 }, 1000);
    expect(result!.dataBytes).toBeGreaterThan(1.9 * first.result!.dataBytes);
    expect(data.subarray(0, first.data.length)).toEqual(first.data);
    const sounding = (part: Buffer, channel: number): boolean =>
      Array.from({ length: part.length / 4 }, (_, i) => part.readInt16LE(4 * i + 2 * channel)).some((one) => one !== 0);
    const second = data.subarray(first.data.length);
    expect([first.data, second].map((part) => [sounding(part, 0), sounding(part, 1)])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it("a file of another kind is not gone on with", async () => {
    const path = join(folder, "other.wav");
    await recordSpan({ path, channels: 1, encoding: "pcm16" }, 500);
    const before = readFileSync(path);
    const { result } = await recordSpan({ path, channels: 2, encoding: "pcm16", resume: true }, 500);
    expect(result!.error).toContain("no recording of this format");
    expect(readFileSync(path)).toEqual(before);
  });
});

describe("what goes wrong", () => {
  // Only Linux has a device that is always full.
  it.skipIf(!existsSync("/dev/full"))("a full disk ends the file, is told once, and the leg goes on", async () => {
    const { result, failures, gateway, leg } = await record("/dev/full", 2, "pcm16");
    expect(result.error).toContain("ENOSPC");
    expect(failures).toEqual([`7 1 ${result.error}`]);
    expect(gateway.core.has(leg)).toBe(true);
    expect(gateway.core.stats(leg).packetsSent).toBeGreaterThan(45);
  });

  it("identifiers are used once, and a leg that closes closes its files", async () => {
    const host = new Host(1);
    const leg = host.open("127.0.0.2", 2000, {});
    const recordings = new Recordings(host.core, () => undefined);
    const start = { legId: 1, recordingId: 3, path: join(folder, "shut.wav"), channels: 1, encoding: "mulaw" } as const;
    recordings.start(start, leg, 0);
    expect(() => recordings.start(start, leg, 0)).toThrow(RangeError);
    recordings.stopLeg(1, true);
    await recordings.settled();
    await expect(recordings.stop(3)).rejects.toThrow(RangeError);
    expect(parseWav(readFileSync(start.path)).data.length).toBe(0);
  });
});
