/** Who talks to an application, as it and further legs are told (twiml.md 4.1). */

import { domainNameOf } from "../trunking/domains.ts";
import type { CallDescription, SipDomainDescription } from "../voice/call-parameters.ts";
import type { AdmittedInvite } from "./admitted-invite.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import { customHeaders } from "./identity.ts";

export interface VoiceParties {
  readonly from: string;
  readonly to: string;
  readonly direction: CallDescription["direction"];
  /** What further legs show when they are not told otherwise. */
  readonly callerId: string;
  /** Finds the name of the caller, "" for none (R-CNAM-2); never rejects. */
  readonly lookUpName?: () => Promise<string>;
  /** For further legs (SIP-DLG-11). */
  readonly maxForwards: number;
  readonly sip?: SipDomainDescription;
}

/** Of a call that came in; with a SIP domain its SIP side is told too (R-BYOC-6). */
export function partiesOfInvite(
  ctx: CallContext,
  { invite, verdict, from, to }: AdmittedInvite,
  domain?: { readonly name: string; readonly sid: string; readonly byocTrunkSid?: string },
): VoiceParties {
  const { request, flow } = invite;
  return {
    from,
    to,
    direction: "inbound",
    callerId: verdict.caller.number ?? verdict.called,
    maxForwards: Math.min(70, request.maxForwards - 1),
    ...(domain === undefined
      ? {}
      : {
          sip: {
            domain: domainNameOf(domain.name, "sip", ctx.settings.baseDomain),
            domainSid: domain.sid,
            callId: request.callId,
            sourceIp: flow.remoteAddress,
            headers: customHeaders(request),
            ...(domain.byocTrunkSid === undefined ? {} : { byocTrunkSid: domain.byocTrunkSid }),
            ...(verdict.username === null ? {} : { username: verdict.username }),
          },
        }),
  };
}

/** Of a call that we placed. */
export function partiesOfCall({ details }: Call): VoiceParties {
  return {
    from: details.from,
    to: details.to,
    direction: details.direction === "outbound-dial" ? "outbound-dial" : "outbound-api",
    callerId: details.from,
    maxForwards: 70,
  };
}
