/** Where a request is to go: one address of one transport (RFC 3263). */

import type { SipTransportName } from "../message.ts";

export interface Target {
  readonly transport: SipTransportName;
  readonly address: string;
  readonly port: number;
  /** Name that the TLS certificate has to carry, and SNI; the URI's host. */
  readonly tlsName: string;
  readonly tlsVerify: boolean;
  /** Address to send from, "" for any. */
  readonly localAddress: string;
}

/** An address that the stack listens on, as it was bound. */
export interface ListenAddress {
  readonly transport: SipTransportName;
  readonly address: string;
  readonly port: number;
}

/** What to listen on. */
export interface ListenOptions {
  readonly transport: SipTransportName;
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  /** Said in Via and Contact instead of the bound ones (R-NET-4). */
  readonly announceAddress?: string;
  readonly announcePort?: number;
}

/** Default port of a transport (RFC 3261 §19.1.2). */
export function defaultPort(transport: SipTransportName): number {
  return transport === "tls" ? 5061 : 5060;
}
