/** Edges for tests that build their own context. */
import type { Clock } from "../../src/base/clock.ts";
import type { CallTable } from "../../src/calls/call-table.ts";
import { EdgeDirectory } from "../../src/calls/edge-directory.ts";
import { LocalEdges } from "../../src/calls/local-edges.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { planEdges } from "../../src/trunking/edge-plan.ts";
import { EdgeTable } from "../../src/trunking/edges.ts";

/** @param yaml - `edges:` and what else is wanted; default: an installation of one edge */
export function localEdges(clock: Clock, yaml = "", hasAddress: (address: string) => boolean = () => true): LocalEdges {
  const { settings } = parseConfig(yaml, "t.yaml", {});
  return new LocalEdges(planEdges(settings), new EdgeTable(settings.edges), clock, hasAddress);
}

/** As the gateway makes it for REST. */
export function edgeDirectory(clock: Clock, calls: CallTable, yaml = ""): EdgeDirectory {
  const { settings } = parseConfig(yaml, "t.yaml", {});
  return new EdgeDirectory({
    plans: planEdges(settings),
    local: localEdges(clock, yaml),
    calls,
    base: "voice.test",
    listening: () => [],
  });
}
