/**
 * Routes v2: `/v2/PhoneNumbers/{number}`, `/v2/SipDomains/{name}`, `/v2/Trunks/{name}`: in which region calls to a number or domain are
 * processed (trunking-rest.md 8; R-EDGE-8). Every number and domain has one such assignment, so there is nothing to make or delete;
 * its SID has the digits of what it belongs to.
 */

import type { Change } from "../../store/store.ts";
import { domainNameOf, labelOfDomainName } from "../../trunking/domains.ts";
import type { PhoneNumber, SipDomain, Trunk } from "../../trunking/records.ts";
import { changed } from "./owned.ts";
import type { Parameters } from "./parameters.ts";
import { isoDate, orNull } from "./present.ts";
import { badParameter, notFound } from "./rest-error.ts";
import { ok, type RestContext, type RestRequest, type RestRoute } from "./route.ts";

const UNKNOWN_REGION = 21252;

type Routed = PhoneNumber | SipDomain | Trunk;

interface Kind {
  readonly records: "phoneNumbers" | "sipDomains" | "trunks";
  readonly path: string;
  /** Property that tells the number or name. */
  readonly property: string;
  readonly find: (name: string) => Routed | undefined;
  readonly nameOf: (record: Routed) => string;
}

export function voiceRouteRoutes(ctx: RestContext): RestRoute[] {
  const domain = (kind: "pstn" | "sip", find: (label: string) => Routed | undefined) => ({
    find: (name: string) => {
      const label = labelOfDomainName(name, kind, ctx.baseDomain);
      return label === null ? undefined : find(label);
    },
    nameOf: (record: Routed) => domainNameOf((record as SipDomain).domainName, kind, ctx.baseDomain),
  });
  const kinds: readonly Kind[] = [
    {
      records: "phoneNumbers",
      path: "PhoneNumbers",
      property: "phone_number",
      find: (number) => ctx.store.phoneNumber(number),
      nameOf: (record) => (record as PhoneNumber).phoneNumber,
    },
    {
      records: "sipDomains",
      path: "SipDomains",
      property: "sip_domain",
      ...domain("sip", (label) => ctx.store.sipDomainByName(label)),
    },
    {
      records: "trunks",
      path: "Trunks",
      property: "sip_trunk_domain",
      ...domain("pstn", (label) => ctx.store.trunkByDomain(label)),
    },
  ];
  return kinds.flatMap((kind) => routesOf(ctx, kind));
}

function routesOf(ctx: RestContext, kind: Kind): RestRoute[] {
  const path = `/v2/${kind.path}/:name`;
  const show = ({ base }: RestRequest, record: Routed): object => ({
    sid: `QQ${record.sid.slice(2)}`,
    account_sid: record.accountSid,
    friendly_name: orNull(record.routeName ?? ""),
    voice_region: record.voiceRegion ?? ctx.defaultRegion,
    [kind.property]: kind.nameOf(record),
    url: `${base}/v2/${kind.path}/${kind.nameOf(record)}`,
    date_created: isoDate(record.dateCreated),
    date_updated: isoDate(record.dateUpdated),
  });
  const recordOf = ({ account, path: { name = "" } }: RestRequest): Routed => {
    const record = kind.find(name);
    if (record === undefined || record.accountSid !== account.sid) throw notFound(name.slice(0, 100));
    return record;
  };

  return [
    { method: "GET", path, handle: (request) => ok(show(request, recordOf(request))) },
    {
      method: "POST",
      path,
      handle: async (request) => {
        const record = changed(ctx, recordOf(request), {
          voiceRegion: readRegion(ctx, request.body),
          routeName: request.body.text("FriendlyName", 64),
        });
        await ctx.store.apply([{ kind: kind.records, put: record } as Change]);
        return ok(show(request, record));
      },
    },
  ];
}

/** As it was given, a region or an edge; null when it is given empty, which clears it. */
function readRegion(ctx: RestContext, body: Parameters): string | null | undefined {
  const region = body.text("VoiceRegion", 64);
  if (region === undefined) return undefined;
  if (region === "") return null;
  if (ctx.edges.resolve(region) === undefined)
    throw badParameter("VoiceRegion", "no region or edge has this name", UNKNOWN_REGION);
  return region.toLowerCase();
}
