/** Where a permitted REFER leads: a SIP target by itself, a number by the carrier link of the trunk (R-XFER-2, R-XFER-7). */

import type { ExtraHeaders } from "../../sip/message.ts";
import { formatUri } from "../../sip/uri.ts";
import type { Trunk } from "../../trunking/records.ts";
import { planDiverted } from "../../trunking/redirect.ts";
import type { CallDirection } from "../call.ts";
import type { CallContext } from "../call-context.ts";
import { carrierRoute, trunkRoute } from "../carrier-link.ts";
import type { LocalEdge } from "../local-edges.ts";
import type { OutboundTarget } from "../outbound-leg.ts";
import { outboundTarget, planForStranger, plannedTargets } from "../plan-targets.ts";
import type { PermittedTarget } from "./judge-refer.ts";

export interface TransferTargets {
  readonly targets: Iterator<OutboundTarget>;
  /** As it is shown: a number or a SIP URI. */
  readonly called: string;
  readonly direction: CallDirection;
  /** The target's side belongs to the customer too, so that it may transfer in its turn. */
  readonly ofCustomer: boolean;
}

/**
 * @param edge - of the call that is transferred
 * @param note - told about targets that are left out
 * @param caller - number of the party that the target is shown, undefined for one that hides
 * @returns undefined when the trunk has no way to numbers
 */
export function transferTargets(
  ctx: CallContext,
  edge: LocalEdge,
  trunk: Trunk,
  to: PermittedTarget,
  caller: string | undefined,
  headers: ExtraHeaders,
  note: (text: string) => void,
): TransferTargets | undefined {
  const request = {
    edge,
    callerNumber: caller ?? "anonymous",
    hidden: caller === undefined,
    maxForwards: 70,
    diversions: [],
  };
  if (to.to === "pstn") {
    const route = carrierRoute(ctx, trunk, { ...request, dialled: to.number });
    if (route === undefined || route.records.every(({ enabled }) => !enabled)) return undefined;
    const targets = withHeaders(plannedTargets(ctx, route.records, route.plan, note), headers);
    return { targets, called: to.number, direction: "trunking-terminating", ofCustomer: false };
  }
  const called = formatUri({ ...to.uri, params: new Map(), headers: [] });
  // From, TLS checks and media are those of the trunk's other calls to its customer.
  const { plan } = trunkRoute(ctx, trunk, { ...request, dialled: to.uri.user ?? "" });
  const planned = planDiverted(to.uri, {
    headers: headers.map(([name, value]) => [name, value]),
    edge: null,
    security: trunk.secure ? "required" : "none",
    user: undefined,
  });
  const targets = [outboundTarget(ctx, called, planned, planForStranger(plan))].values();
  return { targets, called, direction: "trunking-originating", ofCustomer: true };
}

function* withHeaders(targets: Iterable<OutboundTarget>, headers: ExtraHeaders): Generator<OutboundTarget, void, void> {
  for (const target of targets) yield { ...target, headers: [...target.headers, ...headers] };
}
