/**
 * A request that waits, kept as the octets that crossed the wire. Parsed it takes several times as much, and for most of the life
 * of a transaction nobody looks at it: once the parsed one was collected, it is read again when it is asked for.
 */

import type { Flow, SipRequest } from "./message.ts";
import { UnacceptableRequestError } from "./parse-failure.ts";
import { parseMessage } from "./parser.ts";
import { stampVia } from "./transport/via-rules.ts";

export class HeldRequest {
  /** One character for each octet. */
  readonly octets: string;
  readonly #arrivedOn: Flow | undefined;
  #parsed: WeakRef<SipRequest>;

  /**
   * @param octets - of this very request, which must not be changed from now on
   * @param arrivedOn - by which its Via was stamped (RFC 3261 §18.2.1); undefined for one of ours
   */
  constructor(request: SipRequest, octets: Uint8Array, arrivedOn?: Flow) {
    this.octets = latin1(octets);
    this.#arrivedOn = arrivedOn;
    this.#parsed = new WeakRef(request);
  }

  /** Parsed; not always the same object. */
  get request(): SipRequest {
    const parsed = this.#parsed.deref();
    if (parsed !== undefined) return parsed;
    const again = this.#read();
    this.#parsed = new WeakRef(again);
    return again;
  }

  #read(): SipRequest {
    try {
      const request = parseMessage(Buffer.from(this.octets, "latin1")) as SipRequest;
      if (this.#arrivedOn !== undefined) stampVia(request, this.#arrivedOn);
      return request;
    } catch (error) {
      // One of ours may be larger than what we would take from others.
      if (error instanceof UnacceptableRequestError) return error.request;
      throw error;
    }
  }
}

/** Octets as a string: a third of a typed array's cost for what is as short as a message. */
export function latin1(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("latin1");
}
