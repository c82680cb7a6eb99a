/** `tandem network`, `tandem zone` and the names of a trunk or domain: from the configuration file alone, no gateway has to run. */

import { planEdges } from "../trunking/edge-plan.ts";
import { localizedUris } from "../trunking/localized-uris.ts";
import { type NetworkRow, networkRows } from "../trunking/network-info.ts";
import { type Zone, type ZoneDomain, zone } from "../trunking/zone.ts";
import type { LoadedConfig } from "./config.ts";
import { table } from "./text-table.ts";

export function networkOf({ settings }: LoadedConfig): NetworkRow[] {
  return networkRows(planEdges(settings));
}

export function formatNetwork(rows: readonly NetworkRow[]): string {
  return table([
    ["EDGE", "PROTOCOL", "TRANSPORT", "ADDRESS", "PORTS", "DIRECTION"],
    ...rows.map(({ edge, protocol, transport, address, portMin, portMax, direction }) => [
      edge,
      protocol,
      transport,
      address,
      portMin === portMax ? String(portMin) : `${portMin}-${portMax}`,
      direction,
    ]),
  ]);
}

/** Names that the file declares are printed in full; wildcards serve those that are made by REST. */
export function zoneOf({ settings, objects }: LoadedConfig): Zone {
  const domains: ZoneDomain[] = [
    ...objects.trunks.flatMap(({ domain }) => (domain === null ? [] : [{ kind: "pstn" as const, label: domain }])),
    ...objects.sipDomains.map(({ domain }) => ({ kind: "sip" as const, label: domain })),
  ];
  return zone(settings.domains.base, planEdges(settings), domains);
}

/** @param name - `office.pstn` or `carrier.sip`, with or without the DNS suffix; undefined when it is neither */
export function urisOf({ settings }: LoadedConfig, name: string) {
  const { base } = settings.domains;
  const short = name.toLowerCase().endsWith(`.${base}`) ? name.slice(0, -base.length - 1) : name;
  const match = /^(.+)\.(pstn|sip)$/.exec(short.toLowerCase());
  if (match === null) return undefined;
  return localizedUris(match[1]!, match[2] as "pstn" | "sip", base, planEdges(settings));
}

export function formatUris(uris: NonNullable<ReturnType<typeof urisOf>>): string {
  return table([
    ["HOST", "EDGE", "ADDRESSES"],
    ...uris.map(({ host, edge, addresses }) => [host, edge ?? "any", addresses.join(" ") || "not known"]),
  ]);
}
