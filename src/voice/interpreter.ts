/**
 * Runs a TwiML document step by step without doing anything itself (twiml.md 1): hands out the next verb, takes its
 * outcome, and says when another document has to be fetched or the call ends. Pure, so a test is a list of steps.
 */

import { TwimlError } from "../base/errors.ts";
import type { HttpMethod } from "../base/http.ts";
import type { Parameter } from "./signature.ts";
import { resolveUrl } from "./url-rules.ts";
import type { TwimlDocument, Verb } from "./verbs.ts";

/** What the call layer is to do next. */
export type Instruction =
  | { readonly kind: "run"; readonly verb: Exclude<Verb, { verb: "Redirect" }>; readonly documentUrl: string | null }
  | {
      readonly kind: "fetch";
      readonly url: string;
      readonly method: HttpMethod;
      readonly parameters: readonly Parameter[];
    }
  /** The document is over: hang up. */
  | { readonly kind: "end" };

/** How a verb went. */
export type Outcome =
  | { readonly kind: "done" }
  /** The action URL of the verb, if it has one, takes over with these parameters. */
  | { readonly kind: "action"; readonly parameters: readonly Parameter[] };

/** A document being run. */
export interface Program {
  readonly document: TwimlDocument;
  /** Base of relative URLs; null for TwiML that came without one. */
  readonly documentUrl: string | null;
  /** Index of the verb that is to be handed out next. */
  readonly next: number;
  /** Documents in a row that did nothing but redirect. */
  readonly redirects: number;
}

const REDIRECTS_MAX = 100;
const TOO_MANY_REDIRECTS = 11215;

/** Begins a document. @param before - the program that led here, for counting redirects */
export function startProgram(document: TwimlDocument, documentUrl: string | null, before?: Program): Program {
  return { document, documentUrl, next: 0, redirects: before?.redirects ?? 0 };
}

/**
 * The next instruction.
 * @param outcome - of the verb handed out last; "done" to begin
 * @throws WebhookError 11100 for a URL that cannot be resolved, TwimlError after too many redirects
 */
export function advance(program: Program, outcome: Outcome): { program: Program; instruction: Instruction } {
  const last = program.document.verbs[program.next - 1];
  if (
    outcome.kind === "action" &&
    last !== undefined &&
    (last.verb === "Dial" || last.verb === "Connect") &&
    last.action !== null
  ) {
    const url = resolveUrl(last.action === "" ? (program.documentUrl ?? "") : last.action, program.documentUrl);
    return { program, instruction: { kind: "fetch", url, method: last.method, parameters: outcome.parameters } };
  }
  const verb = program.document.verbs[program.next];
  if (verb === undefined) return { program, instruction: { kind: "end" } };
  if (verb.verb === "Redirect") {
    const redirects = program.redirects + 1;
    if (redirects > REDIRECTS_MAX)
      throw new TwimlError(TOO_MANY_REDIRECTS, `more than ${REDIRECTS_MAX} redirects without another verb`);
    const url = resolveUrl(verb.url === "" ? (program.documentUrl ?? "") : verb.url, program.documentUrl);
    return {
      program: { ...program, next: program.next + 1, redirects },
      instruction: { kind: "fetch", url, method: verb.method, parameters: [] },
    };
  }
  return {
    program: { ...program, next: program.next + 1, redirects: 0 },
    instruction: { kind: "run", verb: resolved(verb, program.documentUrl), documentUrl: program.documentUrl },
  };
}

/** URLs that the verb itself requests are made absolute; a stream URL has rules of its own. */
function resolved(verb: Exclude<Verb, { verb: "Redirect" }>, base: string | null): Exclude<Verb, { verb: "Redirect" }> {
  const absolute = (url: string | null): string | null => (url === null ? null : resolveUrl(url, base));
  switch (verb.verb) {
    case "Play":
      return verb.digits === null ? { ...verb, url: resolveUrl(verb.url, base) } : verb;
    case "Dial":
      return {
        ...verb,
        targets: verb.targets.map((noun) => ({
          ...noun,
          url: absolute(noun.url),
          statusCallback: { ...noun.statusCallback, url: absolute(noun.statusCallback.url) },
        })),
      };
    default:
      return verb;
  }
}
