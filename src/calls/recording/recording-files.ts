/** The files of recordings: where they lie, how long they are, what is found of them after a crash. For their owner alone. */

import { createReadStream, mkdirSync } from "node:fs";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { isSid } from "../../base/ids.ts";
import { readWavDataBytes } from "../../media/wav-header.ts";
import { BYTES_PER_SECOND, RECORDING_ENCODING } from "./recording-sink.ts";

/** A recording as its file tells it. */
export interface FoundFile {
  readonly channels: 1 | 2;
  readonly durationMs: number;
  readonly changedAt: Date;
}

export class RecordingFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  pathOf(accountSid: string, sid: string): string {
    return join(this.folder, accountSid, `${sid}.wav`);
  }

  /** Makes the folder of an account. What is wrong with it is told by whoever opens the file. */
  prepare(accountSid: string): void {
    try {
      mkdirSync(join(this.folder, accountSid), { recursive: true, mode: 0o700 });
    } catch {
      // The writer meets the same obstacle and names it.
    }
  }

  /** @returns undefined when there is none, or none of ours */
  async find(accountSid: string, sid: string): Promise<FoundFile | undefined> {
    const file = await open(this.pathOf(accountSid, sid), "r").catch(() => undefined);
    if (file === undefined) return undefined;
    try {
      for (const channels of [1, 2] as const) {
        const dataBytes = await readWavDataBytes(file, { encoding: RECORDING_ENCODING, channels }).catch(
          () => undefined,
        );
        if (dataBytes === undefined) continue;
        return { channels, durationMs: durationOf(dataBytes, channels), changedAt: (await file.stat()).mtime };
      }
      return undefined;
    } finally {
      await file.close();
    }
  }

  /** Octets of the file, or undefined when there is none. */
  async sizeOf(accountSid: string, sid: string): Promise<number | undefined> {
    return (await stat(this.pathOf(accountSid, sid)).catch(() => undefined))?.size;
  }

  /** When it was written last, or undefined when there is none. */
  async changedAt(accountSid: string, sid: string): Promise<Date | undefined> {
    return (await stat(this.pathOf(accountSid, sid)).catch(() => undefined))?.mtime;
  }

  /** @param end - last octet that is wanted */
  read(accountSid: string, sid: string, start: number, end: number): Readable {
    return createReadStream(this.pathOf(accountSid, sid), { start, end });
  }

  /** Removes a file; one that is gone is as good. */
  async remove(accountSid: string, sid: string): Promise<void> {
    await rm(this.pathOf(accountSid, sid), { force: true });
  }

  /** All files by account and SID. */
  async *all(): AsyncGenerator<{ readonly accountSid: string; readonly sid: string }> {
    for (const accountSid of await namesIn(this.folder)) {
      if (!isSid(accountSid, "AC")) continue;
      for (const name of await namesIn(join(this.folder, accountSid))) {
        const sid = name.replace(/\.wav$/, "");
        if (name.endsWith(".wav") && isSid(sid, "RE")) yield { accountSid, sid };
      }
    }
  }
}

/** Milliseconds of samples. */
export function durationOf(dataBytes: number, channels: 1 | 2): number {
  return Math.round((dataBytes / (BYTES_PER_SECOND * channels)) * 1000);
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}
