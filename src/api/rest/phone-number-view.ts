/** What a number shows, wherever it is listed (trunking-rest.md 4.3, 7.1). */

import type { PhoneNumber } from "../../trunking/records.ts";
import { orNull } from "./present.ts";

/** Parameters of functions that the gateway does not have: kept and told back. Name of the parameter → of the property. */
export const ECHOED: ReadonlyMap<string, string> = new Map([
  ["SmsUrl", "sms_url"],
  ["SmsMethod", "sms_method"],
  ["SmsFallbackUrl", "sms_fallback_url"],
  ["SmsFallbackMethod", "sms_fallback_method"],
  ["SmsApplicationSid", "sms_application_sid"],
  ["VoiceReceiveMode", "voice_receive_mode"],
  ["EmergencyStatus", "emergency_status"],
  ["EmergencyAddressSid", "emergency_address_sid"],
  ["IdentitySid", "identity_sid"],
  ["AddressSid", "address_sid"],
  ["BundleSid", "bundle_sid"],
]);

/** The properties that both families share. */
export function phoneNumberView(number: PhoneNumber): Record<string, unknown> {
  const echoed = number.echoed ?? {};
  return {
    sid: number.sid,
    account_sid: number.accountSid,
    phone_number: number.phoneNumber,
    friendly_name: orNull(number.friendlyName) ?? number.phoneNumber,
    api_version: "2010-04-01",
    address_requirements: "none",
    beta: false,
    capabilities: { voice: true, sms: false, mms: false, fax: false },
    status_callback: number.statusCallbackUrl,
    status_callback_method: number.statusCallbackMethod,
    trunk_sid: number.trunkSid,
    voice_caller_id_lookup: number.voiceCallerIdLookup ?? false,
    voice_url: number.voiceUrl,
    voice_method: number.voiceMethod,
    voice_fallback_url: number.voiceFallbackUrl,
    voice_fallback_method: number.voiceFallbackMethod,
    voice_application_sid: number.voiceApplicationSid ?? null,
    sms_application_sid: echoed["sms_application_sid"] ?? null,
    sms_url: echoed["sms_url"] ?? null,
    sms_method: echoed["sms_method"] ?? "POST",
    sms_fallback_url: echoed["sms_fallback_url"] ?? null,
    sms_fallback_method: echoed["sms_fallback_method"] ?? "POST",
  };
}
