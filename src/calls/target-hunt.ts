/**
 * Tries targets one after the other until one answers (R-ORIG-15 to R-ORIG-24): silence for 4 s, transport failure and
 * most final answers move on to the next target; the listed answers end the hunt. A 302 may insert one target. Whoever
 * hunts decides what a ring, an answer or a failure means for the other leg.
 */

import type { Timer } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import type { WorkerHandle } from "../scheduler/worker-handle.ts";
import { retryAfterSeconds } from "../sip/header-values.ts";
import type { SipResponse } from "../sip/message.ts";
import { stopsFailover } from "../trunking/origination.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import type { CallLeg } from "./call-leg.ts";
import { type AttemptFailure, OutboundLeg, type OutboundTarget } from "./outbound-leg.ts";

/** How a hunt ended. */
export type HuntOutcome =
  | {
      readonly kind: "answered";
      readonly leg: CallLeg;
      readonly target: OutboundTarget;
      readonly response: SipResponse;
    }
  /** One of the answers that end the call (R-ORIG-19), or a redirect that is not allowed. */
  | { readonly kind: "refused"; readonly status: number; readonly text: string; readonly response?: SipResponse }
  /** Every target failed; `lastStatus` 0 when the last one was silent. */
  | {
      readonly kind: "exhausted";
      readonly lastStatus: number;
      readonly attempts: number;
      readonly text: string;
      readonly response?: SipResponse;
    }
  | { readonly kind: "cancelled" };

/** What a 302 leads to (R-REDIR): a target, a refusal that ends the call, or the next target of the list. */
export type RedirectVerdict =
  | { readonly follow: OutboundTarget }
  | { readonly refuse: string }
  | { readonly next: string };

export interface HuntOptions {
  readonly call: Call;
  readonly worker: WorkerHandle;
  /** In the order to be tried; asked again only when the one before failed. */
  readonly targets: Iterator<OutboundTarget>;
  readonly ringLimitMs: number;
  readonly redirect?: (response: SipResponse, from: OutboundTarget) => RedirectVerdict;
  /** A 302 that ends the call (table 0.1). */
  readonly onRedirectRefused?: (target: OutboundTarget, text: string) => void;
  /** Ringing or early media of the current attempt. */
  readonly onProgress?: (leg: OutboundLeg, status: number, early: boolean) => void;
  /** An early dialog of the current attempt; `onAttemptOver` ends them all. */
  readonly onEarlyDialog?: NonNullable<OutboundLeg["onEarlyDialog"]>;
  readonly onAttemptOver?: () => void;
  /** One attempt failed and another may follow. */
  readonly onAttemptFailed?: (target: OutboundTarget, failure: AttemptFailure) => void;
}

export class TargetHunt {
  readonly #ctx: CallContext;
  readonly #options: HuntOptions;
  #current: OutboundLeg | undefined;
  #cancelled = false;
  #settle: ((outcome: HuntOutcome) => void) | undefined;
  #silentMs = 0;
  #attempts = 0;
  #redirected = false;

  constructor(ctx: CallContext, options: HuntOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  /** Runs the hunt once. Never rejects. */
  async run(): Promise<HuntOutcome> {
    let last: AttemptFailure | undefined;
    let inserted: OutboundTarget | undefined;
    this.#options.call.control.end = () => this.cancel();
    while (!this.#cancelled && this.#silentMs < this.#ctx.settings.silentTotalMs) {
      const target = inserted ?? this.#nextTarget();
      inserted = undefined;
      if (target === undefined) break;
      const startedMs = this.#ctx.clock.nowMs();
      const result = await this.#attempt(target);
      const ms = Math.round(this.#ctx.clock.nowMs() - startedMs);
      if (this.#cancelled) break;
      if ("kind" in result && result.kind === "answered") {
        this.#options.call.note("attempt", `${target.label}: answered after ${ms} ms`, {
          code: "target.answered",
          target: target.label,
          ms,
        });
        return result;
      }
      const failure = result as AttemptFailure;
      last = failure;
      this.#leaveAlone(target, failure);
      this.#options.call.note("attempt", `${target.label}: ${failure.text}`, {
        code: `target.${failure.kind}`,
        target: target.label,
        status: failure.status,
        ms,
        tls: failure.cause === "TRANSPORT_TLS",
        dns: failure.cause === "TRANSPORT_DNS",
        q850: failure.response?.headers.get("Reason")?.slice(0, 100) ?? "",
        warning: failure.response?.headers.get("Warning")?.slice(0, 200) ?? "",
      });
      if (failure.status === 302 && failure.response !== undefined && this.#options.redirect !== undefined) {
        const verdict = this.#redirect(failure.response, target);
        if ("refuse" in verdict) {
          this.#options.onRedirectRefused?.(target, verdict.refuse);
          return { kind: "refused", status: 480, text: verdict.refuse };
        }
        if ("follow" in verdict) {
          inserted = verdict.follow;
          continue;
        }
      } else if (failure.kind === "hung-up" || (failure.kind === "status" && stopsFailover(failure.status))) {
        // Whoever took the call and hung up has had it: no other target is asked.
        return { kind: "refused", status: failure.status, text: failure.text, ...withResponse(failure) };
      }
      this.#options.onAttemptFailed?.(target, failure);
    }
    if (this.#cancelled) return { kind: "cancelled" };
    return {
      kind: "exhausted",
      lastStatus: last?.status ?? 0,
      attempts: this.#attempts,
      text: last?.text ?? "no target to try",
      ...withResponse(last),
    };
  }

