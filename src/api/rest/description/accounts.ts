/** Accounts, keys and applications of API 2010-04-01; Routes v2; Voice Settings of Insights v1 (trunking-rest.md 8, 9, decisions 9, 10). */

import {
  API_VERSION,
  choice,
  coded,
  FLAG,
  flag,
  ISO_DATE,
  links,
  METHOD,
  method,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  RFC2822_DATE,
  type Schema,
  sid,
  sidOf,
  TEXT,
  text,
  url,
  view,
} from "./parts.ts";

const ACCOUNTS_PATH = "/2010-04-01/Accounts";
const BASE = `${ACCOUNTS_PATH}/{account}`;
const DATES = { date_created: RFC2822_DATE, date_updated: RFC2822_DATE };
const STATUSES = ["active", "suspended", "closed"];
const UNKNOWN_REGION = 21252;

const KEY_PROPERTIES = {
  sid: sidOf("SK"),
  friendly_name: orNull(TEXT),
  ...DATES,
  region: orNull(TEXT),
};

const APPLICATION: ParameterTable = {
  FriendlyName: text(64),
  VoiceUrl: url(),
  VoiceMethod: method(),
  VoiceFallbackUrl: url(),
  VoiceFallbackMethod: method(),
  VoiceCallerIdLookup: flag(),
  StatusCallback: url(),
  StatusCallbackMethod: method(),
  SmsUrl: text(255, "Kept and told back, as the others of functions that are not offered."),
  SmsMethod: text(255),
  SmsFallbackUrl: text(255),
  SmsFallbackMethod: text(255),
  SmsStatusCallback: text(255),
  MessageStatusCallback: text(255),
};

const keys = (path: string, key: string): ResourceDescription => ({
  name: path === "Keys" ? "API key" : "Signing key",
  about: "Acts for its account; the secret is shown once, to whom makes it (R-EDGE-9).",
  collection: `${BASE}/${path}.json`,
  item: `${BASE}/${path}/{key}.json`,
  key,
  create: { FriendlyName: text(64), Region: coded(UNKNOWN_REGION, text(64, "An extension: the edge it is good for.")) },
  createShows: view({ ...KEY_PROPERTIES, secret: TEXT }),
  update: { FriendlyName: text(64) },
  remove: true,
  shows: view(KEY_PROPERTIES),
});

const routes = (path: string, property: string, name: string, shown: Schema): ResourceDescription => ({
  name: `Region of a ${name}`,
  about: "In which region calls are processed (R-EDGE-8).",
  item: `/v2/${path}/{name}`,
  update: {
    VoiceRegion: coded(UNKNOWN_REGION, text(64, "A region or an edge; empty: where calls arrive.")),
    FriendlyName: text(64),
  },
  shows: view({
    sid: sidOf("QQ"),
    account_sid: sidOf("AC"),
    friendly_name: orNull(TEXT),
    voice_region: TEXT,
    [property]: shown,
    url: TEXT,
    date_created: ISO_DATE,
    date_updated: ISO_DATE,
  }),
});

export const ACCOUNTS: readonly ResourceDescription[] = [
  {
    name: "Account",
    about: "The account of the credentials and its sub-accounts; the auth token is shown once, to whom makes one.",
    collection: `${ACCOUNTS_PATH}.json`,
    item: `${BASE}.json`,
    key: "accounts",
    filters: { FriendlyName: text(64, "The whole name."), Status: choice(STATUSES) },
    create: { FriendlyName: text(64) },
    update: { FriendlyName: text(64), Status: choice(STATUSES, "Only for the parent.") },
    shows: view({
      sid: sidOf("AC"),
      owner_account_sid: sidOf("AC"),
      friendly_name: TEXT,
      status: oneOf(...STATUSES),
      type: TEXT,
      auth_token: TEXT,
      date_created: orNull(RFC2822_DATE),
      date_updated: orNull(RFC2822_DATE),
      uri: TEXT,
      subresource_uris: links(
        "applications",
        "calls",
        "incoming_phone_numbers",
        "keys",
        "outgoing_caller_ids",
        "recordings",
        "signing_keys",
      ),
    }),
  },
  keys("Keys", "keys"),
  keys("SigningKeys", "signing_keys"),
  {
    name: "Application",
    about: "Voice URLs under one name, for numbers and calls (R-NUM-7).",
    collection: `${BASE}/Applications.json`,
    item: `${BASE}/Applications/{application}.json`,
    key: "applications",
    filters: { FriendlyName: text(64, "The whole name.") },
    create: APPLICATION,
    update: APPLICATION,
    remove: true,
    shows: view({
      sid: sidOf("AP"),
      account_sid: sidOf("AC"),
      api_version: API_VERSION,
      friendly_name: orNull(TEXT),
      voice_url: orNull(TEXT),
      voice_method: METHOD,
      voice_fallback_url: orNull(TEXT),
      voice_fallback_method: METHOD,
      voice_caller_id_lookup: FLAG,
      status_callback: orNull(TEXT),
      status_callback_method: METHOD,
      sms_url: orNull(TEXT),
      sms_method: TEXT,
      sms_fallback_url: orNull(TEXT),
      sms_fallback_method: TEXT,
      sms_status_callback: orNull(TEXT),
      message_status_callback: orNull(TEXT),
      public_application_connect_enabled: FLAG,
      ...DATES,
      uri: TEXT,
    }),
  },
  routes("PhoneNumbers", "phone_number", "number", TEXT),
  routes("SipDomains", "sip_domain", "SIP domain", TEXT),
  routes("Trunks", "sip_trunk_domain", "trunk", TEXT),
  {
    name: "Voice settings",
    about: "Voice Trace of the account or of a sub-account (R-COMP-2).",
    item: "/v1/Voice/Settings",
    filters: { SubaccountSid: sid("AC") },
    update: { SubaccountSid: sid("AC"), VoiceTrace: flag(), AdvancedFeatures: flag() },
    shows: view({
      account_sid: sidOf("AC"),
      advanced_features: FLAG,
      voice_trace: FLAG,
      no_audio_at_rest: FLAG,
      url: TEXT,
    }),
  },
];
