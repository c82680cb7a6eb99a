/**
 * Which addresses the gateway may connect to on behalf of others (hardening R20). URLs of webhooks, files and streams are
 * input: without a rule they would reach whatever the gateway's host can reach. The address that was judged is the one that
 * is connected to; a name is not resolved again in between.
 */

import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { GatewayError } from "../base/errors.ts";

/** What may be reached besides public addresses. */
export interface AddressRules {
  /** True: everything. */
  readonly allowAll: boolean;
  /** Addresses or CIDR ranges. */
  readonly allow: readonly string[];
}

/** A connection that the rules forbid. */
export class AddressDeniedError extends GatewayError {
  constructor(host: string, address: string) {
    super(
      "ADDRESS_DENIED",
      `${host} leads to ${address}, which is no public address: add it to webhooks.allowPrivateAddresses if it is meant`,
    );
  }
}

export type Lookup = (
  host: string,
  options: { all: true },
  done: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

/** NAT64 and 6to4 carry an IPv4 address inside, which counts. */
const NAT64_PREFIX = ipaddr.parse("64:ff9b::");

export class AddressGuard {
  readonly #rules: AddressRules;
  readonly #ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][];
  readonly #lookup: Lookup;

  /** @throws RangeError for a range that cannot be read */
  constructor(rules: AddressRules, lookup: Lookup = systemLookup as Lookup) {
    this.#rules = rules;
    this.#lookup = lookup;
    this.#ranges = rules.allow.map((text) => {
      try {
        if (text.includes("/")) return ipaddr.parseCIDR(text);
        const address = ipaddr.process(text);
        return [address, address.kind() === "ipv4" ? 32 : 128];
      } catch {
        throw new RangeError(`allow: "${text}" is no address and no CIDR range`);
      }
    });
  }

  /** True when this numeric address may be connected to. */
  permits(address: string): boolean {
    if (this.#rules.allowAll) return true;
    const plain = address.replace(/^\[|\]$/g, "");
    const bare = plain.includes("%") ? plain.slice(0, plain.indexOf("%")) : plain;
    // Forms such as 0177.0.0.1 or 2130706433 are read by some systems and are no numeric address here.
    if (isIP(bare) === 0) return false;
    const parsed = innerAddress(ipaddr.process(bare));
    if (this.#ranges.some((range) => range[0].kind() === parsed.kind() && parsed.match(range as never))) return true;
    return parsed.range() === "unicast";
  }

  /**
   * Looks a host up and judges what comes out.
   * @param host - name or numeric address, brackets allowed
   * @throws AddressDeniedError, or the system's error when the name is not known
   */
  async resolve(host: string): Promise<{ address: string; family: 4 | 6 }> {
    const bare = host.replace(/^\[|\]$/g, "");
    const literal = isIP(bare);
    if (literal !== 0) {
      if (!this.permits(bare)) throw new AddressDeniedError(host, bare);
      return { address: bare, family: literal === 4 ? 4 : 6 };
    }
    const found = await new Promise<LookupAddress[]>((done, fail) =>
      this.#lookup(bare, { all: true }, (error, addresses) => (error === null ? done(addresses) : fail(error))),
    );
    const good = found.find(({ address }) => this.permits(address));
    if (good === undefined) throw new AddressDeniedError(host, found[0]?.address ?? "no address");
    return { address: good.address, family: good.family === 6 ? 6 : 4 };
  }
}

function innerAddress(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address.kind() === "ipv4") return address;
  const six = address as ipaddr.IPv6;
  if (six.match(NAT64_PREFIX as ipaddr.IPv6, 96)) return new ipaddr.IPv4(six.toByteArray().slice(12));
  if (six.range() === "6to4") return new ipaddr.IPv4(six.toByteArray().slice(2, 6));
  return address;
}
