/** `"Display" <uri>;params`: From, To, Contact, Route and their like (RFC 3261 §20.10). */

import { SipParseError } from "../base/errors.ts";
import type { NameAddr } from "./message.ts";
import { blankControls, formatParams, parseParams, quote, splitOutside, unquote } from "./tokens.ts";
import { formatUri, parseUri, type SipUri } from "./uri.ts";

/**
 * Reads one value.
 * @throws SipParseError 400
 */
export function parseNameAddr(text: string, what = "address"): NameAddr {
  const value = text.trim();
  const open = openBracket(value, what);
  if (open < 0) {
    // addr-spec: everything behind the first ";" belongs to the header, not to the URI (RFC 3261 §20.10).
    const semicolon = value.indexOf(";");
    const uriText = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
    if (uriText.includes("?")) throw new SipParseError(`${what}: a URI with headers has to stand in <>`);
    return {
      displayName: "",
      uri: parseUri(uriText),
      params: semicolon < 0 ? new Map() : parseParams(value, semicolon, what),
    };
  }
  const close = value.indexOf(">", open);
  if (close < 0) throw new SipParseError(`${what}: "<" is not closed`);
  const display = value.slice(0, open).trim();
  const after = value.slice(close + 1).trimStart();
  if (after !== "" && !after.startsWith(";")) throw new SipParseError(`${what}: unexpected text after ">"`);
  return {
    displayName: display.startsWith('"') ? unquote(display) : display,
    uri: parseUri(value.slice(open + 1, close)),
    params: parseParams(after, 0, what),
  };
}

/** Index of the `<` that is outside the quoted display name, or -1. */
function openBracket(value: string, what: string): number {
  if (!value.startsWith('"')) {
    const open = value.indexOf("<");
    // A bare URI never holds "<", and an unquoted display name holds only tokens and blanks.
    if (open > 0 && value.slice(0, open).includes('"'))
      throw new SipParseError(`${what}: stray quote in the display name`);
    return open;
  }
  let i = 1;
  for (; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) break;
  }
  if (i >= value.length) throw new SipParseError(`${what}: quoted string is not closed`);
  const between = value.slice(i + 1).trimStart();
  if (!between.startsWith("<")) throw new SipParseError(`${what}: no "<" after the display name`);
  return value.length - between.length;
}

/** Reads a comma list of values, in order; `*` is left out. */
export function parseNameAddrList(text: string, what = "address"): NameAddr[] {
  return splitOutside(text, ",", what)
    .filter((part) => part !== "" && part !== "*")
    .map((part) => parseNameAddr(part, what));
}

/** The value as text; the display name is always quoted, the URI always in `<>`. */
export function formatNameAddr(address: NameAddr): string {
  const display = address.displayName === "" ? "" : `${quote(blankControls(address.displayName))} `;
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
