/** Percent escapes of URIs (RFC 3261 §19.1.2, §25.1): which characters each part may hold as they are. */

import { SipParseError } from "../base/errors.ts";

/** Parts of a URI as bits of the table below. */
export const URI_USER = 1;
export const URI_PARAM = 2;
export const URI_HEADER = 4;

/** For each ASCII code the parts in which it may stand unescaped. */
const PLAIN = new Uint8Array(128);
const allow = (characters: string, parts: number): void => {
  for (const c of characters) PLAIN[c.charCodeAt(0)]! |= parts;
};
allow("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()", URI_USER | URI_PARAM | URI_HEADER);
allow("&=+$,;?/", URI_USER);
allow("[]/:&+$", URI_PARAM);
allow("[]/?:+$", URI_HEADER);

/**
 * Undoes percent escapes.
 * @throws SipParseError 400 for an escape without two hex digits, or one that is no UTF-8
 */
export function unescapeUri(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new SipParseError("URI escape is malformed");
  }
}

/** Escapes what may not stand in that part; CR, LF, NUL and blanks never pass as they are. */
export function escapeUri(text: string, part: number): string {
  let out = "";
  let taken = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 128 && (PLAIN[code]! & part) !== 0) continue;
    const isPair = code >= 0xd800 && code < 0xdc00;
    const character = text.slice(i, isPair ? i + 2 : i + 1).toWellFormed();
    out += text.slice(taken, i) + encodeURIComponent(character);
    if (isPair) i++;
    taken = i + 1;
  }
  return taken === 0 ? text : out + text.slice(taken);
}
