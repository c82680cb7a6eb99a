/** The parameters of webhooks and status callbacks (twiml.md 4.1, 4.3), from a plain description of the call. */

import type { Parameter } from "./signature.ts";

/** What every request tells. */
export interface CallDescription {
  readonly callSid: string;
  readonly accountSid: string;
  readonly from: string;
  readonly to: string;
  readonly callStatus: string;
  readonly direction: "inbound" | "outbound-api" | "outbound-dial";
  readonly parentCallSid?: string;
  readonly forwardedFrom?: string;
  readonly callerName?: string;
}

/** What calls to a SIP domain tell besides (twiml.md 4.1, R-BYOC-6). */
export interface SipDomainDescription {
  readonly domain: string;
  readonly domainSid: string;
  readonly byocTrunkSid?: string;
  readonly username?: string;
  readonly callId: string;
  readonly sourceIp: string;
  /** X- headers and User-to-User, names as received. */
  readonly headers: readonly Parameter[];
}

/** Values of X- headers in sum (SIP-ID-10). */
const HEADER_VALUES_MAX = 1024;

export function callParameters(call: CallDescription, sip?: SipDomainDescription): Parameter[] {
  const parameters: Parameter[] = [
    ["CallSid", call.callSid],
    ["AccountSid", call.accountSid],
    ["From", call.from],
    ["To", call.to],
    ["Caller", call.from],
    ["Called", call.to],
    ["CallStatus", call.callStatus],
    ["ApiVersion", "2010-04-01"],
    ["Direction", call.direction],
  ];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined && value !== "") parameters.push([name, value]);
  };
  add("ParentCallSid", call.parentCallSid);
  add("ForwardedFrom", call.forwardedFrom);
  add("CallerName", call.callerName);
  if (sip === undefined) return parameters;
  parameters.push(
    ["SipDomain", sip.domain],
    ["SipDomainSid", sip.domainSid],
    ["SipCallId", sip.callId],
    ["SipSourceIp", sip.sourceIp],
  );
  add("SipUsername", sip.username);
  add("ByocTrunkSid", sip.byocTrunkSid);
  let room = HEADER_VALUES_MAX;
  for (const [name, value] of sip.headers) {
    const kept = value.slice(0, room);
    room -= kept.length;
    if (kept !== "") parameters.push([`SipHeader_${name}`, kept]);
  }
  return parameters;
}

export interface StatusCallbackDescription extends CallDescription {
  readonly timestamp: Date;
  /** From 0. */
  readonly sequenceNumber: number;
  /** On the final event only. */
  readonly durationSeconds?: number;
  readonly sipResponseCode?: number;
}

export function statusCallbackParameters(event: StatusCallbackDescription): Parameter[] {
  const parameters = callParameters(event);
  parameters.push(
    ["Timestamp", rfc2822(event.timestamp)],
    ["CallbackSource", "call-progress-events"],
    ["SequenceNumber", String(event.sequenceNumber)],
  );
  if (event.durationSeconds !== undefined)
    parameters.push(
      ["CallDuration", String(event.durationSeconds)],
      ["Duration", String(Math.ceil(event.durationSeconds / 60))],
    );
  if (event.sipResponseCode !== undefined && event.sipResponseCode > 0)
    parameters.push(["SipResponseCode", String(event.sipResponseCode)]);
  return parameters;
}

/** `Fri, 20 Aug 2010 01:13:42 +0000`. */
export function rfc2822(date: Date): string {
  return date.toUTCString().replace("GMT", "+0000");
}
