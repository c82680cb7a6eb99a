/** SIP over UDP (RFC 3261 §18): one socket for each listening address; what arrives there is answered from there. */

import { createSocket, type Socket } from "node:dgram";
import { markDatagrams } from "../../base/service-mark.ts";
import type { ListenAddress, ListenOptions } from "./target.ts";

export class UdpSocket {
  readonly #socket: Socket;
  readonly options: ListenOptions;
  /** As it was bound; asked of the system once. */
  readonly bound: ListenAddress;

  private constructor(socket: Socket, options: ListenOptions) {
    this.#socket = socket;
    this.options = options;
    const { address, port } = socket.address();
    this.bound = { transport: "udp", address, port };
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static bind(
    options: ListenOptions,
    dscp: number,
    onDatagram: (bytes: Uint8Array, address: string, port: number, socket: UdpSocket) => void,
  ): Promise<UdpSocket> {
    const family = options.address.includes(":") ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      recvBufferSize: 2 * 1024 * 1024,
      // Everything is sent to addresses; looking them up would cost a turn and two expressions for each datagram.
      lookup: (address, _options, found) => found(null, address, family),
    });
    return new Promise((done, fail) => {
      socket.once("error", (error) => {
        socket.close();
        fail(error);
      });
      socket.bind(options.port, options.address, () => {
        socket.removeAllListeners("error");
        // Nothing that a network does to a bound socket may end the process.
        socket.on("error", () => undefined);
        markDatagrams(socket, dscp);
        const made = new UdpSocket(socket, options);
        socket.on("message", (bytes, from) => onDatagram(bytes, from.address, from.port, made));
        done(made);
      });
    });
  }

  /** @param onError - without it nothing is kept for the sending, and what fails is lost */
  send(bytes: Uint8Array, address: string, port: number, onError?: (error: Error) => void): void {
    try {
      if (onError === undefined) this.#socket.send(bytes, port, address);
      else
        this.#socket.send(bytes, port, address, (error) => {
          if (error !== null) onError(error);
        });
    } catch (error) {
      onError?.(error as Error);
    }
  }

  close(): Promise<void> {
    return new Promise((done) => this.#socket.close(() => done()));
  }
}
