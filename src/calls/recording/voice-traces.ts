/**
 * Voice traces (R-COMP-2, R-COMP-3): the audio of all calls of an account, kept for a while to find faults, when its owner has
 * switched that on. Files only, no records; deleted by age, and at once when it is switched off.
 */

import type { Clock, Timer } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { VoiceTraceConfig } from "../../base/gateway-config.ts";
import { newSid } from "../../base/ids.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../store/store.ts";
import type { AlertLog } from "../alert-log.ts";
import type { TraceSink } from "./call-recordings.ts";
import { RECORDING_FAILED } from "./recording-book.ts";
import { RecordingFiles } from "./recording-files.ts";
import { BYTES_PER_SECOND, type RecordingDetails, type RecordingFile } from "./recording-sink.ts";

export interface VoiceTracesOptions {
  readonly config: Omit<VoiceTraceConfig, "folder">;
  /** null: nothing can be kept. */
  readonly folder: string | null;
  /** R-COMP-6. */
  readonly noAudioAtRest: boolean;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: AlertLog;
}

/** Files are looked at so often. */
const SWEEP_MS = 600_000;

export class VoiceTraces implements TraceSink {
  readonly kind = "voice-trace";
  readonly #options: VoiceTracesOptions;
  readonly #files: RecordingFiles | undefined;
  readonly #open = new Map<string, RecordingDetails & { isTold: boolean }>();
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(options: VoiceTracesOptions) {
    this.#options = options;
    this.#files = options.folder === null ? undefined : new RecordingFiles(options.folder);
  }

  isOn(accountSid: string): boolean {
    const { store, noAudioAtRest } = this.#options;
    return !noAudioAtRest && store.get("voiceSettings", accountSid)?.voiceTrace === true;
  }

  async start(): Promise<void> {
    if (this.#files !== undefined) await this.#keepSweeping();
  }

  close(): void {
    this.#isClosed = true;
    this.#sweep?.cancel();
  }

  begin(details: RecordingDetails): RecordingFile | undefined {
    const { accountSid, callSid, channels } = details;
    if (this.#files === undefined) {
      this.#alert(details, "there is no folder for voice traces: set voiceTrace.folder");
      return undefined;
    }
    const sid = newSid("RE");
    this.#files.prepare(accountSid);
    this.#open.set(sid, { ...details, isTold: false });
    this.#options.log.info("a voice trace of a call begins", { callSid });
    const dataBytesMax = this.#options.config.secondsMax * BYTES_PER_SECOND * channels;
    return { sid, path: this.#files.pathOf(accountSid, sid), dataBytesMax };
  }

  failed(sid: string, reason: string): void {
    const details = this.#open.get(sid);
    if (details === undefined || details.isTold) return;
    details.isTold = true;
    this.#alert(details, `the voice trace cannot be written: ${reason}`);
  }

  async finish(sid: string): Promise<void> {
    const details = this.#open.get(sid);
    this.#open.delete(sid);
    // Switched off while it was written.
    if (details !== undefined && !this.isOn(details.accountSid)) await this.#remove(details.accountSid, sid);
  }

  /** Deletes what is kept of accounts that have it off; files that are being written go when they are closed. */
  async settingsChanged(): Promise<void> {
    if (this.#files === undefined) return;
    for await (const { accountSid, sid } of this.#files.all())
      if (!this.isOn(accountSid) && !this.#open.has(sid)) await this.#remove(accountSid, sid);
  }

  /** Deletes what is older than the retention time, and what nobody wants. */
  async deleteOld(): Promise<void> {
    const { clock, config } = this.#options;
    if (this.#files === undefined) return;
    const before = clock.wallTime().getTime() - config.retentionHours * 3_600_000;
    for await (const { accountSid, sid } of this.#files.all()) {
      if (this.#open.has(sid)) continue;
      const changedAt = await this.#files.changedAt(accountSid, sid);
      if (!this.isOn(accountSid) || (changedAt !== undefined && changedAt.getTime() <= before))
        await this.#remove(accountSid, sid);
    }
  }

  async #keepSweeping(): Promise<void> {
    await this.deleteOld();
    if (!this.#isClosed) this.#sweep = this.#options.clock.after(SWEEP_MS, () => void this.#keepSweeping());
  }

  async #remove(accountSid: string, sid: string): Promise<void> {
    try {
      await this.#files!.remove(accountSid, sid);
    } catch (error) {
      this.#options.log.error("a voice trace cannot be deleted", { sid, error: messageOf(error) });
    }
  }

  #alert({ accountSid, callSid }: RecordingDetails, text: string): void {
    this.#options.alerts.raise({ code: RECORDING_FAILED, level: "warning", text, accountSid, callSid });
  }
}
