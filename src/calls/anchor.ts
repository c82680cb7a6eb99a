/**
 * Where a call that came in is processed (R-EDGE-7, R-EDGE-8): at the edge whose address it came to, unless the number or the
 * domain that is called has a voice region. Such a region is kept or the call is refused: it may be there for the law's sake.
 */

import type { Flow } from "../sip/message.ts";
import { servedHost } from "../trunking/domains.ts";
import type { TerminationAccepted } from "../trunking/termination.ts";
import type { CallContext } from "./call-context.ts";
import type { Egress } from "./local-edges.ts";

export function anchor(ctx: CallContext, flow: Flow, { domain, called }: TerminationAccepted): Egress {
  const { localEdges, store } = ctx;
  const arrived = localEdges.at(flow.localAddress);
  // Calls to a number come in by a SIP domain; on a trunk the number is somebody else's.
  const number = domain.kind === "sip-domain" ? store.phoneNumber(called) : undefined;
  const region = number?.voiceRegion ?? domain.record.voiceRegion ?? null;
  if (region === null) return { edge: arrived };
  const edge = localEdges.named(region);
  if (edge === undefined) return { edge: arrived, problem: `voice region ${region} is not served here` };
  if (edge === arrived || localEdges.isWorking(edge)) return { edge };
  return { edge, problem: `edge ${edge.name} of voice region ${region} takes no new calls` };
}

/** R-EDGE-2: a host that names another edge than the one that it came to is served all the same, and told of. */
export function noteOtherEdge(ctx: CallContext, host: string, flow: Flow): void {
  const { localEdges, settings, edges, log } = ctx;
  if (localEdges.isSingle) return;
  const named = servedHost(host, settings.baseDomain, edges)?.edge ?? null;
  const arrived = localEdges.at(flow.localAddress);
  if (named !== null && named !== arrived.name)
    log.info("a request came to another edge than its host names", {
      host: host.slice(0, 253),
      arrived: arrived.name,
      remote: `${flow.remoteAddress}:${flow.remotePort}`,
    });
}
