/**
 * One file that follows one call, from leg to leg and from worker to worker (R-XFER-10). The worker writes it; this says which
 * leg is heard, in which channel, and for how long. Whatever fails, the call goes on.
 */

import { messageOf } from "../../base/errors.ts";
import type { RecordingResult } from "../../worker/protocol.ts";
import type { Call } from "../call.ts";
import type { MediaLeg } from "../media-leg.ts";
import { RECORDING_ENCODING, type RecordingFile, type RecordingSink } from "./recording-sink.ts";

export interface FileRecorderOptions {
  readonly sink: RecordingSink;
  readonly call: Call;
  readonly trunkSid: string | null;
  readonly channels: 1 | 2;
  readonly trim: boolean;
}

let lastRecordingId = 0;

export class FileRecorder {
  readonly #options: FileRecorderOptions;
  #file: RecordingFile | undefined;
  #recordingId = 0;
  /** The leg whose tap is written. */
  #media: MediaLeg | undefined;
  #stopListening: () => void = () => undefined;
  /** Requests are made one after the other: a file has one writer. */
  #work: Promise<void> = Promise.resolve();
  #state: "waiting" | "running" | "stopped" = "waiting";

  constructor(options: FileRecorderOptions) {
    this.#options = options;
  }

  get running(): boolean {
    return this.#state === "running";
  }

  get media(): MediaLeg | undefined {
    return this.#media;
  }

  /** Begins with this leg, whose own audio is channel 1; does nothing when it has begun before. */
  begin(media: MediaLeg): void {
    if (this.#state !== "waiting") return;
    const { sink, call, trunkSid, channels } = this.#options;
    this.#file = sink.begin({ accountSid: call.details.accountSid, callSid: call.sid, trunkSid, channels });
    if (this.#file === undefined) {
      this.#state = "stopped";
      return;
    }
    this.#state = "running";
    call.audio.keep({ kind: sink.kind, sid: this.#file.sid });
    call.note("media", `${sink.kind} ${this.#file.sid} begins`, { code: "audio.kept", sid: this.#file.sid });
    this.#listenTo(media);
    this.#then(() => this.#start(media, 1, false));
  }

  /** Goes on with another leg. @param inboundChannel - of what that leg says, where there are two channels */
  follow(media: MediaLeg, inboundChannel: 1 | 2): void {
    if (this.#state !== "running" || media === this.#media) return;
    const before = this.#media!;
    this.#listenTo(media);
    this.#then(async () => {
      if (before.worker === media.worker && !before.closed) {
        await media.takeRecording(this.#recordingId, inboundChannel);
        return;
      }
      // Two workers cannot write into one file: what is said until the first has closed it is lost.
      await this.#stop(before, true);
      await this.#start(media, inboundChannel, true);
    });
  }

  /** Ends it; resolves when the file is closed and its record is written. */
  stop(): Promise<void> {
    if (this.#state === "running") {
      const { sink } = this.#options;
      const { sid } = this.#file!;
      const media = this.#media!;
      this.#stopListening();
      this.#media = undefined;
      this.#then(async () => sink.finish(sid, await this.#stop(media, false)));
    }
    this.#state = "stopped";
    return this.#work;
  }

  async #start(media: MediaLeg, inboundChannel: 1 | 2, resume: boolean): Promise<void> {
    const { path, dataBytesMax } = this.#file!;
    const { channels, trim } = this.#options;
    this.#recordingId = ++lastRecordingId;
    await media.startRecording({
      recordingId: this.#recordingId,
      path,
      channels,
      encoding: RECORDING_ENCODING,
      inboundChannel,
      resume,
      trim,
      dataBytesMax,
    });
  }

  /** @returns undefined when the worker is gone, or has closed the file before */
  async #stop(media: MediaLeg, keepTail: boolean): Promise<RecordingResult | undefined> {
    try {
      return await media.worker.request("stop-recording", { recordingId: this.#recordingId, keepTail });
    } catch {
      return undefined;
    }
  }

  #listenTo(media: MediaLeg): void {
    this.#stopListening();
    this.#media = media;
    this.#stopListening = media.listen({
      onRecordingFailed: (recordingId, reason) => {
        if (recordingId === this.#recordingId) this.#options.sink.failed(this.#file!.sid, reason);
      },
    });
  }

  #then(work: () => Promise<void>): void {
    const { sink } = this.#options;
    this.#work = this.#work.then(work).catch((error) => sink.failed(this.#file!.sid, messageOf(error)));
  }
}
