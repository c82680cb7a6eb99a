/** TwiML from the application: the URL, and when it fails the fallback URL with what went wrong (twiml.md 5.3). */

import { TwimlError, WebhookError } from "../base/errors.ts";
import type { CookieJar } from "./cookie-jar.ts";
import type { Parameter } from "./signature.ts";
import { parseTwiml } from "./twiml-parser.ts";
import type { TwimlDocument } from "./verbs.ts";
import type { Handler } from "./voice-source.ts";
import type { WebhookClient } from "./webhook.ts";

export type { Handler } from "./voice-source.ts";

export interface FetchTwimlOptions {
  readonly handler: Handler;
  readonly fallback: Handler | undefined;
  readonly parameters: readonly Parameter[];
  readonly authToken: string;
  readonly cookies: CookieJar;
  readonly signal?: AbortSignal;
  /** Told of the failure that led to the fallback. */
  readonly onFailure: (error: WebhookError | TwimlError, url: string) => void;
}

export interface FetchedTwiml {
  readonly document: TwimlDocument;
  readonly documentUrl: string;
  readonly usedFallback: boolean;
  readonly durationMs: number;
}

/** @throws WebhookError or TwimlError of the last URL that was tried */
export async function fetchTwiml(client: WebhookClient, options: FetchTwimlOptions): Promise<FetchedTwiml> {
  try {
    return { ...(await fetchOne(client, options, options.handler, options.parameters)), usedFallback: false };
  } catch (error) {
    if (!(error instanceof WebhookError) && !(error instanceof TwimlError)) throw error;
    options.onFailure(error, options.handler.url);
    if (options.fallback === undefined || options.signal?.aborted === true) throw error;
    const parameters: Parameter[] = [
      ...options.parameters,
      ["ErrorCode", String(error.alertCode)],
      ["ErrorUrl", options.handler.url],
    ];
    try {
      return { ...(await fetchOne(client, options, options.fallback, parameters)), usedFallback: true };
    } catch (second) {
      if (second instanceof WebhookError || second instanceof TwimlError)
        options.onFailure(second, options.fallback.url);
      throw second;
    }
  }
}

async function fetchOne(
  client: WebhookClient,
  options: FetchTwimlOptions,
  handler: Handler,
  parameters: readonly Parameter[],
) {
  const answer = await client.request({
    url: handler.url,
    method: handler.method,
    parameters,
    authToken: options.authToken,
    cookies: options.cookies,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const document = parseTwiml(answer.body, answer.contentType);
  return { document, documentUrl: answer.finalUrl, durationMs: answer.durationMs };
}
