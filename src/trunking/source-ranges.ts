/**
 * Which SIP domain a source address belongs to (R-NET-6). The ranges never overlap (R-NET-8), so that at most one matches: a look-up
 * for each prefix length in use, 32 at most. IPv4 alone, as the resource has it.
 */

import { isIPv4 } from "node:net";

/** Addresses that are for one domain. */
export interface SourceRange {
  readonly ipAddress: string;
  /** 1 to 32. */
  readonly prefixLength: number;
  readonly sipDomainSid: string;
}

const MAPPED = "::ffff:";

export class SourceRanges {
  static readonly NONE = new SourceRanges(new Map());
  /** Prefix length → first address of a range → SID of its domain. */
  readonly #domains: ReadonlyMap<number, ReadonlyMap<number, string>>;

  private constructor(domains: ReadonlyMap<number, ReadonlyMap<number, string>>) {
    this.#domains = domains;
  }

  /** The ranges as a table, or two of them that overlap. Ranges that are no IPv4 match nothing. */
  static of(ranges: Iterable<SourceRange>): SourceRanges | { readonly overlap: readonly [string, string] } {
    const domains = new Map<number, Map<number, string>>();
    const inOrder: { first: number; last: number; text: string }[] = [];
    for (const { ipAddress, prefixLength, sipDomainSid } of ranges) {
      const address = readIPv4(ipAddress);
      if (address === undefined) continue;
      const first = networkOf(address, prefixLength);
      inOrder.push({ first, last: first + 2 ** (32 - prefixLength) - 1, text: `${ipAddress}/${prefixLength}` });
      const table = domains.get(prefixLength) ?? new Map<number, string>();
      domains.set(prefixLength, table.set(first, sipDomainSid));
    }
    inOrder.sort((a, b) => a.first - b.first);
    // Ranges of this kind lie within each other or apart, so that neighbours tell.
    for (const [index, range] of inOrder.entries()) {
      const next = inOrder[index + 1];
      if (next !== undefined && next.first <= range.last) return { overlap: [range.text, next.text] };
    }
    return new SourceRanges(domains);
  }

  /** SID of the domain, undefined when no range has the address. An IPv4 address in IPv6 form counts as IPv4. */
  find(sourceAddress: string): string | undefined {
    if (this.#domains.size === 0) return undefined;
    const address = readIPv4(sourceAddress.startsWith(MAPPED) ? sourceAddress.slice(MAPPED.length) : sourceAddress);
    if (address === undefined) return undefined;
    for (const [prefixLength, table] of this.#domains) {
      const found = table.get(networkOf(address, prefixLength));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** First address of the range that the address lies in. */
function networkOf(address: number, prefixLength: number): number {
  return address - (address % 2 ** (32 - prefixLength));
}

function readIPv4(text: string): number | undefined {
  if (!isIPv4(text)) return undefined;
  return text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
