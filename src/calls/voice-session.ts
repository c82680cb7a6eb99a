/**
 * A call that is run by TwiML: fetches documents, steps through them, and carries out one verb at a time (twiml.md 1, 5,
 * R-BYOC-4 to R-BYOC-8). Ends when the document does, when the caller hangs up, or when no document can be had.
 */

import { GatewayError, messageOf, TwimlError, WebhookError } from "../base/errors.ts";
import { callParameters } from "../voice/call-parameters.ts";
import { CookieJar } from "../voice/cookie-jar.ts";
import { fetchTwiml, type Handler } from "../voice/fetch-twiml.ts";
import { shownUrl } from "../voice/http-errors.ts";
import { advance, type Instruction, type Outcome, type Program, startProgram } from "../voice/interpreter.ts";
import type { Parameter } from "../voice/signature.ts";
import { parseTwiml } from "../voice/twiml-parser.ts";
import type { StatusCallbackAttributes, TwimlDocument } from "../voice/verbs.ts";
import type { VoiceSource } from "../voice/voice-source.ts";
import type { CallContext } from "./call-context.ts";
import type { NextDocument } from "./call-control.ts";
import type { CallLeg } from "./call-leg.ts";
import { endEventOf } from "./call-state.ts";
import { CallStreams } from "./call-streams.ts";
import { StatusCallbacks } from "./status-callbacks.ts";
import { dialActionParameters, streamActionParameters } from "./verbs/action-parameters.ts";
import { runDial } from "./verbs/dial.ts";
import { runPause } from "./verbs/pause.ts";
import { runPlay } from "./verbs/play.ts";
import { runConnect, runStart, runStop } from "./verbs/streams.ts";
import type { VerbScope } from "./verbs/verb-scope.ts";
import { AnsweredLeg, type VoiceLeg } from "./voice-leg.ts";
import { partiesOfCall, type VoiceParties } from "./voice-parties.ts";

/** Where the TwiML comes from. */
export interface VoiceApplication {
  readonly accountSid: string;
  readonly source: VoiceSource;
  readonly fallback: Handler | undefined;
  /** Absent when the call has its callbacks already. */
  readonly statusCallback?: StatusCallbackAttributes;
  readonly extraParameters: readonly Parameter[];
}

/** TwiML that was given as text has no URL that could tell of it. */
const INLINE = "the call's own TwiML";

export class VoiceSession {
  readonly #ctx: CallContext;
  readonly #own: VoiceLeg;
  readonly #application: VoiceApplication;
  readonly #parties: VoiceParties;
  readonly #cookies = new CookieJar();
  /** Aborted when another document takes over, or the call ends. */
  #document = new AbortController();
  #over = false;
  #fallback: Handler | undefined;
  #next: NextDocument | undefined;
  readonly #streams: CallStreams;
  readonly #authToken: string;
  #callerName = "";
  /** The one answer of the call; undefined until a verb asks for it. */
  #leg: Promise<CallLeg | undefined> | undefined;

