/** Header parameters: `;name=value`, `;name="value"`, `;flag` (RFC 3261 §25.1 generic-param). */

import { SipParseError } from "../base/errors.ts";
import { hasControl, isToken, isTokenCode, quote, quotedEnd, skipBlanks, skipBlanksBack, unquote } from "./tokens.ts";

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/** What most URIs and addresses have. One for all, so nobody may add to it. */
export const NO_PARAMS: ReadonlyMap<string, string> = new Map();

/**
 * Reads parameters up to the end of the text. Names in lower case; of a quoted value its content; the first of two equal
 * names wins.
 * @param from - index of the first `;` or of blanks before it
 * @throws SipParseError 400
 */
export function parseParams(text: string, from: number, what: string): Map<string, string> {
  const params = new Map<string, string>();
  const length = text.length;
  let at = skipBlanks(text, from);
  while (at < length) {
    if (text.charCodeAt(at) !== SEMICOLON) throw new SipParseError(`${what}: unexpected text in the parameters`);
    at = skipBlanks(text, at + 1);
    // ";;" and a ";" at the end are sent by real phones.
    if (at >= length || text.charCodeAt(at) === SEMICOLON) continue;
    const nameStart = at;
    while (at < length && isTokenCode(text.charCodeAt(at))) at++;
    if (at === nameStart) throw new SipParseError(`${what}: parameter name is no token`);
    const name = text.slice(nameStart, at).toLowerCase();
    at = skipBlanks(text, at);
    let value = "";
    if (at < length && text.charCodeAt(at) === EQUALS) {
      const valueStart = skipBlanks(text, at + 1);
      at = valueEnd(text, valueStart, what);
      value = unquote(text.slice(valueStart, skipBlanksBack(text, valueStart, at)));
      at = skipBlanks(text, at);
    }
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

/** Index behind a value: of the closing quote, or of whatever stands before the next `;`. */
function valueEnd(text: string, from: number, what: string): number {
  if (text.charCodeAt(from) === QUOTE) return quotedEnd(text, from, what);
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === SEMICOLON) break;
    if (code === QUOTE || code === COMMA) throw new SipParseError(`${what}: parameter value is malformed`);
  }
  return at;
}

/** Peers compare these as they sent them, so what was no token must not come back in quotes. */
const ECHOED = new Set(["tag", "branch"]);

/**
 * Parameters as text; a value that is neither token nor address is quoted.
 * @throws TypeError for a name that is no token, or a value with a control character
 */
export function formatParams(params: ReadonlyMap<string, string>): string {
  let text = "";
  for (const [name, value] of params) {
    if (!isToken(name)) throw new TypeError(`parameter name is no token: ${JSON.stringify(name.slice(0, 40))}`);
    if (value === "") text += `;${name}`;
    else if (isPlain(value) || (ECHOED.has(name) && isHarmless(value))) text += `;${name}=${value}`;
    else {
      if (hasControl(value)) throw new TypeError(`parameter ${name} holds a control character`);
      text += `;${name}=${quote(value)}`;
    }
  }
  return text;
}

/** Token characters and those of an IPv6 reference. */
function isPlain(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (!isTokenCode(code) && code !== 0x3a && code !== 0x5b && code !== 0x5d) return false;
  }
  return true;
}

/** Visible ASCII that ends no parameter and no header. */
function isHarmless(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 32 || code >= 127 || code === QUOTE || code === COMMA || code === SEMICOLON) return false;
    if (code === 0x3c || code === 0x3e || code === 0x5c) return false;
  }
  return true;
}
