/** Who calls, from the headers of an INVITE (SIP-ID, R-CID). */

import type { SipRequest } from "../sip/message.ts";
import { parseNameAddrList } from "../sip/name-addr.ts";
import type { CallerIdentity } from "../trunking/numbers.ts";

/** User parts of the identity headers; a header that cannot be read is as good as none (SIP-MSG-13). */
export function callerIdentity(request: SipRequest): CallerIdentity {
  return {
    fromUser: request.from.uri.user,
    remotePartyIdUser: firstUser(request, "Remote-Party-ID"),
    assertedUser: firstUser(request, "P-Asserted-Identity"),
    privacy: request.headers.all("Privacy"),
  };
}

function firstUser(request: SipRequest, name: string): string | undefined {
  for (const line of request.headers.all(name)) {
    try {
      const user = parseNameAddrList(line, name)[0]?.uri.user;
      if (user !== undefined) return user;
    } catch {
      // A malformed identity is ignored; the next one may be sound.
    }
  }
  return undefined;
}

/** Diversion values that came with the call, newest first; malformed ones are ignored (SIP-ID-5). */
export function diversions(request: SipRequest): string[] {
  return request.headers.all("Diversion").filter((line) => {
    try {
      return parseNameAddrList(line, "Diversion").length > 0;
    } catch {
      return false;
    }
  });
}

/** X- headers and User-to-User for webhooks (SIP-ID-10). */
export function customHeaders(request: SipRequest): (readonly [name: string, value: string])[] {
  return [...request.headers].filter(([name]) => /^x-/i.test(name) || /^user-to-user$/i.test(name));
}
