/** Request line and status line (RFC 3261 §7.1, §7.2; SIP-MSG-12, SIP-MSG-18, SIP-MSG-20). */

import { SipParseError } from "../base/errors.ts";
import { LIMITS } from "./limits.ts";
import { blankControls, hasControl, isDigits, isToken, trimBlanks } from "./tokens.ts";
import { hasKnownScheme, parseUri, type SipUri } from "./uri.ts";

export interface RequestLine {
  readonly kind: "request";
  readonly method: string;
  /** Undefined when it could not be read. */
  readonly uri: SipUri | undefined;
  /** Why the request is to be refused, when its line is at fault. */
  readonly refusal: { readonly status: number; readonly text: string } | undefined;
}

export interface StatusLine {
  readonly kind: "response";
  /** 100 to 699; 0 when the line is malformed. */
  readonly status: number;
  readonly reason: string;
}

/**
 * Reads the first line of a message.
 * @throws SipParseError with status 0 for what is no SIP at all
 */
export function parseStartLine(line: string): RequestLine | StatusLine {
  return line.slice(0, 4).toUpperCase() === "SIP/" ? parseStatusLine(line) : parseRequestLine(line);
}

/** Method, Request-URI and version with exactly one blank between them. */
function parseRequestLine(line: string): RequestLine {
  const first = line.indexOf(" ");
  const method = first < 0 ? "" : line.slice(0, first);
  const end = trimBlanks(line).length;
  const last = line.lastIndexOf(" ", end - 1);
  const version = line.slice(last + 1, end).toUpperCase();
  if (!isToken(method) || method.length > LIMITS.methodLength || last < first || !isVersion(version))
    throw new SipParseError("this is no SIP message", 0, 0);
  const refused = (status: number, text: string, uri?: SipUri): RequestLine => ({
    kind: "request",
    method,
    uri,
    refusal: { status, text },
  });
  if (version !== "SIP/2.0") return refused(505, "Version Not Supported");
  if (end < line.length || last === first) return refused(400, "request line is malformed");
  let uri: SipUri;
  try {
    uri = parseUri(line.slice(first + 1, last));
  } catch (error) {
    if (error instanceof SipParseError) return refused(error.status, `Request-URI: ${error.message}`);
    throw error;
  }
  if (!hasKnownScheme(uri)) return refused(416, `URI scheme ${uri.scheme.slice(0, 20)} is not supported`, uri);
  // A header part has no meaning in a Request-URI and is dropped (SIP-MSG-18, RFC 4475 §3.1.2.11).
  uri.headers = [];
  return { kind: "request", method, uri, refusal: undefined };
}

/** `SIP/` number `.` number, upper case. */
function isVersion(text: string): boolean {
  const point = text.indexOf(".");
  return text.startsWith("SIP/") && isDigits(text.slice(4, point)) && isDigits(text.slice(point + 1));
}

/** Version, status, reason phrase. The phrase may be empty or UTF-8. */
function parseStatusLine(line: string): StatusLine {
  const digits = line.slice(8, 11);
  const status = digits.length === 3 && isDigits(digits) ? Number(digits) : 0;
  const isGood =
    line.slice(0, 8).toUpperCase() === "SIP/2.0 " &&
    status >= 100 &&
    status <= 699 &&
    (line.length === 11 || line[11] === " ") &&
    line.length <= LIMITS.headerBytes &&
    !hasControl(line);
  return { kind: "response", status: isGood ? status : 0, reason: isGood ? blankControls(line.slice(12)) : "" };
}
