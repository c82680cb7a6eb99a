/** Which address of this machine a peer sees, for sockets that are bound to all of them. */

import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import ipaddr from "ipaddr.js";
import { TransportError } from "../../base/errors.ts";

export function isWildcard(address: string | undefined): boolean {
  return address === "0.0.0.0" || address === "::";
}

/** True while an interface has this address. The whole of 127.0.0.0/8 is there; wildcards always are. Asks the system. */
export function isOnThisMachine(address: string): boolean {
  if (isWildcard(address) || address.startsWith("127.")) return true;
  return Object.values(networkInterfaces()).some((list) => list?.some((one) => one.address === address));
}

/**
 * The address to send from: the first of the given ones that is of the far end's family; "" where any will do.
 * @throws TransportError TRANSPORT_REFUSED when none can reach it
 */
export function addressToSendFrom(own: readonly string[] | undefined, remoteAddress: string): string {
  if (own === undefined) return "";
  const fit = own.find((address) => isIP(address) === isIP(remoteAddress));
  if (fit === undefined)
    throw new TransportError(
      "TRANSPORT_REFUSED",
      `${own.join(", ")} cannot reach ${remoteAddress}: no address of its family`,
    );
  return fit;
}

/** IPv4 without the mapped prefix that a dual-stack socket shows. */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/**
 * The address in the network that we share with the peer, else the first one that is not loopback. Behind NAT nothing that
 * the machine knows is right; there the announced address has to be configured (R-NET-4).
 */
export function localAddressFor(remoteAddress: string): string | undefined {
  const family = isIP(remoteAddress);
  if (family === 0) return undefined;
  const remote = ipaddr.parse(remoteAddress);
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ address, cidr }) => isIP(address) === family && cidr !== null);
  const near = own.find(({ cidr }) => remote.match(ipaddr.parseCIDR(cidr!)));
  return (near ?? own.find(({ internal, scopeid }) => !internal && !scopeid))?.address;
}
