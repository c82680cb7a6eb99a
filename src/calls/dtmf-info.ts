/** Digits in SIP INFO: `application/dtmf-relay` (Signal=, Duration=) and `application/dtmf` (SIP-INV-11, RFC 6086). */

import type { SipRequest } from "../sip/message.ts";

const DIGITS = "0123456789*#ABCD";

/** The digit of an INFO request, or undefined when its body is no DTMF. */
export function dtmfOfInfo(request: SipRequest): string | undefined {
  const type = (request.headers.get("Content-Type") ?? "").split(";")[0]!.trim().toLowerCase();
  if (request.body.length > 256) return undefined;
  const text = new TextDecoder().decode(request.body);
  let digit: string | undefined;
  if (type === "application/dtmf") digit = text.trim();
  else if (type === "application/dtmf-relay") {
    for (const line of text.split("\n")) {
      const [name, value] = line.split("=", 2);
      if (name?.trim().toLowerCase() === "signal") digit = value?.trim();
    }
  }
  digit = digit?.toUpperCase();
  return digit !== undefined && digit.length === 1 && DIGITS.includes(digit) ? digit : undefined;
}
