/** SIP, SIPS and tel URIs (RFC 3261 §19.1, RFC 3966). */

import { SipParseError } from "../base/errors.ts";
import { hasControl, isTokenCode, parseDecimal } from "./tokens.ts";

/** A parsed URI. Other schemes keep everything after the colon in `host`. */
export interface SipUri {
  /** Lower case: sip, sips, tel, or another. */
  scheme: string;
  /** Percent-decoded; undefined when the URI has no user part. For tel: the number. */
  user: string | undefined;
  /** Lower case; IPv6 without brackets; "" for tel. */
  host: string;
  port: number | undefined;
  /** URI parameters, names in lower case, values decoded; "" for a flag. */
  params: Map<string, string>;
  /** URI headers (`?name=value`), decoded, in order. */
  headers: [name: string, value: string][];
}

/** Longest URI that is read (SIP-MSG-14). */
export const URI_LENGTH_MAX = 1024;

/**
 * Reads one URI without angle brackets.
 * @throws SipParseError 414 when it is too long, 400 when it is malformed
 */
export function parseUri(text: string): SipUri {
  if (text.length > URI_LENGTH_MAX) throw new SipParseError("URI is too long", 414);
  const colon = text.indexOf(":");
  if (colon <= 0) throw new SipParseError("URI has no scheme");
  const scheme = text.slice(0, colon).toLowerCase();
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme)) throw new SipParseError("URI scheme is malformed");
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 32 || code === 127 || code === 0x3c || code === 0x3e || code === 0x22)
      throw new SipParseError("URI holds a character that is not allowed", 400, i);
  }
  const rest = text.slice(colon + 1);
  if (scheme === "sip" || scheme === "sips") return parseSipRest(scheme, rest);
  if (scheme === "tel") return parseTelRest(rest);
  return { scheme, user: undefined, host: rest, port: undefined, params: new Map(), headers: [] };
}

function parseSipRest(scheme: string, rest: string): SipUri {
  // The user part may hold ";" "?" "/" "&", so the last "@" before the headers of the host part ends it.
  const at = rest.lastIndexOf("@");
  const userinfo = at < 0 ? undefined : rest.slice(0, at);
  const hostPart = rest.slice(at + 1);
  const question = hostPart.indexOf("?");
  const beforeHeaders = question < 0 ? hostPart : hostPart.slice(0, question);
  const semicolon = beforeHeaders.indexOf(";");
  const hostPort = semicolon < 0 ? beforeHeaders : beforeHeaders.slice(0, semicolon);
  const { host, port } = parseHostPort(hostPort);
  let user: string | undefined;
  if (userinfo !== undefined) {
    const passwordAt = userinfo.indexOf(":");
    user = decode(passwordAt < 0 ? userinfo : userinfo.slice(0, passwordAt));
    if (user === "") throw new SipParseError("URI has an empty user part");
  }
  return {
    scheme,
    user,
    host,
    port,
    params: semicolon < 0 ? new Map() : parseUriParams(beforeHeaders.slice(semicolon + 1)),
    headers: question < 0 ? [] : parseUriHeaders(hostPart.slice(question + 1)),
  };
}

function parseTelRest(rest: string): SipUri {
  const semicolon = rest.indexOf(";");
  const number = semicolon < 0 ? rest : rest.slice(0, semicolon);
  if (number === "") throw new SipParseError("tel URI has no number");
  return {
    scheme: "tel",
    user: decode(number),
    host: "",
    port: undefined,
    params: semicolon < 0 ? new Map() : parseUriParams(rest.slice(semicolon + 1)),
    headers: [],
  };
}

/**
 * `host`, `host:port`, `[v6]`, `[v6]:port`.
 * @throws SipParseError 400
 */
export function parseHostPort(text: string): { host: string; port: number | undefined } {
  let host: string;
  let portText: string | undefined;
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end < 0) throw new SipParseError("IPv6 address is not closed");
    host = text.slice(1, end).toLowerCase();
    if (host.length < 2 || !/^[0-9a-f:.]+$/.test(host)) throw new SipParseError("IPv6 address is malformed");
    const after = text.slice(end + 1).trim();
    if (after !== "" && !after.startsWith(":")) throw new SipParseError("unexpected text after an IPv6 address");
    portText = after === "" ? undefined : after.slice(1).trim();
  } else {
    const colon = text.indexOf(":");
    host = (colon < 0 ? text : text.slice(0, colon)).trim().toLowerCase();
    portText = colon < 0 ? undefined : text.slice(colon + 1).trim();
    if (!isHostName(host)) throw new SipParseError("host is malformed");
  }
  if (portText === undefined) return { host, port: undefined };
  const port = parseDecimal(portText, 65_535);
  if (port === undefined) throw new SipParseError("port is malformed");
  return { host, port };
}

