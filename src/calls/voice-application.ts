/** Which application takes a call to a SIP domain, and what it is told of the domain (R-BYOC-4, R-NUM-7). */

import type { Store } from "../store/store.ts";
import type { PhoneNumber, SipDomain } from "../trunking/records.ts";
import type { VoiceApplication } from "./voice-session.ts";

/** The URL of the number's application (R-NUM-7), else its own, else the BYOC trunk's (R-BYOC-4), else the SIP domain's. */
export function applicationFor(
  store: Store,
  domain: SipDomain,
  number: PhoneNumber | undefined,
): VoiceApplication | undefined {
  const byoc = domain.byocTrunkSid === null ? undefined : store.get("byocTrunks", domain.byocTrunkSid);
  // One that is gone leaves the number without a URL, as one without a URL does.
  const ofNumber = number?.voiceApplicationSid == null ? number : store.get("applications", number.voiceApplicationSid);
  const source = [ofNumber, byoc, domain].find((one) => one?.voiceUrl != null);
  if (source?.voiceUrl == null) return undefined;
  const status = "statusCallbackUrl" in source ? source : undefined;
  return {
    accountSid: domain.accountSid,
    source: { url: source.voiceUrl, method: source.voiceMethod },
    fallback:
      source.voiceFallbackUrl === null
        ? undefined
        : { url: source.voiceFallbackUrl, method: source.voiceFallbackMethod },
    statusCallback: {
      url: status?.statusCallbackUrl ?? null,
      method: status?.statusCallbackMethod ?? "POST",
      // BYOC trunks are told of all four, numbers of the end only (twiml.md 4.3).
      events: source === byoc ? ["initiated", "ringing", "answered", "completed"] : ["completed"],
    },
    extraParameters: [],
  };
}

/** What webhooks are told of the domain that was called. */
export function sipSideOf({ domainName, sid, byocTrunkSid }: SipDomain) {
  return { name: domainName, sid, ...(byocTrunkSid === null ? {} : { byocTrunkSid }) };
}
