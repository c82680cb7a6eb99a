/**
 * Identifiers of objects that a configuration file declares: made from account, kind and name, so that a restart or a
 * reload finds the same objects again, and marked, so that objects that left the file can be told from those that REST
 * made. The mark is a checksum over the rest: a random SID carries it once in 2^32.
 */

import { createHash } from "node:crypto";
import type { SidPrefix } from "../base/ids.ts";

const NAME_DIGITS = 24;
const MARK_DIGITS = 8;

/** The SID of a declared object. `names` lead to it: account, kind, name, and for parts of an object their own. */
export function declaredSid(prefix: SidPrefix, ...names: readonly string[]): string {
  // Lengths keep ("ab", "c") apart from ("a", "bc").
  const text = names.map((name) => `${name.length}:${name}`).join("");
  const digits = hex(text).slice(0, NAME_DIGITS);
  return prefix + digits + markOf(digits);
}

/** The SID of a declared account: the one that it was given, or one made of its name. */
export function declaredAccountSid({ name, sid }: { readonly name: string; readonly sid: string | null }): string {
  return sid ?? declaredSid("AC", "accounts", name);
}

/** True for SIDs made by `declaredSid`. */
export function isDeclaredSid(sid: string): boolean {
  const digits = sid.slice(2, 2 + NAME_DIGITS);
  return sid.length === 2 + NAME_DIGITS + MARK_DIGITS && sid.slice(2 + NAME_DIGITS) === markOf(digits);
}

function markOf(digits: string): string {
  return hex(`declared ${digits}`).slice(0, MARK_DIGITS);
}

function hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
