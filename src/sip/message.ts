/**
 * SIP messages as values (RFC 3261 §7). What every layer needs is parsed once and kept in fields; all other headers stay
 * as text in `headers`. Messages are built with `build.ts` and written by `serialize.ts`, always from fields.
 */

import type { Headers } from "./headers.ts";
import type { SipUri } from "./uri.ts";

/** Parameters after `;`, names in lower case, "" for a bare flag. A Map, since names come from outside. */
export type Params = Map<string, string>;

/** `"Display" <uri>;params` (RFC 3261 §20.10). `displayName` is unquoted; `params` are the header's, not the URI's. */
export interface NameAddr {
  displayName: string;
  uri: SipUri;
  params: ReadonlyMap<string, string>;
}

/** One Via value (RFC 3261 §20.42). */
export interface Via {
  /** Upper case: UDP, TCP, TLS or anything else that was received. */
  transport: string;
  /** Lower case; IPv6 without brackets. */
  host: string;
  port: number | undefined;
  /** branch, received, rport, maddr … */
  params: Params;
}

/** CSeq (RFC 3261 §20.16). */
export interface CSeq {
  number: number;
  method: string;
}

interface MessageFields {
  vias: Via[];
  from: NameAddr;
  to: NameAddr;
  callId: string;
  cseq: CSeq;
  /** All headers but Via, From, To, Call-ID, CSeq and Content-Length, in order, long names. */
  headers: Headers;
  body: Uint8Array;
}

/** A request. `uri` is the Request-URI. `maxForwards` is 70 when the header was missing. */
export interface SipRequest extends MessageFields {
  readonly kind: "request";
  method: string;
  uri: SipUri;
  maxForwards: number;
}

/** A response; `status` 100 to 699. */
export interface SipResponse extends MessageFields {
  readonly kind: "response";
  status: number;
  reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/** Where a message came from and where it arrived; answers over UDP leave from the same local address and port. */
export interface Flow {
  readonly transport: SipTransportName;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Identifies a TCP or TLS connection while it lives; undefined for UDP. */
  readonly connectionId: number | undefined;
  /** Names of the certificate that the far end showed and that was verified (SIP-TP-13); absent when there is none. */
  readonly tlsNames?: readonly string[];
}

export type SipTransportName = "udp" | "tcp" | "tls";

/** A body to send. */
export interface SipBody {
  readonly contentType: string;
  readonly content: string | Uint8Array;
}

/** Extra headers of an outgoing message: long name and value; values with CR, LF or NUL are refused with a TypeError. */
export type ExtraHeaders = readonly (readonly [name: string, value: string])[];