function isHostName(host: string): boolean {
  if (host.length === 0 || host.length > 253) return false;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    const isAlphanumeric = (code >= 48 && code <= 57) || (code >= 97 && code <= 122);
    // The underscore is in no host name by the letter, yet names with it are in use.
    if (!isAlphanumeric && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}

function parseUriParams(text: string): Map<string, string> {
  const params = new Map<string, string>();
  for (const part of text.split(";")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decode(equals < 0 ? part : part.slice(0, equals)).toLowerCase();
    if (!params.has(name)) params.set(name, equals < 0 ? "" : decode(part.slice(equals + 1)));
  }
  return params;
}

function parseUriHeaders(text: string): [string, string][] {
  const headers: [string, string][] = [];
  for (const part of text.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    headers.push([decode(equals < 0 ? part : part.slice(0, equals)), equals < 0 ? "" : decode(part.slice(equals + 1))]);
  }
  return headers;
}

/** Undoes percent escapes; text that is no UTF-8 afterwards keeps them. */
function decode(text: string): string {
  if (!text.includes("%")) return text;
  for (let i = text.indexOf("%"); i >= 0; i = text.indexOf("%", i + 1)) {
    if (!isHex(text.charCodeAt(i + 1)) || !isHex(text.charCodeAt(i + 2)))
      throw new SipParseError("URI escape is malformed");
  }
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isHex(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 70) || (code >= 97 && code <= 102);
}

/** Characters beside the unreserved ones that may stand unescaped in a user part (RFC 3261 §25.1). */
const USER_PLAIN = "&=+$,;?/";
const PARAM_PLAIN = "[]/:&+$";
const HEADER_PLAIN = "[]/?:+$";

function encode(text: string, plain: string): string {
  let out = "";
  for (const char of text) {
    const code = char.charCodeAt(0);
    const isUnreserved =
      (isTokenCode(code) && char !== "%" && char !== "`" && char !== "+") || char === "(" || char === ")";
    out += isUnreserved || plain.includes(char) ? char : encodeURIComponent(char);
  }
  return out;
}

/** The URI as text, escaped where it has to be, so that nothing in it can end the header that it stands in. */
export function formatUri(uri: SipUri): string {
  let text = `${uri.scheme}:`;
  if (uri.scheme !== "sip" && uri.scheme !== "sips" && uri.scheme !== "tel") {
    if (hasControl(uri.host)) throw new TypeError("uri holds a control character");
    return text + uri.host;
  }
  if (uri.user !== undefined) text += encode(uri.user, USER_PLAIN);
  if (uri.scheme !== "tel") {
    if (uri.user !== undefined) text += "@";
    text += formatHostPort(uri.host, uri.port);
  }
  for (const [name, value] of uri.params)
    text += `;${encode(name, PARAM_PLAIN)}${value === "" ? "" : `=${encode(value, PARAM_PLAIN)}`}`;
  uri.headers.forEach(([name, value], index) => {
    text += `${index === 0 ? "?" : "&"}${encode(name, HEADER_PLAIN)}=${encode(value, HEADER_PLAIN)}`;
  });
  return text;
}

export function formatHostPort(host: string, port: number | undefined): string {
  const text = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? text : `${text}:${port}`;
}

/** Parameters that must match when either side has them (RFC 3261 §19.1.4). */
const STRICT_PARAMS = ["user", "ttl", "method", "maddr", "transport"];

/** Equivalence of RFC 3261 §19.1.4. */
export function urisEqual(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme || a.user !== b.user || a.host !== b.host || a.port !== b.port) return false;
  for (const [name, value] of a.params) {
    const other = b.params.get(name);
    if (other !== undefined && other.toLowerCase() !== value.toLowerCase()) return false;
  }
  for (const name of STRICT_PARAMS) if (a.params.has(name) !== b.params.has(name)) return false;
  if (a.headers.length !== b.headers.length) return false;
  const sorted = (uri: SipUri): string => JSON.stringify(uri.headers.map(([n, v]) => [n.toLowerCase(), v]).sort());
  return a.headers.length === 0 || sorted(a) === sorted(b);
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
