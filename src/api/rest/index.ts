/** Every REST resource that is served, and nothing else. */

import { accountRoutes } from "./accounts.ts";
import { alertRoutes } from "./alerts.ts";
import { applicationRoutes } from "./applications.ts";
import { byocTrunkRoutes } from "./byoc-trunks.ts";
import { callRoutes } from "./calls.ts";
import { connectionPolicyRoutes } from "./connection-policies.ts";
import { credentialRoutes } from "./credentials.ts";
import { domainMappingRoutes } from "./domain-mappings.ts";
import { incomingPhoneNumberRoutes } from "./incoming-phone-numbers.ts";
import { ipAddressRoutes } from "./ip-addresses.ts";
import { ipRecordRoutes } from "./ip-records.ts";
import { keyRoutes } from "./keys.ts";
import { localizedUriRoutes } from "./localized-uris.ts";
import { originationUrlRoutes } from "./origination-urls.ts";
import { outgoingCallerIdRoutes } from "./outgoing-caller-ids.ts";
import { recordingRoutes } from "./recordings.ts";
import type { RestContext, RestRoute } from "./route.ts";
import { sipDomainRoutes } from "./sip-domains.ts";
import { sipListRoutes } from "./sip-lists.ts";
import { sourceIpMappingRoutes } from "./source-ip-mappings.ts";
import { trunkListRoutes } from "./trunk-lists.ts";
import { trunkPhoneNumberRoutes } from "./trunk-phone-numbers.ts";
import { trunkRecordingRoutes } from "./trunk-recording.ts";
import { trunkRoutes } from "./trunks.ts";
import { usageRoutes } from "./usage.ts";
import { voiceRouteRoutes } from "./voice-routes.ts";
import { voiceSettingsRoutes } from "./voice-settings.ts";

export function restRoutes(ctx: RestContext): RestRoute[] {
  return [
    ...accountRoutes(ctx),
    ...keyRoutes(ctx),
    ...applicationRoutes(ctx),
    ...trunkRoutes(ctx),
    ...originationUrlRoutes(ctx),
    ...trunkListRoutes(ctx),
    ...trunkPhoneNumberRoutes(ctx),
    ...trunkRecordingRoutes(ctx),
    ...byocTrunkRoutes(ctx),
    ...connectionPolicyRoutes(ctx),
    ...ipRecordRoutes(ctx),
    ...sourceIpMappingRoutes(ctx),
    ...sipDomainRoutes(ctx),
    ...domainMappingRoutes(ctx),
    ...sipListRoutes(ctx),
    ...ipAddressRoutes(ctx),
    ...credentialRoutes(ctx),
    ...incomingPhoneNumberRoutes(ctx),
    ...outgoingCallerIdRoutes(ctx),
    ...voiceRouteRoutes(ctx),
    ...voiceSettingsRoutes(ctx),
    ...callRoutes(ctx),
    ...alertRoutes(ctx),
    ...usageRoutes(ctx),
    ...recordingRoutes(ctx),
    ...localizedUriRoutes(ctx),
  ];
}
