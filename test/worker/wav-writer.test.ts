/** WAV files that grow (R-REC-4, hardening "disk full"): read back by our reader and by sox, after a crash at any moment. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { WAV_HEADER_BYTES, type WavFormat, wavHeader } from "../../src/media/wav-header.ts";
import { parseWav } from "../../src/worker/wav.ts";
import { WavWriter } from "../../src/worker/wav-writer.ts";
import { seededRandom } from "../support/seeded-random.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-wav-"));
afterAll(() => rmSync(folder, { recursive: true }));

const FORMATS: readonly WavFormat[] = [
  { encoding: "mulaw", channels: 1 },
  { encoding: "mulaw", channels: 2 },
  { encoding: "pcm16", channels: 1 },
  { encoding: "pcm16", channels: 2 },
];
// sox is one of the peers that the tests install on Debian; elsewhere our own reader has to do.
const hasSox = spawnSync("soxi", ["--version"]).status === 0;

/** Samples per channel as sox counts them, and what it says against the file. */
function soxi(path: string): { samples: number; complaints: string } {
  const { stdout, stderr } = spawnSync("soxi", ["-s", path], { encoding: "utf8" });
  return { samples: Number(stdout.trim()), complaints: stderr };
}

const octets = (from: number, count: number): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => (from + i) % 251);

describe.each(FORMATS)("$encoding, $channels channels", (format) => {
  const frameBytes = format.channels * (format.encoding === "pcm16" ? 2 : 1);

  it("what was written is what is read, whatever the pieces", async () => {
    const path = join(folder, `whole-${format.encoding}-${format.channels}.wav`);
    const writer = new WavWriter({ path, format, bufferBytes: 100_000 });
    let count = 0;
    for (const frames of [1, 159, 160, 161, 7000, 3]) {
      expect(writer.write(octets(count, frames * frameBytes))).toBe(true);
      count += frames * frameBytes;
    }
    expect(await writer.close()).toEqual({ dataBytes: count, droppedBytes: 0, error: null });
    const file = readFileSync(path);
    expect(file.length % 2).toBe(0);
    expect(parseWav(file)).toMatchObject({ ...format, rateHz: 8000 });
    expect(Buffer.compare(parseWav(file).data, octets(0, count))).toBe(0);
    if (hasSox) expect(soxi(path)).toEqual({ samples: count / frameBytes, complaints: "" });
  });

  it("a process that is killed at any moment once the head stands leaves a file that is whole up to its last piece", async () => {
    const random = seededRandom(frameBytes);
    for (let turn = 0; turn < 3; turn++) {
      const path = join(folder, `killed-${format.encoding}-${format.channels}-${turn}.wav`);
      const child = spawn(process.execPath, [
        resolve(import.meta.dirname, "wav-child.ts"),
        path,
        format.encoding,
        String(format.channels),
      ]);
      const killAt = 20 + Math.floor(random() * 400);
      let seen = 0;
      let complaints = "";
      child.stderr.on("data", (text: Buffer) => {
        complaints += text.toString();
      });
      await new Promise<void>((done) => {
        child.stdout.on("data", (dots: Buffer) => {
          seen += dots.length;
          if (seen >= killAt) child.kill("SIGKILL");
        });
        child.on("close", () => done());
      });
      expect(seen, complaints).toBeGreaterThanOrEqual(killAt);
      const file = readFileSync(path);
      expect(file.length).toBeGreaterThanOrEqual(WAV_HEADER_BYTES);
      const stated = file.readUInt32LE(WAV_HEADER_BYTES - 4);
      expect(stated).toBeLessThanOrEqual(file.length - WAV_HEADER_BYTES);
      expect(file.readUInt32LE(4)).toBe(WAV_HEADER_BYTES - 8 + stated);
      if (stated > 0) expect(Buffer.compare(parseWav(file).data, octets(0, stated))).toBe(0);
      if (hasSox) expect(soxi(path).samples).toBe(stated / frameBytes);
    }
  });
});

describe("EBU Tech 3306 RF64", () => {
  it("the head turns into RF64 where RIFF ends, in its place", () => {
    const format = FORMATS[0]!;
    const last = 0xffff_ffff - (WAV_HEADER_BYTES - 8);
    const [short, long] = [last - 1, last + 1].map((bytes) => Buffer.from(wavHeader(format, bytes)));
    expect(short!.toString("latin1", 0, 4)).toBe("RIFF");
    expect(short!.toString("latin1", 12, 16)).toBe("JUNK");
    expect(long!.toString("latin1", 0, 4)).toBe("RF64");
    expect(long!.toString("latin1", 12, 16)).toBe("ds64");
    expect(long!.readUInt32LE(4)).toBe(0xffff_ffff);
    expect(long!.readBigUInt64LE(20)).toBe(BigInt(WAV_HEADER_BYTES - 8 + last + 1 + ((last + 1) % 2)));
    expect(long!.readBigUInt64LE(28)).toBe(BigInt(last + 1));
    expect(long!.readUInt32LE(WAV_HEADER_BYTES - 4)).toBe(0xffff_ffff);
    expect(short!.length).toBe(long!.length);
    expect(() => wavHeader(format, -1)).toThrow(RangeError);
  });

  it("a sparse file of 5 GiB is read by ffprobe", () => {
    const path = join(folder, "long.wav");
    const bytes = 5 * 2 ** 30;
    const file = openSync(path, "w");
    writeSync(file, wavHeader({ encoding: "pcm16", channels: 2 }, bytes));
    ftruncateSync(file, WAV_HEADER_BYTES + bytes);
    const probe = spawnSync("ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path], {
      encoding: "utf8",
    });
    // Without ffmpeg there is nobody to ask.
    if (probe.error === undefined) expect(Number(probe.stdout)).toBeCloseTo(bytes / 32_000, 0);
  });
});

describe("disks that fail", () => {
  // Only Linux has a device that is always full.
  it.skipIf(!existsSync("/dev/full"))("a full disk is told once and ends the file alone", async () => {
    const errors: string[] = [];
    const writer = new WavWriter({
      path: "/dev/full",
      format: FORMATS[0]!,
      onError: (message) => errors.push(message),
    });
    for (let i = 0; i < 100; i++) writer.write(octets(0, 160));
    const { dataBytes, droppedBytes, error } = await writer.close();
    expect({ dataBytes, droppedBytes }).toEqual({ dataBytes: 0, droppedBytes: 16_000 });
    expect(error).toContain("ENOSPC");
    expect(errors).toEqual([error]);
    expect(writer.write(octets(0, 160))).toBe(false);
  });

  it("a place that cannot be written is told in the same way", async () => {
    const errors: string[] = [];
    const writer = new WavWriter({ path: folder, format: FORMATS[0]!, onError: (message) => errors.push(message) });
    expect((await writer.close()).error).toContain("EISDIR");
    expect(errors).toHaveLength(1);
  });

  it("a disk that is too slow costs samples, which are counted, and no memory", async () => {
    const path = join(folder, "slow.wav");
    const writer = new WavWriter({ path, format: FORMATS[0]!, bufferBytes: 1600 });
    // No turn of the event loop: nothing can have been written.
    const taken = Array.from({ length: 100 }, () => writer.write(octets(0, 160))).filter(Boolean).length;
    expect(taken).toBe(10);
    expect(await writer.close()).toEqual({ dataBytes: 1600, droppedBytes: 90 * 160, error: null });
  });
});
