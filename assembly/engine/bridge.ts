/** Two legs that hear each other. Who has joined something else before leaves it. */

import { Leg, legAt } from "./leg";
import { REBASE_ALL } from "./relay";
import { updateListening } from "./streams";

export function bridge(a: Leg, b: Leg): void {
  if (a.peer == b.slot && b.peer == a.slot) return;
  unbridge(a);
  unbridge(b);
  a.peer = b.slot;
  b.peer = a.slot;
  beginTalkspurt(a);
  beginTalkspurt(b);
}

export function unbridge(leg: Leg): void {
  if (leg.peer < 0) return;
  const peer = legAt(leg.peer);
  leg.peer = -1;
  peer.peer = -1;
  beginTalkspurt(leg);
  beginTalkspurt(peer);
}

/** Who sends to the far end has changed: a talkspurt begins, numbered on from here. */
export function beginTalkspurt(leg: Leg): void {
  leg.relayRebase = REBASE_ALL;
  leg.marker = 1;
  leg.outboundOctets = 0;
  updateListening(leg);
}
