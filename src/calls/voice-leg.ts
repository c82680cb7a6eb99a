/**
 * What TwiML runs on: a leg that came in and may not be answered yet (`InboundLeg`), or one that has been answered already, such
 * as a call of ours that somebody took (`AnsweredLeg`).
 */

import type { Call } from "./call.ts";
import type { CallLeg, LegEnd } from "./call-leg.ts";
import type { MediaLeg } from "./media-leg.ts";

export interface VoiceLeg {
  readonly call: Call;
  readonly media: MediaLeg;
  readonly answered: boolean;
  readonly ended: boolean;
  /** Told once when the far end or a fault ends the leg, never after our own `reject` or `hangup`. */
  onEnded: ((end: LegEnd) => void) | undefined;
  /** 180, where it is not answered yet. */
  ring(): void;
  /** 183 with our SDP, where it is not answered yet. */
  early(): Promise<void>;
  /** Undefined when the far end was faster to hang up. */
  answer(): Promise<CallLeg | undefined>;
  /** Final answer 300 to 699, where it is not answered yet. */
  reject(status: number): void;
  /** Ends the leg in whatever state it is; `status` is for one that is not answered. */
  hangup(status?: number, reason?: string): void;
}

/** A leg with a dialog: there is nothing left to ring or to refuse. */
export class AnsweredLeg implements VoiceLeg {
  readonly answered = true;
  readonly #leg: CallLeg;
  onEnded: ((end: LegEnd) => void) | undefined;

  constructor(leg: CallLeg) {
    this.#leg = leg;
    leg.onEnded((end) => this.onEnded?.(end));
  }

  get call(): Call {
    return this.#leg.call;
  }

  get media(): MediaLeg {
    return this.#leg.media;
  }

  get ended(): boolean {
    return this.#leg.ended;
  }

  ring(): void {}

  async early(): Promise<void> {}

  async answer(): Promise<CallLeg | undefined> {
    return this.#leg.ended ? undefined : this.#leg;
  }

  reject(): void {}

  hangup(_status?: number, reason?: string): void {
    this.#leg.hangup(reason);
  }
}
