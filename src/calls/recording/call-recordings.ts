/** Which calls are recorded: what the trunk says when the call begins (R-REC-1, R-REC-7), and what a voice trace adds. */

import type { RecordingMode, Trunk } from "../../trunking/records.ts";
import type { Call } from "../call.ts";
import type { MediaLeg } from "../media-leg.ts";
import { CallRecording, type PlannedFile } from "./call-recording.ts";
import { FileRecorder } from "./file-recorder.ts";
import type { RecordingSink } from "./recording-sink.ts";

/** A call, and the media of the leg that begins it. */
export interface RecordedLeg {
  readonly call: Call;
  readonly media: MediaLeg;
}

/** Voice traces of accounts that want them. */
export interface TraceSink extends RecordingSink {
  isOn(accountSid: string): boolean;
}

export class CallRecordings {
  readonly #recordings: RecordingSink;
  readonly #traces: TraceSink;
  readonly #byCall = new Map<string, CallRecording>();
  /** Files that are being closed. */
  readonly #closing = new Set<Promise<void>>();

  constructor(recordings: RecordingSink, traces: TraceSink) {
    this.#recordings = recordings;
    this.#traces = traces;
  }

  /** What is recorded of the call that this one began, if anything. */
  of(callSid: string): CallRecording | undefined {
    return this.#byCall.get(callSid);
  }

  /** Follows a call from before it rings. @param trunk - whose mode counts, if the call is one of a trunk */
  watch({ call, media }: RecordedLeg, trunk: Trunk | undefined): void {
    const files = [...this.#ofTrunk(call, trunk), ...this.#ofTrace(call, trunk)];
    if (files.length === 0) return;
    const recording = new CallRecording(call.sid, files);
    this.#byCall.set(call.sid, recording);
    const tell = (): void => {
      if (call.status === "ringing") recording.rang(media);
      else if (call.status === "in-progress") recording.answered(media);
      else if (call.ended && !recording.held) this.end(recording);
    };
    call.events.on("status", tell);
    tell();
  }

  /** Ends what is recorded of a call. */
  end(recording: CallRecording): void {
    this.#byCall.delete(recording.callSid);
    const closed = recording.stop();
    this.#closing.add(closed);
    void closed.finally(() => this.#closing.delete(closed));
  }

  /** Ends all; resolves when every file is closed. */
  async close(): Promise<void> {
    for (const recording of [...this.#byCall.values()]) this.end(recording);
    await Promise.all(this.#closing);
  }

  #ofTrunk(call: Call, trunk: Trunk | undefined): PlannedFile[] {
    const plan = planOf(trunk?.recordingMode ?? "do-not-record");
    if (trunk === undefined || plan === undefined) return [];
    const recorder = new FileRecorder({
      sink: this.#recordings,
      call,
      trunkSid: trunk.sid,
      channels: plan.channels,
      trim: trunk.recordingTrim === "trim-silence",
    });
    return [{ recorder, fromRinging: plan.fromRinging }];
  }

  #ofTrace(call: Call, trunk: Trunk | undefined): PlannedFile[] {
    if (!this.#traces.isOn(call.details.accountSid)) return [];
    const recorder = new FileRecorder({
      sink: this.#traces,
      call,
      trunkSid: trunk?.sid ?? null,
      channels: 2,
      trim: false,
    });
    return [{ recorder, fromRinging: true }];
  }
}

/** R-REC-3, R-REC-4. */
function planOf(mode: RecordingMode): { readonly fromRinging: boolean; readonly channels: 1 | 2 } | undefined {
  if (mode === "do-not-record") return undefined;
  return { fromRinging: mode.startsWith("record-from-ringing"), channels: mode.endsWith("-dual") ? 2 : 1 };
}
