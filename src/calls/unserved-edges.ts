/** Names of edges that records ask for and that nobody serves here: told at start, since such targets are never called (R-EDGE-1). */

import type { Store } from "../store/store.ts";
import type { EdgeTable } from "../trunking/edges.ts";
import { readTargetUri } from "../trunking/target-uri.ts";
import type { LocalEdges } from "./local-edges.ts";

export interface UnservedEdge {
  readonly edge: string;
  /** SID of one record that names it. */
  readonly sid: string;
  readonly uses: number;
}

export function unservedEdges(store: Store, edges: EdgeTable, local: LocalEdges): UnservedEdge[] {
  if (local.isSingle) return [];
  const found = new Map<string, { sid: string; uses: number }>();
  const use = (edge: string | null, sid: string): void => {
    if (edge === null || local.named(edge) !== undefined) return;
    const known = found.get(edge);
    if (known === undefined) found.set(edge, { sid, uses: 1 });
    else known.uses++;
  };
  for (const kind of ["originationUrls", "connectionPolicyTargets"] as const)
    for (const { sid, sipUrl } of store.list(kind)) {
      const reading = readTargetUri(sipUrl, edges);
      use("uri" in reading ? reading.uri.edge : null, sid);
    }
  for (const kind of ["trunks", "sipDomains", "phoneNumbers"] as const)
    for (const { sid, voiceRegion } of store.list(kind)) use(voiceRegion ?? null, sid);
  return [...found].map(([edge, one]) => ({ edge, ...one }));
}
