/** The Replaces header (RFC 3891 §6.1): which dialog a new one is to take the place of. */

import { SipParseError } from "../base/errors.ts";
import type { Headers } from "./headers.ts";
import { LIMITS } from "./limits.ts";
import { parseParams } from "./params.ts";
import { trimBlanks } from "./tokens.ts";

/** A dialog as its receiver knows it: `toTag` is the receiver's own tag, `fromTag` the other's. */
export interface Replaces {
  readonly callId: string;
  readonly toTag: string;
  readonly fromTag: string;
  /** The dialog is meant only while it is early. */
  readonly earlyOnly: boolean;
}

/**
 * The Replaces of a request, undefined when it has none.
 * @throws SipParseError 400 for more than one, or one that cannot be read (RFC 3891 §3)
 */
export function readReplaces(headers: Headers): Replaces | undefined {
  const lines = headers.all("Replaces");
  if (lines.length > 1) throw new SipParseError("Replaces stands twice");
  return lines[0] === undefined ? undefined : parseReplaces(lines[0]);
}

/** One value. @throws SipParseError 400 */
export function parseReplaces(value: string): Replaces {
  const semicolon = value.indexOf(";");
  const callId = trimBlanks(semicolon < 0 ? value : value.slice(0, semicolon));
  const params = semicolon < 0 ? new Map<string, string>() : parseParams(value, semicolon, "Replaces");
  const toTag = params.get("to-tag") ?? "";
  const fromTag = params.get("from-tag") ?? "";
  if (!/^[\x21-\x7e]+$/.test(callId) || /[,<>]/.test(callId) || callId.length > LIMITS.callIdLength)
    throw new SipParseError("Replaces has no Call-ID that can be read");
  if (toTag === "" || fromTag === "") throw new SipParseError("Replaces needs to-tag and from-tag");
  return { callId, toTag, fromTag, earlyOnly: params.has("early-only") };
}
