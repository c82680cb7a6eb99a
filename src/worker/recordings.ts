/**
 * The recordings of one worker: which tap gives its frames to which file, and when a file is closed. What a recording has to
 * wait for is the disk, and it never makes a call wait.
 */

import type { FrameView } from "../media/frame-view.ts";
import type { MediaCore } from "../media/media-core.ts";
import type { LegId, RecordingMove, RecordingResult, RecordingStart } from "./protocol.ts";
import { Recording } from "./recording.ts";

/** Told when a recording ends before its time: a full disk, a place that cannot be written. */
export type RecordingFailed = (legId: LegId, recordingId: number, reason: string) => void;

export class Recordings {
  readonly #core: MediaCore;
  readonly #onFailed: RecordingFailed;
  readonly #byId = new Map<number, Recording>();
  readonly #byTap: (Recording | undefined)[] = [];
  /** Files that are being closed. */
  readonly #closing = new Map<number, Promise<RecordingResult>>();

  constructor(core: MediaCore, onFailed: RecordingFailed) {
    this.#core = core;
    this.#onFailed = onFailed;
  }

  /**
   * Begins to record the leg in `slot`.
   * @throws RangeError for wrong options or an identifier that is in use; MediaError MEDIA_FULL
   */
  start(start: RecordingStart, slot: number, nowMs: number): void {
    const { recordingId, channels, encoding } = start;
    if (this.#byId.has(recordingId)) throw new RangeError(`recordingId: ${recordingId} is in use`);
    if (channels !== 1 && channels !== 2) throw new RangeError("channels: 1 or 2");
    if (encoding !== "mulaw" && encoding !== "pcm16") throw new RangeError("encoding: mulaw or pcm16");
    const tap = this.#core.openTap({ leg: slot, tracks: ["inbound", "outbound"] }, nowMs);
    const recording: Recording = new Recording(start, tap, (reason) =>
      this.#onFailed(recording.legId, recordingId, reason),
    );
    this.#byId.set(recordingId, recording);
    this.#byTap[tap] = recording;
  }

  /**
   * Goes on with the leg in `slot`.
   * @throws RangeError when there is none of this identifier; MediaError MEDIA_FULL, and it stays where it was
   */
  move({ recordingId, legId, inboundChannel }: RecordingMove, slot: number, nowMs: number): void {
    const recording = this.#get(recordingId);
    const tap = this.#core.openTap({ leg: slot, tracks: ["inbound", "outbound"] }, nowMs);
    this.#core.closeStream(recording.tap);
    this.#byTap[recording.tap] = undefined;
    recording.move(legId, tap, inboundChannel);
    this.#byTap[tap] = recording;
  }

  /**
   * Ends a recording; resolves when its file is closed.
   * @param keepTail - its silent end stays: another recording resumes the file
   * @throws RangeError when there is none of this identifier
   */
  async stop(recordingId: number, keepTail = false): Promise<RecordingResult> {
    const closing = this.#closing.get(recordingId);
    if (closing !== undefined) return await closing;
    const recording = this.#get(recordingId);
    this.#core.closeStream(recording.tap);
    return await this.#close(recording, keepTail);
  }

  /** Ends the recordings of a leg. @param isOpen - false when the leg is gone already, and its taps with it */
  stopLeg(legId: LegId, isOpen: boolean): void {
    for (const recording of [...this.#byId.values()]) {
      if (recording.legId !== legId) continue;
      if (isOpen) this.#core.closeStream(recording.tap);
      void this.#close(recording, false);
    }
  }

  /** Resolves when all files that were given up are closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing.values());
  }

  /** Takes a frame of a tap. @returns false when it is of no recording */
  accept(frame: FrameView): boolean {
    const recording = this.#byTap[frame.stream];
    if (recording === undefined) return false;
    if (!recording.accept(frame)) {
      this.#core.closeStream(recording.tap);
      void this.#close(recording, false);
    }
    return true;
  }

  #get(recordingId: number): Recording {
    const recording = this.#byId.get(recordingId);
    if (recording === undefined) throw new RangeError(`recordingId: there is no recording ${recordingId}`);
    return recording;
  }

  #close(recording: Recording, keepTail: boolean): Promise<RecordingResult> {
    const { recordingId } = recording.start;
    this.#byId.delete(recordingId);
    this.#byTap[recording.tap] = undefined;
    const closed = recording.close(keepTail);
    this.#closing.set(recordingId, closed);
    void closed.then(() => this.#closing.delete(recordingId));
    return closed;
  }
}
