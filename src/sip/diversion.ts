/** Diversion: where a call was forwarded from, newest first (RFC 5806, SIP-ID-5). */

import { SipParseError } from "../base/errors.ts";
import type { Headers } from "./headers.ts";
import type { NameAddr } from "./message.ts";
import { formatNameAddr, parseNameAddr } from "./name-addr.ts";
import { parseDecimal, splitList } from "./tokens.ts";
import type { SipUri } from "./uri.ts";

export type DiversionReason =
  | "unknown"
  | "user-busy"
  | "no-answer"
  | "unavailable"
  | "unconditional"
  | "time-of-day"
  | "do-not-disturb"
  | "deflection"
  | "follow-me"
  | "out-of-service"
  | "away";

const REASONS: ReadonlySet<string> = new Set<DiversionReason>([
  "unknown",
  "user-busy",
  "no-answer",
  "unavailable",
  "unconditional",
  "time-of-day",
  "do-not-disturb",
  "deflection",
  "follow-me",
  "out-of-service",
  "away",
]);

export interface Diversion {
  readonly uri: SipUri;
  readonly displayName: string;
  /** Lower case; "unknown" for a reason that the RFC does not name. */
  readonly reason: DiversionReason;
  /** How many diversions this one stands for, 1 when not said. */
  readonly counter: number;
  /** "full", "name", "uri", "off" or what was sent; "" when not said. */
  readonly privacy: string;
  /** "yes", "no" or what was sent; "" when not said. */
  readonly screen: string;
}

/** More than this many are not read. */
const DIVERSIONS_MAX = 20;
const COUNTER_MAX = 999;

/** The diversions of a message, newest first; malformed ones are left out. */
export function readDiversions(headers: Headers): Diversion[] {
  const found: Diversion[] = [];
  for (const line of headers.all("Diversion")) {
    try {
      for (const value of splitList(line, "Diversion")) {
        if (found.length >= DIVERSIONS_MAX) return found;
        found.push(diversionOf(parseNameAddr(value, "Diversion")));
      }
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
    }
  }
  return found;
}

/** One value, built from fields (hardening R3). @throws TypeError when the URI holds what it may not */
export function formatDiversion(diversion: Diversion): string {
  const params = new Map<string, string>([["reason", diversion.reason]]);
  if (diversion.counter > 1) params.set("counter", String(diversion.counter));
  if (diversion.privacy !== "") params.set("privacy", diversion.privacy);
  if (diversion.screen !== "") params.set("screen", diversion.screen);
  return formatNameAddr({ displayName: diversion.displayName, uri: diversion.uri, params });
}

function diversionOf(address: NameAddr): Diversion {
  const { params } = address;
  const reason = params.get("reason")?.toLowerCase() ?? "unknown";
  return {
    uri: address.uri,
    displayName: address.displayName,
    reason: REASONS.has(reason) ? (reason as DiversionReason) : "unknown",
    counter: Math.max(1, parseDecimal(params.get("counter") ?? "1", COUNTER_MAX) ?? 1),
    privacy: params.get("privacy")?.toLowerCase() ?? "",
    screen: params.get("screen")?.toLowerCase() ?? "",
  };
}
