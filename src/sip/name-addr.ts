/** `"Display" <uri>;params`: From, To, Contact, Route and their like (RFC 3261 §20.10). */

import { SipParseError } from "../base/errors.ts";
import type { NameAddr } from "./message.ts";
import { formatParams, NO_PARAMS, parseParams } from "./params.ts";
import { quote, quotedEnd, skipBlanks, sliceTrimmed, splitList, trimBlanks, unquote } from "./tokens.ts";
import { formatUri, parseUri, type SipUri } from "./uri.ts";

/**
 * Reads one value.
 * @throws SipParseError 400; 414 when the URI is too long
 */
export function parseNameAddr(text: string, what = "address"): NameAddr {
  const value = trimBlanks(text);
  const open = openBracket(value, what);
  if (open < 0) return parseAddrSpec(value, what);
  const close = value.indexOf(">", open);
  if (close < 0) throw new SipParseError(`${what}: "<" is not closed`);
  const display = sliceTrimmed(value, 0, open);
  return {
    displayName: unquote(display),
    uri: parseUri(value.slice(open + 1, close)),
    params: close + 1 === value.length ? NO_PARAMS : parseParams(value, close + 1, what),
  };
}

/** Without `<>` everything behind the first ";" belongs to the header, not to the URI (RFC 3261 §20.10). */
function parseAddrSpec(value: string, what: string): NameAddr {
  const semicolon = value.indexOf(";");
  const uriText = sliceTrimmed(value, 0, semicolon < 0 ? value.length : semicolon);
  if (uriText.includes("?") || uriText.includes(","))
    throw new SipParseError(`${what}: a URI with "?" or "," has to stand in <>`);
  return {
    displayName: "",
    uri: parseUri(uriText),
    params: semicolon < 0 ? NO_PARAMS : parseParams(value, semicolon, what),
  };
}

/** Index of the `<` behind the display name; -1 for an addr-spec. */
function openBracket(value: string, what: string): number {
  if (value.startsWith('"')) {
    const open = skipBlanks(value, quotedEnd(value, 0, what));
    if (value[open] !== "<") throw new SipParseError(`${what}: no "<" after the display name`);
    return open;
  }
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x3c) return i;
    // Parameters of an addr-spec; what they hold in quotes is no bracket.
    if (code === 0x3b) return -1;
    if (code === 0x22) throw new SipParseError(`${what}: stray quote in the display name`);
  }
  return -1;
}

/** Reads a comma list of values, in order; `*` is left out. @throws SipParseError 400 */
export function parseNameAddrList(text: string, what = "address"): NameAddr[] {
  return splitList(text, what)
    .filter((part) => part !== "*")
    .map((part) => parseNameAddr(part, what));
}

/**
 * The value as text; the display name is always quoted, the URI always in `<>`.
 * @throws TypeError when the URI or a parameter holds what it may not
 */
export function formatNameAddr(address: NameAddr): string {
  const display = address.displayName === "" ? "" : `${quote(address.displayName)} `;
  return `${display}<${formatUri(address.uri)}>${formatParams(address.params)}`;
}

/** A value from its parts. */
export function nameAddr(uri: SipUri, displayName = "", params: Iterable<[string, string]> = []): NameAddr {
  return { displayName, uri, params: new Map(params) };
}

/** The tag parameter (RFC 3261 §19.3), undefined when there is none. */
export function tagOf(address: NameAddr): string | undefined {
  return address.params.get("tag");
}

/** The same address with that tag. */
export function withTag(address: NameAddr, tag: string): NameAddr {
  return { ...address, params: new Map(address.params).set("tag", tag) };
}
