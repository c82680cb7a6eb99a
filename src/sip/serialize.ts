/** SIP messages to octets: long names, CRLF, always a Content-Length (RFC 3261 §7). Built from fields only. */

import type { SipMessage } from "./message.ts";
import { formatNameAddr } from "./name-addr.ts";
import { blankControls } from "./tokens.ts";
import { formatUri } from "./uri.ts";
import { formatVia } from "./via.ts";

export function serializeMessage(message: SipMessage): Buffer {
  let head =
    message.kind === "request"
      ? `${message.method} ${formatUri(message.uri)} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${blankControls(message.reason)}\r\n`;
  for (const via of message.vias) head += `Via: ${formatVia(via)}\r\n`;
  if (message.kind === "request") head += `Max-Forwards: ${message.maxForwards}\r\n`;
  head += `From: ${formatNameAddr(message.from)}\r\nTo: ${formatNameAddr(message.to)}\r\n`;
  // A request without Call-ID is refused, and the answer has none either (RFC 4475 3.3.1).
  if (message.callId !== "") head += `Call-ID: ${message.callId}\r\n`;
  head += `CSeq: ${message.cseq.number} ${message.cseq.method}\r\n`;
  for (const [name, value] of message.headers) head += `${name}: ${value}\r\n`;
  head += `Content-Length: ${message.body.length}\r\n\r\n`;
  const headLength = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafe(headLength + message.body.length);
  bytes.write(head, 0);
  bytes.set(message.body, headLength);
  return bytes;
}
