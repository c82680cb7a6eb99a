/**
 * Headers of the call that came which a trunk wants on the call that leaves (SIP-ID-7, SIP-ID-9, SIP-ID-10): named one by one or
 * as `X-Name*`, none by default. Only headers that carry nothing of the hop can be named; those of a carrier's charging
 * (RFC 7315) pass between two trusted sides only.
 */

import type { HeaderList } from "./uri-parts.ts";

/** Values that pass in sum (SIP-ID-10). */
const VALUES_LENGTH_MAX = 1024;

/** Lower case; besides `X-…`. */
const NAMED: ReadonlySet<string> = new Set(["user-to-user", "geolocation", "alert-info", "call-info"]);
/** Signed, so that a part of it is worth nothing (RFC 8224): it passes whole and counts for nothing (SIP-AUTH-10). */
const IDENTITY = "identity";
const IDENTITY_LENGTH_MAX = 4096;
const CHARGING: ReadonlySet<string> = new Set([
  "p-charging-vector",
  "p-access-network-info",
  "p-charging-function-addresses",
]);

/** The name, or `X-` and a beginning with `*`, as configured; undefined for a header that may not pass. */
export function readPassedHeader(text: string): string | undefined {
  const name = text.toLowerCase();
  if (NAMED.has(name) || CHARGING.has(name) || name === IDENTITY) return name;
  return /^x-[a-z0-9!%_+.-]{0,60}\*?$/.test(name) && name !== "x-" ? name : undefined;
}

/**
 * @param trusted - both the side that the call came from and the one that it goes to
 * @returns name and value as they came, until their values are 1024 characters in sum; the one that crosses that is cut
 */
export function passedHeaders(
  headers: Iterable<readonly [name: string, value: string]>,
  wanted: readonly string[],
  trusted: boolean,
): HeaderList {
  const passed: HeaderList = [];
  let room = VALUES_LENGTH_MAX;
  for (const [name, value] of headers) {
    if (!isWanted(name.toLowerCase(), wanted, trusted)) continue;
    if (name.toLowerCase() === IDENTITY) {
      if (value.length <= IDENTITY_LENGTH_MAX) passed.push([name, value]);
      continue;
    }
    if (room <= 0) continue;
    const kept = value.slice(0, room);
    room -= kept.length;
    passed.push([name, kept]);
  }
  return passed;
}

function isWanted(name: string, wanted: readonly string[], trusted: boolean): boolean {
  if (CHARGING.has(name) && !trusted) return false;
  return wanted.some((one) => (one.endsWith("*") ? name.startsWith(one.slice(0, -1)) : name === one));
}
