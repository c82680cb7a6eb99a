/**
 * Small headers as values: Retry-After (RFC 3261 §20.33), Reason (RFC 3326), Refer-To (RFC 3515), RSeq and RAck (RFC 3262).
 * Those that nobody needs are undefined when they cannot be read; Refer-To is the whole point of its request and throws.
 */

import { SipParseError } from "../base/errors.ts";
import type { Headers } from "./headers.ts";
import { LIMITS } from "./limits.ts";
import type { NameAddr } from "./message.ts";
import { parseNameAddrList } from "./name-addr.ts";
import { parseParams } from "./params.ts";
import { hasControl, isBlankCode, isDigits, isToken, parseDecimal, quote, splitList, trimBlanks } from "./tokens.ts";
import { hasKnownScheme } from "./uri.ts";

/** Longer times mean the same: not now. */
const RETRY_AFTER_SECONDS_MAX = 86_400;

/** Retry-After in seconds, 0 to 86 400; its comment and parameters are left out. */
export function retryAfterSeconds(headers: Headers): number | undefined {
  const value = headers.get("Retry-After");
  if (value === undefined) return undefined;
  let end = 0;
  while (end < value.length && isDigits(value[end]!)) end++;
  const next = value.slice(end, end + 1);
  if (end === 0 || (next !== "" && next !== ";" && next !== "(" && !isBlankCode(next.charCodeAt(0)))) return undefined;
  return parseDecimal(value.slice(0, end), RETRY_AFTER_SECONDS_MAX) ?? RETRY_AFTER_SECONDS_MAX;
}

export interface ReasonValue {
  /** "SIP", "Q.850" or another, as received. */
  readonly protocol: string;
  readonly cause: number | undefined;
  readonly text: string;
}

/** All Reason values in order; malformed lines are left out. */
export function readReasons(headers: Headers): ReasonValue[] {
  return headers.all("Reason").flatMap((line) => {
    try {
      return splitList(line, "Reason").map(parseReason);
    } catch (error) {
      if (error instanceof SipParseError) return [];
      throw error;
    }
  });
}

function parseReason(value: string): ReasonValue {
  const semicolon = value.indexOf(";");
  const protocol = trimBlanks(semicolon < 0 ? value : value.slice(0, semicolon));
  if (!isToken(protocol)) throw new SipParseError("Reason protocol is no token");
  const params = semicolon < 0 ? new Map<string, string>() : parseParams(value, semicolon, "Reason");
  return { protocol, cause: parseDecimal(params.get("cause") ?? "", 999), text: params.get("text") ?? "" };
}

/**
 * One Reason value; the text is a quoted string even where a token would do (RFC 3326 §2).
 * @throws TypeError when the text holds a control character or the protocol is no token
 */
export function formatReason(reason: ReasonValue): string {
  const { protocol, cause, text } = reason;
  if (!isToken(protocol)) throw new TypeError("reason.protocol is no token");
  if (hasControl(text)) throw new TypeError("reason.text holds a control character");
  return protocol + (cause === undefined ? "" : `;cause=${cause}`) + (text === "" ? "" : `;text=${quote(text)}`);
}

/**
 * The one target of a REFER (SIP-REF-1, SIP-REF-8).
 * @throws SipParseError 400 when there is none, more than one, or one that cannot be read; 416 for a scheme we cannot call
 */
export function readReferTo(headers: Headers): NameAddr {
  const targets = headers.all("Refer-To").flatMap((line) => parseNameAddrList(line, "Refer-To"));
  const target = targets[0];
  if (target === undefined || targets.length > 1)
    throw new SipParseError(target === undefined ? "Refer-To missing" : "Refer-To stands twice");
  if (!hasKnownScheme(target.uri))
    throw new SipParseError(`URI scheme ${target.uri.scheme.slice(0, 20)} is not supported`, 416);
  return target;
}

/** RSeq of a reliable provisional answer, 1 to 2^32 - 1. */
export function readRSeq(headers: Headers): number | undefined {
  const number = parseDecimal(headers.get("RSeq") ?? "", 2 ** 32 - 1);
  return number === 0 ? undefined : number;
}

export interface RAckValue {
  readonly rseq: number;
  readonly cseqNumber: number;
  readonly method: string;
}

/** RAck of a PRACK: RSeq, CSeq number, method. */
export function readRAck(headers: Headers): RAckValue | undefined {
  const words = (headers.get("RAck") ?? "").split(" ").filter((word) => word !== "");
  const rseq = parseDecimal(words[0] ?? "", 2 ** 32 - 1);
  const cseqNumber = parseDecimal(words[1] ?? "", LIMITS.cseqNumber);
  const method = words[2] ?? "";
  if (words.length !== 3 || rseq === undefined || cseqNumber === undefined || !isToken(method)) return undefined;
  return { rseq, cseqNumber, method };
}

/** True when a comma list of option tags or methods holds the name, whatever its case. */
export function lists(headers: Headers, header: string, name: string): boolean {
  return headers.all(header).some((line) => line.split(",").some((one) => one.trim().toLowerCase() === name));
}
