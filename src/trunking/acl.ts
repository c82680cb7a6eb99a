/**
 * IP access control lists: does a source address match an entry (R-AUTH-2, R-AUTH-5, R-AUTH-7). Entries are whole
 * addresses with a prefix length; IPv6 entries are an extension. Parsing is that of ipaddr.js.
 */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { IpAcl, IpAclAddress } from "./records.ts";

type ParsedAddress = ReturnType<typeof ipaddr.parse>;

/** The ranges of a list as numbers: a thousand of them are looked through in microseconds. */
interface ReadList {
  /** Of IPv4 entries: network, mask and entry at the same index. */
  readonly networks: Uint32Array;
  readonly masks: Uint32Array;
  readonly entries: readonly IpAclAddress[];
  readonly ipv6: readonly (readonly [IpAclAddress, ParsedAddress])[];
}

/** Lists are immutable, so what was read once stays right. */
const readLists = new WeakMap<IpAcl, ReadList>();

/** The entry that a source address matches, or undefined. An IPv4 address in IPv6 form counts as IPv4. */
export function matchingAclEntry(
  acls: Iterable<IpAcl>,
  sourceAddress: string,
): { readonly acl: IpAcl; readonly entry: IpAclAddress } | undefined {
  const source = parseAddress(sourceAddress);
  if (source === undefined) return undefined;
  const number = numberOf(source);
  for (const acl of acls) {
    const list = readLists.get(acl) ?? readList(acl);
    const entry = number === undefined ? entryOfIpv6(list, source) : entryOfIpv4(list, number);
    if (entry !== undefined) return { acl, entry };
  }
  return undefined;
}

function entryOfIpv4({ networks, masks, entries }: ReadList, source: number): IpAclAddress | undefined {
  for (let index = 0; index < networks.length; index++)
    // Both sides as signed numbers: the operator gives one, the array does not.
    if ((source & masks[index]!) === (networks[index]! | 0)) return entries[index];
  return undefined;
}

function entryOfIpv6({ ipv6 }: ReadList, source: ParsedAddress): IpAclAddress | undefined {
  return ipv6.find(([entry, range]) => source.match(range, entry.prefixLength))?.[0];
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

function readList(acl: IpAcl): ReadList {
  const parsed = acl.addresses.flatMap((entry) => {
    const range = parseAddress(entry.ipAddress);
    return range === undefined ? [] : [{ entry, range, number: numberOf(range) }];
  });
  const ipv4 = parsed.filter(({ number }) => number !== undefined);
  const masks = Uint32Array.from(ipv4, ({ entry }) => maskOf(entry.prefixLength));
  const list: ReadList = {
    networks: Uint32Array.from(ipv4, ({ number }, index) => number! & masks[index]!),
    masks,
    entries: ipv4.map(({ entry }) => entry),
    ipv6: parsed.flatMap(({ entry, range, number }) => (number === undefined ? [[entry, range] as const] : [])),
  };
  readLists.set(acl, list);
  return list;
}

/** A shift by 32 would shift by none. */
function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffffffff << (32 - Math.min(32, prefixLength))) >>> 0;
}

/** An IPv4 address as a number; undefined for IPv6. */
function numberOf(address: ParsedAddress): number | undefined {
  if (address.kind() !== "ipv4") return undefined;
  const [a = 0, b = 0, c = 0, d = 0] = address.toByteArray();
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

function parseAddress(address: string): ParsedAddress | undefined {
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}
