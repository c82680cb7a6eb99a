/**
 * All that is recorded of one call: by its trunk, and by a voice trace. It begins with the leg that came in, at its first ringing
 * or at its answer (R-REC-3), and follows the parties through transfers: each keeps its channel, and who takes the place of another
 * takes its channel as well (R-XFER-10).
 */

import type { CallLeg } from "../call-leg.ts";
import type { MediaLeg } from "../media-leg.ts";
import type { FileRecorder } from "./file-recorder.ts";

/** A file, and when it begins. */
export interface PlannedFile {
  readonly recorder: FileRecorder;
  readonly fromRinging: boolean;
}

export class CallRecording {
  /** The call that began it. */
  readonly callSid: string;
  readonly #files: readonly PlannedFile[];
  readonly #channels = new WeakMap<CallLeg, 1 | 2>();
  #held = false;

  constructor(callSid: string, files: readonly PlannedFile[]) {
    this.callSid = callSid;
    this.#files = files;
  }

  rang(media: MediaLeg): void {
    for (const { recorder, fromRinging } of this.#files) if (fromRinging) recorder.begin(media);
  }

  answered(media: MediaLeg): void {
    for (const { recorder } of this.#files) recorder.begin(media);
  }

  /** True when somebody else than the call that began it will stop it. */
  get held(): boolean {
    return this.#held;
  }

  /** The call that began it may end: parties go on without it. */
  hold(): void {
    this.#held = true;
  }

  /** Two parties are together from now on: the first one has stayed, or was there first. */
  join(first: CallLeg, second: CallLeg): void {
    const a = this.#channels.get(first);
    const b = this.#channels.get(second);
    const channel = a ?? (b === undefined ? 1 : other(b));
    this.#channels.set(first, channel);
    this.#channels.set(second, other(channel));
    for (const { recorder } of this.#files) if (recorder.media !== second.media) recorder.follow(first.media, channel);
  }

  /** One party is alone for a while. */
  stay(leg: CallLeg): void {
    const channel = this.#channels.get(leg) ?? 1;
    for (const { recorder } of this.#files) recorder.follow(leg.media, channel);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#files.map(({ recorder }) => recorder.stop()));
  }
}

function other(channel: 1 | 2): 1 | 2 {
  return channel === 1 ? 2 : 1;
}
