/**
 * IP access control lists: does a source address match an entry (R-AUTH-2, R-AUTH-5, R-AUTH-7). Entries are whole
 * addresses with a prefix length; IPv6 entries are an extension. Parsing is that of ipaddr.js.
 */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { IpAcl, IpAclAddress } from "./records.ts";

type ParsedAddress = ReturnType<typeof ipaddr.parse>;

/** Entries are immutable, so what was read once stays right. */
const parsedEntries = new WeakMap<IpAclAddress, ParsedAddress>();

/** The entry that a source address matches, or undefined. An IPv4 address in IPv6 form counts as IPv4. */
export function matchingAclEntry(
  acls: Iterable<IpAcl>,
  sourceAddress: string,
): { readonly acl: IpAcl; readonly entry: IpAclAddress } | undefined {
  const source = parseAddress(sourceAddress);
  if (source === undefined) return undefined;
  for (const acl of acls) for (const entry of acl.addresses) if (entryMatches(entry, source)) return { acl, entry };
  return undefined;
}

/** True when the address lies in the range; both may be IPv4 or IPv6. False for text that is no address. */
export function addressInRange(address: string, rangeAddress: string, prefixLength: number): boolean {
  const source = parseAddress(address);
  const range = parseAddress(rangeAddress);
  if (source === undefined || range === undefined || source.kind() !== range.kind()) return false;
  return source.match(range, prefixLength);
}

/**
 * Checks a new entry.
 * @returns what is wrong, or null (REST: 400)
 */
export function aclEntryProblem(ipAddress: string, prefixLength: number): string | null {
  const family = isIP(ipAddress);
  // No zone, no shortened IPv4: ipaddr.js would take "127.1".
  if (family === 0 || ipAddress.includes("%")) return `"${ipAddress.slice(0, 64)}" is no complete IP address`;
  const most = family === 4 ? 32 : 128;
  if (!Number.isInteger(prefixLength) || prefixLength < 1 || prefixLength > most)
    return `the prefix length of an IPv${family} range is 1 to ${most}`;
  return null;
}

/**
 * Reads `192.0.2.0/24` or a bare address.
 * @returns null when it is neither
 */
export function parseRange(text: string): { readonly ipAddress: string; readonly prefixLength: number } | null {
  const slash = text.indexOf("/");
  const ipAddress = slash < 0 ? text : text.slice(0, slash);
  const digits = slash < 0 ? String(isIP(ipAddress) === 6 ? 128 : 32) : text.slice(slash + 1);
  if (!/^[0-9]{1,3}$/.test(digits)) return null;
  const prefixLength = Number(digits);
  return aclEntryProblem(ipAddress, prefixLength) === null ? { ipAddress, prefixLength } : null;
}

function entryMatches(entry: IpAclAddress, source: ParsedAddress): boolean {
  let range = parsedEntries.get(entry);
  if (range === undefined) {
    const parsed = parseAddress(entry.ipAddress);
    if (parsed === undefined) return false;
    parsedEntries.set(entry, parsed);
    range = parsed;
  }
  return source.kind() === range.kind() && source.match(range, entry.prefixLength);
}

function parseAddress(address: string): ParsedAddress | undefined {
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}
