/**
 * Octets to SIP messages (RFC 3261 §7, §8.1.1, §18.3). What every layer needs is parsed; what is not needed is kept as text
 * and never stands in the way (SIP-MSG-13). A request that is wrong but can be answered is thrown as
 * `UnacceptableRequestError`, anything else as `SipParseError` with status 0: drop it. Nothing else is ever thrown.
 */

import { SipParseError } from "../base/errors.ts";
import { LIMITS } from "./limits.ts";
import type { NameAddr, SipMessage, SipRequest, SipResponse } from "./message.ts";
import { type Fault, findHeadEnd, type MessageHead, readHead, skipLineEnds } from "./message-head.ts";
import { UnacceptableRequestError } from "./parse-failure.ts";
import type { RequestLine, StatusLine } from "./start-line.ts";
import { sipUri } from "./uri.ts";
import { BRANCH_COOKIE } from "./via.ts";

/** Methods that make or move a remote target (RFC 3261 §8.1.1.8). */
const NEEDS_CONTACT: ReadonlySet<string> = new Set(["INVITE", "REFER", "UPDATE", "SUBSCRIBE"]);

export interface ParseOptions {
  /** True when the octets came from TCP or TLS: Content-Length is required, and faults in it lose the framing. */
  readonly stream?: boolean;
}

/**
 * Reads one whole message; octets behind its body are left out.
 * @param bytes - the body of the result is a view of it
 * @throws UnacceptableRequestError, SipParseError
 */
export function parseMessage(bytes: Uint8Array, options: ParseOptions = {}): SipMessage {
  const isStream = options.stream === true;
  const start = skipLineEnds(bytes);
  const { bodyStart } = findHeadEnd(bytes, start, bytes.length);
  // Without an empty line all of it is head; what can be read of it may still be answered.
  const headEnd = bodyStart < 0 ? bytes.length : bodyStart;
  const head = readHead(bytes.subarray(start, Math.min(headEnd, start + LIMITS.messageBytes)));
  if (bytes.length - start > LIMITS.messageBytes)
    head.faults.push({ status: 513, text: "message is too large", losesFraming: true });
  const present = bytes.length - headEnd;
  const length = bodyLength(head, isStream ? undefined : present);
  if (length > present) head.faults.push({ status: 400, text: "body is cut short", losesFraming: true });
  return completeMessage(head, bytes.subarray(headEnd, headEnd + Math.min(length, present)), isStream);
}

/**
 * How many octets of body follow the head (SIP-MSG-11). When that cannot be told or is too much, a fault is noted and the
 * length is 0.
 * @param present - octets behind the head of a datagram, which are the body when Content-Length is absent; undefined on a
 * stream, where it has to be there
 */
export function bodyLength(head: MessageHead, present: number | undefined): number {
  const isUncertain = isFramingLost(head);
  const length = head.contentLength ?? present;
  if (length === undefined) {
    if (!isUncertain)
      head.faults.push({ status: 400, text: "Content-Length is needed on a stream", losesFraming: true });
    return 0;
  }
  if (length > LIMITS.bodyBytes) {
    head.faults.push({ status: 413, text: "body is too large", losesFraming: true });
    return 0;
  }
  return isUncertain ? 0 : length;
}

/**
 * Makes the message of its parts.
 * @throws UnacceptableRequestError, SipParseError
 */
export function completeMessage(head: MessageHead, body: Uint8Array, isStream: boolean): SipMessage {
  return head.start.kind === "response"
    ? response(head.start, head, body, isStream)
    : request(head.start, head, body, isStream);
}

/** A response that has anything wrong with it is dropped: there is nobody to tell. */
function response(line: StatusLine, head: MessageHead, body: Uint8Array, isStream: boolean): SipResponse {
  const { vias, from, to, callId, cseq, headers, faults } = head;
  const { status, reason } = line;
  const fault = status === 0 ? { text: "status line is malformed" } : (faults[0] ?? missingField(head));
  if (fault !== undefined) throw new SipParseError(fault.text, 0, -1, isStream && isFramingLost(head));
  return { kind: "response", status, reason, vias, from: from!, to: to!, callId: callId!, cseq: cseq!, headers, body };
}

function request(line: RequestLine, head: MessageHead, body: Uint8Array, isStream: boolean): SipRequest {
  const { vias, callId, cseq, headers, faults } = head;
  const { method, uri, refusal } = line;
  const fault = refusal ?? faults[0] ?? missingField(head) ?? contradiction(head, method);
  const made: SipRequest = {
    kind: "request",
    method,
    uri: uri ?? sipUri(undefined, "invalid"),
    vias,
    from: head.from ?? nobody(),
    to: head.to ?? nobody(),
    callId: callId ?? "",
    cseq: cseq ?? { number: 0, method },
    maxForwards: head.maxForwards ?? 70,
    headers,
    body,
  };
  if (fault === undefined) return made;
  const isFatal = isStream && isFramingLost(head);
  // Without a Via there is no way back, and ACK is never answered.
  if (vias.length === 0 || method === "ACK") throw new SipParseError(fault.text, 0, -1, isFatal);
  throw new UnacceptableRequestError(fault.text, fault.status, made, isFatal);
}

function isFramingLost(head: MessageHead): boolean {
  return head.faults.some((fault) => fault.losesFraming);
}

/** SIP-MSG-8. Max-Forwards may be missing, and a From tag too. */
function missingField(head: MessageHead): Pick<Fault, "status" | "text"> | undefined {
  const missing: string[] = [];
  if (head.vias.length === 0) missing.push("Via");
  if (head.from === undefined) missing.push("From");
  if (head.to === undefined) missing.push("To");
  if (head.callId === undefined) missing.push("Call-ID");
  if (head.cseq === undefined) missing.push("CSeq");
  return missing.length === 0 ? undefined : { status: 400, text: `${missing.join(", ")} missing` };
}

/** What is fine by itself but not together. */
function contradiction(head: MessageHead, method: string): Pick<Fault, "status" | "text"> | undefined {
  if (head.cseq?.method !== method) return { status: 400, text: "CSeq names another method" };
  // Peers of RFC 2543 had no need of Contact; they are known by their branch.
  const isCurrent = head.vias[0]?.params.get("branch")?.startsWith(BRANCH_COOKIE) === true;
  if (isCurrent && NEEDS_CONTACT.has(method) && !head.headers.has("Contact"))
    return { status: 400, text: "Contact missing" };
  return undefined;
}

/** Stands for a From or To that could not be read, so that the request can be answered. */
function nobody(): NameAddr {
  return { displayName: "", uri: sipUri(undefined, "invalid"), params: new Map() };
}
