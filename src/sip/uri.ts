/**
 * SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). Escapes are undone when a URI is read and made anew when it is
 * written, so nothing that was hidden in an escape can end the header that the URI stands in (SIP-MSG-15).
 */

import { SipParseError } from "../base/errors.ts";
import { formatHostPort, parseHostPort } from "./host-port.ts";
import { LIMITS } from "./limits.ts";
import { NO_PARAMS } from "./params.ts";
import { trimBlanks } from "./tokens.ts";
import { escapeUri, URI_HEADER, URI_PARAM, URI_USER, unescapeUri } from "./uri-escape.ts";

export { formatHostPort, parseHostPort } from "./host-port.ts";

/** A parsed URI. Other schemes keep everything after the colon in `host`. */
export interface SipUri {
  /** Lower case: sip, sips, tel, or another. */
  scheme: string;
  /** Percent-decoded, without a password; undefined when the URI has no user part. For tel: the number. */
  user: string | undefined;
  /** Lower case; IPv6 without brackets; "" for tel. */
  host: string;
  port: number | undefined;
  /** URI parameters, names in lower case, values decoded; "" for a flag. */
  params: ReadonlyMap<string, string>;
  /** URI headers (`?name=value`), decoded, in order. */
  headers: [name: string, value: string][];
}

/**
 * Reads one URI without angle brackets. Any scheme is read; `hasKnownScheme` tells those that we can call.
 * @throws SipParseError 414 when it is too long, 400 when it is malformed
 */
export function parseUri(text: string): SipUri {
  if (text.length > LIMITS.uriLength) throw new SipParseError("URI is too long", 414);
  const colon = text.indexOf(":");
  if (colon <= 0) throw new SipParseError("URI has no scheme");
  const scheme = text.slice(0, colon).toLowerCase();
  if (!isScheme(scheme)) throw new SipParseError("URI scheme is malformed");
  refuseUnsafe(text);
  if (scheme === "sip" || scheme === "sips") return parseSip(scheme, text.slice(colon + 1));
  if (scheme === "tel") return parseTel(text.slice(colon + 1));
  return { scheme, user: undefined, host: text.slice(colon + 1), port: undefined, params: NO_PARAMS, headers: [] };
}

/** True for the schemes that we can call: sip, sips, tel. */
export function hasKnownScheme(uri: SipUri): boolean {
  return uri.scheme === "sip" || uri.scheme === "sips" || uri.scheme === "tel";
}

function isScheme(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isLetter = code >= 97 && code <= 122;
    const isOther = (code >= 48 && code <= 57) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (!isLetter && (i === 0 || !isOther)) return false;
  }
  return text.length > 0;
}

/** Blanks, control characters, `"`, `<` and `>` stand in no URI. */
function refuseUnsafe(text: string): void {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 32 || code === 127 || code === 0x22 || code === 0x3c || code === 0x3e)
      throw new SipParseError("URI holds a character that is not allowed", 400, i);
  }
}

function parseSip(scheme: string, rest: string): SipUri {
  // The user part may hold ";" "?" "/" "&"; "@" may stand nowhere else, so two of them are no URI but a trick.
  const at = rest.indexOf("@");
  if (at >= 0 && rest.includes("@", at + 1)) throw new SipParseError("URI has two @");
  const hostPart = rest.slice(at + 1);
  const question = hostPart.indexOf("?");
  const beforeHeaders = question < 0 ? hostPart : hostPart.slice(0, question);
  const semicolon = beforeHeaders.indexOf(";");
  const { host, port } = parseHostPort(semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon));
  return {
    scheme,
    user: at < 0 ? undefined : parseUser(rest.slice(0, at)),
    host,
    port,
    params: semicolon < 0 ? NO_PARAMS : parseUriParams(beforeHeaders.slice(semicolon + 1)),
    headers: question < 0 ? [] : parseUriHeaders(hostPart.slice(question + 1)),
  };
}

/** Without the password. Some peers say "sip:@host" for "nobody": the same as no user part. */
function parseUser(userinfo: string): string | undefined {
  const colon = userinfo.indexOf(":");
  const user = unescapeUri(colon < 0 ? userinfo : userinfo.slice(0, colon));
  return user === "" ? undefined : user;
}