  constructor(ctx: CallContext, leg: VoiceLeg, application: VoiceApplication, parties: VoiceParties) {
    this.#ctx = ctx;
    this.#own = leg;
    this.#application = application;
    this.#fallback = application.fallback;
    this.#parties = parties;
    this.#authToken = ctx.store.get("accounts", application.accountSid)?.authToken ?? "";
    this.#streams = new CallStreams(ctx, leg.call, leg.media, this.#authToken);
    leg.call.control.redirect = (next) => this.#redirect(next);
    if (application.statusCallback !== undefined)
      new StatusCallbacks(ctx, leg.call, application.statusCallback, this.#authToken);
  }

  /** Resolves when the call is over. */
  async run(): Promise<void> {
    const { call } = this.#own;
    this.#own.onEnded = (end) => {
      call.apply(end.cause === "cancelled" ? "end-canceled" : "hung-up");
      this.#end();
    };
    call.apply("sent");
    this.#own.ring();
    if (this.#own.ended) this.#end();
    try {
      await this.#runDocuments();
    } catch (error) {
      if (!this.#over) this.#failed(error);
    }
    delete call.control.redirect;
    await this.#streams.stopAll();
    if (!this.#own.ended) this.#own.hangup(480);
    call.apply(this.#own.answered || call.answeredAt !== undefined ? "hung-up" : endEventOf(call.sipStatus));
  }

  #end(): void {
    this.#over = true;
    this.#document.abort();
  }

  /** voice-rest.md 2.4: what runs now is abandoned. */
  #redirect(next: NextDocument): boolean {
    if (this.#over || this.#own.ended) return false;
    this.#next = next;
    this.#document.abort();
    return true;
  }

  async #runDocuments(): Promise<void> {
    let { source } = this.#application;
    this.#callerName = (await this.#parties.lookUpName?.()) ?? "";
    for (;;) {
      try {
        await this.#runFrom(source);
      } catch (error) {
        if (this.#next === undefined) throw error;
      }
      const next = this.#next;
      if (next === undefined || this.#over) return;
      this.#next = undefined;
      this.#document = new AbortController();
      await this.#streams.stopAll("bidirectional");
      source = next.source;
      this.#fallback = next.fallback ?? this.#fallback;
    }
  }

  async #runFrom(source: VoiceSource): Promise<void> {
    const { signal } = this.#document;
    let program: Program | undefined =
      "twiml" in source ? this.#given(source.twiml) : await this.#fetch(source, [], undefined);
    let outcome: Outcome = { kind: "done" };
    while (program !== undefined && !signal.aborted) {
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
    this.#own.call.note("verb", `<${verb.verb}>`, { code: `verb.${verb.verb}` });
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
        if (this.#own.answered) return undefined;
        this.#own.reject(verb.reason === "busy" ? 486 : this.#ctx.settings.rejectStatus);
        this.#own.call.apply(verb.reason === "busy" ? "end-busy" : "end-no-answer");
        return undefined;
      case "Hangup":
        await this.#answer();
        return undefined;
    }
  }

  #scope(): VerbScope {
    return {
      ctx: this.#ctx,
      leg: this.#own,
      streams: this.#streams,
      accountSid: this.#application.accountSid,
      authToken: this.#authToken,
      signal: this.#document.signal,
      callerId: this.#parties.callerId,
      callerName: this.#callerName,
      maxForwards: this.#parties.maxForwards,
      answer: () => this.#answer(),
      runApart: (leg, next) => void this.#runApart(leg, next),
    };
  }

  /** The other leg of a `<Dial>` goes its own way with a document of its own (voice-rest.md 2.4). */
  async #runApart(leg: CallLeg, next: NextDocument): Promise<void> {
    const { worker } = leg.media;
    worker.reserve(1);
    const application: VoiceApplication = {
      accountSid: this.#application.accountSid,
      source: next.source,
      fallback: next.fallback,
      extraParameters: [],
    };
    try {
      await new VoiceSession(this.#ctx, new AnsweredLeg(leg), application, partiesOfCall(leg.call)).run();
    } catch (error) {
      this.#ctx.log.error("a call that was moved failed inside", { callSid: leg.call.sid, error: messageOf(error) });
      leg.hangup();
    } finally {
      worker.release(1);
      leg.call.apply("hung-up");
    }
  }

  #answer(): Promise<CallLeg | undefined> {
    this.#leg ??= this.#own.answer();
    return this.#leg;
  }

  async #fetch(handler: Handler, parameters: readonly Parameter[], before: Program | undefined): Promise<Program> {
    const { call } = this.#own;
    const { signal } = this.#document;
    const startedMs = this.#ctx.clock.nowMs();
    const fetched = await fetchTwiml(this.#ctx.webhooks, {
      handler,
      fallback: this.#fallback,
      parameters: [...this.#parameters(), ...parameters],
      authToken: this.#authToken,
      cookies: this.#cookies,
      signal,
      onFailure: (error, url) => {
        if (signal.aborted) return;
        const ms = Math.round(this.#ctx.clock.nowMs() - startedMs);
        call.note(
          "webhook",
          `${error.message}${error instanceof TwimlError ? ` (${shownUrl(url)})` : ""}, after ${ms} ms`,
          {
            code: error instanceof TwimlError ? "twiml.invalid" : "webhook.failed",
            alert: error.alertCode,
            url: shownUrl(url),
            fallback: url === this.#fallback?.url,
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
    this.#warn(fetched.document, fetched.documentUrl);
    return startProgram(fetched.document, fetched.documentUrl, before);
  }

  /** @throws TwimlError when the text is none that can be run */
  #given(twiml: string): Program {
    try {
      const document = parseTwiml(twiml);
      this.#own.call.note("webhook", INLINE, { code: "twiml.given", verbs: document.verbs.length });
      this.#warn(document, "");
      return startProgram(document, null);
    } catch (error) {
      if (error instanceof TwimlError) this.#alert(error.alertCode, error.message, "", "error");
      throw error;
    }
  }

  #warn(document: TwimlDocument, url: string): void {
    for (const { alertCode, message, line, storesAudio } of document.warnings) {
      const isForbidden = storesAudio === true && this.#ctx.settings.noAudioAtRest;
      const why = isForbidden ? "; compliance.noAudioAtRest is on: this gateway keeps no audio (R-COMP-6)" : "";
      this.#alert(alertCode, `TwiML line ${line}: ${message}${why}`, url, isForbidden ? "error" : "warning");
    }
  }

  #parameters(): Parameter[] {
    const { call } = this.#own;
    const { from, to, direction, sip } = this.#parties;
    // Before the answer applications see a ringing call whatever happened inside (twiml.md 4.1).
    const callStatus = call.status === "initiated" || call.status === "queued" ? "ringing" : call.status;
    return [
      ...callParameters(
        {
          callSid: call.sid,
          accountSid: this.#application.accountSid,
          from,
          to,
          callStatus,
          direction,
          callerName: this.#callerName,
          ...(call.details.parentSid === undefined ? {} : { parentCallSid: call.details.parentSid }),
        },
        sip,
      ),
      ...this.#application.extraParameters,
    ];
  }

  /** No document: 500 before the answer, BYE after it (R-BYOC-7, R-DR-4). */
  #failed(error: unknown): void {
    const { call } = this.#own;
    if (!(error instanceof GatewayError))
      this.#ctx.log.error("a voice session failed inside", { callSid: call.sid, error: messageOf(error) });
    else if (!(error instanceof WebhookError || error instanceof TwimlError))
      this.#alert(12400, error.message, "", "error");
    const isTold = error instanceof WebhookError || error instanceof TwimlError;
    const why = isTold ? "so the call ends" : messageOf(error);
    call.note("webhook", `no TwiML could be had: ${why}`, { code: "webhook.none" });
    this.#own.hangup(500);
  }

  #alert(code: number, text: string, url: string, level: "error" | "warning"): void {
    this.#ctx.alerts.raise({
      code,
      level,
      text,
      url: url.split("?")[0]!,
      callSid: this.#own.call.sid,
      accountSid: this.#application.accountSid,
    });
  }
}
