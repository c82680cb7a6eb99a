/**
 * SIP messages to octets: long names, CRLF, always a Content-Length (RFC 3261 §7). Built from fields only, never from
 * received lines (hardening R3). No field, wherever it came from, can bring a line end with it (hardening R4).
 */

import type { SipMessage } from "./message.ts";
import { formatNameAddr } from "./name-addr.ts";
import { blankControls, hasControl, isToken } from "./tokens.ts";
import { formatUri } from "./uri.ts";
import { formatVia } from "./via.ts";

/**
 * The message as it goes to the network.
 * @throws TypeError or RangeError for a field that no message may have; parsed messages never have one
 */
export function serializeMessage(message: SipMessage): Buffer {
  let head = startLine(message);
  for (const via of message.vias) head += `Via: ${formatVia(via)}\r\n`;
  if (message.kind === "request") head += `Max-Forwards: ${wholeNumber(message.maxForwards, "maxForwards", 255)}\r\n`;
  head += `From: ${formatNameAddr(message.from)}\r\nTo: ${formatNameAddr(message.to)}\r\n`;
  // A request without Call-ID is refused, and the answer has none either (RFC 4475 §3.3.1).
  if (message.callId !== "") head += `Call-ID: ${oneLine(message.callId, "callId")}\r\n`;
  const { number, method } = message.cseq;
  head += `CSeq: ${wholeNumber(number, "cseq.number", 2 ** 31 - 1)} ${token(method, "cseq.method")}\r\n`;
  for (const [name, value] of message.headers) head += `${name}: ${value}\r\n`;
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  const headLength = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(headLength + message.body.length);
  bytes.write(head, 0);
  bytes.set(message.body, headLength);
  return bytes;
}

function startLine(message: SipMessage): string {
  if (message.kind === "request") return `${token(message.method, "method")} ${formatUri(message.uri)} SIP/2.0\r\n`;
  const { status } = message;
  if (!Number.isInteger(status) || status < 100 || status > 699)
    throw new RangeError(`status is no SIP status: ${status}`);
  return `SIP/2.0 ${status} ${blankControls(message.reason)}\r\n`;
}

function token(text: string, field: string): string {
  if (!isToken(text)) throw new TypeError(`${field} is no token: ${JSON.stringify(text.slice(0, 40))}`);
  return text;
}

function oneLine(text: string, field: string): string {
  if (hasControl(text)) throw new TypeError(`${field} holds a control character`);
  return text;
}

function wholeNumber(value: number, field: string, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max)
    throw new RangeError(`${field} is not 0 to ${max}: ${value}`);
  return value;
}
