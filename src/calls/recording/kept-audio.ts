/** All audio that the gateway may keep, in one place: recordings of trunks, voice traces, and nothing else (R-COMP-1). */

import { dirname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { GatewayConfig } from "../../base/gateway-config.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../../store/store.ts";
import type { AlertLog } from "../alert-log.ts";
import type { Usage } from "../usage.ts";
import { CallRecordings } from "./call-recordings.ts";
import { RecordingBook } from "./recording-book.ts";
import { VoiceTraces } from "./voice-traces.ts";

export interface KeptAudioOptions {
  readonly config: Pick<GatewayConfig, "recordings" | "voiceTrace" | "compliance" | "store">;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly alerts: AlertLog;
  readonly usage: Usage;
}

export class KeptAudio {
  readonly recordings: RecordingBook;
  readonly traces: VoiceTraces;
  readonly calls: CallRecordings;

  constructor({ config, ...needs }: KeptAudioOptions) {
    const { recordings, voiceTrace, store } = config;
    const { noAudioAtRest } = config.compliance;
    const beside = (name: string): string | null => (store.path === null ? null : join(dirname(store.path), name));
    this.recordings = new RecordingBook({
      ...needs,
      config: recordings,
      folder: recordings.folder ?? beside("recordings"),
      noAudioAtRest,
    });
    this.traces = new VoiceTraces({
      ...needs,
      config: voiceTrace,
      folder: voiceTrace.folder ?? beside("voice-traces"),
      noAudioAtRest,
    });
    this.calls = new CallRecordings(this.recordings, this.traces);
  }

  /** Puts in order what was left, before calls come. */
  async start(): Promise<void> {
    await this.recordings.start();
    await this.traces.start();
  }

  /** Closes all files and writes their records. */
  async close(): Promise<void> {
    await this.calls.close();
    this.traces.close();
    await this.recordings.close();
  }
}
