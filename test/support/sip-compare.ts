/** SIP messages in a form that tests can compare field by field. */
import type { SipMessage } from "../../src/sip/message.ts";

/** Headers as a list, octets as text: a view and a copy are the same to a reader. */
export function comparable(message: SipMessage): Record<string, unknown> {
  return { ...message, headers: [...message.headers], body: Buffer.from(message.body).toString("latin1") };
}
