/** The 319xx codes of Media Streams and how failures of the network become one of them (media-streams.md 11). */

import { StreamError } from "../base/errors.ts";

/** Codes that a stream itself raises. Codes about the request to start one (31922, 31923, 3194x) are its caller's. */
export const STREAM_ALERT_NAMES = {
  31900: "Stream - Unknown Error",
  31901: "Stream - WebSocket - Connection Timeout",
  31902: "Stream - WebSocket - Connection Refused",
  31903: "Stream - WebSocket - Connection Broken Pipe",
  31904: "Stream - WebSocket - Host Unreachable",
  31910: "Stream - WebSocket - SSL Protocol Error",
  31920: "Stream - WebSocket - Handshake Error",
  31921: "Stream - WebSocket - Close Error",
  31924: "Stream - WebSocket - Protocol Error",
  31930: "Stream - Media Buffer Overflow",
  31931: "Stream - Media Discarded",
  31950: "Stream - Malformed Message",
  31951: "Stream - Invalid Message",
} as const;

export type StreamAlertCode = keyof typeof STREAM_ALERT_NAMES;

/** The text of an alert as the status callback carries it: `31920 - Stream - WebSocket - Handshake Error: HTTP 403`. */
export function alertText(code: StreamAlertCode, detail: string): string {
  return `${code} - ${STREAM_ALERT_NAMES[code]}${detail === "" ? "" : `: ${detail}`}`;
}

/** A {@link StreamError} with the text of {@link alertText}. */
export function streamError(code: StreamAlertCode, detail: string, cause?: unknown): StreamError {
  return new StreamError(code, alertText(code, detail), cause === undefined ? undefined : { cause });
}

/** How far a connection had come when it failed. */
export type ConnectPhase = "connecting" | "securing" | "upgrading";

const TIMEOUT_CODES = new Set(["ETIMEDOUT", "ERR_SOCKET_CONNECTION_TIMEOUT"]);
const UNREACHABLE_CODES = new Set([
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EADDRNOTAVAIL",
  "ENETDOWN",
  "EHOSTDOWN",
  "EINVAL",
]);

/**
 * The alert code of a connection that never opened. The phase decides where the error's own code does not: a reset
 * is a TLS failure while securing and a failed handshake after that.
 */
export function connectFailureCode(errorCode: string | undefined, phase: ConnectPhase): StreamAlertCode {
  if (errorCode === "ECONNREFUSED") return 31902;
  if (errorCode !== undefined && TIMEOUT_CODES.has(errorCode)) return 31901;
  if (errorCode !== undefined && UNREACHABLE_CODES.has(errorCode)) return 31904;
  if (phase === "securing") return 31910;
  return phase === "upgrading" ? 31920 : 31904;
}

/** The `code` of a Node error, if it has one. */
export function errorCodeOf(error: unknown): string | undefined {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
