/** Where the audio of calls may go: recordings of trunks, and voice traces. What a recorder of a call needs to know of it. */

import type { RecordingResult } from "../../worker/protocol.ts";
import type { KeptFact } from "../audio-facts.ts";

/** What is known when a recording begins. */
export interface RecordingDetails {
  readonly accountSid: string;
  readonly callSid: string;
  readonly trunkSid: string | null;
  readonly channels: 1 | 2;
}

/** A file that may be written. */
export interface RecordingFile {
  readonly sid: string;
  readonly path: string;
  readonly dataBytesMax: number;
}

export interface RecordingSink {
  readonly kind: KeptFact["kind"];
  /** @returns undefined when nothing may be kept; whoever has to know was told */
  begin(details: RecordingDetails): RecordingFile | undefined;
  /** Something went wrong while it was written; the call goes on. Told once. */
  failed(sid: string, reason: string): void;
  /**
   * The file is closed.
   * @param result - undefined when the worker that wrote it is gone: then the file itself tells
   */
  finish(sid: string, result: RecordingResult | undefined): Promise<void>;
}

/** 16-bit PCM, which every player reads (voice-rest.md 3). */
export const RECORDING_ENCODING = "pcm16";

/** Octets of a second of one channel. */
export const BYTES_PER_SECOND = 16_000;
