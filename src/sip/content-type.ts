/** `type/subtype;name=value` and `disposition;name=value` (RFC 3261 §20.11, §20.15). */

import { SipParseError } from "../base/errors.ts";
import type { Params } from "./message.ts";
import { parseParams } from "./params.ts";
import { isToken, sliceTrimmed } from "./tokens.ts";

export interface TypedValue {
  /** Lower case: `application/sdp`, `session`; "" when it cannot be read. */
  readonly value: string;
  readonly params: Params;
}

const UNREADABLE: TypedValue = { value: "", params: new Map() };

/** Reads a Content-Type or Content-Disposition value; never throws, as a body nobody understands is refused anyway. */
export function parseTypedValue(text: string): TypedValue {
  const semicolon = text.indexOf(";");
  const head = semicolon < 0 ? text : text.slice(0, semicolon);
  const words = head.split("/").map((word) => sliceTrimmed(word, 0, word.length).toLowerCase());
  if (words.length > 2 || !words.every(isToken)) return UNREADABLE;
  try {
    const params = semicolon < 0 ? new Map<string, string>() : parseParams(text, semicolon, "type");
    return { value: words.join("/"), params };
  } catch (error) {
    if (error instanceof SipParseError) return UNREADABLE;
    throw error;
  }
}
