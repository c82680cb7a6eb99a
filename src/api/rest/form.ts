/**
 * Reads `application/x-www-form-urlencoded` text, of bodies and of queries (WHATWG URL §5.1), strictly: what is no UTF-8 or holds a
 * broken escape is refused instead of being stored as something else than what was meant.
 */

import { badParameter } from "./rest-error.ts";

const PAIRS_MAX = 1000;
const NAME_SHOWN_MAX = 64;

/** @throws RestError 400 for octets that are no UTF-8, or naming the parameter that is wrong */
export function readBody(octets: Uint8Array): [name: string, value: string][] {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    throw badParameter("body", "it is not UTF-8");
  }
  return readForm(text);
}

function readForm(text: string): [name: string, value: string][] {
  if (text === "") return [];
  const pairs = text.split("&", PAIRS_MAX + 1);
  if (pairs.length > PAIRS_MAX) throw badParameter("body", `at most ${PAIRS_MAX} parameters`);
  return pairs
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const rawName = equals < 0 ? pair : pair.slice(0, equals);
      const name = decoded(rawName, rawName);
      return [name, equals < 0 ? "" : decoded(pair.slice(equals + 1), name)];
    });
}

function decoded(text: string, name: string): string {
  let value: string;
  try {
    value = decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw badParameter(name.slice(0, NAME_SHOWN_MAX), "the percent-encoding is broken, or is not UTF-8");
  }
  if (value.includes("\0")) throw badParameter(name.slice(0, NAME_SHOWN_MAX), "NUL is not allowed");
  return value;
}

/** The query of a URL: a name that comes twice has a list of values. @throws RestError 400 as `readBody` */
export function readQuery(url: string): Record<string, string | string[]> {
  const mark = url.indexOf("?");
  const values = new Map<string, string | string[]>();
  // RFC 3986 §2: a URL is ASCII, the rest comes escaped.
  if (/[^\x21-\x7e]/.test(url)) throw badParameter("query", "only ASCII, with the rest percent-encoded");
  if (mark >= 0)
    for (const [name, value] of readForm(url.slice(mark + 1))) {
      const before = values.get(name);
      values.set(name, before === undefined ? value : [before, value].flat());
    }
  return Object.fromEntries(values);
}
