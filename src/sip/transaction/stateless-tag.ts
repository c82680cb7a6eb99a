/** To tags of answers that are sent without a transaction: a repeat of the request gets the same one (RFC 3261 §8.2.7). */

import { createHmac, randomBytes } from "node:crypto";
import type { SipRequest } from "../message.ts";

/** Fresh in every process, so that tags say nothing about other requests. */
const secret = randomBytes(32);

export function statelessTag(request: SipRequest): string {
  return createHmac("sha256", secret)
    .update(`${request.callId}\n${request.from.params.get("tag") ?? ""}\n${request.cseq.number}\n`)
    .update(request.vias[0]?.params.get("branch") ?? "")
    .digest("hex")
    .slice(0, 16);
}
