/**
 * Values of the configuration. YAML is read without types of its own, so every scalar is text, as an environment variable
 * is, and says here what it expects. (With YAML's own types `+14155551212` would be a number and lose its plus.)
 */

import { isIP } from "node:net";
import { z } from "zod";
import { parseRange } from "../trunking/acl.ts";
import { isDomainLabel } from "../trunking/domains.ts";
import { isE164 } from "../trunking/numbers.ts";
import { isHostName } from "../trunking/target-uri.ts";

/** Texts that stand for "not set". */
const NULL_TEXTS: ReadonlySet<string> = new Set(["", "null", "~"]);

/**
 * A scalar.
 * @param expected - completes "expected …"
 * @param read - undefined for text that is not it
 */
export function scalar<T>(expected: string, read: (text: string) => T | undefined) {
  return z.string({ error: `expected ${expected}` }).transform((text, context): T => {
    const value = read(text);
    if (value !== undefined) return value;
    context.issues.push({ code: "custom", message: `expected ${expected}`, input: text });
    return z.NEVER;
  });
}

/** A scalar that may be unset, and is when it is absent. */
export function nullable<T>(expected: string, read: (text: string) => T | undefined) {
  return scalar<T | null>(expected, (text) => (NULL_TEXTS.has(text) ? null : read(text))).default(null);
}

export function list<S extends z.ZodType>(item: S, most: number) {
  return z
    .array(item, { error: "expected a list" })
    .max(most, { error: `expected at most ${most} entries` })
    .default(() => []);
}

export function bool(byDefault: boolean) {
  return scalar("true or false", readBool).default(byDefault);
}

export function int(least: number, most: number, unit = "") {
  return scalar(`a whole number from ${least} to ${most}${unit === "" ? "" : ` ${unit}`}`, readInt(least, most));
}

export function oneOf<const T extends string>(...words: readonly T[]) {
  return scalar(alternatives(words), (text) => words.find((word) => word === text));
}

export function readBool(text: string): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

export function readInt(least: number, most: number): (text: string) => number | undefined {
  return (text) => {
    const value = /^-?[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  };
}

/** Printable text of 1 to `most` characters. */
export function readText(most: number): (text: string) => string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return (text) => (text.length >= 1 && text.length <= most && !/[\x00-\x1f\x7f]/.test(text) ? text : undefined);
}

export const ADDRESS = "an IP address";
export function readAddress(text: string): string | undefined {
  return isIP(text) === 0 ? undefined : text.toLowerCase();
}

export const NAME_SERVER = "an IP address, with a port when it is not 53: 192.0.2.53 or [2001:db8::53]:5353";
export function readNameServer(text: string): string | undefined {
  const [, host = text, port] = /^\[?([0-9A-Fa-f.:]+?)\]?(?::([0-9]{1,5}))?$/.exec(isIP(text) === 0 ? text : "") ?? [];
  const isPort = port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
  return isIP(host) !== 0 && isPort ? text.toLowerCase() : undefined;
}

export const RANGE = "an IP address or a range such as 192.0.2.0/24";
export function readRange(text: string): string | undefined {
  return parseRange(text) === null ? undefined : text;
}

export const HOST = "a domain name";
export function readHost(text: string): string | undefined {
  return isHostName(text) && isIP(text) === 0 ? text.toLowerCase() : undefined;
}

export const PORT = 'a port from 0 to 65535, or "off"';
/** null for "off". Wrapped, since undefined and null are answers of their own. */
export const portOrOff = (byDefault: number) =>
  scalar<number | null>(PORT, (text) => (text === "off" ? null : readInt(0, 65535)(text))).default(byDefault);

export const URL_TEXT = "an absolute http or https URL";
export function readUrl(text: string): string | undefined {
  if (text.length > 2048 || /[^\x21-\x7e]/.test(text) || !URL.canParse(text)) return undefined;
  const { protocol } = new URL(text);
  return protocol === "http:" || protocol === "https:" ? text : undefined;
}

export const E164 = "a number in E.164 form such as +14155551212";
export function readE164(text: string): string | undefined {
  return isE164(text) ? text : undefined;
}

export const LABEL = "a name of letters, digits and -, with dots only for sub-domains";
export function readLabel(text: string): string | undefined {
  const label = text.toLowerCase();
  return isDomainLabel(label) ? label : undefined;
}

/** `a`, `a or b`, `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
