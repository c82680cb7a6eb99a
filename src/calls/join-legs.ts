/** Two answered legs that hear each other, until one of them ends. */

import type { Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { CallContext } from "./call-context.ts";
import type { CallLeg } from "./call-leg.ts";
import { relayDigits } from "./digit-relay.ts";
import { playHoldAudio } from "./hold-audio.ts";

export interface JoinOptions {
  /** Longest time together (SIP-INV-13, `<Dial timeLimit>`). */
  readonly limitMs: number;
  /** Ends the bridge early, as `hangupOnStar` or a new TwiML document does; the second leg is hung up. */
  readonly signal?: AbortSignal;
  /** Ends the bridge early, and both legs go on. */
  readonly release?: AbortSignal;
}

/** Who ended it. */
export type JoinEnd = "first" | "second" | "limit" | "aborted" | "released" | "fault";

/**
 * Bridges both legs and resolves when the bridge is over. Unless it was released the second leg has ended and its call has its
 * final status then; the first goes on, as the parent of a `<Dial>` does.
 */
export async function joinLegs(
  ctx: CallContext,
  first: CallLeg,
  second: CallLeg,
  options: JoinOptions,
): Promise<JoinEnd> {
  let reason: string | undefined;
  const end = await new Promise<JoinEnd>((resolve) => {
    const cleanup: (() => void)[] = [];
    const finish = (cause: JoinEnd): void => {
      for (const step of cleanup) step();
      resolve(cause);
    };
    const abort = (): void => finish("aborted");
    const release = (): void => finish("released");
    options.release?.addEventListener("abort", release, { once: true });
    options.signal?.addEventListener("abort", abort, { once: true });
    const limit: Timer = ctx.clock.after(options.limitMs, () => finish("limit"));
    cleanup.push(
      first.onEnded((one) => {
        reason = one.reason;
        finish("first");
      }),
      second.onEnded(() => finish("second")),
      () => limit.cancel(),
      relayDigits(first, second),
      playHoldAudio(ctx.settings.holdAudio, first, second),
      () => options.signal?.removeEventListener("abort", abort),
      () => options.release?.removeEventListener("abort", release),
    );
    if (options.signal?.aborted === true) abort();
    else if (options.release?.aborted === true) release();
    else if (first.ended) finish("first");
    else if (second.ended) finish("second");
    else
      first.media.bridge(second.media).catch((error) => {
        first.call.note("media", `the legs could not be joined: ${messageOf(error)}`, { code: "media.unjoined" });
        finish("fault");
      });
  });
  if (end === "limit")
    first.call.note("ended", `the limit of ${options.limitMs / 1000} s was reached`, { code: "ended.limit" });
  if (end !== "released") {
    second.hangup(reason);
    second.call.apply("hung-up");
  }
  if (!first.ended) await first.media.unbridge().catch(() => undefined);
  return end;
}
