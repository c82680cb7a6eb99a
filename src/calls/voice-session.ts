/**
 * A call that is run by TwiML: fetches documents, steps through them, and carries out one verb at a time (twiml.md 1, 5,
 * R-BYOC-4 to R-BYOC-8). Ends when the document does, when the caller hangs up, or when no document can be had.
 */

import { GatewayError, messageOf, TwimlError, WebhookError } from "../base/errors.ts";
import { domainNameOf } from "../trunking/domains.ts";
import { callParameters, type SipDomainDescription } from "../voice/call-parameters.ts";
import { CookieJar } from "../voice/cookie-jar.ts";
import { fetchTwiml, type Handler } from "../voice/fetch-twiml.ts";
import { shownUrl } from "../voice/http-errors.ts";
import { advance, type Instruction, type Outcome, type Program, startProgram } from "../voice/interpreter.ts";
import type { Parameter } from "../voice/signature.ts";
import type { StatusCallbackAttributes } from "../voice/verbs.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import type { CallContext } from "./call-context.ts";
import type { CallLeg } from "./call-leg.ts";
import { endEventOf } from "./call-state.ts";
import { CallStreams } from "./call-streams.ts";
import { customHeaders } from "./identity.ts";
import type { InboundLeg } from "./inbound-leg.ts";
import { StatusCallbacks } from "./status-callbacks.ts";
import { dialActionParameters, streamActionParameters } from "./verbs/action-parameters.ts";
import { runDial } from "./verbs/dial.ts";
import { runPause } from "./verbs/pause.ts";
import { runPlay } from "./verbs/play.ts";
import { runConnect, runStart, runStop } from "./verbs/streams.ts";
import type { VerbScope } from "./verbs/verb-scope.ts";

/** Where the TwiML comes from. */
export interface VoiceApplication {
  readonly accountSid: string;
  readonly handler: Handler;
  readonly fallback: Handler | undefined;
  readonly statusCallback: StatusCallbackAttributes;
  readonly sipDomain?: { readonly name: string; readonly sid: string };
  readonly byocTrunkSid?: string;
  readonly extraParameters: readonly Parameter[];
}

export class VoiceSession {
  readonly #ctx: CallContext;
  readonly #inbound: InboundLeg;
  readonly #application: VoiceApplication;
  readonly #admitted: AdmittedInvite;
  readonly #cookies = new CookieJar();
  readonly #over = new AbortController();
  readonly #streams: CallStreams;
  readonly #authToken: string;
  /** What `<Reject>` as the first effective verb answers; undefined while the document has not asked for it. */
  #leg: Promise<CallLeg | undefined> | undefined;

