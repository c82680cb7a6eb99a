/**
 * The recordings of trunk calls: their records in the store and their files, from the first octet to deletion (R-REC-6). What a
 * crash has left is put in order at the start. What cannot be recorded raises an alert and never holds up a call.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { RecordingsConfig } from "../../base/gateway-config.ts";
import { newSid } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../store/store.ts";
import type { Recording } from "../../trunking/records.ts";
import type { RecordingResult } from "../../worker/protocol.ts";
import type { AlertLog } from "../alert-log.ts";
import type { Usage } from "../usage.ts";
import { RecordWriter } from "./record-writer.ts";
import { durationOf, type FoundFile, RecordingFiles } from "./recording-files.ts";
import { BYTES_PER_SECOND, type RecordingDetails, type RecordingFile, type RecordingSink } from "./recording-sink.ts";

export interface RecordingBookOptions {
  readonly config: Omit<RecordingsConfig, "folder">;
  /** null: nothing can be recorded. */
  readonly folder: string | null;
  /** R-COMP-6. */
  readonly noAudioAtRest: boolean;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: AlertLog;
  readonly usage: Usage;
}

export const RECORDING_FAILED = 32230;
const SWEEP_MS = 600_000;

export class RecordingBook implements RecordingSink {
  readonly kind = "recording";
  readonly files: RecordingFiles | undefined;
  readonly #options: RecordingBookOptions;
  readonly #writer: RecordWriter;
  /** Recordings in progress: the store may not have them yet. */
  readonly #open = new Map<string, Recording>();
  /** Octets of files that are closed. */
  #bytes = 0;
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(options: RecordingBookOptions) {
    this.#options = options;
    this.files = options.folder === null ? undefined : new RecordingFiles(options.folder);
    this.#writer = new RecordWriter(options.store, options.clock, options.log);
  }

