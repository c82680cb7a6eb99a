/** The host names by which a trunk or SIP domain is called, and the addresses behind each (R-EDGE-2, R-EDGE-3, R-TERM-9). */

import type { DomainKind } from "./domains.ts";
import type { EdgePlan } from "./edge-plan.ts";
import { DEFAULT_EDGES } from "./edges.ts";

export interface LocalizedUri {
  readonly host: string;
  /** Edge that the name means; null: any. */
  readonly edge: string | null;
  readonly region: string | null;
  readonly addresses: readonly string[];
}

/** What names an edge in a host: every edge of the configuration; on an installation of one edge also the default table. */
export interface NamedEdge {
  readonly name: string;
  readonly region: string | null;
  readonly addresses: readonly string[];
}

/** @param plans - of `planEdges` */
export function namedEdges(plans: readonly EdgePlan[]): NamedEdge[] {
  const served = plans.filter(({ listen }) => listen.length > 0);
  const [only] = served;
  if (only === undefined || served.length > 1) return [...plans];
  // R-EDGE-11: all names of the table lead here, but for those that the operator gave to another place.
  const others = plans.filter((plan) => plan !== only);
  const taken = new Set(others.map(({ name }) => name));
  const table = DEFAULT_EDGES.filter(({ name }) => !taken.has(name) && name !== only.name);
  const own = only.region === null && only.tnx === null && !DEFAULT_EDGES.some(({ name }) => name === only.name);
  return [
    ...(own && only.name === "default" ? [] : [only]),
    ...table.map(({ name, region }) => ({ name, region, addresses: only.addresses })),
    ...others,
  ];
}

/** The plain name first, then each edge with its older name. */
export function localizedUris(
  label: string,
  kind: DomainKind,
  base: string,
  plans: readonly EdgePlan[],
): LocalizedUri[] {
  const all = [...new Set(plans.filter(({ name }) => !name.endsWith("-ix")).flatMap(({ addresses }) => addresses))];
  const uris: LocalizedUri[] = [{ host: `${label}.${kind}.${base}`, edge: null, region: null, addresses: all }];
  for (const { name, region, addresses } of namedEdges(plans))
    for (const place of region === null ? [name] : [name, region])
      uris.push({ host: `${label}.${kind}.${place}.${base}`, edge: name, region, addresses });
  return uris;
}
