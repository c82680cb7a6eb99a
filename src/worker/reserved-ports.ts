/**
 * Port pairs that were bound ahead for legs to come, so that the main thread can name a port in an offer without waiting
 * for the worker. They belong to nobody: what arrives at them is thrown away.
 */

import { MediaError } from "../base/errors.ts";
import type { PortRanges } from "./port-ranges.ts";
import type { LegPorts } from "./protocol.ts";
import type { PortPair } from "./udp-ports.ts";

/** Asked for at once at most. */
const COUNT_MAX = 256;

export class ReservedPorts {
  readonly #pairs: PortRanges;
  readonly #reserved = new Map<string, PortPair>();

  constructor(pairs: PortRanges) {
    this.#pairs = pairs;
  }

  /**
   * @param count - 1 to 256
   * @returns as many as there are; none when not even one is left
   */
  async reserve(address: string, count: number): Promise<readonly LegPorts[]> {
    if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
      throw new RangeError(`count: 1 to ${COUNT_MAX}, not ${count}`);
    const reserved: LegPorts[] = [];
    try {
      while (reserved.length < count) {
        const pair = await this.#pairs.open(address);
        this.#reserved.set(keyOf(address, pair.rtpPort), pair);
        reserved.push({ address, rtpPort: pair.rtpPort, rtcpPort: pair.rtcpPort });
      }
    } catch (error) {
      // Whoever needs one and gets none asks for that one, and is told why.
      if (!(error instanceof MediaError)) throw error;
    }
    return reserved;
  }

  /** @throws MediaError MEDIA_NO_PORT when it is not reserved */
  take(address: string, rtpPort: number): PortPair {
    const key = keyOf(address, rtpPort);
    const pair = this.#reserved.get(key);
    if (pair === undefined) throw new MediaError("MEDIA_NO_PORT", `no pair is reserved at ${address}:${rtpPort}`);
    this.#reserved.delete(key);
    return pair;
  }
}

function keyOf(address: string, rtpPort: number): string {
  return `${address} ${rtpPort}`;
}
