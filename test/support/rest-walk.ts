/**
 * A way through the whole REST API: each resource made with every parameter that it takes, in an order in which all that it names is there.
 * A new resource needs a sample here, or the tests that walk say so.
 */
import { RESOURCES } from "../../src/api/rest/description/index.ts";
import type { ResourceDescription } from "../../src/api/rest/description/parts.ts";
import { ACCOUNT, BASE_DOMAIN, type RestStage } from "./rest.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at from outside
  readonly body: any;
}

type Fields = Readonly<Record<string, string>>;
type Sample = (world: RestWorld) => Fields;

const A = "/2010-04-01/Accounts/{account}";
const URLS = {
  VoiceUrl: "https://app.example.com/voice",
  VoiceMethod: "GET",
  VoiceFallbackUrl: "https://app.example.com/fallback?a=1",
  VoiceFallbackMethod: "POST",
};
const NUMBER = {
  ...URLS,
  FriendlyName: "a number",
  StatusCallback: "https://app.example.com/status",
  StatusCallbackMethod: "GET",
  SmsUrl: "https://app.example.com/sms",
};
let numbers = 0;
const number = () => `+1415555${String(++numbers).padStart(4, "0")}`;
let names = 0;
const name = () => `name-${++names}`;

/** In this order, by collection. */
export const SAMPLES: ReadonlyMap<string, Sample> = new Map<string, Sample>([
  ["/2010-04-01/Accounts.json", () => ({ FriendlyName: "an account" })],
  [`${A}/Keys.json`, () => ({ FriendlyName: "a key" })],
  [`${A}/SigningKeys.json`, () => ({ FriendlyName: "a key" })],
  [
    `${A}/Applications.json`,
    () => ({
      ...URLS,
      FriendlyName: "an application",
      VoiceCallerIdLookup: "false",
      StatusCallback: "https://app.example.com/status",
      StatusCallbackMethod: "GET",
      SmsUrl: "https://app.example.com/sms",
    }),
  ],
  [`${A}/SIP/IpAccessControlLists.json`, () => ({ FriendlyName: "addresses" })],
  [
    `${A}/SIP/IpAccessControlLists/{list}/IpAddresses.json`,
    () => ({ FriendlyName: "office", IpAddress: "192.0.2.0", CidrPrefixLength: "24" }),
  ],
  [`${A}/SIP/CredentialLists.json`, () => ({ FriendlyName: "users" })],
  [`${A}/SIP/CredentialLists/{list}/Credentials.json`, () => ({ Username: name(), Password: "Good-Enough-12" })],
  [
    "/v1/Trunks",
    () => ({
      FriendlyName: "büro ☎",
      DomainName: `${name()}.pstn.${BASE_DOMAIN}`,
      DisasterRecoveryUrl: "https://app.example.com/dr",
      DisasterRecoveryMethod: "GET",
      TransferMode: "sip-only",
      TransferCallerId: "from-transferor",
      Secure: "true",
      CnamLookupEnabled: "TRUE",
      SymmetricRtpEnabled: "false",
    }),
  ],
  [
    "/v1/Trunks/{trunk}/OriginationUrls",
    () => ({
      Weight: "60",
      Priority: "1",
      Enabled: "true",
      FriendlyName: "pbx",
      SipUrl: "sip:192.0.2.1;transport=tcp?X-a=1%2B2",
    }),
  ],
  ["/v1/Trunks/{trunk}/IpAccessControlLists", (w) => ({ IpAccessControlListSid: w.sidOf("AL") })],
  ["/v1/Trunks/{trunk}/CredentialLists", (w) => ({ CredentialListSid: w.sidOf("CL") })],
  [`${A}/IncomingPhoneNumbers.json`, () => ({ PhoneNumber: number(), ...NUMBER })],
  [`${A}/IncomingPhoneNumbers/Local.json`, () => ({ PhoneNumber: number(), ...NUMBER })],
  [`${A}/IncomingPhoneNumbers/Mobile.json`, () => ({ PhoneNumber: number(), ...NUMBER })],
  [`${A}/IncomingPhoneNumbers/TollFree.json`, () => ({ PhoneNumber: number(), ...NUMBER })],
  ["/v1/Trunks/{trunk}/PhoneNumbers", (w) => ({ PhoneNumberSid: w.sidOf("PN") })],
  ["/v1/Trunks/{trunk}/Recording", () => ({ Mode: "record-from-answer", Trim: "trim-silence" })],
  ["/v1/Trunks/{trunk}/LocalizedUris", () => ({})],
  ["/v1/ConnectionPolicies", () => ({ FriendlyName: "policy" })],
  [
    "/v1/ConnectionPolicies/{policy}/Targets",
    () => ({ Target: "sip:192.0.2.9:5070", FriendlyName: "target", Priority: "2", Weight: "3", Enabled: "false" }),
  ],
  [
    `${A}/SIP/Domains.json`,
    () => ({ DomainName: `${name()}.sip.${BASE_DOMAIN}`, FriendlyName: "domain", ...URLS, Secure: "false" }),
  ],
  [`${A}/SIP/Domains/{domain}/LocalizedUris.json`, () => ({})],
  [
    "/v1/ByocTrunks",
    (w) => ({
      FriendlyName: "carrier",
      ...URLS,
      StatusCallbackUrl: "https://app.example.com/status",
      StatusCallbackMethod: "POST",
      CnamLookupEnabled: "true",
      ConnectionPolicySid: w.sidOf("NY"),
      FromDomainSid: w.sidOf("SD"),
    }),
  ],
  [
    `${A}/SIP/Domains/{domain}/Auth/Calls/IpAccessControlListMappings.json`,
    (w) => ({ IpAccessControlListSid: w.sidOf("AL") }),
  ],
  [`${A}/SIP/Domains/{domain}/Auth/Calls/CredentialListMappings.json`, (w) => ({ CredentialListSid: w.sidOf("CL") })],
  [
    `${A}/SIP/Domains/{domain}/IpAccessControlListMappings.json`,
    (w) => ({ IpAccessControlListSid: w.newList("IpAccessControlLists") }),
  ],
  [
    `${A}/SIP/Domains/{domain}/CredentialListMappings.json`,
    (w) => ({ CredentialListSid: w.newList("CredentialLists") }),
  ],
  ["/v2/PhoneNumbers/{name}", () => ({ FriendlyName: "routed", VoiceRegion: "jp1" })],
  ["/v2/SipDomains/{name}", () => ({ FriendlyName: "routed", VoiceRegion: "jp1" })],
  ["/v2/Trunks/{name}", () => ({ FriendlyName: "routed", VoiceRegion: "jp1" })],
  ["/v1/Voice/Settings", () => ({ AdvancedFeatures: "true", VoiceTrace: "true" })],
  ["/v1/Trunks/{trunk}/Usage", () => ({})],
  ["/v1/ByocTrunks/{trunk}/Usage", () => ({})],
  ["/v1/IpRecords", () => ({ IpAddress: "198.51.100.0", FriendlyName: "carrier", CidrPrefixLength: "28" })],
  ["/v1/SourceIpMappings", (w) => ({ IpRecordSid: w.sidOf("IL"), SipDomainSid: w.sidOf("SD") })],
  [
    `${A}/Calls.json`,
    () => ({ To: "sip:bob@192.0.2.1", From: "alice", Twiml: "<Response>\n<Hangup/></Response>", Timeout: "30" }),
  ],
]);

