/** SIP over UDP (RFC 3261 §18): one socket for each listening address; what arrives there is answered from there. */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { Clock } from "../../base/clock.ts";
import { markDatagrams } from "../../base/service-mark.ts";
import { DestinationWatch } from "./destination-watch.ts";
import type { ListenAddress, ListenOptions } from "./target.ts";

export interface UdpSettings {
  readonly dscp: number;
  readonly clock: Clock;
  onDatagram(bytes: Uint8Array, address: string, port: number, socket: UdpSocket): void;
  /** Told when nobody listens at a destination that is watched; undefined watches none. */
  readonly onRefused: ((address: string, port: number) => void) | undefined;
}

export class UdpSocket {
  readonly #socket: Socket;
  readonly #watch: DestinationWatch | undefined;
  readonly options: ListenOptions;
  /** As it was bound; asked of the system once. */
  readonly bound: ListenAddress;

  private constructor(socket: Socket, options: ListenOptions, settings: UdpSettings, isShared: boolean) {
    this.#socket = socket;
    this.options = options;
    const { address, port } = socket.address();
    this.bound = { transport: "udp", address, port };
    const onDatagram = (bytes: Uint8Array, from: string, fromPort: number): void =>
      settings.onDatagram(bytes, from, fromPort, this);
    socket.on("message", (bytes, from) => onDatagram(bytes, from.address, from.port));
    const { onRefused, dscp, clock } = settings;
    if (isShared && onRefused !== undefined)
      this.#watch = new DestinationWatch({ address, port, dscp, clock, onDatagram, onRefused });
  }

  /** Rejects with the system's error when the address cannot be bound. */
  static async bind(options: ListenOptions, settings: UdpSettings): Promise<UdpSocket> {
    // Where ports cannot be shared, or any will do, destinations are not watched.
    const wantsShared = settings.onRefused !== undefined && options.port !== 0 && process.platform === "linux";
    // Who shares a port would also share that of another program of the same user: one that does not tells.
    if (wantsShared) await close(await bound(options, false));
    const socket = await bound(options, wantsShared);
    markDatagrams(socket, settings.dscp);
    return new UdpSocket(socket, options, settings, wantsShared);
  }

  /** From the end of this on it is told when nobody listens there, if that was asked for. */
  async watch(address: string, port: number): Promise<void> {
    await this.#watch?.watch(address, port);
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
    this.#watch?.close();
    return close(this.#socket);
  }
}

async function bound(options: ListenOptions, reusePort: boolean): Promise<Socket> {
  const family = options.address.includes(":") ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? "udp6" : "udp4",
    reusePort,
    recvBufferSize: 2 * 1024 * 1024,
    // Everything is sent to addresses; looking them up would cost a turn and two expressions for each datagram.
    lookup: (address, _options, found) => found(null, address, family),
  });
  try {
    // Looked up at once, so it may listen before `bind` returns.
    const listening = once(socket, "listening");
    socket.bind(options.port, options.address);
    await listening;
  } catch (error) {
    socket.close();
    throw error;
  }
  // Nothing that a network does to a bound socket may end the process.
  socket.on("error", () => undefined);
  return socket;
}

function close(socket: Socket): Promise<void> {
  return new Promise((done) => socket.close(() => done()));
}
