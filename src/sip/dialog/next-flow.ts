/** On which flow a request in a dialog leaves (RFC 3261 §12.2.1.1, SIP-DLG-6). */

import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import type { Flow, SipRequest } from "../message.ts";
import type { SipUri } from "../uri.ts";
import { type Prepared, prepare, type SipCore } from "./core.ts";

export interface DialogPath {
  /** First of the route set, or the remote target. */
  readonly nextHop: SipUri;
  /** Where the last request of the dialog came from or went to. */
  readonly flow: Flow;
  readonly tlsVerify: boolean;
}

/**
 * A live connection is used on; otherwise the next hop says where to.
 * @param build - the request as it would be sent on a flow; its length may ask for TCP
 * @throws TransportError when there is no way
 */
export async function prepareInDialog(
  core: SipCore,
  { nextHop, flow, tlsVerify }: DialogPath,
  build: (flow: Flow) => SipRequest,
): Promise<Prepared> {
  const isUsedOn =
    (flow.connectionId !== undefined && core.transports.isOpen(flow)) ||
    (flow.transport === "udp" && core.symmetric && isUnreachable(nextHop.host, flow.remoteAddress));
  if (isUsedOn) return { request: build(flow), flow };
  const [located] = await core.locator.locate(nextHop);
  const target = {
    ...located!,
    tlsName: nextHop.host,
    tlsVerify,
    // Whatever the transport, a dialog stays at the address that its peer knows (R-EDGE-7).
    localAddress: isIP(flow.localAddress) === isIP(located!.address) ? flow.localAddress : "",
  };
  return prepare(core, target, build);
}

/** A private Contact behind NAT: we saw another, public address. */
function isUnreachable(host: string, seen: string): boolean {
  return host !== seen && isPrivate(host) && !isPrivate(seen);
}

/** Ranges that nobody can reach from outside (RFC 1918, 3927, 4193, 6598), and loopback. */
const PRIVATE_RANGES: ReadonlySet<string> = new Set(["private", "loopback", "linkLocal", "carrierGradeNat"]);

function isPrivate(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const range = ipaddr.parse(address).range();
  return family === 4 ? PRIVATE_RANGES.has(range) : range === "uniqueLocal";
}
