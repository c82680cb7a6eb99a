/** `…/SIP/Domains` (trunking-rest.md 6.1; R-BYOC-2, R-BYOC-3). */

import { newSid } from "../../base/ids.ts";
import { domainNameOf, labelOfDomainName, subdomainProblem } from "../../trunking/domains.ts";
import type { SipDomain } from "../../trunking/records.ts";
import { readCertificateNames, showCertificateNames } from "./certificate-names.ts";
import { changed, listOf, namedBy, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import { orNull, rfc2822Date, uriList } from "./present.ts";
import { badParameter, conflict } from "./rest-error.ts";
import { ACCOUNT, created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";
import { authTypesOf } from "./trunks.ts";

const INVALID_DOMAIN = 21232;
const PATH = `${ACCOUNT}/SIP/Domains`;
const ONE = `${PATH}/:domain(^[^./]+).json`;

export function sipDomainRoutes(ctx: RestContext): RestRoute[] {
  const uriOf = ({ account }: RestRequest): string => `/2010-04-01/Accounts/${account.sid}/SIP/Domains`;
  const show = (request: RestRequest, domain: SipDomain): object => {
    const uri = `${uriOf(request)}/${domain.sid}`;
    return {
      sid: domain.sid,
      account_sid: domain.accountSid,
      api_version: "2010-04-01",
      auth_type: authTypesOf(domain).join(","),
      domain_name: domainNameOf(domain.domainName, "sip", ctx.baseDomain),
      friendly_name: orNull(domain.friendlyName),
      voice_url: domain.voiceUrl,
      voice_method: domain.voiceMethod,
      voice_fallback_url: domain.voiceFallbackUrl,
      voice_fallback_method: domain.voiceFallbackMethod,
      voice_status_callback_url: domain.statusCallbackUrl ?? null,
      voice_status_callback_method: domain.statusCallbackMethod ?? "POST",
      sip_registration: false,
      emergency_calling_enabled: domain.emergencyCalling ?? false,
      emergency_caller_sid: domain.emergencyCallerSid ?? null,
      secure: domain.secure,
      byoc_trunk_sid: domain.byocTrunkSid,
      date_created: rfc2822Date(domain.dateCreated),
      ...showCertificateNames(domain),
      date_updated: rfc2822Date(domain.dateUpdated),
      uri: `${uri}.json`,
      subresource_uris: {
        credential_list_mappings: `${uri}/CredentialListMappings.json`,
        ip_access_control_list_mappings: `${uri}/IpAccessControlListMappings.json`,
      },
    };
  };
  const read = (request: RestRequest) => {
    const { body } = request;
    const byocTrunkSid = body.sid("ByocTrunkSid", "BY");
    if (byocTrunkSid) namedBy(ctx, request, "byocTrunks", "ByocTrunkSid", byocTrunkSid);
    const emergencyCallerSid = body.sid("EmergencyCallerSid", "PN");
    if (emergencyCallerSid) namedBy(ctx, request, "phoneNumbers", "EmergencyCallerSid", emergencyCallerSid);
    if (body.flag("SipRegistration") === true) throw badParameter("SipRegistration", "this gateway is no registrar");
    return {
      friendlyName: body.text("FriendlyName", 64),
      voiceUrl: body.url("VoiceUrl"),
      voiceMethod: body.method("VoiceMethod"),
      voiceFallbackUrl: body.url("VoiceFallbackUrl"),
      voiceFallbackMethod: body.method("VoiceFallbackMethod"),
      statusCallbackUrl: body.url("VoiceStatusCallbackUrl"),
      statusCallbackMethod: body.method("VoiceStatusCallbackMethod"),
      secure: body.flag("Secure"),
      emergencyCalling: body.flag("EmergencyCallingEnabled"),
      emergencyCallerSid,
      byocTrunkSid,
      certificateNames: readCertificateNames(body),
    };
  };
  const domainOf = (request: RestRequest): SipDomain => ownedBy(ctx, request, "sipDomains", request.path["domain"]!);
  const refuseWithSubdomains = ({ domainName }: SipDomain): void => {
    if (ctx.store.hasSubdomains("sipDomains", domainName))
      throw conflict("the domain has sub-domains: they have to go first");
  };
  const label = (request: RestRequest, before: SipDomain | undefined): string | undefined => {
    const name = request.body.text("DomainName", 255);
    if (name === undefined) return undefined;
    const read = labelOfDomainName(name, "sip", ctx.baseDomain);
    if (read === null)
      throw badParameter("DomainName", `letters, digits and "-", then .sip.${ctx.baseDomain}`, INVALID_DOMAIN);
    if (read === before?.domainName) return read;
    if (before !== undefined) refuseWithSubdomains(before);
    if (ctx.store.sipDomainByName(read) !== undefined)
      throw badParameter("DomainName", `${name} is taken`, INVALID_DOMAIN);
    const { account } = request;
    const problem = subdomainProblem(read, account.sid, account.parentSid, (one) => ctx.store.sipDomainByName(one));
    if (problem !== null) throw badParameter("DomainName", problem, INVALID_DOMAIN);
    return read;
  };

  return [
    {
      method: "GET",
      path: `${PATH}.json`,
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "sipDomains"), readPageRequest(request.query));
        return ok(uriList("domains", `${uriOf(request)}.json`, page, (domain) => show(request, domain)));
      },
    },
    {
      method: "POST",
      path: `${PATH}.json`,
      handle: async (request) => {
        request.body.required("DomainName");
        const fresh: SipDomain = {
          ...newBase(ctx, request, newSid("SD")),
          domainName: label(request, undefined)!,
          friendlyName: "",
          byocTrunkSid: null,
          secure: false,
          ipAclSids: [],
          credentialListSids: [],
          voiceUrl: null,
          voiceMethod: "POST",
          voiceFallbackUrl: null,
          voiceFallbackMethod: "POST",
          symmetricRtp: ctx.symmetricDefault,
        };
        const domain = changed(ctx, fresh, read(request));
        await ctx.store.apply([{ kind: "sipDomains", put: domain }]);
        return created(show(request, domain));
      },
    },
    { method: "GET", path: ONE, handle: (request) => ok(show(request, domainOf(request))) },
    {
      method: "POST",
      path: ONE,
      handle: async (request) => {
        const before = domainOf(request);
        const domain = changed(ctx, before, { ...read(request), domainName: label(request, before) });
        await ctx.store.apply([{ kind: "sipDomains", put: domain }]);
        return ok(show(request, domain));
      },
    },
    {
      method: "DELETE",
      path: ONE,
      handle: async (request) => {
        const domain = domainOf(request);
        refuseWithSubdomains(domain);
        const uses = ctx.store.usesOf(domain.sid);
        const byoc = uses.find(({ kind }) => kind === "byocTrunks");
        if (byoc !== undefined) throw conflict(`${domain.sid} is still the From domain of ${byoc.record.sid}`);
        const mappings = uses.filter(({ kind }) => kind === "sourceIpMappings");
        await ctx.store.apply([
          { kind: "sipDomains", remove: domain.sid },
          ...mappings.map(({ record }) => ({ kind: "sourceIpMappings", remove: record.sid }) as const),
        ]);
        return deleted;
      },
    },
  ];
}
