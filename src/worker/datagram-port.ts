/**
 * UDP sockets of one media worker behind one interface with two implementations: `dgram-ports.ts` on node:dgram, which
 * works everywhere, and `batched-ports.ts`, which talks to the Linux kernel without libuv in between. Sockets are
 * plain numbers; a datagram goes from the kernel to the engine's memory and back without an object of its own.
 */

import type { AddressWords } from "../media/address.ts";

/** Where received datagrams go. */
export interface DatagramSink {
  /** Memory that they are written into. */
  readonly bytes: Uint8Array;
  /** Offset in `bytes` of {@link DATAGRAM_PLACE_BYTES} octets for the next datagram. */
  place(): number;
  /**
   * The datagram at the last `place()` is there. `lengthBytes` is what the sender sent; when that is more than the
   * place holds, the rest is lost. `source` is valid during the call only.
   */
  accept(socket: number, lengthBytes: number, source: Readonly<AddressWords>, port: number): void;
}

/** A datagram to be sent: octets `offset` to `offset + length` of `bytes`. The engine's `DatagramView` fits. */
export interface OutgoingDatagram extends AddressWords {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly port: number;
  /** Destination as numeric text. */
  readonly address: string;
}

/** Octets of a place: the engine's longest datagram, 1500. */
export const DATAGRAM_PLACE_BYTES = 1500;

/** A socket as it was bound. */
export interface BoundSocket {
  /** Number for `send` and `close`; used again after a close. */
  readonly socket: number;
  readonly port: number;
}

/** Counters since the start. */
export interface DatagramStats {
  readonly received: number;
  readonly sent: number;
  /** The kernel refused to send; the datagram is lost as if on the network. */
  readonly sendErrors: number;
  readonly receiveErrors: number;
  readonly sockets: number;
}

export interface DatagramPorts {
  readonly kind: "batched" | "dgram";
  /** True when datagrams come only by {@link poll}; otherwise they also arrive on their own, see `onArrival`. */
  readonly needsPolling: boolean;
  /** Called after one or more datagrams were accepted outside of `poll`, at most once a turn of the event loop. */
  onArrival: (() => void) | undefined;
  /**
   * Opens a socket.
   * @param address - numeric local address
   * @param port - 0 for any free one
   * @throws what the system says, with its `code` (EADDRINUSE, EADDRNOTAVAIL, EMFILE …)
   */
  bind(address: string, port: number): Promise<BoundSocket>;
  /** Sends now, without waiting; a full socket buffer loses the datagram. Never throws. */
  send(socket: number, datagram: OutgoingDatagram): void;
  /** Reads what waits. @returns datagrams accepted */
  poll(): number;
  /** Closes a socket; its number may be given out again. */
  close(socket: number): void;
  /** Closes everything; nothing can be bound after that. */
  closeAll(): void;
  stats(): DatagramStats;
}

/** An error with the system's code, as node:net and node:dgram throw them. */
export function systemError(code: string, operation: string): Error & { code: string } {
  return Object.assign(new Error(`${operation}: ${code}`), { code });
}
