/**
 * HTTP towards the customer's application (twiml.md 3, 5): signed, bounded in time and size, redirects and retries by rule,
 * connected only to addresses that may be reached.
 */

import { randomUUID } from "node:crypto";
import { isIP, type LookupFunction } from "node:net";
import { Agent, type Dispatcher, request as send } from "undici";
import type { Clock } from "../base/clock.ts";
import { WebhookError } from "../base/errors.ts";
import type { HttpMethod } from "../base/http.ts";
import type { CookieJar } from "./cookie-jar.ts";
import { type FailureKind, failureOf, shownUrl } from "./http-errors.ts";
import { type Parameter, twilioSignature } from "./signature.ts";
import { AddressDeniedError, type AddressGuard } from "./ssrf.ts";
import { type ConnectionOverrides, connectionOverrides } from "./url-rules.ts";

const REDIRECTS_MAX = 10;
const USER_AGENT = "TwilioProxy/1.1";
export const ANSWER_BYTES_MAX = 64 * 1024;

export interface WebhookOptions {
  readonly clock: Clock;
  readonly guard: AddressGuard;
  /** Extra authorities, PEM. */
  readonly caPem?: string;
  /** Where the URL says nothing about it; default 5000. */
  readonly connectTimeoutMs?: number;
  /** Whole answer, connecting included; default 15 000. */
  readonly totalTimeoutMs?: number;
  /** Largest answer; default 64 KiB. */
  readonly bodyBytesMax?: number;
}

export interface WebhookRequest {
  readonly url: string;
  readonly method: HttpMethod;
  readonly parameters: readonly Parameter[];
  /** Signs the request; undefined for requests that are not signed. */
  readonly authToken: string | undefined;
  readonly cookies?: CookieJar;
  readonly signal?: AbortSignal;
  /** Default 64 KiB. */
  readonly answerBytesMax?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  /** After redirects, without a fragment: the base of relative URLs. */
  readonly finalUrl: string;
  readonly durationMs: number;
  readonly headers: ReadonlyMap<string, string>;
}

/** The method, parameters and URL of one hop. */
interface Hop {
  readonly url: string;
  readonly method: HttpMethod;
  readonly parameters: readonly Parameter[];
}

export class WebhookClient {
  readonly #clock: Clock;
  readonly #guard: AddressGuard;
  readonly #agents = new Map<number, Agent>();
  readonly #caPem: string | undefined;
  readonly #defaults: { readonly ct: number | undefined; readonly tt: number | undefined };
  readonly #bodyBytesMax: number;

  constructor(options: WebhookOptions) {
    this.#clock = options.clock;
    this.#guard = options.guard;
    this.#caPem = options.caPem;
    this.#defaults = { ct: options.connectTimeoutMs, tt: options.totalTimeoutMs };
    this.#bodyBytesMax = options.bodyBytesMax ?? ANSWER_BYTES_MAX;
  }

  /** Looks up and judges a host, for connections that others make. @throws AddressDeniedError */
  resolve(host: string): Promise<{ address: string; family: 4 | 6 }> {
    return this.#guard.resolve(host);
  }

