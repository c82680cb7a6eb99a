/** Status callbacks of one call (twiml.md 4.3): each event at most once, in order, never delaying the call. */

import { statusCallbackParameters } from "../voice/call-parameters.ts";
import type { StatusCallbackAttributes } from "../voice/verbs.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { type CallStatus, isFinal } from "./call-state.ts";

type EventName = StatusCallbackAttributes["events"][number];

export class StatusCallbacks {
  readonly #ctx: CallContext;
  readonly #call: Call;
  #wanted: StatusCallbackAttributes;
  readonly #authToken: string;
  #sequence = 0;
  #fired = new Set<EventName>();

  /** Follows the call from now on. */
  constructor(ctx: CallContext, call: Call, wanted: StatusCallbackAttributes, authToken: string) {
    this.#ctx = ctx;
    this.#call = call;
    this.#wanted = wanted;
    this.#authToken = authToken;
    call.events.on("status", (status) => this.#report(status));
  }

  /** What was told is not told again elsewhere. */
  change(where: Partial<StatusCallbackAttributes>): void {
    this.#wanted = { ...this.#wanted, ...where };
  }

  #report(status: CallStatus): void {
    const event = eventOf(status);
    if (
      event === undefined ||
      this.#fired.has(event) ||
      !this.#wanted.events.includes(event) ||
      this.#wanted.url === null
    )
      return;
    this.#fired.add(event);
    const call = this.#call;
    this.#ctx.callbacks.enqueue({
      key: `${call.sid} ${this.#wanted.url}`,
      url: this.#wanted.url,
      method: this.#wanted.method,
      authToken: this.#authToken,
      accountSid: call.details.accountSid,
      callSid: call.sid,
      parameters: statusCallbackParameters({
        callSid: call.sid,
        accountSid: call.details.accountSid,
        from: call.details.from,
        to: call.details.to,
        direction: directionOf(call),
        callStatus: status,
        ...(call.details.parentSid === undefined ? {} : { parentCallSid: call.details.parentSid }),
        timestamp: this.#ctx.clock.wallTime(),
        sequenceNumber: this.#sequence++,
        ...(isFinal(status) ? { durationSeconds: call.durationSeconds, sipResponseCode: call.sipStatus } : {}),
      }),
    });
  }
}

function directionOf({ details }: Call): "inbound" | "outbound-api" | "outbound-dial" {
  const { direction } = details;
  return direction === "outbound-dial" || direction === "outbound-api" ? direction : "inbound";
}

function eventOf(status: CallStatus): EventName | undefined {
  switch (status) {
    case "queued":
      return undefined;
    case "initiated":
      return "initiated";
    case "ringing":
      return "ringing";
    case "in-progress":
      return "answered";
    default:
      return "completed";
  }
}
