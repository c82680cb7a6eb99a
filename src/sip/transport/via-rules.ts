/** What Via says about the way back (RFC 3261 §18.2, RFC 3581 §4, SIP-TP-4, SIP-TP-5). */

import { isIP } from "node:net";
import type { Flow, SipRequest, Via } from "../message.ts";

/** Well inside the ten minutes after which an idle connection is closed. */
const KEEP_SECONDS = "120";
/** Before most NATs forget a binding (RFC 5626 §4.4.2). */
const KEEP_DATAGRAM_SECONDS = "25";

/**
 * Writes down where the request really came from (§18.2.1). What the sender itself wrote into `received` and `rport` is
 * replaced: an answer goes to nobody but the source.
 */
export function stampVia(request: SipRequest, flow: Flow): void {
  const via = request.vias[0];
  if (via === undefined) return;
  const hasRport = via.params.has("rport");
  if (hasRport) via.params.set("rport", String(flow.remotePort));
  if (hasRport || via.host !== flow.remoteAddress) via.params.set("received", flow.remoteAddress);
  else via.params.delete("received");
  // RFC 6223 §4.2: pings on connections and STUN over UDP are answered, so that the sender may count on them.
  if (via.params.get("keep") === "")
    via.params.set("keep", flow.connectionId === undefined ? KEEP_DATAGRAM_SECONDS : KEEP_SECONDS);
}

/** Where an answer over UDP goes; undefined when that is no address of one host. */
export function datagramReturn(via: Via): { address: string; port: number } | undefined {
  const address = via.params.get("received") || via.host;
  if (isIP(address) === 0 || isMulticast(address)) return undefined;
  const rport = via.params.get("rport");
  return { address, port: rport !== undefined && rport !== "" ? Number(rport) : (via.port ?? 5060) };
}

function isMulticast(address: string): boolean {
  if (isIP(address) === 6) return address.toLowerCase().startsWith("ff");
  return Number(address.split(".")[0]) >= 224;
}
