/** To tags of answers that are sent without a transaction: a repeat of the request gets the same one (RFC 3261 §8.2.7). */

import { hash, randomBytes } from "node:crypto";
import type { SipRequest } from "../message.ts";

/** Fresh in every process, so that tags say nothing about other requests. */
const secret = randomBytes(32).toString("hex");

/** One hash, since refusing has to cost little (SIP-OVL-2): a keyed one of Node's costs twenty times as much. */
export function statelessTag(request: SipRequest): string {
  const fromTag = request.from.params.get("tag") ?? "";
  const branch = request.vias[0]?.params.get("branch") ?? "";
  return hash("sha256", `${secret}\n${request.callId}\n${fromTag}\n${request.cseq.number}\n${branch}`).slice(0, 16);
}
