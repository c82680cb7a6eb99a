/** Whether a request in a dialog can be the far end's at all: the right tags from a foreign address change nothing (R-AUTH-12). */

import { isIP } from "node:net";
import type { Flow, NameAddr } from "../message.ts";
import type { SipUri } from "../uri.ts";

export interface DialogPeer {
  /** Where requests of the dialog came from or went to. */
  readonly flows: readonly Flow[];
  readonly remoteTarget: SipUri;
  readonly routes: readonly NameAddr[];
}

export function isFromPeer({ remoteAddress }: Flow, { flows, remoteTarget, routes }: DialogPeer): boolean {
  return (
    flows.some((flow) => flow.remoteAddress === remoteAddress) ||
    [remoteTarget, ...routes.map(({ uri }) => uri)].some(
      // A name says nothing about its addresses here, so it cannot exclude one.
      ({ host }) => host === remoteAddress || isIP(host) === 0,
    )
  );
}