/** Resources that the walk cannot make: they come from elsewhere, or are never made. */
export const NOT_MADE: ReadonlySet<string> = new Set([
  `${A}/Recordings/{recording}`,
  `${A}/Recordings/{recording}.wav`,
  `${A}/OutgoingCallerIds.json`,
  `${A}/SIP/Domains/{domain}/Auth/Registrations/CredentialListMappings.json`,
]);

export class RestWorld {
  readonly #stage: RestStage;
  /** Item template without `.json` → its path here. */
  readonly #items = new Map<string, string>([[A, `/2010-04-01/Accounts/${ACCOUNT.sid}`]]);
  readonly #sids = new Map<string, string>();
  readonly #lists = new Map<string, string>();

  constructor(stage: RestStage) {
    this.#stage = stage;
  }

  /** The resource of that kind that was made last. */
  sidOf(prefix: string): string {
    const sid = this.#sids.get(prefix);
    if (sid === undefined) throw new Error(`the walk has made no ${prefix} yet`);
    return sid;
  }

  /** A list beside the one that is in use; made by `prepare`. */
  newList(path: string): string {
    return this.#lists.get(path)!;
  }

  async prepare(): Promise<this> {
    for (const path of ["IpAccessControlLists", "CredentialLists"]) {
      const { body } = await this.send("POST", this.pathOf(`${A}/SIP/${path}.json`), { FriendlyName: "second" });
      this.#lists.set(path, body.sid);
    }
    return this;
  }

  /** A path of a description with the identifiers of this walk. */
  pathOf(template: string): string {
    const known = [...this.#items].filter(
      ([item]) => template === item || template.startsWith(`${item}/`) || template === `${item}.json`,
    );
    const [item, path] = known.sort(([a], [b]) => b.length - a.length)[0] ?? ["", ""];
    const whole = path + template.slice(item.length);
    if (whole.includes("{")) throw new Error(`nothing was made for ${whole}`);
    return whole;
  }

  /** The resource was made: its item and what is below it can be named from now on. */
  note(resource: ResourceDescription, body: { sid: string; phone_number?: string; domain_name?: string }): void {
    const { sid, phone_number: number, domain_name: domain } = body;
    this.#sids.set(sid.slice(0, 2), sid);
    if (number !== undefined) this.#items.set("/v2/PhoneNumbers/{name}", `/v2/PhoneNumbers/${number}`);
    if (domain !== undefined) {
      const path = sid.startsWith("TK") ? "/v2/Trunks" : "/v2/SipDomains";
      this.#items.set(`${path}/{name}`, `${path}/${domain}`);
    }
    // The walk stays in its own account.
    if (resource.item === undefined || sid.startsWith("AC")) return;
    const template = resource.item.replace(/\.json$/, "");
    this.#items.set(template, this.pathOf(template.slice(0, template.lastIndexOf("/"))).concat(`/${sid}`));
  }

  async send(
    method: string,
    path: string,
    body?: Fields | string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const isRaw = typeof body === "string" || body instanceof Uint8Array;
    const answer = await fetch(this.#stage.url + path, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${ACCOUNT.sid}:${ACCOUNT.token}`).toString("base64")}`,
        ...(body === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? body : new URLSearchParams(body).toString() }),
    } as RequestInit);
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === "" ? undefined : JSON.parse(text) };
  }
}

/** Resources in the order of their samples. */
export function walkOrder(): [ResourceDescription, Sample][] {
  return [...SAMPLES].map(([path, sample]) => {
    const resource = RESOURCES.find(({ collection, item }) => (collection ?? item) === path);
    if (resource === undefined) throw new Error(`${path} is not described`);
    return [resource, sample];
  });
}
