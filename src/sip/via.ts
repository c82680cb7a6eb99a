/** Via values (RFC 3261 §20.42, RFC 3581). */

import { SipParseError } from "../base/errors.ts";
import type { Via } from "./message.ts";
import { formatParams, isToken, parseParams } from "./tokens.ts";
import { formatHostPort, parseHostPort } from "./uri.ts";

/** RFC 3261 §8.1.1.7: branches that begin so are unique over space and time. */
export const BRANCH_COOKIE = "z9hG4bK";

/**
 * Reads one value (no commas outside quotes).
 * @throws SipParseError 400
 */
export function parseVia(text: string): Via {
  const semicolon = text.indexOf(";");
  const head = (semicolon < 0 ? text : text.slice(0, semicolon)).trim();
  // "SIP / 2.0 / UDP host:port": blanks are allowed around the slashes.
  const first = head.indexOf("/");
  const second = head.indexOf("/", first + 1);
  if (first < 0 || second < 0) throw new SipParseError("Via: no protocol");
  // The version is not judged here: a request of another version is answered 505, and for that its Via is needed.
  if (
    head.slice(0, first).trim().toUpperCase() !== "SIP" ||
    !/^[0-9]\.[0-9]$/.test(head.slice(first + 1, second).trim())
  )
    throw new SipParseError("Via: protocol is not SIP");
  const rest = head.slice(second + 1).trim();
  let end = 0;
  while (end < rest.length && rest.charCodeAt(end) !== 32 && rest.charCodeAt(end) !== 9) end++;
  const transport = rest.slice(0, end).toUpperCase();
  if (!isToken(transport)) throw new SipParseError("Via: transport is malformed");
  const { host, port } = parseHostPort(rest.slice(end).trim());
  return { transport, host, port, params: semicolon < 0 ? new Map() : parseParams(text, semicolon, "Via") };
}

export function formatVia(via: Via): string {
  return `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}${formatParams(via.params)}`;
}
