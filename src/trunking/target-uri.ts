/**
 * SIP URIs of origination targets: origination URLs of trunks and targets of connection policies (R-ORIG-2 to R-ORIG-11,
 * R-BYOC-17). Read once when they are stored, so that a bad URI is refused by REST or by the configuration, never found
 * out during a call. The grammar is the part of RFC 3261 §19.1 that a target needs; passwords are not taken.
 */

import { isIP } from "node:net";
import type { EdgeTable } from "./edges.ts";

export type TargetTransport = "udp" | "tcp" | "tls";

/** A target URI, taken apart. */
export interface TargetUri {
  /** Percent-decoded; undefined: the dialled number is used (R-ORIG-3). */
  readonly user: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Transport that the URI asks for; `sips:` asks for TLS (R-ORIG-9). undefined: UDP (R-ORIG-8). */
  readonly transport: TargetTransport | undefined;
  /** Edge to leave from, or null (R-ORIG-10). */
  readonly edge: string | null;
  /** TLS and SRTP were asked for by `;secure=true` (R-BYOC-17). */
  readonly secureMedia: boolean;
  /** Other URI parameters, in order; they stay in the Request-URI. */
  readonly params: readonly (readonly [name: string, value: string])[];
  /** Headers to add to each INVITE, percent-decoded (R-ORIG-6). */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The URI had the scheme `sips:`, which is used as `sip:` over TLS; worth a warning. */
  readonly adjustedFromSips: boolean;
}

/** The URI, or what is wrong with it and the error code that REST answers with status 400. */
export type TargetUriReading =
  | { readonly uri: TargetUri }
  | { readonly problem: string; readonly restCode: 21252 | 13249 | 13251 | 13252 };

const URI_LENGTH_MAX = 254;
const HEADERS_LENGTH_MAX = 1023;

/** Headers besides `X-…` that a target may set; others are ignored (R-ORIG-6). Lower case → name on the wire. */
const ALLOWED_HEADERS: ReadonlyMap<string, string> = new Map([
  ["user-to-user", "User-to-User"],
  ["remote-party-id", "Remote-Party-ID"],
  ["p-preferred-identity", "P-Preferred-Identity"],
  ["p-called-party-id", "P-Called-Party-ID"],
]);

/** Reads a target URI. Time is linear in its length. */
export function readTargetUri(text: string, edges: EdgeTable): TargetUriReading {
  const question = text.indexOf("?");
  const addressPart = question < 0 ? text : text.slice(0, question);
  const headerPart = question < 0 ? "" : text.slice(question + 1);
  const bad = (problem: string): TargetUriReading => ({ problem, restCode: 13249 });
  if (addressPart.length > URI_LENGTH_MAX) return bad("the SIP URI is longer than 254 characters");
  if (headerPart.length > HEADERS_LENGTH_MAX)
    return { problem: "the headers of the SIP URI are longer than 1023 characters", restCode: 13251 };
  if (!/^[\x21-\x7e]*$/.test(text)) return bad("the SIP URI has a blank or another character that must be escaped");

  const colon = addressPart.indexOf(":");
  const scheme = addressPart.slice(0, Math.max(colon, 0)).toLowerCase();
  if (scheme !== "sip" && scheme !== "sips") return bad("a target needs a URI that begins with sip:");
  let rest = addressPart.slice(colon + 1);
  // The odd form sip://host of the published examples.
  if (rest.startsWith("//")) rest = rest.slice(2);

  const at = rest.lastIndexOf("@");
  let user: string | undefined;
  if (at >= 0) {
    const decoded = percentDecoded(rest.slice(0, at));
    if (decoded === null || decoded === "" || decoded.includes("@")) return bad("the user part cannot be read");
    if (decoded.includes(":")) return bad("a password in a SIP URI is not supported");
    if (hasControl(decoded)) return bad("the user part holds a control character");
    user = decoded;
  }
  const [hostPort, ...paramTexts] = rest.slice(at + 1).split(";") as [string, ...string[]];
  const place = readHostPort(hostPort);
  if (place === null) return bad("the host is no IP address or domain name, or the port is none");

  const params = readParams(paramTexts, edges);
  if ("problem" in params) return params;
  const headers = readHeaders(headerPart);
  if ("problem" in headers) return headers;
  const adjustedFromSips = scheme === "sips";
  const transport = adjustedFromSips ? "tls" : params.transport;
  if (params.secureMedia && transport !== undefined && transport !== "tls")
    return bad("secure=true needs transport=tls");
  return { uri: { user, ...place, ...params, transport, headers: headers.headers, adjustedFromSips } };
}

