import type { TransportError } from "../base/errors.ts";

/** Told when a message could not be sent: at once, or when the network says so. */
export interface SendObserver {
  sendFailed(error: TransportError): void;
}
