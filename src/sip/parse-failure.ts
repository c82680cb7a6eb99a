/** A message that is refused, together with what is needed to answer it (SIP-MSG-8). */

import { SipParseError } from "../base/errors.ts";
import type { SipRequest } from "./message.ts";

/** A request that cannot be taken but can be answered: `request` has all that an answer copies. */
export class UnacceptableRequestError extends SipParseError {
  readonly request: SipRequest;

  constructor(message: string, status: number, request: SipRequest, fatalToStream = false) {
    super(message, status, -1, fatalToStream);
    this.request = request;
  }
}
