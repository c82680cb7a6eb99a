/**
 * UDP sockets on node:dgram: works on every system. An ICMP error or a vanished interface shows up as an `error` event
 * of a socket; it is counted and never ends the worker.
 */

import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { markDatagrams } from "../base/service-mark.ts";
import { AddressCache } from "../media/address.ts";
import {
  type BoundSocket,
  DATAGRAM_PLACE_BYTES,
  type DatagramPorts,
  type DatagramSink,
  type DatagramStats,
  type OutgoingDatagram,
} from "./datagram-port.ts";

/** Octets to copy what is sent into; a datagram may wait in libuv after the engine has overwritten its own copy. */
const SLAB_BYTES = 64 * 1024;

type LookupCallback = (error: null, address: string, family: number) => void;

/** Addresses are numeric already; the usual look-up would put every datagram off to a later turn. */
function numericLookup(hostname: string, _options: unknown, callback: LookupCallback): void {
  callback(null, hostname, isIPv6(hostname) ? 6 : 4);
}

export class DgramPorts implements DatagramPorts {
  readonly kind = "dgram";
  readonly needsPolling = false;
  onArrival: (() => void) | undefined;

  readonly #sink: DatagramSink;
  readonly #dscp: number;
  readonly #addresses = new AddressCache();
  readonly #sockets: (Socket | undefined)[] = [];
  readonly #isIPv6: boolean[] = [];
  readonly #free: number[] = [];
  #slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #slabUsed = 0;
  #arrivalDue = false;
  #received = 0;
  #sent = 0;
  #sendErrors = 0;
  #receiveErrors = 0;

  constructor(sink: DatagramSink, dscp = 0) {
    this.#sink = sink;
    this.#dscp = dscp;
  }

  bind(address: string, port: number): Promise<BoundSocket> {
    const socket = createSocket({ type: isIPv6(address) ? "udp6" : "udp4", lookup: numericLookup });
    return new Promise((resolve, reject) => {
      const failed = (error: Error) => {
        socket.close();
        reject(error);
      };
      socket.once("error", failed);
      socket.bind({ address, port, exclusive: true }, () => {
        socket.removeListener("error", failed);
        markDatagrams(socket, this.#dscp);
        socket.on("error", () => {
          this.#receiveErrors++;
        });
        const index = this.#free.pop() ?? this.#sockets.length;
        this.#sockets[index] = socket;
        this.#isIPv6[index] = isIPv6(address);
        socket.on("message", (message, from) => this.#onMessage(index, message, from.address, from.port));
        resolve({ socket: index, port: socket.address().port });
      });
    });
  }

  send(socket: number, datagram: OutgoingDatagram): void {
    const { bytes, offset, length } = datagram;
    if (this.#slabUsed + length > SLAB_BYTES) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#slabUsed = 0;
    }
    const at = this.#slabUsed;
    this.#slabUsed += length;
    Buffer.prototype.copy.call(bytes, this.#slab, at, offset, offset + length);
    // A socket of IPv6 takes IPv4 destinations in their mapped form only.
    const isMapped = this.#isIPv6[socket] === true && !datagram.address.includes(":");
    const address = isMapped ? `::ffff:${datagram.address}` : datagram.address;
    try {
      // No callback: an error then becomes the socket's `error` event, which is counted there.
      this.#sockets[socket]?.send(this.#slab, at, length, datagram.port, address);
      this.#sent++;
    } catch {
      this.#sendErrors++;
    }
  }

  poll(): number {
    return 0;
  }

  close(socket: number): void {
    const closing = this.#sockets[socket];
    if (closing === undefined) return;
    this.#sockets[socket] = undefined;
    closing.removeAllListeners("message");
    closing.close();
    this.#free.push(socket);
  }

  closeAll(): void {
    for (let index = 0; index < this.#sockets.length; index++) this.close(index);
  }

  stats(): DatagramStats {
    return {
      received: this.#received,
      sent: this.#sent,
      sendErrors: this.#sendErrors,
      receiveErrors: this.#receiveErrors,
      sockets: this.#sockets.length - this.#free.length,
    };
  }

  #onMessage(socket: number, message: Buffer, address: string, port: number): void {
    const sink = this.#sink;
    message.copy(sink.bytes, sink.place(), 0, DATAGRAM_PLACE_BYTES);
    // What lies about until it is collected shall not be audio (R-COMP-7).
    message.fill(0);
    this.#received++;
    sink.accept(socket, message.length, this.#addresses.get(address), port);
    if (this.#arrivalDue) return;
    // After everything that this turn of the loop brought, so that the engine gets it as one batch.
    this.#arrivalDue = true;
    setImmediate(() => {
      this.#arrivalDue = false;
      this.onArrival?.();
    });
  }
}
