/**
 * IP addresses as the engine keeps them: four 32-bit words, IPv4 in its mapped form (RFC 4291 §2.5.5.2). Numeric text
 * only; nothing here looks up a name.
 */

import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

/** 128 bits of an address, each word in the order of the text: 192.0.2.1 is 0, 0, 0xffff, 0xc0000201. */
export interface AddressWords {
  word0: number;
  word1: number;
  word2: number;
  word3: number;
}

const MAPPED_WORD2 = 0xffff;
const CACHE_COUNT_MAX = 4096;

/**
 * Reads a numeric IPv4 or IPv6 address; a zone (`%eth0`) is left out.
 * @throws RangeError naming `name` when the text is anything else.
 */
export function parseAddress(text: string, name = "address"): AddressWords {
  const bare = text.includes("%") ? text.slice(0, text.indexOf("%")) : text;
  if (isIPv4(bare)) {
    return { word0: 0, word1: 0, word2: MAPPED_WORD2, word3: wordOf(ipaddr.IPv4.parse(bare).octets, 0) };
  }
  if (!isIPv6(bare))
    throw new RangeError(`${name} must be a numeric IPv4 or IPv6 address, not ${JSON.stringify(text)}`);
  const octets = ipaddr.IPv6.parse(bare).toByteArray();
  return {
    word0: wordOf(octets, 0),
    word1: wordOf(octets, 4),
    word2: wordOf(octets, 8),
    word3: wordOf(octets, 12),
  };
}

/** The shortest text of an address; mapped IPv4 comes out as IPv4. */
export function addressText(words: Readonly<AddressWords>): string {
  const { word0, word1, word2, word3 } = words;
  if (word0 === 0 && word1 === 0 && word2 >>> 0 === MAPPED_WORD2) return octetsOf(word3).join(".");
  return new ipaddr.IPv6([word0, word1, word2, word3].flatMap(octetsOf)).toString();
}

/**
 * Texts already read, so that a packet costs one look-up and no allocation. Bounded: when the addresses of a flood have
 * filled it, it starts anew.
 */
export class AddressCache {
  readonly #known = new Map<string, AddressWords>();

  /** The words of `text`. The object is shared: read it, don't change it. */
  get(text: string): Readonly<AddressWords> {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const words = parseAddress(text);
    if (this.#known.size >= CACHE_COUNT_MAX) this.#known.clear();
    this.#known.set(text, words);
    return words;
  }
}

function wordOf(octets: readonly number[], at: number): number {
  return ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0;
}

function octetsOf(word: number): number[] {
  return [(word >>> 24) & 255, (word >>> 16) & 255, (word >>> 8) & 255, word & 255];
}
