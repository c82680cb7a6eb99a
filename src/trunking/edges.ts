/**
 * Edge names and their older region names (R-EDGE-1, R-EDGE-2). The table of the requirements is always known, so that
 * URIs with `;edge=tokyo` work on a one-host installation (R-EDGE-11); operators may add to it.
 */

/** One edge by both of its names. */
export interface EdgeName {
  /** Lower case, e.g. `tokyo` or `tokyo-ix`. */
  readonly name: string;
  /** Older alias, e.g. `jp1`, or null. */
  readonly region: string | null;
  /** Name that `;tnx=` gives it (R-NET-5), or null. */
  readonly tnx?: string | null;
}

export const DEFAULT_EDGES: readonly EdgeName[] = [
  { name: "ashburn", region: "us1" },
  { name: "umatilla", region: "us2" },
  { name: "dublin", region: "ie1" },
  { name: "frankfurt", region: "de1" },
  { name: "singapore", region: "sg1" },
  { name: "tokyo", region: "jp1" },
  { name: "sao-paulo", region: "br1" },
  { name: "sydney", region: "au1" },
];

/** Suffix of an edge that is bound to a private interconnect (R-NET-5). */
const INTERCONNECT_SUFFIX = "-ix";

/** Looks edges up by any of their names. */
export class EdgeTable {
  readonly #byName = new Map<string, string>();
  readonly #byTnx = new Map<string, string>();

  /** @param configured - edges of the operator, over the default ones */
  constructor(configured: readonly EdgeName[] = []) {
    for (const edge of [...DEFAULT_EDGES, ...configured]) {
      const name = edge.name.toLowerCase();
      this.#byName.set(name, name);
      if (edge.region !== null) this.#byName.set(edge.region.toLowerCase(), name);
      if (edge.tnx != null) this.#byTnx.set(edge.tnx.toLowerCase(), name);
    }
  }

  /** The edge of an interconnect connection (R-NET-5); undefined for one that nobody has configured. */
  ofInterconnect(tnx: string): string | undefined {
    return this.#byTnx.get(tnx.toLowerCase());
  }

  /**
   * The edge that a name or region stands for; `tokyo-ix` and `jp1-ix` are known wherever `tokyo` is.
   * @returns the edge's name, or undefined when nobody knows it
   */
  resolve(nameOrRegion: string): string | undefined {
    const text = nameOrRegion.toLowerCase();
    const known = this.#byName.get(text);
    if (known !== undefined || !text.endsWith(INTERCONNECT_SUFFIX)) return known;
    const base = this.#byName.get(text.slice(0, -INTERCONNECT_SUFFIX.length));
    return base === undefined ? undefined : base + INTERCONNECT_SUFFIX;
  }
}

/** The region that is known for an edge of the default table, also with its suffix: `tokyo-ix` is `jp1-ix`. */
export function regionOf(name: string): string | null {
  const suffix = name.endsWith(INTERCONNECT_SUFFIX) ? INTERCONNECT_SUFFIX : "";
  const base = suffix === "" ? name : name.slice(0, -suffix.length);
  const region = DEFAULT_EDGES.find((edge) => edge.name === base)?.region;
  return region == null ? null : region + suffix;
}