function parseTel(rest: string): SipUri {
  const semicolon = rest.indexOf(";");
  const number = unescapeUri(semicolon < 0 ? rest : rest.slice(0, semicolon));
  if (trimBlanks(number) === "") throw new SipParseError("tel URI has no number");
  return {
    scheme: "tel",
    user: number,
    host: "",
    port: undefined,
    params: semicolon < 0 ? NO_PARAMS : parseUriParams(rest.slice(semicolon + 1)),
    headers: [],
  };
}

/** The first of two equal names wins, as everywhere. */
function parseUriParams(text: string): Map<string, string> {
  const params = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = unescapeUri(equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (name === "") throw new SipParseError("URI parameter has no name");
    if (!params.has(name)) params.set(name, equals < 0 ? "" : unescapeUri(part.slice(equals + 1)));
  }
  return params;
}

function parseUriHeaders(text: string): [string, string][] {
  const headers: [string, string][] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = unescapeUri(equals < 0 ? part : part.slice(0, equals));
    if (name === "") throw new SipParseError("URI header has no name");
    headers.push([name, equals < 0 ? "" : unescapeUri(part.slice(equals + 1))]);
  }
  return headers;
}

/**
 * The URI as text, escaped where it has to be.
 * @throws TypeError when scheme or host hold what no URI may hold; RangeError for a port that is none
 */
export function formatUri(uri: SipUri): string {
  if (!isScheme(uri.scheme)) throw new TypeError(`uri.scheme is malformed: ${JSON.stringify(uri.scheme.slice(0, 40))}`);
  let text = `${uri.scheme}:`;
  if (uri.scheme === "tel") text += escapeUri(uri.user ?? "", URI_USER);
  else if (uri.scheme === "sip" || uri.scheme === "sips") {
    if (uri.user !== undefined && uri.user !== "") text += `${escapeUri(uri.user, URI_USER)}@`;
    text += formatHostPort(uri.host, uri.port);
  } else return text + opaquePart(uri.host);
  for (const [name, value] of uri.params) {
    text += `;${escapeUri(name, URI_PARAM)}`;
    if (value !== "") text += `=${escapeUri(value, URI_PARAM)}`;
  }
  let separator = "?";
  for (const [name, value] of uri.headers) {
    text += `${separator}${escapeUri(name, URI_HEADER)}=${escapeUri(value, URI_HEADER)}`;
    separator = "&";
  }
  return text;
}

/** The rest of a URI of another scheme, which came as it is and leaves as it is. */
function opaquePart(text: string): string {
  try {
    refuseUnsafe(text);
  } catch {
    throw new TypeError("uri holds a character that is not allowed");
  }
  return text;
}

/** Parameters that must match when either side has them (RFC 3261 §19.1.4). */
const STRICT_PARAMS = ["user", "ttl", "method", "maddr", "transport"];

/** Equivalence of RFC 3261 §19.1.4; of tel URIs that of RFC 3966 §4. */
export function urisEqual(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.port !== b.port || a.host.toLowerCase() !== b.host.toLowerCase()) return false;
  const isTel = a.scheme === "tel";
  if (isTel ? digitsOf(a.user) !== digitsOf(b.user) : (a.user ?? "") !== (b.user ?? "")) return false;
  if (isTel && a.params.size !== b.params.size) return false;
  for (const [name, value] of a.params) {
    const other = b.params.get(name);
    if (other === undefined ? isTel : other.toLowerCase() !== value.toLowerCase()) return false;
  }
  for (const name of STRICT_PARAMS) if (a.params.has(name) !== b.params.has(name)) return false;
  if (a.headers.length !== b.headers.length) return false;
  return a.headers.length === 0 || sortedHeaders(a) === sortedHeaders(b);
}

/** A telephone number without visual separators (RFC 3966 §5.1.1). */
function digitsOf(number: string | undefined): string {
  let out = "";
  for (const c of number ?? "") if (!"-.()".includes(c)) out += c;
  return out.toLowerCase();
}

function sortedHeaders(uri: SipUri): string {
  return JSON.stringify(uri.headers.map(([name, value]) => JSON.stringify([name.toLowerCase(), value])).sort());
}

/** A sip URI from its parts. */
export function sipUri(
  user: string | undefined,
  host: string,
  port?: number,
  params: Iterable<[string, string]> = [],
): SipUri {
  return { scheme: "sip", user, host: host.toLowerCase(), port, params: new Map(params), headers: [] };
}
