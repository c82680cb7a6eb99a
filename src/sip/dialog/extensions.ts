/** Extensions that we have, and those that a request wants (RFC 3261 §8.2.2.3, SIP-DLG-14). */

import type { SipRequest } from "../message.ts";
import type { SipCore } from "./core.ts";

/** Value of Supported. */
export function supported(core: SipCore): string {
  return [
    ...(core.reliable ? ["100rel"] : []),
    ...(core.sessionTimer === undefined ? [] : ["timer"]),
    ...core.extensions,
  ].join(", ");
}

/** Option tags of Require and Proxy-Require that we do not know. ACK and CANCEL are never refused for them. */
export function unknownExtensions(core: SipCore, request: SipRequest): string[] {
  if (request.method === "ACK" || request.method === "CANCEL") return [];
  const known = supported(core).split(", ");
  return [...request.headers.all("Require"), ...request.headers.all("Proxy-Require")]
    .flatMap((line) => line.split(","))
    .map((tag) => tag.trim().toLowerCase())
    .filter((tag) => tag !== "" && !known.includes(tag));
}
