/** `host:port` as it stands in URIs and Via (RFC 3261 §25.1 hostport, RFC 5118). Names are not resolved here. */

import { SipParseError } from "../base/errors.ts";
import { parseDecimal, sliceTrimmed, trimBlanks } from "./tokens.ts";

const HOST_LENGTH_MAX = 253;
const IPV6_LENGTH_MAX = 64;

/**
 * `host`, `host:port`, `[v6]`, `[v6]:port`; blanks may stand around the colon, as Via allows.
 * @returns host in lower case, IPv6 without brackets; the port is 1 to 65535
 * @throws SipParseError 400
 */
export function parseHostPort(text: string): { host: string; port: number | undefined } {
  const value = trimBlanks(text);
  let host: string;
  let portAt: number;
  if (value.startsWith("[")) {
    const end = value.indexOf("]");
    if (end < 0) throw new SipParseError("IPv6 address is not closed");
    host = value.slice(1, end).toLowerCase();
    if (!isIpv6Text(host)) throw new SipParseError("IPv6 address is malformed");
    portAt = value.indexOf(":", end);
    if (sliceTrimmed(value, end + 1, portAt < 0 ? value.length : portAt) !== "")
      throw new SipParseError("unexpected text after an IPv6 address");
  } else {
    portAt = value.indexOf(":");
    host = sliceTrimmed(value, 0, portAt < 0 ? value.length : portAt).toLowerCase();
    if (!isHostName(host)) throw new SipParseError("host is malformed");
  }
  if (portAt < 0) return { host, port: undefined };
  const port = parseDecimal(sliceTrimmed(value, portAt + 1, value.length), 65_535);
  if (port === undefined || port === 0) throw new SipParseError("port is malformed");
  return { host, port };
}

/**
 * Host and port as text, IPv6 in brackets.
 * @throws TypeError for a host that could end the URI or the header it stands in
 * @throws RangeError for a port that is none
 */
export function formatHostPort(host: string, port: number | undefined): string {
  const isIpv6 = host.includes(":");
  if (!(isIpv6 ? isIpv6Text(host) : isHostName(host)))
    throw new TypeError(`host is no host name or address: ${JSON.stringify(host.slice(0, 40))}`);
  const text = isIpv6 ? `[${host}]` : host;
  if (port === undefined) return text;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`port is not 0 to 65535: ${port}`);
  return `${text}:${port}`;
}

/** Letters, digits, "-", "." and "_": the underscore is in no host name by the letter, yet names with it are in use. */
function isHostName(host: string): boolean {
  if (host.length === 0 || host.length > HOST_LENGTH_MAX) return false;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    const isAlphanumeric = (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 122);
    if (!isAlphanumeric && code !== 0x2d && code !== 0x2e && code !== 0x5f) return false;
  }
  return true;
}

/** The characters of an address; "2001:db8:::192.0.2.1" of the old grammar has to pass (RFC 5118 §4.10). */
function isIpv6Text(host: string): boolean {
  if (host.length < 2 || host.length > IPV6_LENGTH_MAX) return false;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    const isHex = (code >= 48 && code <= 57) || ((code | 32) >= 97 && (code | 32) <= 102);
    if (!isHex && code !== 0x3a && code !== 0x2e) return false;
  }
  return true;
}