  constructor(ctx: CallContext, inbound: InboundLeg, application: VoiceApplication, admitted: AdmittedInvite) {
    this.#ctx = ctx;
    this.#inbound = inbound;
    this.#application = application;
    this.#admitted = admitted;
    this.#authToken = ctx.store.get("accounts", application.accountSid)?.authToken ?? "";
    this.#streams = new CallStreams(ctx, inbound.call, inbound.media, this.#authToken);
    new StatusCallbacks(ctx, inbound.call, application.statusCallback, this.#authToken);
  }

  /** Resolves when the call is over. */
  async run(): Promise<void> {
    const { call } = this.#inbound;
    this.#inbound.onEnded = (end) => {
      call.apply(end.cause === "cancelled" ? "end-canceled" : "hung-up");
      this.#over.abort();
    };
    call.apply("sent");
    this.#inbound.ring();
    if (this.#inbound.ended) this.#over.abort();
    try {
      await this.#runDocuments();
    } catch (error) {
      if (!this.#over.signal.aborted) this.#failed(error);
    }
    await this.#streams.stopAll();
    if (!this.#inbound.ended) this.#inbound.hangup(480);
    call.apply(this.#inbound.answered || call.answeredAt !== undefined ? "hung-up" : endEventOf(call.sipStatus));
  }

  async #runDocuments(): Promise<void> {
    let program: Program | undefined = await this.#fetch(this.#application.handler, [], undefined);
    let outcome: Outcome = { kind: "done" };
    while (program !== undefined && !this.#over.signal.aborted) {
      const step = advance(program, outcome);
      program = step.program;
      const { instruction } = step;
      if (instruction.kind === "end") {
        // An empty document on a new call answers and hangs up (twiml.md 1.3).
        await this.#answer();
        return;
      }
      if (instruction.kind === "fetch") {
        await this.#streams.stopAll("bidirectional");
        program = await this.#fetch(instruction, instruction.parameters, program);
        outcome = { kind: "done" };
      } else {
        const next = await this.#verb(instruction);
        if (next === undefined) return;
        outcome = next;
      }
    }
  }

  /** @returns undefined when the verb ended the call */
  async #verb({ verb, documentUrl }: Extract<Instruction, { kind: "run" }>): Promise<Outcome | undefined> {
    const scope = this.#scope();
    this.#inbound.call.note("verb", `<${verb.verb}>`, { code: `verb.${verb.verb}` });
    switch (verb.verb) {
      case "Pause":
        await runPause(scope, verb);
        return { kind: "done" };
      case "Play":
        await runPlay(scope, verb);
        return { kind: "done" };
      case "Start":
        await runStart(scope, verb, documentUrl);
        return { kind: "done" };
      case "Stop":
        runStop(scope, verb);
        return { kind: "done" };
      case "Connect": {
        const ended = await runConnect(scope, verb, documentUrl);
        return { kind: "action", parameters: streamActionParameters(ended) };
      }
      case "Dial": {
        const result = await runDial(scope, verb);
        return { kind: "action", parameters: dialActionParameters(result) };
      }
      case "Reject":
        if (this.#inbound.answered) return undefined;
        this.#inbound.reject(verb.reason === "busy" ? 486 : this.#ctx.settings.rejectStatus);
        this.#inbound.call.apply(verb.reason === "busy" ? "end-busy" : "end-no-answer");
        return undefined;
      case "Hangup":
        await this.#answer();
        return undefined;
    }
  }

  #scope(): VerbScope {
    const { verdict, invite } = this.#admitted;
    return {
      ctx: this.#ctx,
      inbound: this.#inbound,
      streams: this.#streams,
      accountSid: this.#application.accountSid,
      authToken: this.#authToken,
      signal: this.#over.signal,
      callerId: verdict.caller.number ?? verdict.called,
      maxForwards: Math.min(70, invite.request.maxForwards - 1),
      answer: () => this.#answer(),
    };
  }

  #answer(): Promise<CallLeg | undefined> {
    this.#leg ??= this.#inbound.answer();
    return this.#leg;
  }

  async #fetch(handler: Handler, parameters: readonly Parameter[], before: Program | undefined): Promise<Program> {
    const { call } = this.#inbound;
    const startedMs = this.#ctx.clock.nowMs();
    const fetched = await fetchTwiml(this.#ctx.webhooks, {
      handler,
      fallback: this.#application.fallback,
      parameters: [...this.#parameters(), ...parameters],
      authToken: this.#authToken,
      cookies: this.#cookies,
      signal: this.#over.signal,
      onFailure: (error, url) => {
        if (this.#over.signal.aborted) return;
        const ms = Math.round(this.#ctx.clock.nowMs() - startedMs);
        call.note(
          "webhook",
          `${error.message}${error instanceof TwimlError ? ` (${shownUrl(url)})` : ""}, after ${ms} ms`,
          {
            code: error instanceof TwimlError ? "twiml.invalid" : "webhook.failed",
            alert: error.alertCode,
            url: shownUrl(url),
            fallback: url === this.#application.fallback?.url,
            ms,
          },
        );
        this.#alert(error.alertCode, error.message, url, "error");
      },
    });
    const ms = Math.round(fetched.durationMs);
    const url = shownUrl(fetched.documentUrl);
    const verbs = fetched.document.verbs.length;
    call.note("webhook", `TwiML from ${fetched.usedFallback ? "the fallback " : ""}${url} in ${ms} ms`, {
      code: "webhook.answered",
      url,
      ms,
      verbs,
    });
    for (const warning of fetched.document.warnings)
      this.#alert(warning.alertCode, `TwiML line ${warning.line}: ${warning.message}`, fetched.documentUrl, "warning");
    return startProgram(fetched.document, fetched.documentUrl, before);
  }

  #parameters(): Parameter[] {
    const { call } = this.#inbound;
    const { verdict, invite } = this.#admitted;
    const { sipDomain, byocTrunkSid, extraParameters } = this.#application;
    const sip: SipDomainDescription | undefined =
      sipDomain === undefined
        ? undefined
        : {
            domain: domainNameOf(sipDomain.name, "sip", this.#ctx.settings.baseDomain),
            domainSid: sipDomain.sid,
            callId: invite.request.callId,
            sourceIp: invite.flow.remoteAddress,
            headers: customHeaders(invite.request),
            ...(byocTrunkSid === undefined ? {} : { byocTrunkSid }),
            ...(verdict.username === null ? {} : { username: verdict.username }),
          };
    // Before the answer applications see a ringing call whatever happened inside (twiml.md 4.1).
    const callStatus = call.status === "initiated" || call.status === "queued" ? "ringing" : call.status;
    return [
      ...callParameters(
        {
          callSid: call.sid,
          accountSid: this.#application.accountSid,
          from: this.#admitted.from,
          to: this.#admitted.to,
          callStatus,
          direction: "inbound",
        },
        sip,
      ),
      ...extraParameters,
    ];
  }

  /** No document: 500 before the answer, BYE after it (R-BYOC-7, R-DR-4). */
  #failed(error: unknown): void {
    const { call } = this.#inbound;
    if (!(error instanceof GatewayError))
      this.#ctx.log.error("a voice session failed inside", { callSid: call.sid, error: messageOf(error) });
    else if (!(error instanceof WebhookError || error instanceof TwimlError))
      this.#alert(12400, error.message, "", "error");
    const isTold = error instanceof WebhookError || error instanceof TwimlError;
    const why = isTold ? "so the call ends" : messageOf(error);
    call.note("webhook", `no TwiML could be had: ${why}`, { code: "webhook.none" });
    this.#inbound.hangup(500);
  }

  #alert(code: number, text: string, url: string, level: "error" | "warning"): void {
    this.#ctx.alerts.raise({
      code,
      level,
      text,
      url: url.split("?")[0]!,
      callSid: this.#inbound.call.sid,
      accountSid: this.#application.accountSid,
    });
  }
}
