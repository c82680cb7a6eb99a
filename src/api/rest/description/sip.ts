/** SIP of API 2010-04-01: domains, their mappings, lists (trunking-rest.md 6). */

import {
  API_VERSION,
  CERTIFICATE_NAMES,
  COUNT,
  FLAG,
  flag,
  integer,
  LOCALIZED_URIS,
  links,
  listed,
  METHOD,
  method,
  oneOf,
  orNull,
  type ParameterTable,
  type ResourceDescription,
  RFC2822_DATES,
  required,
  sid,
  sidOf,
  TEXT,
  text,
  url,
  view,
} from "./parts.ts";

const BASE = "/2010-04-01/Accounts/{account}/SIP";

const DOMAIN: ParameterTable = {
  DomainName: text(255, "Letters, digits and -, then .sip. and the base domain (R-BYOC-3)."),
  FriendlyName: text(64),
  VoiceUrl: url(),
  VoiceMethod: method(),
  VoiceFallbackUrl: url(),
  VoiceFallbackMethod: method(),
  VoiceStatusCallbackUrl: url(),
  VoiceStatusCallbackMethod: method(),
  EmergencyCallingEnabled: flag("Kept and told back."),
  EmergencyCallerSid: sid("PN", "Kept and told back."),
  SipRegistration: flag("Only false: this gateway is no registrar."),
  Secure: flag(),
  ByocTrunkSid: sid("BY"),
  CertificateNames: CERTIFICATE_NAMES,
};

function mapping(path: string, key: string, prefix: "AL" | "CL", older: boolean): ResourceDescription {
  const parameter = prefix === "AL" ? "IpAccessControlListSid" : "CredentialListSid";
  return {
    name: prefix === "AL" ? "IP access control list of a SIP domain" : "Credential list of a SIP domain",
    about: "Which lists guard a SIP domain (R-AUTH-1); two generations of paths over one set.",
    collection: `${BASE}/Domains/{domain}/${path}.json`,
    item: `${BASE}/Domains/{domain}/${path}/{list}.json`,
    key,
    create: { [parameter]: required(sid(prefix)) },
    remove: true,
    shows: view({
      sid: sidOf(prefix),
      account_sid: sidOf("AC"),
      friendly_name: TEXT,
      ...RFC2822_DATES,
      ...(older ? { domain_sid: sidOf("SD"), uri: TEXT } : {}),
    }),
  };
}

function list(
  path: "IpAccessControlLists" | "CredentialLists",
  key: string,
  content: string,
  nameLengthMax: number,
): ResourceDescription {
  const name = { FriendlyName: required(text(nameLengthMax)) };
  const isAcl = path === "IpAccessControlLists";
  return {
    name: isAcl ? "IP access control list" : "Credential list",
    about: isAcl ? "Addresses that may call (R-AUTH-7)." : "Users that may call (R-AUTH-8).",
    collection: `${BASE}/${path}.json`,
    item: `${BASE}/${path}/{list}.json`,
    key,
    create: name,
    update: name,
    remove: true,
    shows: view({
      sid: sidOf(isAcl ? "AL" : "CL"),
      account_sid: sidOf("AC"),
      friendly_name: TEXT,
      ...RFC2822_DATES,
      subresource_uris: links(content),
      uri: TEXT,
    }),
  };
}

const PASSWORD = text(128, "12 characters or more with a digit, a lower-case and an upper-case letter (R-AUTH-8).");
const ADDRESS: ParameterTable = {
  FriendlyName: text(255),
  IpAddress: text(64, "A whole address; IPv6 is an extension."),
  CidrPrefixLength: integer(1, 128, "At most 32 for IPv4."),
};

