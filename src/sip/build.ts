/** New messages from fields (RFC 3261 §8.1.1, §8.2.6). */

import { Headers } from "./headers.ts";
import type { CSeq, ExtraHeaders, NameAddr, SipBody, SipRequest, SipResponse, Via } from "./message.ts";
import { withTag } from "./name-addr.ts";
import { reasonPhrase } from "./reason-phrases.ts";
import { hasControl } from "./tokens.ts";
import type { SipUri } from "./uri.ts";

export interface RequestFields {
  readonly method: string;
  readonly uri: SipUri;
  /** Default none: the transaction adds its own. */
  readonly vias?: Via[];
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: CSeq;
  /** Default 70. */
  readonly maxForwards?: number;
  readonly headers?: ExtraHeaders;
  readonly body?: SipBody;
}

/**
 * A request of these fields.
 * @throws TypeError for a header name that is no token or a field of the message, or a value with control characters
 */
export function createRequest(fields: RequestFields): SipRequest {
  const { headers, body } = content(fields.headers, fields.body);
  return {
    kind: "request",
    method: fields.method,
    uri: fields.uri,
    vias: fields.vias ?? [],
    from: fields.from,
    to: fields.to,
    callId: fields.callId,
    cseq: fields.cseq,
    maxForwards: fields.maxForwards ?? 70,
    headers,
    body,
  };
}

export interface ResponseFields {
  /** Default the phrase of the RFC; one with control characters is not used. */
  readonly reason?: string;
  /** Added to To when the request had none (RFC 3261 §8.2.6.2); never to 100. */
  readonly toTag?: string;
  readonly headers?: ExtraHeaders;
  readonly body?: SipBody;
}

/**
 * A response with Via, From, To, Call-ID and CSeq of its request; Record-Route is copied into 101 to 299 (SIP-DLG-5).
 * @throws TypeError as `createRequest` does
 */
export function createResponse(request: SipRequest, status: number, fields: ResponseFields = {}): SipResponse {
  const { headers, body } = content(fields.headers, fields.body);
  if (status > 100 && status < 300)
    for (const route of request.headers.all("Record-Route")) headers.add("Record-Route", route);
  // RFC 3261 §8.2.6.1; its delay is not added, since 100 leaves within 200 ms.
  const timestamp = status === 100 ? request.headers.get("Timestamp") : undefined;
  if (timestamp !== undefined) headers.add("Timestamp", timestamp);
  const { toTag } = fields;
  const isTagged = status > 100 && toTag !== undefined && !request.to.params.has("tag");
  return {
    kind: "response",
    status,
    reason: fields.reason === undefined || hasControl(fields.reason) ? reasonPhrase(status) : fields.reason,
    // Copies, since the transport stamps the Via of a request it received and may do so again.
    vias: request.vias.map((via) => ({ ...via, params: new Map(via.params) })),
    from: request.from,
    to: isTagged ? withTag(request.to, toTag) : request.to,
    callId: request.callId,
    cseq: request.cseq,
    headers,
    body,
  };
}

function content(extra: ExtraHeaders = [], body?: SipBody): { headers: Headers; body: Uint8Array } {
  const headers = new Headers();
  for (const [name, value] of extra) headers.add(name, value);
  if (body === undefined) return { headers, body: new Uint8Array(0) };
  headers.set("Content-Type", body.contentType);
  return { headers, body: typeof body.content === "string" ? Buffer.from(body.content) : body.content };
}
