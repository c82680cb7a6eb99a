/** `/v1/Trunks` (trunking-rest.md 4.1; R-GEN-1 to R-GEN-4, R-TERM-1 to R-TERM-4). */

import { newSid } from "../../base/ids.ts";
import type { Change } from "../../store/store.ts";
import { domainNameOf, labelOfDomainName, subdomainProblem } from "../../trunking/domains.ts";
import type { Trunk } from "../../trunking/records.ts";
import { readCertificateNames, showCertificateNames } from "./certificate-names.ts";
import { readLinkOptions, showLinkOptions } from "./link-options.ts";
import { changed, listOf, newBase, ownedBy } from "./owned.ts";
import { pageOf, readPageRequest } from "./paging.ts";
import type { Parameters } from "./parameters.ts";
import { isoDate, metaList, orNull } from "./present.ts";
import { badParameter, RestError } from "./rest-error.ts";
import { created, deleted, ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";
import { recordingOf } from "./trunk-recording.ts";

const TRANSFER_MODES = ["disable-all", "enable-all", "sip-only"] as const;
const TRANSFER_CALLER_IDS = ["from-transferee", "from-transferor"] as const;
const TRUNKS_MAX = 100_000;
const TOO_MANY_TRUNKS = 21244;
const INVALID_DOMAIN = 21245;
const DOMAIN_DEPENDENCY = 21247;
const DOMAIN_TAKEN = 21248;

/** Which methods of authentication count for a trunk or SIP domain. */
export function authTypesOf(record: Pick<Trunk, "ipAclSids" | "credentialListSids">): string[] {
  return [
    ...(record.ipAclSids.length > 0 ? ["IP_ACL"] : []),
    ...(record.credentialListSids.length > 0 ? ["CREDENTIAL_LIST"] : []),
  ];
}

export function trunkRoutes(ctx: RestContext): RestRoute[] {
  const show = ({ base }: Pick<RestRequest, "base">, trunk: Trunk): object => {
    const url = `${base}/v1/Trunks/${trunk.sid}`;
    return {
      sid: trunk.sid,
      account_sid: trunk.accountSid,
      domain_name: trunk.domainName === null ? null : domainNameOf(trunk.domainName, "pstn", ctx.baseDomain),
      friendly_name: orNull(trunk.friendlyName),
      disaster_recovery_method: trunk.disasterRecoveryMethod,
      disaster_recovery_url: trunk.disasterRecoveryUrl,
      secure: trunk.secure,
      recording: recordingOf(trunk),
      transfer_mode: trunk.transferMode,
      transfer_caller_id: trunk.transferCallerId,
      cnam_lookup_enabled: trunk.cnamLookup,
      symmetric_rtp_enabled: trunk.symmetricRtp,
      ...showLinkOptions(trunk),
      ...showCertificateNames(trunk),
      auth_type: authTypesOf(trunk).join(","),
      auth_type_set: authTypesOf(trunk),
      date_created: isoDate(trunk.dateCreated),
      date_updated: isoDate(trunk.dateUpdated),
      url,
      links: {
        origination_urls: `${url}/OriginationUrls`,
        credential_lists: `${url}/CredentialLists`,
        ip_access_control_lists: `${url}/IpAccessControlLists`,
        phone_numbers: `${url}/PhoneNumbers`,
      },
    };
  };

  /** What is given; fields that are absent are undefined. */
  const read = (request: RestRequest, before: Trunk | undefined) => {
    const { body } = request;
    return {
      friendlyName: body.text("FriendlyName", 64),
      domainName: readDomain(ctx, request, body, before),
      disasterRecoveryUrl: body.url("DisasterRecoveryUrl"),
      disasterRecoveryMethod: body.method("DisasterRecoveryMethod"),
      transferMode: body.choice("TransferMode", TRANSFER_MODES),
      transferCallerId: body.choice("TransferCallerId", TRANSFER_CALLER_IDS),
      secure: body.flag("Secure"),
      cnamLookup: body.flag("CnamLookupEnabled"),
      symmetricRtp: body.flag("SymmetricRtpEnabled"),
      ...readLinkOptions(body),
      certificateNames: readCertificateNames(body),
    };
  };

  return [
    {
      method: "GET",
      path: "/v1/Trunks",
      handle: (request) => {
        const page = pageOf(listOf(ctx, request, "trunks"), readPageRequest(request.query));
        return ok(metaList("trunks", `${request.base}/v1/Trunks`, page, (trunk) => show(request, trunk)));
      },
    },
    {
      method: "POST",
      path: "/v1/Trunks",
      handle: async (request) => {
        if (ctx.store.countOf("trunks", request.account.sid) >= TRUNKS_MAX)
          throw new RestError(400, TOO_MANY_TRUNKS, `an account has at most ${TRUNKS_MAX} trunks`);
        const trunk = changed(ctx, newTrunk(ctx, request), read(request, undefined));
        await ctx.store.apply([{ kind: "trunks", put: trunk }]);
        return created(show(request, trunk));
      },
    },
    {
      method: "GET",
      path: "/v1/Trunks/:trunk",
      handle: (request) => ok(show(request, ownedBy(ctx, request, "trunks", request.path["trunk"]!))),
    },
    {
      method: "POST",
      path: "/v1/Trunks/:trunk",
      handle: async (request) => {
        const before = ownedBy(ctx, request, "trunks", request.path["trunk"]!);
        const trunk = changed(ctx, before, read(request, before));
        await ctx.store.apply([{ kind: "trunks", put: trunk }]);
        return ok(show(request, trunk));
      },
    },
    {
      method: "DELETE",
      path: "/v1/Trunks/:trunk",
      handle: async (request) => {
        const trunk = ownedBy(ctx, request, "trunks", request.path["trunk"]!);
        refuseWithSubdomains(ctx, trunk);
        await ctx.store.apply(removal(ctx, trunk));
        return deleted;
      },
    },
  ];
}

/** R-GEN-3. */
function newTrunk(ctx: RestContext, request: RestRequest): Trunk {
  return {
    ...newBase(ctx, request, newSid("TK")),
    friendlyName: "",
    domainName: null,
    secure: false,
    symmetricRtp: ctx.symmetricDefault,
    cnamLookup: false,
    transferMode: "disable-all",
    transferCallerId: "from-transferee",
    disasterRecoveryUrl: null,
    disasterRecoveryMethod: "POST",
    ipAclSids: [],
    credentialListSids: [],
    carrierLink: null,
    callerIdPolicy: "owned",
    callsPerSecondMax: null,
    concurrentCallsMax: null,
    destinationAllowList: [],
    tlsVerify: true,
  };
}

/** The label of DomainName; null when it is given empty. */
function readDomain(
  ctx: RestContext,
  request: RestRequest,
  body: Parameters,
  before: Trunk | undefined,
): string | null | undefined {
  const name = body.text("DomainName", 255);
  if (name === undefined) return undefined;
  const label = name === "" ? null : labelOfDomainName(name, "pstn", ctx.baseDomain);
  if (label === null && name !== "")
    throw badParameter("DomainName", `letters, digits and "-", then .pstn.${ctx.baseDomain}`, INVALID_DOMAIN);
  if (label === (before?.domainName ?? null)) return label;
  if (before !== undefined) refuseWithSubdomains(ctx, before);
  if (label === null) return label;
  if (ctx.store.trunkByDomain(label) !== undefined)
    throw new RestError(400, DOMAIN_TAKEN, `DomainName: ${name} is taken`);
  const { account } = request;
  const problem = subdomainProblem(label, account.sid, account.parentSid, (parent) => ctx.store.trunkByDomain(parent));
  if (problem !== null) throw new RestError(400, DOMAIN_DEPENDENCY, `DomainName: ${problem}`);
  return label;
}

function refuseWithSubdomains(ctx: RestContext, { domainName }: Trunk): void {
  if (domainName !== null && ctx.store.hasSubdomains("trunks", domainName))
    throw new RestError(400, DOMAIN_DEPENDENCY, "the domain of the trunk has sub-domains: they have to go first");
}

/** The trunk with its origination URLs; numbers are let go, lists stay (R-GEN-4). */
function removal(ctx: RestContext, trunk: Trunk): Change[] {
  const changes: Change[] = [{ kind: "trunks", remove: trunk.sid }];
  for (const { sid } of ctx.store.originationUrls(trunk.sid)) changes.push({ kind: "originationUrls", remove: sid });
  for (const number of ctx.store.numbersOfTrunk(trunk.sid))
    changes.push({ kind: "phoneNumbers", put: changed(ctx, number, { trunkSid: null }) });
  return changes;
}
