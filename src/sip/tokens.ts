/**
 * Characters and scanning for SIP header values (RFC 3261 §25.1). Everything here runs once over its input: no regular
 * expression, no rescanning. Blanks are SP and HTAB only; what else JavaScript takes for white space is text (hardening R3).
 */

import { SipParseError } from "../base/errors.ts";

const TAB = 9;
const SPACE = 32;
const QUOTE = 0x22;
const LESS = 0x3c;
const GREATER = 0x3e;
const BACKSLASH = 0x5c;
const DELETE = 127;

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

export function isBlankCode(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Index of the first character at or after `from` that is no blank. */
export function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && isBlankCode(text.charCodeAt(at))) at++;
  return at;
}

/** Index behind the last character before `to` that is no blank; `from` when there is none. */
export function skipBlanksBack(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && isBlankCode(text.charCodeAt(end - 1))) end--;
  return end;
}

/** `text.slice(from, to)` without blanks at its ends. */
export function sliceTrimmed(text: string, from: number, to: number): string {
  const start = Math.min(skipBlanks(text, from), to);
  return text.slice(start, skipBlanksBack(text, start, to));
}

/** The text without SP and HTAB at its ends. */
export function trimBlanks(text: string): string {
  return sliceTrimmed(text, 0, text.length);
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
    if ((code < SPACE && code !== TAB) || code === DELETE) return true;
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
 * A header line with its legal control characters made blanks: those that a backslash escapes inside a quoted string
 * (RFC 3261 §25.1 quoted-pair, RFC 4475 §3.1.1.2). CR and LF cannot be escaped. Whoever reads on never meets a NUL.
 */
export function blankEscapedControls(line: string): string {
  let out = "";
  let taken = 0;
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const code = line.charCodeAt(i);
    if (quoted && code === BACKSLASH) {
      const next = line.charCodeAt(++i);
      if ((next < SPACE && next !== 10 && next !== 13) || next === DELETE) {
        out += `${line.slice(taken, i)} `;
        taken = i + 1;
      }
    } else if (code === QUOTE) quoted = !quoted;
  }
  return out + line.slice(taken);
}

/**
 * Index behind the quoted string that begins at `from`.
 * @throws SipParseError 400 when it is not closed
 */
export function quotedEnd(text: string, from: number, what: string): number {
  for (let i = from + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === QUOTE) return i + 1;
  }
  throw new SipParseError(`${what}: quoted string is not closed`);
}

/**
 * Splits at `separator` outside quoted strings and outside `<>` (SIP-MSG-6). Parts are trimmed; empty ones stay.
 * @throws SipParseError 400 for a quote or an angle bracket that is not closed
 */
export function splitOutside(text: string, separator: string, what: string): string[] {
  const parts: string[] = [];
  const separatorCode = separator.charCodeAt(0);
  let start = 0;
  let angle = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) i = quotedEnd(text, i, what) - 1;
    else if (code === LESS) angle = true;
    else if (code === GREATER) angle = false;
    else if (code === separatorCode && !angle) {
      parts.push(sliceTrimmed(text, start, i));
      start = i + 1;
    }
  }
  if (angle) throw new SipParseError(`${what}: "<" is not closed`);
  parts.push(sliceTrimmed(text, start, text.length));
  return parts;
}

/** Values of a comma list without the empty ones, which the grammar does not know but peers send (SIP-MSG-5). */
export function splitList(text: string, what: string): string[] {
  return splitOutside(text, ",", what).filter((part) => part !== "");
}

/** Content of a quoted string with its escapes undone; other text as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE || text.charCodeAt(text.length - 1) !== QUOTE) return text;
  const inner = text.slice(1, -1);
  if (!inner.includes("\\")) return inner;
  let out = "";
  for (let i = 0; i < inner.length; i++) {
    if (inner.charCodeAt(i) === BACKSLASH && i + 1 < inner.length) i++;
    out += inner[i];
  }
  return out;
}

/** A quoted string (RFC 3261 §25.1): quotes and backslashes escaped, control characters blanked. */
export function quote(text: string): string {
  return `"${blankControls(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/**
 * Parts with a blank between them, as one string of its own. A template would be a tree of pieces of the message, and as the
 * key of a map it would keep the whole message.
 */
export function joined(...parts: readonly string[]): string {
  return parts.join(" ");
}
