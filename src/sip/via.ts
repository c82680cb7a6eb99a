/** Via values (RFC 3261 §20.42, RFC 3581). */

import { SipParseError } from "../base/errors.ts";
import { formatHostPort, parseHostPort } from "./host-port.ts";
import type { Via } from "./message.ts";
import { formatParams, parseParams } from "./params.ts";
import { isBlankCode, isToken, sliceTrimmed } from "./tokens.ts";

/** RFC 3261 §8.1.1.7: branches that begin so are unique over space and time. */
export const BRANCH_COOKIE = "z9hG4bK";

/**
 * Reads one value (no commas outside quotes). The version is not judged: a request of another version is answered 505,
 * and for that its Via is needed.
 * @throws SipParseError 400
 */
export function parseVia(text: string): Via {
  const semicolon = text.indexOf(";");
  const headEnd = semicolon < 0 ? text.length : semicolon;
  // "SIP / 2.0 / UDP host:port": blanks are allowed around the slashes.
  const first = text.indexOf("/");
  const second = first < 0 ? -1 : text.indexOf("/", first + 1);
  if (second < 0 || second >= headEnd) throw new SipParseError("Via has no protocol");
  if (sliceTrimmed(text, 0, first).toUpperCase() !== "SIP" || !isVersion(sliceTrimmed(text, first + 1, second)))
    throw new SipParseError("Via protocol is not SIP");
  const rest = sliceTrimmed(text, second + 1, headEnd);
  let end = 0;
  while (end < rest.length && !isBlankCode(rest.charCodeAt(end))) end++;
  const transport = rest.slice(0, end).toUpperCase();
  if (!isToken(transport)) throw new SipParseError("Via transport is malformed");
  const { host, port } = parseHostPort(rest.slice(end));
  return { transport, host, port, params: semicolon < 0 ? new Map() : parseParams(text, semicolon, "Via") };
}

/** One digit, a point, one digit. */
function isVersion(text: string): boolean {
  const isDigit = (index: number): boolean => text.charCodeAt(index) >= 48 && text.charCodeAt(index) <= 57;
  return text.length === 3 && text[1] === "." && isDigit(0) && isDigit(2);
}

/** @throws TypeError when a field holds what no Via may hold; RangeError for a port that is none */
export function formatVia(via: Via): string {
  if (!isToken(via.transport)) throw new TypeError(`via.transport is no token: ${JSON.stringify(via.transport)}`);
  return `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}${formatParams(via.params)}`;
}
