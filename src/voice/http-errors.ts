/** What went wrong with a request, as a number of the alert catalogue and a sentence with a cure (twiml.md 5.1, 8). */

import { messageOf, WebhookError } from "../base/errors.ts";
import { AddressDeniedError } from "./ssrf.ts";

/** Kinds that a retry policy may name. */
export type FailureKind = "ct" | "rt" | "other";

const BY_CODE = new Map<string, { alert: number; kind: FailureKind; text: string }>([
  [
    "UND_ERR_CONNECT_TIMEOUT",
    { alert: 11205, kind: "ct", text: "no connection in time: is the server reachable from here?" },
  ],
  ["ECONNREFUSED", { alert: 11205, kind: "ct", text: "connection refused: is the server running on this port?" }],
  ["ECONNRESET", { alert: 11206, kind: "other", text: "the server closed the connection" }],
  ["UND_ERR_SOCKET", { alert: 11206, kind: "other", text: "the server closed the connection" }],
  ["EHOSTUNREACH", { alert: 11205, kind: "ct", text: "no route to the host" }],
  ["ENETUNREACH", { alert: 11205, kind: "ct", text: "no route to the host" }],
  ["ENOTFOUND", { alert: 11210, kind: "other", text: "the host name is not known to DNS" }],
  ["EAI_AGAIN", { alert: 11210, kind: "other", text: "DNS does not answer" }],
  ["UND_ERR_HEADERS_TIMEOUT", { alert: 11205, kind: "rt", text: "no answer in time" }],
  ["UND_ERR_BODY_TIMEOUT", { alert: 11205, kind: "rt", text: "the answer stopped in the middle" }],
  ["ERR_TLS_CERT_ALTNAME_INVALID", { alert: 11235, kind: "other", text: "the certificate is for another name" }],
  ["CERT_HAS_EXPIRED", { alert: 11236, kind: "other", text: "the certificate has expired" }],
  [
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    { alert: 11237, kind: "other", text: "the certificate is self-signed: set webhooks.caFile" },
  ],
  [
    "SELF_SIGNED_CERT_IN_CHAIN",
    { alert: 11237, kind: "other", text: "the certificate's authority is not known: set webhooks.caFile" },
  ],
  [
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    { alert: 11237, kind: "other", text: "the certificate's authority is not known: set webhooks.caFile" },
  ],
  [
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    { alert: 11237, kind: "other", text: "the certificate's authority is not known: set webhooks.caFile" },
  ],
]);

/** URL without user, password and query, for messages. */
export function shownUrl(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname}`;
  } catch {
    return url.slice(0, 60);
  }
}

/** The failure of one attempt. */
export function failureOf(error: unknown, url: string): { error: WebhookError; kind: FailureKind } {
  if (error instanceof WebhookError) return { error, kind: "other" };
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof AddressDeniedError)
      return { error: new WebhookError(11205, `${shownUrl(url)}: ${cause.message}`, url), kind: "other" };
    // The code of a DOMException, which an abort is, is a number.
    const { code: anyCode } = cause as { code?: unknown };
    const code = typeof anyCode === "string" ? anyCode : "";
    const known = BY_CODE.get(code);
    if (known !== undefined)
      return {
        error: new WebhookError(known.alert, `${shownUrl(url)}: ${known.text}`, url, { cause: error }),
        kind: known.kind,
      };
    if (code.startsWith("ERR_SSL") || code.startsWith("ERR_TLS") || code === "EPROTO")
      return {
        error: new WebhookError(11220, `${shownUrl(url)}: TLS handshake failed`, url, { cause: error }),
        kind: "other",
      };
    if (code.startsWith("HPE_") || cause.name === "HTTPParserError")
      return {
        error: new WebhookError(11206, `${shownUrl(url)}: the answer is no HTTP`, url, { cause: error }),
        kind: "other",
      };
    if (cause.name === "TimeoutError")
      return { error: new WebhookError(11205, `${shownUrl(url)}: no answer in time`, url), kind: "rt" };
  }
  return {
    error: new WebhookError(11200, `${shownUrl(url)}: ${messageOf(error)}`, url, { cause: error }),
    kind: "other",
  };
}