export const SIP: readonly ResourceDescription[] = [
  {
    name: "SIP domain",
    about: "Where a carrier or a phone calls, for TwiML or BYOC (R-BYOC-2).",
    collection: `${BASE}/Domains.json`,
    item: `${BASE}/Domains/{domain}.json`,
    key: "domains",
    create: { ...DOMAIN, DomainName: required(DOMAIN["DomainName"]!) },
    update: DOMAIN,
    remove: true,
    shows: view({
      sid: sidOf("SD"),
      account_sid: sidOf("AC"),
      api_version: API_VERSION,
      auth_type: oneOf("", "IP_ACL", "CREDENTIAL_LIST", "IP_ACL,CREDENTIAL_LIST"),
      domain_name: TEXT,
      friendly_name: orNull(TEXT),
      voice_url: orNull(TEXT),
      voice_method: METHOD,
      voice_fallback_url: orNull(TEXT),
      voice_fallback_method: METHOD,
      voice_status_callback_url: orNull(TEXT),
      voice_status_callback_method: METHOD,
      sip_registration: FLAG,
      emergency_calling_enabled: FLAG,
      emergency_caller_sid: orNull(sidOf("PN")),
      secure: FLAG,
      byoc_trunk_sid: orNull(sidOf("BY")),
      certificate_names: listed(TEXT),
      ...RFC2822_DATES,
      uri: TEXT,
      subresource_uris: links("credential_list_mappings", "ip_access_control_list_mappings"),
    }),
  },
  mapping("Auth/Calls/IpAccessControlListMappings", "contents", "AL", false),
  mapping("Auth/Calls/CredentialListMappings", "contents", "CL", false),
  mapping("IpAccessControlListMappings", "ip_access_control_list_mappings", "AL", true),
  mapping("CredentialListMappings", "credential_list_mappings", "CL", true),
  {
    name: "Credential list for registrations of a SIP domain",
    about: "Always empty, and nothing can be added: this gateway is no registrar.",
    collection: `${BASE}/Domains/{domain}/Auth/Registrations/CredentialListMappings.json`,
    key: "contents",
    create: { CredentialListSid: sid("CL") },
    shows: { type: "object" },
  },
  list("IpAccessControlLists", "ip_access_control_lists", "ip_addresses", 255),
  list("CredentialLists", "credential_lists", "credentials", 64),
  {
    name: "IP address",
    about: "An entry of an IP access control list (R-AUTH-7).",
    collection: `${BASE}/IpAccessControlLists/{list}/IpAddresses.json`,
    item: `${BASE}/IpAccessControlLists/{list}/IpAddresses/{entry}.json`,
    key: "ip_addresses",
    create: {
      ...ADDRESS,
      FriendlyName: required(ADDRESS["FriendlyName"]!),
      IpAddress: required(ADDRESS["IpAddress"]!),
    },
    update: ADDRESS,
    remove: true,
    shows: view({
      sid: sidOf("IP"),
      account_sid: sidOf("AC"),
      friendly_name: TEXT,
      ip_access_control_list_sid: sidOf("AL"),
      ip_address: TEXT,
      cidr_prefix_length: COUNT,
      ...RFC2822_DATES,
      uri: TEXT,
    }),
  },
  {
    name: "Credential",
    about: "A user of a credential list; the password is never shown (R-AUTH-11).",
    collection: `${BASE}/CredentialLists/{list}/Credentials.json`,
    item: `${BASE}/CredentialLists/{list}/Credentials/{entry}.json`,
    key: "credentials",
    create: { Username: required(text(32)), Password: required(PASSWORD) },
    update: { Password: required(PASSWORD) },
    remove: true,
    shows: view({
      sid: sidOf("CR"),
      account_sid: sidOf("AC"),
      credential_list_sid: sidOf("CL"),
      username: TEXT,
      ...RFC2822_DATES,
      uri: TEXT,
    }),
  },
  {
    name: "Localized URIs of a SIP domain",
    about: "An extension of this gateway: every host name of the domain and the addresses behind it (R-EDGE-3).",
    item: `${BASE}/Domains/{domain}/LocalizedUris.json`,
    shows: LOCALIZED_URIS,
  },
];
