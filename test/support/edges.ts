/** Edges for tests that build their own context. */
import type { Clock } from "../../src/base/clock.ts";
import { LocalEdges } from "../../src/calls/local-edges.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { planEdges } from "../../src/trunking/edge-plan.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";

/** @param yaml - `edges:` and what else is wanted; default: an installation of one edge */
export function localEdges(clock: Clock, yaml = "", hasAddress: (address: string) => boolean = () => true): LocalEdges {
  const { settings } = parseConfig(yaml, "t.yaml", {});
  return new LocalEdges(planEdges(settings), new EdgeTable(settings.edges), clock, hasAddress);
}
