/**
 * Why a call ended or was refused, in the words of one side for the other (RFC 3326, SIP-INV-4, SIP-CAN-4). Read and written
 * anew, never copied: what cannot be read, and protocols that only mean something between neighbours, stay behind (hardening R3).
 */

import { formatReason, readReasons } from "../sip/header-values.ts";
import type { SipMessage } from "../sip/message.ts";

const PASSED: readonly string[] = ["SIP", "Q.850"];
const REASONS_MAX = 4;
const TEXT_LENGTH_MAX = 200;

/** Value of a Reason header for the other side, or undefined when there is nothing to pass. */
export function passedReason(message: SipMessage | undefined): string | undefined {
  if (message === undefined) return undefined;
  const passed = readReasons(message.headers)
    .filter(({ protocol }) => PASSED.includes(protocol.toUpperCase()))
    .slice(0, REASONS_MAX)
    .map((reason) => formatReason({ ...reason, text: reason.text.slice(0, TEXT_LENGTH_MAX) }));
  return passed.length === 0 ? undefined : passed.join(", ");
}

/** The header, or none. */
export function reasonHeader(message: SipMessage | undefined): readonly [string, string][] {
  const reason = passedReason(message);
  return reason === undefined ? [] : [["Reason", reason]];
}
