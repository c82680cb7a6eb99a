/** The nouns of `<Dial>` as attempts (twiml.md 2.2, 2.3). */

import type { Dial, DialNoun } from "../../voice/verbs.ts";
import type { Call } from "../call.ts";
import { type Destination, type OutwardTargets, outwardTargets } from "../outward-targets.ts";
import type { VerbScope } from "./verb-scope.ts";

const CALLER_ID_REFUSED = 13214;

export function targetsOfNoun(scope: VerbScope, verb: Dial, noun: DialNoun, call: Call): OutwardTargets {
  const { ctx, accountSid, maxForwards } = scope;
  if (verb.callerId !== null && noun.noun === "Number" && !mayShow(scope, verb.callerId))
    return {
      alert: {
        code: CALLER_ID_REFUSED,
        text: `Dial callerId="${verb.callerId.slice(0, 40)}" is neither a number of the account nor verified`,
      },
    };
  const callerNumber = verb.callerId ?? scope.callerId;
  // The name belongs to the number that called.
  const callerName = callerNumber === scope.callerId ? scope.callerName : "";
  const outward = { accountSid, call, callerNumber, callerName, maxForwards };
  const made = outwardTargets(ctx, destinationOf(noun), outward);
  return "alert" in made
    ? { alert: { ...made.alert, text: `Dial ${noun.noun === "Sip" ? "Sip: " : ""}${made.alert.text}` } }
    : made;
}

function destinationOf(noun: DialNoun): Destination {
  if (noun.noun === "Number") return { kind: "number", number: noun.number, byoc: noun.byoc };
  const { uri, username, password } = noun;
  return { kind: "sip", uri, credentials: username === null || password === null ? undefined : { username, password } };
}

/** R-CID-3 for outgoing legs: a number of the account, a verified one, or the one that called. */
function mayShow(scope: VerbScope, callerId: string): boolean {
  return callerId === scope.callerId || scope.ctx.store.ownsCallerId(scope.accountSid, callerId);
}
