/**
 * Lines for the operator's DNS zone (R-EDGE-4): every edge has a name with its addresses and the services of RFC 3263 §4, and
 * all names of trunks and SIP domains lead there. Wildcards (RFC 4592) serve domains that do not exist yet; a name that has
 * records of its own is left alone by them, so that domains which are printed are printed in full.
 */

import type { EdgePlan, EdgeTransport } from "./edge-plan.ts";
import { namedEdges } from "./localized-uris.ts";

/** R-EDGE-4. */
export const TTL_SECONDS = 600;

/** Name of the records that plain names lead to: all edges. */
const ALL = "edges";

export interface ZoneDomain {
  readonly kind: "pstn" | "sip";
  readonly label: string;
}

export interface Zone {
  readonly lines: readonly string[];
  /** What is missing in it, and why. */
  readonly problems: readonly string[];
}

/** In the order in which a caller that may choose should take them: RFC 3263 §4.1 says to prefer TLS. */
const SERVICES: readonly { transport: EdgeTransport; srv: string; naptr: string }[] = [
  { transport: "tls", srv: "_sips._tcp", naptr: "SIPS+D2T" },
  { transport: "udp", srv: "_sip._udp", naptr: "SIP+D2U" },
  { transport: "tcp", srv: "_sip._tcp", naptr: "SIP+D2T" },
];

type Ports = ReadonlyMap<EdgeTransport, number>;

/** A place in the zone: relative name, addresses, and the hosts that its services are at. */
interface Place {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly hosts: readonly { readonly host: string; readonly ports: Ports }[];
}

/**
 * @param base - DNS suffix; names in the lines are absolute
 * @param domains - names to be printed besides the wildcards
 */
export function zone(base: string, plans: readonly EdgePlan[], domains: readonly ZoneDomain[]): Zone {
  const problems: string[] = [];
  const places = placesOf(plans, problems);
  const lines = [`; ${base}: names of edges, trunks and SIP domains`, `$ORIGIN ${base}.`, `$TTL ${TTL_SECONDS}`];
  for (const place of places) {
    const at = place.name === "" ? "" : `.${place.name}`;
    lines.push("", place.name === "" ? "; all edges" : `; edge ${place.name}`);
    lines.push(...servicesAt(place));
    for (const kind of ["pstn", "sip"] as const) lines.push(...leadsTo(`*.${kind}${at}`, place));
  }
  for (const { kind, label } of domains) {
    lines.push("", `; ${label}.${kind}.${base}`);
    for (const place of places) {
      const name = `${label}.${kind}${place.name === "" ? "" : `.${place.name}`}`;
      lines.push(...leadsTo(name, place), ...srv(name, place));
    }
  }
  return { lines, problems };
}

function placesOf(plans: readonly EdgePlan[], problems: string[]): Place[] {
  const places: Place[] = [];
  const served = plans.find(({ listen }) => listen.length > 0)!;
  // An edge that is elsewhere is taken to listen in the same ways.
  const portsOf = (plan: EdgePlan | undefined): Ports =>
    new Map(
      (plan === undefined || plan.listen.length === 0 ? served : plan).listen.map(({ transport, port }) => [
        transport,
        port,
      ]),
    );
  const named = namedEdges(plans).map((edge) => ({
    ...edge,
    ports: portsOf(plans.find(({ name }) => name === edge.name)),
  }));
  // Plain names lead to every place but private ones; on an installation of one edge its names are all the same.
  const common = named.filter(({ name }) => !name.endsWith("-ix"));
  const all = [...new Set(common.flatMap(({ addresses }) => addresses))];
  // Names of one place are one target for those who choose among targets.
  const different = new Map(common.map((edge) => [`${edge.addresses.join()} ${[...edge.ports].join()}`, edge]));
  const targets = [...different.values()].filter(({ addresses }) => addresses.length > 0);
  places.push({
    name: "",
    addresses: all,
    hosts: targets.map(({ name, ports }) => ({ host: targets.length === 1 ? ALL : name, ports })),
  });
  for (const { name, region, addresses, ports } of named)
    for (const place of region === null ? [name] : [name, region])
      places.push({ name: place, addresses, hosts: [{ host: place, ports }] });
  for (const { name, addresses } of places)
    if (addresses.length === 0)
      problems.push(
        name === ""
          ? "no public address is known: set sip.announce, or listen and announce of the edges"
          : `edge ${name} has no public address: set announce or addresses`,
      );
  return places.filter(({ addresses }) => addresses.length > 0);
}

/** Addresses and services under the name of the place itself, which all others point to. */
function servicesAt(place: Place): string[] {
  const name = hostOf(place);
  return [...hosts(name, place), ...srv(name, place)];
}

/** Name of the records of a place. */
function hostOf({ name }: Place): string {
  return name === "" ? ALL : name;
}

/** A name that has the addresses of a place, and NAPTR records that lead to its services. */
function leadsTo(name: string, place: Place): string[] {
  const lines = [...hosts(name, place)];
  let order = 10;
  for (const { transport, srv: service, naptr } of SERVICES)
    if (place.hosts.some(({ ports }) => isUsable(ports, transport))) {
      lines.push(line(name, "NAPTR", `${order} 10 "s" "${naptr}" "" ${service}.${hostOf(place)}`));
      order += 10;
    }
  return lines;
}

/** Services under a name, for callers that ask for them without NAPTR as well. */
function srv(name: string, place: Place): string[] {
  return SERVICES.flatMap(({ transport, srv: service }) =>
    place.hosts.flatMap(({ host, ports }) =>
      isUsable(ports, transport) ? [line(`${service}.${name}`, "SRV", `10 10 ${ports.get(transport)} ${host}`)] : [],
    ),
  );
}

/** A port that is chosen at start cannot be told to anybody. */
function isUsable(ports: Ports, transport: EdgeTransport): boolean {
  return (ports.get(transport) ?? 0) > 0;
}

function hosts(name: string, { addresses }: Place): string[] {
  return addresses.map((address) => line(name, address.includes(":") ? "AAAA" : "A", address));
}

function line(name: string, type: string, data: string): string {
  return `${name.padEnd(32)} ${TTL_SECONDS} IN ${type.padEnd(5)} ${data}`;
}