  /**
   * One request with its retries and redirects.
   * @throws WebhookError with the alert number when there is no answer below 400
   */
  async request(request: WebhookRequest): Promise<WebhookAnswer> {
    const overrides = connectionOverrides(request.url, this.#defaults);
    const startedMs = this.#clock.nowMs();
    const controller = new AbortController();
    const total = this.#clock.after(overrides.totalMs, () =>
      controller.abort(new DOMException("total time", "TimeoutError")),
    );
    const abort = (): void => controller.abort(request.signal?.reason);
    request.signal?.addEventListener("abort", abort, { once: true });
    if (request.signal?.aborted === true) abort();
    const token = randomUUID();
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          const answer = await this.#follow(request, overrides, controller.signal, token);
          return { ...answer, durationMs: this.#clock.nowMs() - startedMs };
        } catch (thrown) {
          const { error, kind } = failureOf(thrown, request.url);
          const mayRetry =
            attempt < overrides.retries && !controller.signal.aborted && retries(overrides, kind, thrown);
          if (!mayRetry) throw error;
        }
      }
    } finally {
      total.cancel();
      request.signal?.removeEventListener("abort", abort);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.destroy()));
    this.#agents.clear();
  }

  async #follow(
    request: WebhookRequest,
    overrides: ConnectionOverrides,
    signal: AbortSignal,
    token: string,
  ): Promise<Omit<WebhookAnswer, "durationMs">> {
    let hop: Hop = request;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#once(hop, request, overrides, signal, token);
      const location = answer.headers.get("location");
      if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) {
        if (answer.status >= 400)
          throw new WebhookError(11200, `${shownUrl(hop.url)}: HTTP ${answer.status}`, request.url, {
            cause: new StatusError(answer.status),
          });
        return answer;
      }
      if (redirects >= REDIRECTS_MAX)
        throw new WebhookError(11215, `${shownUrl(request.url)}: more than ${REDIRECTS_MAX} redirects`, request.url);
      let next: URL;
      try {
        next = new URL(location, answer.finalUrl);
      } catch {
        throw new WebhookError(11200, `${shownUrl(hop.url)}: redirects to a URL that cannot be read`, request.url);
      }
      if (next.protocol !== "http:" && next.protocol !== "https:")
        throw new WebhookError(11200, `${shownUrl(hop.url)}: redirects to ${next.protocol}`, request.url);
      // 301 to 303 turn a POST into a GET, with the parameters in the query (twiml.md 3.4).
      const method = answer.status >= 307 ? hop.method : "GET";
      hop = { url: next.href, method, parameters: hop.parameters };
    }
  }

  async #once(
    hop: Hop,
    request: WebhookRequest,
    overrides: ConnectionOverrides,
    signal: AbortSignal,
    token: string,
  ): Promise<Omit<WebhookAnswer, "durationMs">> {
    const bare = withoutFragment(hop.url);
    const isPost = hop.method === "POST";
    const url = isPost ? bare : withQuery(bare, hop.parameters);
    const parsed = new URL(url);
    if (isIP(parsed.hostname.replace(/^\[|\]$/g, "")) !== 0 && !this.#guard.permits(parsed.hostname))
      throw new AddressDeniedError(parsed.hostname, parsed.hostname);
    const cookie = request.cookies?.header(parsed) ?? "";
    const response = await send(withoutUserinfo(parsed), {
      method: hop.method,
      headers: {
        "user-agent": USER_AGENT,
        accept: "*/*",
        "i-twilio-idempotency-token": token,
        ...(isPost ? { "content-type": "application/x-www-form-urlencoded; charset=UTF-8" } : {}),
        ...(request.authToken === undefined
          ? {}
          : { "x-twilio-signature": twilioSignature(request.authToken, url, isPost ? hop.parameters : []) }),
        ...(cookie === "" ? {} : { cookie }),
        ...basicAuth(parsed),
        ...request.headers,
      },
      ...(isPost ? { body: formBody(hop.parameters) } : {}),
      headersTimeout: overrides.readMs,
      bodyTimeout: overrides.readMs,
      signal,
      dispatcher: this.#agent(overrides.connectMs),
    });
    const headers = new Map(
      Object.entries(response.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    );
    const setCookie = response.headers["set-cookie"];
    if (setCookie !== undefined) request.cookies?.store(parsed, Array.isArray(setCookie) ? setCookie : [setCookie]);
    const body = await readBody(response, request.answerBytesMax ?? this.#bodyBytesMax, hop.url);
    return {
      status: response.statusCode,
      contentType: headers.get("content-type") ?? "",
      body,
      finalUrl: url,
      headers,
    };
  }

  /** One pool of connections for each connect time; the address that is judged is the one that is connected to. */
  #agent(connectMs: number): Agent {
    let agent = this.#agents.get(connectMs);
    if (agent === undefined) {
      const lookup: LookupFunction = (host, options, done) => {
        this.#guard.resolve(host).then(
          ({ address, family }) =>
            options.all === true ? done(null, [{ address, family }] as never) : done(null, address, family),
          (error) => done(error, ""),
        );
      };
      agent = new Agent({
        connect: {
          timeout: connectMs,
          lookup,
          ...(this.#caPem === undefined || this.#caPem === "" ? {} : { ca: this.#caPem }),
        },
        connections: 64,
        maxHeaderSize: 32 * 1024,
      });
      this.#agents.set(connectMs, agent);
    }
    return agent;
  }
}

/** Status of an answer, for the retry policy. */
class StatusError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`HTTP ${status}`);
    this.status = status;
  }
}

function retries(overrides: ConnectionOverrides, kind: FailureKind, thrown: unknown): boolean {
  const { retryOn } = overrides;
  if (retryOn.has("all")) return true;
  const cause = thrown instanceof WebhookError ? thrown.cause : undefined;
  if (cause instanceof StatusError) return retryOn.has(cause.status >= 500 ? "5xx" : "4xx");
  return retryOn.has(kind);
}

async function readBody(response: Dispatcher.ResponseData, bytesMax: number, url: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += (chunk as Buffer).length;
    if (size > bytesMax) {
      response.body.destroy();
      throw new WebhookError(
        11750,
        `${shownUrl(url)}: the answer is larger than ${Math.round(bytesMax / 1024)} kB`,
        url,
      );
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function formBody(parameters: readonly Parameter[]): string {
  return new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString();
}

function withQuery(url: string, parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return url;
  return `${url}${url.includes("?") ? "&" : "?"}${formBody(parameters)}`;
}

function withoutFragment(url: string): string {
  const hash = url.indexOf("#");
  return hash < 0 ? url : url.slice(0, hash);
}

function withoutUserinfo(url: URL): URL {
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return copy;
}

function basicAuth(url: URL): { authorization?: string } {
  if (url.username === "" && url.password === "") return {};
  const text = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString("base64")}` };
}
