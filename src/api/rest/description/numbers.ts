/** Numbers and caller ids of API 2010-04-01 (trunking-rest.md 7). */

import {
  API_VERSION,
  FLAG,
  flag,
  links,
  METHOD,
  method,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  RFC2822_DATE,
  required,
  type Schema,
  sid,
  sidOf,
  TEXT,
  text,
  url,
  view,
} from "./parts.ts";

const BASE = "/2010-04-01/Accounts/{account}";
const DATES = { date_created: RFC2822_DATE, date_updated: RFC2822_DATE };

/** Properties of a number wherever it is shown. */
export const NUMBER_PROPERTIES: Readonly<Record<string, Schema>> = {
  sid: sidOf("PN"),
  account_sid: sidOf("AC"),
  phone_number: TEXT,
  friendly_name: TEXT,
  api_version: API_VERSION,
  address_requirements: oneOf("none", "any", "local", "foreign"),
  beta: FLAG,
  capabilities: view({ voice: FLAG, sms: FLAG, mms: FLAG, fax: FLAG }),
  status_callback: orNull(TEXT),
  status_callback_method: METHOD,
  trunk_sid: orNull(sidOf("TK")),
  voice_caller_id_lookup: FLAG,
  voice_url: orNull(TEXT),
  voice_method: METHOD,
  voice_fallback_url: orNull(TEXT),
  voice_fallback_method: METHOD,
  voice_application_sid: orNull(TEXT),
  sms_application_sid: orNull(TEXT),
  sms_url: orNull(TEXT),
  sms_method: TEXT,
  sms_fallback_url: orNull(TEXT),
  sms_fallback_method: TEXT,
};

const NUMBER: ParameterTable = {
  FriendlyName: text(64),
  TrunkSid: sid("TK", "With a trunk, voice URLs are ignored (R-NUM-7)."),
  VoiceUrl: url(),
  VoiceMethod: method(),
  VoiceFallbackUrl: url(),
  VoiceFallbackMethod: method(),
  StatusCallback: url(),
  StatusCallbackMethod: method(),
  SmsUrl: text(255, "Kept and told back, as the others of functions that are not offered."),
  SmsMethod: text(255),
  SmsFallbackUrl: text(255),
  SmsFallbackMethod: text(255),
  SmsApplicationSid: text(255),
  VoiceApplicationSid: sid("AP", "In place of a trunk (R-NUM-7)."),
  VoiceCallerIdLookup: flag(),
  VoiceReceiveMode: text(255),
  EmergencyStatus: text(255),
  EmergencyAddressSid: text(255),
  IdentitySid: text(255),
  AddressSid: text(255),
  BundleSid: text(255),
};

const numbers = (path: string): ResourceDescription => ({
  name: "Phone number",
  about: "A number of the account (R-NUM-1).",
  collection: `${BASE}/IncomingPhoneNumbers${path}.json`,
  ...(path === ""
    ? {
        item: `${BASE}/IncomingPhoneNumbers/{number}.json`,
        update: { ...NUMBER, AccountSid: sid("AC", "Gives it to another account.") },
        remove: true as const,
      }
    : {}),
  key: "incoming_phone_numbers",
  filters: {
    FriendlyName: text(64, "The whole name."),
    PhoneNumber: text(64, "A part of it; * stands for any digit."),
  },
  create: { PhoneNumber: required(text(16, "E.164 with +.")), ...NUMBER },
  shows: view({
    ...NUMBER_PROPERTIES,
    address_sid: orNull(TEXT),
    identity_sid: orNull(TEXT),
    bundle_sid: orNull(TEXT),
    emergency_status: TEXT,
    emergency_address_sid: orNull(TEXT),
    emergency_address_status: TEXT,
    voice_receive_mode: TEXT,
    origin: TEXT,
    status: TEXT,
    type: TEXT,
    ...DATES,
    uri: TEXT,
    subresource_uris: links(),
  }),
});

export const NUMBERS: readonly ResourceDescription[] = [
  ...["", "/Local", "/Mobile", "/TollFree"].map(numbers),
  {
    name: "Outgoing caller id",
    about: "A number that is not ours and may be shown all the same (R-CID-3).",
    collection: `${BASE}/OutgoingCallerIds.json`,
    item: `${BASE}/OutgoingCallerIds/{id}.json`,
    key: "outgoing_caller_ids",
    filters: { FriendlyName: text(64, "The whole name."), PhoneNumber: text(16, "The whole number.") },
    update: { FriendlyName: text(64) },
    remove: true,
    shows: view({
      sid: sidOf("PN"),
      account_sid: sidOf("AC"),
      friendly_name: TEXT,
      phone_number: TEXT,
      ...DATES,
      uri: TEXT,
    }),
  },
];
