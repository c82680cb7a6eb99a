/**
 * Port pairs for legs: RTP on an even port, RTCP on the odd one above it (RFC 3550 §11, R-MEDIA-11). A released pair
 * rests for 10 s, so that late packets of one call never reach the next (RTP-SES-6).
 */

import type { Clock } from "../base/clock.ts";
import { MediaError, messageOf } from "../base/errors.ts";
import type { DatagramPorts } from "./datagram-port.ts";

/** Both sockets of a leg. */
export interface PortPair {
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number;
  /** Numbers of the sockets in their `DatagramPorts`. */
  readonly rtpSocket: number;
  readonly rtcpSocket: number;
}

/** Options of {@link UdpPorts}. */
export interface UdpPortsOptions {
  readonly ports: DatagramPorts;
  readonly clock: Clock;
  /** Inclusive range; 0,0 means any free ports. */
  readonly portMin: number;
  readonly portMax: number;
  /** Pair of the range to begin with, any whole number; spreads restarts over the range. Default 0. */
  readonly firstPair?: number;
}

const QUARANTINE_MS = 10_000;
/** Pairs tried before the range is taken to be full; other programs may hold some. */
const ATTEMPTS_MAX = 64;

export class UdpPorts {
  readonly #options: UdpPortsOptions;
  /** Even ports in use or being bound. */
  readonly #taken = new Set<number>();
  /** Even port → time of its release, oldest first. */
  readonly #resting = new Map<number, number>();
  readonly #pairCount: number;
  readonly #firstPort: number;
  #cursor = 0;

  constructor(options: UdpPortsOptions) {
    this.#options = options;
    const { portMin, portMax, firstPair = 0 } = options;
    this.#firstPort = Math.ceil(portMin / 2) * 2;
    this.#pairCount = portMax === 0 ? 0 : Math.max(0, Math.floor((portMax - this.#firstPort + 1) / 2));
    if (this.#pairCount > 0) this.#cursor = firstPair % this.#pairCount;
  }

  /** Pairs that are open. */
  get openPairs(): number {
    return this.#taken.size;
  }

  /**
   * Binds a pair on `address`.
   * @throws MediaError MEDIA_NO_PORT when the range is used up, or when the system refuses for a reason that another
   *   port would not change
   */
  async open(address: string): Promise<PortPair> {
    this.#endQuarantines();
    return this.#options.portMax === 0 ? this.#openAny(address) : this.#openFromRange(address);
  }

  /** Closes both sockets; the ports rest. */
  close(pair: PortPair): void {
    const { ports, clock } = this.#options;
    ports.close(pair.rtpSocket);
    ports.close(pair.rtcpSocket);
    this.#taken.delete(pair.rtpPort);
    this.#resting.delete(pair.rtpPort);
    this.#resting.set(pair.rtpPort, clock.nowMs());
  }

  async #openFromRange(address: string): Promise<PortPair> {
    let lastError: unknown;
    let attempts = 0;
    for (let looked = 0; looked < this.#pairCount && attempts < ATTEMPTS_MAX; looked++) {
      const rtpPort = this.#firstPort + this.#cursor * 2;
      this.#cursor = (this.#cursor + 1) % this.#pairCount;
      if (this.#taken.has(rtpPort) || this.#resting.has(rtpPort)) continue;
      attempts++;
      this.#taken.add(rtpPort);
      try {
        return await this.#bindPair(address, rtpPort);
      } catch (error) {
        this.#taken.delete(rtpPort);
        if (!isPortBusy(error)) throw noPort(address, error);
        lastError = error;
      }
    }
    throw noPort(address, lastError ?? "all port pairs of the range are in use or resting");
  }

  async #openAny(address: string): Promise<PortPair> {
    const { ports } = this.#options;
    let lastError: unknown;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      let probe: { socket: number; port: number };
      try {
        probe = await ports.bind(address, 0);
      } catch (error) {
        throw noPort(address, error);
      }
      // The system's port is one half of the pair, whichever it is; the other must be free too.
      const isEven = probe.port % 2 === 0;
      const rtpPort = isEven ? probe.port : probe.port - 1;
      if (this.#taken.has(rtpPort) || this.#resting.has(rtpPort)) {
        ports.close(probe.socket);
        continue;
      }
      this.#taken.add(rtpPort);
      try {
        const other = await ports.bind(address, isEven ? rtpPort + 1 : rtpPort);
        return {
          address,
          rtpPort,
          rtcpPort: rtpPort + 1,
          rtpSocket: isEven ? probe.socket : other.socket,
          rtcpSocket: isEven ? other.socket : probe.socket,
        };
      } catch (error) {
        ports.close(probe.socket);
        this.#taken.delete(rtpPort);
        if (!isPortBusy(error)) throw noPort(address, error);
        lastError = error;
      }
    }
    throw noPort(address, lastError ?? "no free even port with a free odd one above it");
  }

  async #bindPair(address: string, rtpPort: number): Promise<PortPair> {
    const { ports } = this.#options;
    const rtp = await ports.bind(address, rtpPort);
    try {
      const rtcp = await ports.bind(address, rtpPort + 1);
      return { address, rtpPort, rtcpPort: rtpPort + 1, rtpSocket: rtp.socket, rtcpSocket: rtcp.socket };
    } catch (error) {
      ports.close(rtp.socket);
      throw error;
    }
  }

  #endQuarantines(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [port, releasedMs] of this.#resting) {
      if (nowMs - releasedMs < QUARANTINE_MS) break;
      this.#resting.delete(port);
    }
  }
}

/** True when another port may do: somebody else has this one, or it is reserved. */
function isPortBusy(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === "EADDRINUSE" || code === "EACCES";
}

function noPort(address: string, reason: unknown): MediaError {
  return new MediaError("MEDIA_NO_PORT", `no RTP port on ${address}: ${messageOf(reason)}`);
}
