/** One call: one leg with its Call SID, its status, its story. It knows no SIP and no media. */

import type { Clock } from "../base/clock.ts";
import { Emitter } from "../base/emitter.ts";
import { messageOf } from "../base/errors.ts";
import { newSid } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { LegStats } from "../media/media-events.ts";
import { AudioFacts } from "./audio-facts.ts";
import type { CallControl } from "./call-control.ts";
import { type CallEvent, type CallStatus, isFinal, nextCallStatus } from "./call-state.ts";
import { type Decision, DecisionLog } from "./decisions.ts";

export type CallDirection =
  | "inbound"
  | "outbound-api"
  | "outbound-dial"
  | "trunking-terminating"
  | "trunking-originating";

/** What is known when the call begins. */
export interface CallDetails {
  readonly accountSid: string;
  readonly direction: CallDirection;
  /** E.164 when it is one, else the SIP URI. */
  readonly from: string;
  readonly to: string;
  readonly parentSid?: string;
  readonly trunkSid?: string;
  readonly byocTrunkSid?: string;
  /** Call-ID of the SIP dialog, "" until it exists. */
  readonly sipCallId?: string;
  /** Users and domains under which the call has come to us, this leg's last (SIP-DLG-11). */
  readonly path?: readonly string[];
  /** Name of the edge that processes it (R-EDGE-7). */
  readonly edge?: string;
  /** Where the far end is, host:port. */
  readonly remote?: string;
}

/** Attempts of one leg whose dialogs are remembered. */
const SIP_CALL_IDS_MAX = 1000;

/** Listeners of a call. */
interface CallEvents {
  status: [status: CallStatus, call: Call];
}

/**
 * What a call does with the fault of a listener. A function of its own: made inside the function that makes a call, it would
 * keep alive whatever that function knows, for as long as the ended call is remembered.
 */
export function listenerFaults(log: Log): (error: unknown) => void {
  return (error) => log.error("a call listener threw", { error: messageOf(error) });
}

export class Call {
  readonly sid = newSid("CA");
  readonly details: CallDetails;
  readonly decisions = new DecisionLog();
  readonly createdAt: Date;
  readonly events: Emitter<CallEvents>;
  /** Final SIP status of the leg, 0 while there is none. */
  sipStatus = 0;
  #sipCallId: string;
  /** Call-IDs of all attempts of this leg, oldest first. */
  readonly sipCallIds: string[] = [];
  /** An alert of level error was raised for it. */
  hasError = false;
  /** Counters of the media leg, once it was closed. */
  mediaStats: LegStats | undefined;
  /** Where its audio went, for its statement. */
  readonly audio = new AudioFacts();
  /** What can be asked of it; empty once it has ended. */
  control: CallControl = {};
  #status: CallStatus = "queued";
  #answeredAt: Date | undefined;
  #endedAt: Date | undefined;
  #answeredMs = 0;
  #durationMs = 0;
  readonly #clock: Clock;
  /** When it began, by the monotonic clock. */
  readonly startMs: number;
  #endMs: number | undefined;

  constructor(details: CallDetails, clock: Clock, onListenerError: (error: unknown) => void) {
    this.details = details;
    this.#sipCallId = details.sipCallId ?? "";
    if (this.#sipCallId !== "") this.sipCallIds.push(this.#sipCallId);
    this.createdAt = clock.wallTime();
    this.events = new Emitter(onListenerError);
    this.#clock = clock;
    this.startMs = clock.nowMs();
  }

  /** Call-ID of the SIP dialog, of the last one where several were tried; "" until there is one. */
  get sipCallId(): string {
    return this.#sipCallId;
  }

  set sipCallId(callId: string) {
    this.#sipCallId = callId;
    if (this.sipCallIds.length < SIP_CALL_IDS_MAX && !this.sipCallIds.includes(callId)) this.sipCallIds.push(callId);
  }

  /** From beginning to end, or until now. */
  get lastedMs(): number {
    return (this.#endMs ?? this.#clock.nowMs()) - this.startMs;
  }

  get status(): CallStatus {
    return this.#status;
  }

  get answeredAt(): Date | undefined {
    return this.#answeredAt;
  }

  get endedAt(): Date | undefined {
    return this.#endedAt;
  }

  get ended(): boolean {
    return isFinal(this.#status);
  }

  /** Seconds from answer to end, rounded up as bills are; 0 for a call that was never answered. */
  get durationSeconds(): number {
    return Math.ceil(this.#durationMs / 1000);
  }

  /** From the answer to now; 0 without one. */
  get answeredForMs(): number {
    return this.#answeredAt === undefined ? 0 : this.#clock.nowMs() - this.#answeredMs;
  }

  /** Moves the call along its table; an event that the table ignores does nothing. */
  apply(event: CallEvent): void {
    const row = nextCallStatus(this.#status, event);
    if (row === undefined) return;
    this.#status = row.next;
    for (const action of row.actions) {
      if (action === "start-clock") {
        this.#answeredAt = this.#clock.wallTime();
        this.#answeredMs = this.#clock.nowMs();
      } else if (action === "stop-clock") {
        this.#durationMs = this.#clock.nowMs() - this.#answeredMs;
      } else {
        if (isFinal(row.next)) {
          this.#endedAt = this.#clock.wallTime();
          this.#endMs = this.#clock.nowMs();
          this.control = {};
        }
        this.events.emit("status", row.next, this);
      }
    }
  }

  /** Writes one line of the call's story. */
  note(step: Decision["step"], text: string, fields: Decision["fields"] = {}): void {
    this.decisions.add({ atMs: Math.round(this.#clock.nowMs() - this.startMs), step, text, fields });
  }
}
