/**
 * Characters and scanning for SIP header values (RFC 3261 §25.1). Everything here runs once over its input: no regular
 * expression that could backtrack, no rescanning.
 */

import { SipParseError } from "../base/errors.ts";

/** 1 for each ASCII code that may stand in a token. */
const TOKEN = new Uint8Array(128);
for (const c of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~") TOKEN[c.charCodeAt(0)] = 1;

export function isTokenCode(code: number): boolean {
  return code < 128 && TOKEN[code] === 1;
}

/** True for a non-empty token. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if (!isTokenCode(text.charCodeAt(i))) return false;
  return true;
}

/** Only decimal digits, at least one. */
export function isDigits(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

/** Decimal text as a number, or undefined when it is none or above `max` (hardening R2: checked as text). */
export function parseDecimal(text: string, max: number): number | undefined {
  if (!isDigits(text)) return undefined;
  let start = 0;
  while (start < text.length - 1 && text.charCodeAt(start) === 48) start++;
  if (text.length - start > 15) return undefined;
  const value = Number(text.slice(start));
  return value <= max ? value : undefined;
}

/** True when the text holds CR, LF, NUL or another control character but TAB. */
export function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127) return true;
  }
  return false;
}

/** Control characters as blanks, for text that is only shown. */
export function blankControls(text: string): string {
  if (!hasControl(text) && !text.includes("\t")) return text;
  let out = "";
  for (const char of text) out += char < " " || char === "\x7f" ? " " : char;
  return out;
}

/**
 * Splits at `separator` outside quoted strings and outside `<>` (SIP-MSG-6). Parts are trimmed.
 * @throws SipParseError 400 for a quote or an angle bracket that is not closed
 */
export function splitOutside(text: string, separator: string, what: string): string[] {
  const parts: string[] = [];
  const code = separator.charCodeAt(0);
  let start = 0;
  let quoted = false;
  let angle = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (quoted) {
      if (c === 0x5c) i++;
      else if (c === 0x22) quoted = false;
    } else if (c === 0x22) quoted = true;
    else if (c === 0x3c) angle = true;
    else if (c === 0x3e) angle = false;
    else if (c === code && !angle) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  if (quoted) throw new SipParseError(`${what}: quoted string is not closed`);
  if (angle) throw new SipParseError(`${what}: "<" is not closed`);
  parts.push(text.slice(start).trim());
  return parts;
}

/** Content of a quoted string with its escapes undone; other text as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 0x22 || text.charCodeAt(text.length - 1) !== 0x22) return text;
  const inner = text.slice(1, -1);
  if (!inner.includes("\\")) return inner;
  let out = "";
  for (let i = 0; i < inner.length; i++) {
    if (inner.charCodeAt(i) === 0x5c && i + 1 < inner.length) i++;
    out += inner[i];
  }
  return out;
}

/** A quoted string (RFC 3261 §25.1): quotes and backslashes escaped. Control characters have been refused before. */
export function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * `;name=value` parameters. Names in lower case; a quoted value keeps its content only; the first of two equal names wins.
 * @param from - index of the first `;`, or the end
 */
export function parseParams(text: string, from: number, what: string): Map<string, string> {
  const params = new Map<string, string>();
  if (from >= text.length) return params;
  const parts = splitOutside(text.slice(from), ";", what);
  if (parts[0] !== "") throw new SipParseError(`${what}: unexpected text before the parameters`);
  for (let i = 1; i < parts.length; i++) {
    const part = parts[i]!;
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = (equals < 0 ? part : part.slice(0, equals)).trimEnd().toLowerCase();
    if (!isToken(name)) throw new SipParseError(`${what}: parameter name is no token`);
    const value = equals < 0 ? "" : unquote(part.slice(equals + 1).trim());
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

/** Parameters as text; a value that is no token and no address is quoted. */
export function formatParams(params: ReadonlyMap<string, string>): string {
  let text = "";
  for (const [name, value] of params)
    text += value === "" ? `;${name}` : `;${name}=${isPlainValue(value) ? value : quote(value)}`;
  return text;
}

function isPlainValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (!isTokenCode(code) && code !== 0x3a && code !== 0x5b && code !== 0x5d) return false;
  }
  return true;
}
