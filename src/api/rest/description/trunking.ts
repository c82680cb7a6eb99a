/** Trunking v1 (trunking-rest.md 4). */

import { NUMBER_PROPERTIES } from "./numbers.ts";
import {
  CERTIFICATE_NAMES,
  COUNT,
  choice,
  FLAG,
  flag,
  ISO_DATES,
  integer,
  LINK_PARAMETERS,
  LINK_PROPERTIES,
  LOCALIZED_URIS,
  links,
  listed,
  METHOD,
  method,
  OPTIONS_SECONDS,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  required,
  sid,
  sidOf,
  TEXT,
  text,
  url,
  view,
} from "./parts.ts";

const RECORDING_MODES = [
  "do-not-record",
  "record-from-ringing",
  "record-from-answer",
  "record-from-ringing-dual",
  "record-from-answer-dual",
];
const RECORDING_TRIMS = ["do-not-trim", "trim-silence"];
const TRANSFER_MODES = ["disable-all", "enable-all", "sip-only"];
const TRANSFER_CALLER_IDS = ["from-transferee", "from-transferor"];

const RECORDING = view({ mode: oneOf(...RECORDING_MODES), trim: oneOf(...RECORDING_TRIMS) });

const TRUNK_PARAMETERS: ParameterTable = {
  FriendlyName: text(64),
  DomainName: text(255, "Letters, digits and -, then .pstn. and the base domain; empty takes it away (R-TERM-2)."),
  DisasterRecoveryUrl: url(),
  DisasterRecoveryMethod: method(),
  TransferMode: choice(TRANSFER_MODES),
  TransferCallerId: choice(TRANSFER_CALLER_IDS),
  Secure: flag("Calls have to come by TLS, media by SRTP (R-SEC-3)."),
  CnamLookupEnabled: flag(),
  SymmetricRtpEnabled: flag("An extension of this gateway: send media to where they come from."),
  ...LINK_PARAMETERS,
  CertificateNames: CERTIFICATE_NAMES,
};

const ORIGINATION_URL_PARAMETERS = {
  Weight: integer(0, 65_535),
  Priority: integer(0, 65_535, "Lowest first."),
  Enabled: flag(),
  FriendlyName: text(64),
  SipUrl: text(2048, "A SIP URI (R-ORIG-2 to R-ORIG-11)."),
  OptionsSeconds: OPTIONS_SECONDS,
} as const satisfies ParameterTable;

const guard = (
  path: "IpAccessControlLists" | "CredentialLists",
  key: string,
  parameter: string,
  prefix: "AL" | "CL",
): ResourceDescription => ({
  name: prefix === "AL" ? "IP access control list of a trunk" : "Credential list of a trunk",
  about: "Which lists guard a trunk (R-AUTH-1).",
  collection: `/v1/Trunks/{trunk}/${path}`,
  item: `/v1/Trunks/{trunk}/${path}/{list}`,
  key,
  create: { [parameter]: required(sid(prefix)) },
  remove: true,
  shows: view({
    sid: sidOf(prefix),
    account_sid: sidOf("AC"),
    trunk_sid: sidOf("TK"),
    friendly_name: TEXT,
    ...ISO_DATES,
    url: TEXT,
  }),
});

export const TRUNKING: readonly ResourceDescription[] = [
  {
    name: "Trunk",
    about: "An Elastic SIP trunk (R-GEN-1).",
    collection: "/v1/Trunks",
    item: "/v1/Trunks/{trunk}",
    key: "trunks",
    create: TRUNK_PARAMETERS,
    update: TRUNK_PARAMETERS,
    remove: true,
    shows: view({
      sid: sidOf("TK"),
      account_sid: sidOf("AC"),
      domain_name: orNull(TEXT),
      friendly_name: orNull(TEXT),
      disaster_recovery_method: METHOD,
      disaster_recovery_url: orNull(TEXT),
      secure: FLAG,
      recording: RECORDING,
      transfer_mode: oneOf(...TRANSFER_MODES),
      transfer_caller_id: oneOf(...TRANSFER_CALLER_IDS),
      cnam_lookup_enabled: FLAG,
      symmetric_rtp_enabled: FLAG,
      ...LINK_PROPERTIES,
      certificate_names: listed(TEXT),
      auth_type: oneOf("", "IP_ACL", "CREDENTIAL_LIST", "IP_ACL,CREDENTIAL_LIST"),
      auth_type_set: listed(oneOf("IP_ACL", "CREDENTIAL_LIST")),
      ...ISO_DATES,
      url: TEXT,
      links: links("origination_urls", "credential_lists", "ip_access_control_lists", "phone_numbers"),
    }),
  },
  {
    name: "Origination URL",
    about: "Where calls to the numbers of a trunk go (R-ORIG).",
    collection: "/v1/Trunks/{trunk}/OriginationUrls",
    item: "/v1/Trunks/{trunk}/OriginationUrls/{url}",
    key: "origination_urls",
    create: Object.fromEntries(
      Object.entries(ORIGINATION_URL_PARAMETERS).map(
        ([name, one]) => [name, name === "OptionsSeconds" ? one : required(one)] as const,
      ),
    ),
    update: ORIGINATION_URL_PARAMETERS,
    remove: true,
    shows: view({
      sid: sidOf("OU"),
      account_sid: sidOf("AC"),
      trunk_sid: sidOf("TK"),
      weight: COUNT,
      priority: COUNT,
      enabled: FLAG,
      friendly_name: TEXT,
      sip_url: TEXT,
      options_seconds: orNull(COUNT),
      ...ISO_DATES,
      url: TEXT,
    }),
  },
  guard("IpAccessControlLists", "ip_access_control_lists", "IpAccessControlListSid", "AL"),
  guard("CredentialLists", "credential_lists", "CredentialListSid", "CL"),
  {
    name: "Phone number of a trunk",
    about: "Numbers of which the calls go to a trunk (R-NUM-1).",
    collection: "/v1/Trunks/{trunk}/PhoneNumbers",
    item: "/v1/Trunks/{trunk}/PhoneNumbers/{number}",
    key: "phone_numbers",
    create: { PhoneNumberSid: required(sid("PN")) },
    remove: true,
    shows: view({
      ...NUMBER_PROPERTIES,
      ...ISO_DATES,
      url: TEXT,
      links: links("phone_number"),
    }),
  },
  {
    name: "Recording mode of a trunk",
    about: "Which calls of a trunk are recorded (R-REC-1).",
    item: "/v1/Trunks/{trunk}/Recording",
    update: { Mode: choice(RECORDING_MODES), Trim: choice(RECORDING_TRIMS) },
    shows: RECORDING,
  },
  {
    name: "Localized URIs of a trunk",
    about: "An extension of this gateway: every host name of the trunk and the addresses behind it (R-EDGE-3).",
    item: "/v1/Trunks/{trunk}/LocalizedUris",
    shows: LOCALIZED_URIS,
  },
];