  /** Ends the hunt: the attempt under way is cancelled and no other follows (R-ORIG-24). */
  cancel(reason?: string): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    this.#current?.cancel(reason);
    this.#settle?.({ kind: "cancelled" });
  }

  /** SIP-OVL-3. */
  #leaveAlone({ sid, label }: OutboundTarget, { status, response }: AttemptFailure): void {
    if (sid !== undefined && status === 503 && response !== undefined)
      this.#ctx.targetHealth.backOff(sid, label, retryAfterSeconds(response.headers));
  }

  #nextTarget(): OutboundTarget | undefined {
    const next = this.#options.targets.next();
    return next.done === true ? undefined : next.value;
  }

  /** R-REDIR-2: one redirection a call. */
  #redirect(response: SipResponse, from: OutboundTarget): RedirectVerdict {
    if (this.#redirected) return { refuse: "a second redirection of one call is not followed (R-REDIR-2)" };
    this.#redirected = true;
    const verdict = this.#options.redirect!(response, from);
    const text =
      "follow" in verdict
        ? `redirected to ${verdict.follow.label}`
        : "refuse" in verdict
          ? verdict.refuse
          : verdict.next;
    const code =
      "follow" in verdict ? "redirect.followed" : "refuse" in verdict ? "redirect.refused" : "redirect.passed";
    this.#options.call.note("routed", text, { code, from: from.label });
    return verdict;
  }

  async #attempt(target: OutboundTarget): Promise<HuntOutcome | AttemptFailure> {
    this.#attempts++;
    const startedMs = this.#ctx.clock.nowMs();
    if (target.unusable !== undefined) return { kind: "unreachable", status: 0, text: target.unusable };
    let leg: OutboundLeg;
    try {
      leg = await OutboundLeg.start(this.#ctx, this.#options.call, this.#options.worker, target);
    } catch (error) {
      return { kind: "media", status: 503, text: messageOf(error) };
    }
    if (this.#cancelled) {
      leg.abandon();
      return { kind: "cancelled" };
    }
    this.#current = leg;
    this.#options.call.apply("sent");
    return new Promise((resolve) => {
      let ringTimer: Timer | undefined;
      let settled = false;
      const settle = (result: HuntOutcome | AttemptFailure): void => {
        // The answer to our CANCEL comes when the next attempt is under way.
        if (settled) return;
        settled = true;
        ringTimer?.cancel();
        this.#current = undefined;
        this.#settle = undefined;
        this.#options.onAttemptOver?.();
        resolve(result);
      };
      this.#settle = settle;
      // R-ORIG-23: from the first answer on, and 100 is one; behind it nothing else may come.
      leg.onFirstAnswer = () => {
        if (settled) return;
        ringTimer = this.#ctx.clock.after(this.#options.ringLimitMs, () => {
          leg.cancel();
          settle({
            kind: "silent",
            status: 408,
            text: `rang for ${this.#options.ringLimitMs / 1000} s without an answer`,
          });
        });
      };
      leg.onEarlyDialog = (dialog) => {
        if (!settled) this.#options.onEarlyDialog?.(dialog);
      };
      leg.onProgress = (status, early) => {
        if (!settled) this.#options.onProgress?.(leg, status, early);
      };
      leg.onAnswered = (answered, response) => {
        // Given up while its media was being set up: nobody is there to talk to.
        if (settled) answered.hangup();
        else settle({ kind: "answered", leg: answered, target, response });
      };
      leg.onFailed = (failure) => {
        if (failure.kind === "silent") this.#silentMs += this.#ctx.clock.nowMs() - startedMs;
        settle(failure);
      };
    });
  }
}

/** SIP status of a hunt that nobody answered; 0 when the last target was silent. */
export function statusOfHunt(outcome: Exclude<HuntOutcome, { kind: "answered" }>): number {
  if (outcome.kind === "refused") return outcome.status;
  return outcome.kind === "exhausted" ? outcome.lastStatus : 487;
}

function withResponse(failure: AttemptFailure | undefined): { response?: SipResponse } {
  return failure?.response === undefined ? {} : { response: failure.response };
}
