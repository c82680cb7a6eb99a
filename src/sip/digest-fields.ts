/**
 * The grammar of digest headers: `Digest name=value, name="value", …` (RFC 7616 §3.3, §3.4). Read with tolerance: any order,
 * quoted or not, empty parts between commas.
 */

import { SipParseError } from "../base/errors.ts";
import { isBlankCode, isToken, sliceTrimmed, splitList, trimBlanks, unquote } from "./tokens.ts";

/**
 * The fields of a Digest header, names in lower case.
 * @param what - for error texts
 * @returns undefined for another scheme than Digest
 * @throws SipParseError 400 when it cannot be read or a field stands twice
 */
export function parseDigestFields(value: string, what: string): ReadonlyMap<string, string> | undefined {
  const text = trimBlanks(value);
  let end = 0;
  while (end < text.length && !isBlankCode(text.charCodeAt(end))) end++;
  const scheme = text.slice(0, end);
  if (!isToken(scheme)) throw new SipParseError(`${what}: no scheme`);
  if (scheme.toLowerCase() !== "digest") return undefined;
  const fields = new Map<string, string>();
  for (const part of splitList(text.slice(end), what)) {
    const equals = part.indexOf("=");
    const name = equals < 0 ? "" : sliceTrimmed(part, 0, equals).toLowerCase();
    if (!isToken(name)) throw new SipParseError(`${what}: a field is malformed`);
    if (fields.has(name)) throw new SipParseError(`${what}: ${name.slice(0, 20)} stands twice`);
    fields.set(name, unquote(sliceTrimmed(part, equals + 1, part.length)));
  }
  return fields;
}
