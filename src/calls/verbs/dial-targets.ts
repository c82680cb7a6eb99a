/** The nouns of `<Dial>` as attempts (twiml.md 2.2, 2.3). */

import { sipUri } from "../../sip/uri.ts";
import { planInvite } from "../../trunking/origination.ts";
import { readTargetUri } from "../../trunking/target-uri.ts";
import type { Dial, DialNoun } from "../../voice/verbs.ts";
import type { Call } from "../call.ts";
import { byocRoute } from "../carrier-link.ts";
import type { OutboundTarget } from "../outbound-leg.ts";
import { outboundTarget, plannedTargets } from "../plan-targets.ts";
import type { VerbScope } from "./verb-scope.ts";

/** Attempts, or the alert that says why there are none. */
export type NounTargets =
  | { readonly targets: Iterable<OutboundTarget> }
  | { readonly alert: { readonly code: number; readonly text: string } };

export function targetsOfNoun(scope: VerbScope, verb: Dial, noun: DialNoun, call: Call): NounTargets {
  const { ctx } = scope;
  const callerNumber = verb.callerId ?? scope.callerId;
  if (verb.callerId !== null && noun.noun === "Number" && !mayShow(scope, verb.callerId))
    return {
      alert: {
        code: 13214,
        text: `Dial callerId="${verb.callerId.slice(0, 40)}" is neither a number of the account nor verified`,
      },
    };
  if (noun.noun === "Number") {
    const trunk =
      noun.byoc === null ? ctx.store.defaultCarrier(scope.accountSid) : ctx.store.get("byocTrunks", noun.byoc);
    if (trunk === undefined || trunk.accountSid !== scope.accountSid) {
      const what =
        noun.byoc === null
          ? "no BYOC trunk is the default carrier"
          : `BYOC trunk ${noun.byoc.slice(0, 40)} does not exist`;
      return { alert: { code: 32010, text: `Dial ${noun.number}: ${what}` } };
    }
    const route = byocRoute(ctx, trunk, {
      dialled: noun.number,
      callerNumber,
      hidden: false,
      maxForwards: scope.maxForwards,
      diversions: [],
    });
    if (route.records.every(({ enabled }) => !enabled))
      return { alert: { code: 32010, text: `Dial ${noun.number}: ${route.name} has no enabled target` } };
    return {
      targets: plannedTargets(ctx, route.records, route.plan, (text) =>
        call.note("routed", text, { code: "route.left-out" }),
      ),
    };
  }
  const reading = readTargetUri(noun.uri, ctx.edges);
  if ("problem" in reading) return { alert: { code: 13243, text: `Dial Sip: ${reading.problem}` } };
  const plan = {
    call: { dialled: reading.uri.user ?? callerNumber, kind: "byoc", secure: false, diversionHost: null } as const,
    fromUser: callerNumber,
    fromHost: `sip.${ctx.settings.baseDomain}`,
    hidden: false,
    maxForwards: scope.maxForwards,
    tlsVerify: true,
    ...(noun.username === null || noun.password === null
      ? {}
      : { credentials: { username: noun.username, password: noun.password } }),
    symmetricRtp: ctx.settings.sourcePolicy === "latch",
    infoDigits: undefined,
  };
  const target = outboundTarget(ctx, noun.uri, planInvite(reading.uri, plan.call), plan);
  const tracing: [string, string][] = [
    ["X-Twilio-AccountSid", scope.accountSid],
    ["X-Twilio-CallSid", call.sid],
  ];
  // Without a user part the URI stays as it was written.
  const uri =
    reading.uri.user === undefined
      ? sipUri(undefined, target.uri.host, target.uri.port, target.uri.params)
      : target.uri;
  return { targets: [{ ...target, uri, headers: [...target.headers, ...tracing] }] };
}

/** R-CID-3 for outgoing legs: a number of the account, a verified one, or the one that called. */
function mayShow(scope: VerbScope, callerId: string): boolean {
  return callerId === scope.callerId || scope.ctx.store.ownsCallerId(scope.accountSid, callerId);
}
