/** URLs of TwiML: relative ones, connection overrides in fragments, and the rules for stream URLs (twiml.md 3, media-streams.md 2.1). */

import { StreamError, WebhookError } from "../base/errors.ts";

const INVALID_URL = 11100;
const HANDSHAKE = 31920;
const SCHEME = 31922;
const MALFORMED = 31923;
const URL_LENGTH_MAX = 4096;

/**
 * An absolute http or https URL.
 * @param base - the document's URL, null when it has none
 * @throws WebhookError 11100
 */
export function resolveUrl(url: string, base: string | null): string {
  const trimmed = url.trim();
  const refuse = (why: string): WebhookError =>
    new WebhookError(INVALID_URL, `invalid URL "${trimmed.slice(0, 100)}": ${why}`, "");
  if (trimmed.length > URL_LENGTH_MAX) throw refuse("it is too long");
  // An absolute URL stays as it is written, since its text is what is signed.
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(trimmed);
  if (!isAbsolute && base === null) throw refuse("it is relative and the document has no URL");
  let parsed: URL;
  try {
    parsed = isAbsolute ? new URL(trimmed) : new URL(trimmed, base!);
  } catch {
    throw refuse("it cannot be read");
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") throw refuse("only http and https are requested");
  if (parsed.hostname.includes("_")) throw refuse("host names have no underscore");
  return isAbsolute ? trimmed : parsed.href;
}

/** Settings for stream URLs. */
export interface StreamUrlRules {
  readonly allowInsecureWs: boolean;
  readonly allowQuery: boolean;
}

/**
 * The URL of a stream, resolved, without a fragment.
 * @throws StreamError 31922, 31923 or 31920 with the cause
 */
export function checkStreamUrl(url: string, base: string | null, rules: StreamUrlRules): string {
  const trimmed = url.trim();
  const shown = trimmed.slice(0, 100);
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(trimmed);
  if (trimmed === "" || (!isAbsolute && base === null))
    throw new StreamError(MALFORMED, `Stream - WebSocket - Malformed URL: "${shown}" has no base`);
  let parsed: URL;
  try {
    parsed = isAbsolute ? new URL(trimmed) : new URL(trimmed, base!);
  } catch {
    throw new StreamError(MALFORMED, `Stream - WebSocket - Malformed URL: "${shown}"`);
  }
  if (!isAbsolute) parsed.protocol = parsed.protocol === "https:" ? "wss:" : "ws:";
  if (parsed.protocol !== "wss:" && !(parsed.protocol === "ws:" && rules.allowInsecureWs))
    throw new StreamError(
      SCHEME,
      `Stream - WebSocket - URL Schema Not Supported: ${parsed.protocol.slice(0, 12)} instead of wss:`,
    );
  if (parsed.search !== "" && !rules.allowQuery)
    throw new StreamError(
      HANDSHAKE,
      "Stream - WebSocket - Handshake Error: a query string is not supported, pass values as <Parameter>",
    );
  const text = isAbsolute ? trimmed : parsed.href;
  const hash = text.indexOf("#");
  return hash < 0 ? text : text.slice(0, hash);
}

/** What a fragment may say about the request (twiml.md 3.7). */
export interface ConnectionOverrides {
  readonly connectMs: number;
  readonly readMs: number;
  readonly totalMs: number;
  readonly retries: number;
  readonly retryOn: ReadonlySet<string>;
  /** What could not be used, for an 11243 warning. */
  readonly problems: readonly string[];
}

/** Limits and defaults of each key. */
const OVERRIDES = {
  ct: { value: 5000, min: 100, max: 10_000 },
  rt: { value: 15_000, min: 100, max: 15_000 },
  tt: { value: 15_000, min: 100, max: 15_000 },
  rc: { value: 1, min: 0, max: 5 },
} as const;
const RETRY_KINDS = new Set(["ct", "rt", "4xx", "5xx", "all"]);

/**
 * Reads `#ct=…&rt=…&tt=…&rc=…&rp=…`; what is wrong gets its default.
 * @param defaults - ms to connect and in all, where the operator has set them
 */
export function connectionOverrides(
  url: string,
  defaults: { readonly ct?: number | undefined; readonly tt?: number | undefined } = {},
): ConnectionOverrides {
  const hash = url.indexOf("#");
  const found = new Map(new URLSearchParams(hash < 0 ? "" : url.slice(hash + 1)));
  const problems: string[] = [];
  const number = (key: keyof typeof OVERRIDES): number => {
    const { min, max } = OVERRIDES[key];
    const value = (key === "ct" || key === "tt" ? defaults[key] : undefined) ?? OVERRIDES[key].value;
    const text = found.get(key);
    if (text === undefined) return value;
    const wanted = /^[0-9]{1,6}$/.test(text) ? Number(text) : Number.NaN;
    if (wanted >= min && wanted <= max) return wanted;
    problems.push(`${key}=${text.slice(0, 20)} is not between ${min} and ${max}`);
    return value;
  };
  const kinds = (found.get("rp") ?? "ct").split(",").map((kind) => kind.trim());
  const unknown = kinds.filter((kind) => !RETRY_KINDS.has(kind));
  if (unknown.length > 0) problems.push(`rp=${unknown.join(",").slice(0, 40)} is no retry policy`);
  return {
    connectMs: number("ct"),
    readMs: number("rt"),
    totalMs: number("tt"),
    retries: number("rc"),
    retryOn: new Set(unknown.length > 0 ? ["ct"] : kinds),
    problems,
  };
}