/** Host (lower case, IPv6 without brackets) and port, or null. */
function readHostPort(text: string): { readonly host: string; readonly port: number | undefined } | null {
  let host: string;
  let portText: string | undefined;
  if (text.startsWith("[")) {
    const close = text.indexOf("]");
    if (close < 0) return null;
    host = text.slice(1, close).toLowerCase();
    const after = text.slice(close + 1);
    if (isIP(host) !== 6 || (after !== "" && !after.startsWith(":"))) return null;
    portText = after === "" ? undefined : after.slice(1);
  } else {
    const colon = text.indexOf(":");
    host = (colon < 0 ? text : text.slice(0, colon)).toLowerCase();
    portText = colon < 0 ? undefined : text.slice(colon + 1);
    if (!isHostName(host)) return null;
  }
  if (portText === undefined) return { host, port: undefined };
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 0;
  return port >= 1 && port <= 65535 ? { host, port } : null;
}

/**
 * An IPv4 address or a domain name (RFC 1123 §2.1). A name whose last label is a number, decimal or hexadecimal, would be
 * an address in a form that some resolvers take: `0x7f000001` is 127.0.0.1 to them.
 */
export function isHostName(host: string): boolean {
  if (isIP(host) === 4) return true;
  if (host.length > 253) return false;
  const labels = (host.endsWith(".") ? host.slice(0, -1) : host).split(".");
  if (/^([0-9]+|0x[0-9a-f]*)$/i.test(labels.at(-1)!)) return false;
  return labels.every((label) => label.length <= 63 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/i.test(label));
}

type Problem = Exclude<TargetUriReading, { uri: TargetUri }>;

function readParams(
  texts: readonly string[],
  edges: EdgeTable,
): Pick<TargetUri, "transport" | "edge" | "secureMedia" | "params"> | Problem {
  const bad = (problem: string): Problem => ({ problem, restCode: 13249 });
  let transport: TargetTransport | undefined;
  let edge: string | null = null;
  let interconnect: string | null = null;
  let secureMedia = false;
  const params: [string, string][] = [];
  for (const text of texts) {
    const equals = text.indexOf("=");
    const name = percentDecoded(equals < 0 ? text : text.slice(0, equals))?.toLowerCase() ?? "";
    const value = percentDecoded(equals < 0 ? "" : text.slice(equals + 1));
    if (name === "" || value === null || /[^\x20-\x7e]/.test(name + value))
      return bad("a URI parameter cannot be read");
    switch (name) {
      case "transport":
        transport = transportOf(value.toLowerCase());
        if (transport === undefined) return bad("the transport of a target is udp, tcp or tls");
        break;
      case "edge":
      case "region": {
        const resolved = edges.resolve(value);
        if (resolved === undefined)
          return { problem: `the ${name} "${value.slice(0, 40)}" is not known`, restCode: 21252 };
        edge = resolved;
        break;
      }
      case "secure":
        secureMedia = value.toLowerCase() === "true";
        break;
      // The older way to name an edge at an interconnect (R-NET-5); one that is not configured says nothing.
      case "tnx":
        interconnect = edges.ofInterconnect(value) ?? null;
        break;
      // It has no place in a Request-URI (RFC 3261 §19.1.1).
      case "method":
        break;
      default:
        params.push([name, value]);
    }
  }
  return { transport, edge: edge ?? interconnect, secureMedia, params };
}

/** Headers after `?`, joined by `&`; those that are not allowed are left out (R-ORIG-6). */
function readHeaders(text: string): { headers: [string, string][] } | Problem {
  const headers: [string, string][] = [];
  for (const part of text === "" ? [] : text.split("&")) {
    const equals = part.indexOf("=");
    const name = percentDecoded(equals < 0 ? part : part.slice(0, equals));
    const value = percentDecoded(equals < 0 ? "" : part.slice(equals + 1));
    if (name === null || value === null || !/^[A-Za-z0-9!%*_+`'~.-]+$/.test(name))
      return { problem: "a header of the SIP URI cannot be read", restCode: 13252 };
    const known = ALLOWED_HEADERS.get(name.toLowerCase());
    if (known === undefined && !/^x-./i.test(name)) continue;
    if (hasControl(value))
      return { problem: `header ${name.slice(0, 40)} of the SIP URI holds a control character`, restCode: 13252 };
    headers.push([known ?? name, value]);
  }
  return { headers };
}

function transportOf(value: string): TargetTransport | undefined {
  return value === "udp" || value === "tcp" || value === "tls" ? value : undefined;
}

/** After decoding such a character could begin a header line of its own (hardening R4). */
function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\x00-\x1f\x7f]/.test(text);
}

/** Decoded text, or null for a broken escape or bytes that are no UTF-8. */
function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
