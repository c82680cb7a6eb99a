/**
 * Recordings of legs: both tracks of a leg's tap, side by side or mixed, into WAV files that grow (R-REC-4). Both tracks
 * give a frame every 20 ms, but not in the same moment; a track that is silent from the start is filled up. What a
 * recording has to wait for is the disk, and it never makes a call wait.
 */

import type { FrameView, Track } from "../media/frame-view.ts";
import type { MediaCore } from "../media/media-core.ts";
import { decodeMulaw, encodeMulaw, MULAW_SILENCE } from "./g711.ts";
import type { LegId, RecordingResult, RecordingStart } from "./protocol.ts";
import { WavWriter } from "./wav-writer.ts";

const FRAME_OCTETS = 160;
/** Frames of one track that may wait for the other. */
const WAITING_MAX = 4;

/** Frames of one track that wait. */
class Waiting {
  readonly octets = new Uint8Array(WAITING_MAX * FRAME_OCTETS);
  count = 0;

  add(bytes: Uint8Array, offset: number): void {
    this.octets.set(bytes.subarray(offset, offset + FRAME_OCTETS), this.count * FRAME_OCTETS);
    this.count++;
  }

  /** Takes the oldest frame, or silence, into `frame`. */
  take(frame: Uint8Array): void {
    if (this.count === 0) {
      frame.fill(MULAW_SILENCE);
      return;
    }
    frame.set(this.octets.subarray(0, FRAME_OCTETS));
    this.octets.copyWithin(0, FRAME_OCTETS);
    this.count--;
  }
}

class Recording {
  readonly start: RecordingStart;
  /** Number of the tap in the engine. */
  readonly tap: number;
  readonly #writer: WavWriter;
  readonly #tracks: Readonly<Record<Track, Waiting>> = { inbound: new Waiting(), outbound: new Waiting() };
  readonly #inbound = new Uint8Array(FRAME_OCTETS);
  readonly #outbound = new Uint8Array(FRAME_OCTETS);
  readonly #target: Buffer;

  constructor(start: RecordingStart, tap: number, onError: (message: string) => void) {
    const { path, encoding, channels } = start;
    this.start = start;
    this.tap = tap;
    this.#writer = new WavWriter({ path, format: { encoding, channels }, onError });
    this.#target = Buffer.alloc(FRAME_OCTETS * channels * (encoding === "pcm16" ? 2 : 1));
  }

  accept(frame: FrameView): void {
    const { inbound, outbound } = this.#tracks;
    this.#tracks[frame.track].add(frame.bytes, frame.offset);
    while ((inbound.count > 0 && outbound.count > 0) || Math.max(inbound.count, outbound.count) === WAITING_MAX)
      this.#write();
  }

  close(): Promise<RecordingResult> {
    while (this.#tracks.inbound.count + this.#tracks.outbound.count > 0) this.#write();
    return this.#writer.close();
  }

  #write(): void {
    this.#tracks.inbound.take(this.#inbound);
    this.#tracks.outbound.take(this.#outbound);
    const { channels } = this.start;
    for (let i = 0; i < FRAME_OCTETS; i++) {
      const heard = this.#inbound[i]!;
      const said = this.#outbound[i]!;
      if (channels === 2) {
        this.#put(2 * i, heard);
        this.#put(2 * i + 1, said);
      } else this.#putMixed(i, heard, said);
    }
    this.#writer.write(this.#target);
  }

  #put(place: number, code: number): void {
    if (this.start.encoding === "mulaw") this.#target[place] = code;
    else this.#target.writeInt16LE(decodeMulaw(code), place * 2);
  }

  #putMixed(place: number, heard: number, said: number): void {
    const sum = Math.max(-32_768, Math.min(32_767, decodeMulaw(heard) + decodeMulaw(said)));
    if (this.start.encoding === "mulaw") this.#target[place] = encodeMulaw(sum);
    else this.#target.writeInt16LE(sum, place * 2);
  }
}

/** Told when a recording ends before its time: a full disk, a place that cannot be written. */
export type RecordingFailed = (legId: LegId, recordingId: number, reason: string) => void;

export class Recordings {
  readonly #core: MediaCore;
  readonly #onFailed: RecordingFailed;
  readonly #byId = new Map<number, Recording>();
  readonly #byTap: (Recording | undefined)[] = [];
  /** Files that are being closed. */
  readonly #closing = new Set<Promise<unknown>>();

  constructor(core: MediaCore, onFailed: RecordingFailed) {
    this.#core = core;
    this.#onFailed = onFailed;
  }

  /**
   * Begins to record the leg in `slot`.
   * @throws RangeError for wrong options or an identifier that is in use; MediaError MEDIA_FULL
   */
  start(start: RecordingStart, slot: number, nowMs: number): void {
    const { legId, recordingId, channels, encoding } = start;
    if (this.#byId.has(recordingId)) throw new RangeError(`recordingId: ${recordingId} is in use`);
    if (channels !== 1 && channels !== 2) throw new RangeError("channels: 1 or 2");
    if (encoding !== "mulaw" && encoding !== "pcm16") throw new RangeError("encoding: mulaw or pcm16");
    const tap = this.#core.openTap({ leg: slot, tracks: ["inbound", "outbound"] }, nowMs);
    const recording = new Recording(start, tap, (reason) => this.#onFailed(legId, recordingId, reason));
    this.#byId.set(recordingId, recording);
    this.#byTap[tap] = recording;
  }

  /**
   * Ends a recording; resolves when its file is closed.
   * @throws RangeError when there is none of this identifier
   */
  async stop(recordingId: number): Promise<RecordingResult> {
    const recording = this.#byId.get(recordingId);
    if (recording === undefined) throw new RangeError(`recordingId: there is no recording ${recordingId}`);
    this.#core.closeStream(recording.tap);
    return this.#close(recording);
  }

  /** Ends the recordings of a leg. @param isOpen - false when the leg is gone already, and its taps with it */
  stopLeg(legId: LegId, isOpen: boolean): void {
    for (const recording of [...this.#byId.values()]) {
      if (recording.start.legId !== legId) continue;
      if (isOpen) this.#core.closeStream(recording.tap);
      void this.#close(recording);
    }
  }

  /** Resolves when all files that were given up are closed. */
  async settled(): Promise<void> {
    await Promise.all(this.#closing);
  }

  /** Takes a frame of a tap. @returns false when it is of no recording */
  accept(frame: FrameView): boolean {
    const recording = this.#byTap[frame.stream];
    recording?.accept(frame);
    return recording !== undefined;
  }

  #close(recording: Recording): Promise<RecordingResult> {
    this.#byId.delete(recording.start.recordingId);
    this.#byTap[recording.tap] = undefined;
    const closed = recording.close();
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
    return closed;
  }
}
