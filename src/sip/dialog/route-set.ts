/** Route sets and request targets (RFC 3261 §12.1, §12.2.1.1). */

import type { Headers } from "../headers.ts";
import type { NameAddr } from "../message.ts";
import { formatNameAddr, parseNameAddr, parseNameAddrList } from "../name-addr.ts";
import type { SipUri } from "../uri.ts";

const ROUTES_MAX = 70;

/**
 * All Record-Route values in the order of the message.
 * @throws SipParseError when one of them cannot be read
 */
export function readRecordRoutes(headers: Headers): NameAddr[] {
  return headers
    .all("Record-Route")
    .flatMap((line) => parseNameAddrList(line, "Record-Route"))
    .slice(0, ROUTES_MAX);
}

/** The same; none when they cannot be read: an answer has to be acknowledged somehow. */
export function recordRoutes(headers: Headers): NameAddr[] {
  try {
    return readRecordRoutes(headers);
  } catch {
    return [];
  }
}

/** First Contact, undefined when there is none that can be read. */
export function contactOf(headers: Headers): SipUri | undefined {
  const line = headers.get("Contact");
  if (line === undefined) return undefined;
  try {
    return parseNameAddrList(line, "Contact")[0]?.uri;
  } catch {
    return undefined;
  }
}

/** Request-URI, Route values and next hop of a request in a dialog. */
export function routeRequest(
  target: SipUri,
  routes: readonly NameAddr[],
): { uri: SipUri; routes: string[]; nextHop: SipUri } {
  const first = routes[0];
  if (first === undefined) return { uri: target, routes: [], nextHop: target };
  if (first.uri.params.has("lr")) return { uri: target, routes: routes.map(formatNameAddr), nextHop: first.uri };
  // Strict router: its URI becomes the Request-URI, the target goes to the end of the list.
  const last: NameAddr = { displayName: "", uri: target, params: new Map() };
  return {
    uri: { ...first.uri, headers: [] },
    routes: [...routes.slice(1), last].map(formatNameAddr),
    nextHop: first.uri,
  };
}

/** A Route value that we configure ourselves. */
export function routeOf(text: string): NameAddr {
  return parseNameAddr(text, "Route");
}
