/**
 * Port pairs for legs: RTP on an even port, RTCP on the odd one above it (RFC 3550 §11, R-MEDIA-11). A released pair
 * rests for 10 s, so that late packets of one call never reach the next (RTP-SES-6). Where that costs little it stays
 * bound while it rests, and is given out again afterwards: binding is what a short call costs its worker most. Whoever
 * polls must throw away what comes for a pair that nobody has.
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
  /** Pairs without a leg that stay bound at most. Default 0. */
  readonly keptMax?: number;
}

/** A pair that was released. */
interface Rest {
  readonly releasedMs: number;
  /** It is still bound. */
  readonly pair: PortPair | undefined;
}

const QUARANTINE_MS = 10_000;
/** Pairs tried before the range is taken to be full; other programs may hold some. */
const ATTEMPTS_MAX = 64;

export class UdpPorts {
  readonly #options: UdpPortsOptions;
  /** Even ports in use or being bound. */
  readonly #taken = new Set<number>();
  /** By even port, oldest first. */
  readonly #resting = new Map<number, Rest>();
  /** Bound pairs that have rested, by even port, oldest first. */
  readonly #idle = new Map<number, PortPair>();
  readonly #keptMax: number;
  #kept = 0;
  readonly #pairCount: number;
  readonly #firstPort: number;
  #cursor = 0;

  constructor(options: UdpPortsOptions) {
    this.#options = options;
    const { portMin, portMax, firstPair = 0, keptMax = 0 } = options;
    this.#keptMax = keptMax;
    this.#firstPort = Math.ceil(portMin / 2) * 2;
    this.#pairCount = portMax === 0 ? 0 : Math.max(0, Math.floor((portMax - this.#firstPort + 1) / 2));
    if (this.#pairCount > 0) this.#cursor = firstPair % this.#pairCount;
  }

  /** Pairs that are open. */
  get openPairs(): number {
    return this.#taken.size;
  }

  /**
   * A pair on `address`, bound anew or one that was kept.
   * @throws MediaError MEDIA_NO_PORT when the range is used up, or when the system refuses for a reason that another
   *   port would not change
   */
  async open(address: string): Promise<PortPair> {
    this.#endQuarantines();
    const kept = this.#takeIdle(address);
    if (kept !== undefined) return kept;
    try {
      return await this.#bindNew(address);
    } catch (error) {
      // What is kept may be just what is missing: ports of the range, or descriptors.
      if (this.#idle.size === 0) throw error;
      this.#closeIdle();
      return this.#bindNew(address);
    }
  }

  /** Gives a pair back; its ports rest. */
  close(pair: PortPair): void {
    const { clock } = this.#options;
    const isKept = this.#kept < this.#keptMax;
    if (isKept) this.#kept++;
    else this.#closeSockets(pair);
    this.#taken.delete(pair.rtpPort);
    this.#resting.delete(pair.rtpPort);
    this.#resting.set(pair.rtpPort, { releasedMs: clock.nowMs(), pair: isKept ? pair : undefined });
  }

  #bindNew(address: string): Promise<PortPair> {
    return this.#options.portMax === 0 ? this.#openAny(address) : this.#openFromRange(address);
  }

  #takeIdle(address: string): PortPair | undefined {
    for (const [port, pair] of this.#idle) {
      if (pair.address !== address) continue;
      this.#idle.delete(port);
      this.#kept--;
      this.#taken.add(port);
      return pair;
    }
    return undefined;
  }

  #closeIdle(): void {
    for (const pair of this.#idle.values()) this.#closeSockets(pair);
    this.#kept -= this.#idle.size;
    this.#idle.clear();
  }

  #closeSockets(pair: PortPair): void {
    this.#options.ports.close(pair.rtpSocket);
    this.#options.ports.close(pair.rtcpSocket);
  }

  #isFree(rtpPort: number): boolean {
    return !this.#taken.has(rtpPort) && !this.#resting.has(rtpPort) && !this.#idle.has(rtpPort);
  }

  async #openFromRange(address: string): Promise<PortPair> {
    let lastError: unknown;
    let attempts = 0;
    for (let looked = 0; looked < this.#pairCount && attempts < ATTEMPTS_MAX; looked++) {
      const rtpPort = this.#firstPort + this.#cursor * 2;
      this.#cursor = (this.#cursor + 1) % this.#pairCount;
      if (!this.#isFree(rtpPort)) continue;
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
      if (!this.#isFree(rtpPort)) {
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
    for (const [port, { releasedMs, pair }] of this.#resting) {
      if (nowMs - releasedMs < QUARANTINE_MS) break;
      this.#resting.delete(port);
      if (pair !== undefined) this.#idle.set(port, pair);
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