  /** Finds what a crash has left, and deletes what is too old, now and from time to time. */
  async start(): Promise<void> {
    const { store, log } = this.#options;
    if (this.files === undefined) return;
    const changes: Recording[] = [];
    for (const recording of store.list("recordings")) {
      if (recording.status !== "in-progress") continue;
      const found = await this.files.find(recording.accountSid, recording.sid);
      log.warn("a recording was in progress when the gateway ended", { recordingSid: recording.sid });
      changes.push(ended(recording, found, this.#now()));
    }
    for await (const { accountSid, sid } of this.files.all()) {
      if (store.get("recordings", sid) !== undefined || store.get("accounts", accountSid) === undefined) continue;
      const found = await this.files.find(accountSid, sid);
      if (found !== undefined) changes.push(adopted(accountSid, sid, found, this.#now()));
    }
    // Asked for once and waited for: whoever lists recordings behind the start finds them.
    await store
      .apply(changes.map((put) => ({ kind: "recordings", put })))
      .catch((error) => log.error("recordings that were cut off cannot be listed", { error: messageOf(error) }));
    for (const recording of store.list("recordings")) this.#bytes += bytesOf(recording);
    await this.#keepSweeping();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sweep?.cancel();
    await this.#writer.close();
  }

  begin(details: RecordingDetails): RecordingFile | undefined {
    const refusal = this.#refusal();
    if (refusal !== undefined || this.files === undefined) {
      this.#alert(details.accountSid, details.callSid, `${refusal}; the call goes on without`);
      return undefined;
    }
    const { secondsMax } = this.#options.config;
    const { accountSid, callSid, trunkSid, channels } = details;
    const now = this.#now();
    const sid = newSid("RE");
    const recording: Recording = {
      sid,
      accountSid,
      dateCreated: now,
      dateUpdated: now,
      callSid,
      trunkSid,
      source: "Trunking",
      status: "in-progress",
      channels,
      startTime: now,
      durationMs: null,
      errorCode: null,
    };
    this.#open.set(sid, recording);
    if (trunkSid !== null) this.#options.usage.count({ sid: trunkSid, accountSid }, "recordings");
    this.files.prepare(accountSid);
    this.#put(recording);
    return { sid, path: this.files.pathOf(accountSid, sid), dataBytesMax: secondsMax * BYTES_PER_SECOND * channels };
  }

  failed(sid: string, reason: string): void {
    const recording = this.#open.get(sid);
    if (recording === undefined || recording.errorCode !== null) return;
    this.#open.set(sid, { ...recording, errorCode: RECORDING_FAILED });
    this.#alert(recording.accountSid, recording.callSid ?? "", `recording ${sid} cannot be written: ${reason}`);
  }

  async finish(sid: string, result: RecordingResult | undefined): Promise<void> {
    if (result?.error != null) this.failed(sid, result.error);
    const recording = this.#open.get(sid);
    if (recording === undefined || this.files === undefined) return;
    this.#open.delete(sid);
    const { accountSid, channels, callSid } = recording;
    const found =
      result === undefined
        ? await this.files.find(accountSid, sid)
        : { channels, durationMs: durationOf(result.dataBytes, channels) };
    if (result !== undefined && result.droppedBytes > 0 && result.error === null)
      this.#alert(
        accountSid,
        callSid ?? "",
        `recording ${sid} lacks ${result.droppedBytes} octets: the disk is too slow`,
      );
    const done = ended(recording, found, this.#now());
    if (done.status !== "completed") await this.files.remove(accountSid, sid).catch(() => undefined);
    this.#bytes += bytesOf(done);
    this.#put(done);
  }

  /**
   * Deletes a recording that is not in progress, its file first.
   * @throws Error of the file system, StoreError; the recording is there as before then
   */
  async remove(recording: Recording): Promise<void> {
    await this.files?.remove(recording.accountSid, recording.sid);
    await this.#options.store.apply([{ kind: "recordings", remove: recording.sid }]);
    this.#bytes -= bytesOf(recording);
  }

  /** Why nothing can be recorded now. */
  #refusal(): string | undefined {
    const { noAudioAtRest, config } = this.#options;
    if (noAudioAtRest) return "compliance.noAudioAtRest forbids recordings";
    if (this.files === undefined) return "there is no folder for recordings: set recordings.folder";
    if (config.bytesMax !== null && this.#bytes >= config.bytesMax)
      return `recordings.bytesMax is reached (${config.bytesMax} octets)`;
    return undefined;
  }

  #alert(accountSid: string, callSid: string, text: string): void {
    this.#options.alerts.raise({ code: RECORDING_FAILED, level: "warning", text, accountSid, callSid });
  }

  #put(recording: Recording): void {
    this.#writer.add({ kind: "recordings", put: recording });
  }

  async #keepSweeping(): Promise<void> {
    await this.deleteOld();
    if (!this.#isClosed) this.#sweep = this.#options.clock.after(SWEEP_MS, () => void this.#keepSweeping());
  }

  /** Deletes what is older than the retention time. */
  async deleteOld(): Promise<void> {
    const { store, clock, config, log } = this.#options;
    if (config.retentionHours === 0) return;
    const before = new Date(clock.wallTime().getTime() - config.retentionHours * 3_600_000).toISOString();
    for (const recording of [...store.list("recordings")]) {
      if (recording.status === "in-progress" || recording.dateCreated > before) continue;
      try {
        await this.remove(recording);
      } catch (error) {
        log.error("an old recording cannot be deleted", { recordingSid: recording.sid, error: messageOf(error) });
      }
    }
  }

  #now(): string {
    return this.#options.clock.wallTime().toISOString();
  }
}

/** What has become of a recording, by its file. */
function ended(recording: Recording, found: Pick<FoundFile, "durationMs"> | undefined, now: string): Recording {
  const durationMs = found?.durationMs ?? 0;
  const isLost = found === undefined || recording.errorCode !== null;
  const status = durationMs > 0 ? "completed" : isLost ? "failed" : "absent";
  return { ...recording, status, durationMs, dateUpdated: now };
}

/** A file without a record: the disk was faster than the store. */
function adopted(accountSid: string, sid: string, found: FoundFile, now: string): Recording {
  const startTime = new Date(found.changedAt.getTime() - found.durationMs).toISOString();
  return {
    sid,
    accountSid,
    dateCreated: startTime,
    dateUpdated: now,
    callSid: null,
    trunkSid: null,
    source: "Trunking",
    status: found.durationMs > 0 ? "completed" : "absent",
    channels: found.channels,
    startTime,
    durationMs: found.durationMs,
    errorCode: null,
  };
}

function bytesOf({ durationMs, channels }: Recording): number {
  return ((durationMs ?? 0) / 1000) * BYTES_PER_SECOND * channels;
}
