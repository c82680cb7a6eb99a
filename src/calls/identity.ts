/** Headers of an INVITE that other parts of a call are told (SIP-ID-5, SIP-ID-10). */

import { formatDiversion, readDiversions } from "../sip/diversion.ts";
import type { SipRequest } from "../sip/message.ts";

/** Diversion values that came with the call, newest first, written anew. */
export function diversions(request: SipRequest): string[] {
  return readDiversions(request.headers).map(formatDiversion);
}

/** X- headers and User-to-User for webhooks. */
export function customHeaders(request: SipRequest): (readonly [name: string, value: string])[] {
  return [...request.headers].filter(([name]) => /^x-/i.test(name) || /^user-to-user$/i.test(name));
}
