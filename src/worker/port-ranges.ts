/** The port pairs of one worker, by local address: each edge has a range of its own (R-EDGE-1, R-NET-1). */

import type { WorkerConfig } from "./protocol.ts";
import { type PortPair, UdpPorts, type UdpPortsOptions } from "./udp-ports.ts";

export class PortRanges {
  readonly #common: UdpPorts;
  readonly #own: ReadonlyMap<string, UdpPorts>;

  /** @param config - addresses that `portRanges` does not name share one range */
  constructor(
    { portMin, portMax, portRanges = [] }: Pick<WorkerConfig, "portMin" | "portMax" | "portRanges">,
    options: Omit<UdpPortsOptions, "portMin" | "portMax">,
  ) {
    // What may be kept bound is a matter of the whole worker.
    const keptMax = Math.floor((options.keptMax ?? 0) / (portRanges.length + 1));
    const shared = { ...options, keptMax };
    this.#common = new UdpPorts({ ...shared, portMin, portMax });
    this.#own = new Map(portRanges.map(({ address, ...range }) => [address, new UdpPorts({ ...shared, ...range })]));
  }

  /** As `UdpPorts.open`. */
  open(address: string): Promise<PortPair> {
    return this.#of(address).open(address);
  }

  /** Gives a pair back; its ports rest. */
  close(pair: PortPair): void {
    this.#of(pair.address).close(pair);
  }

  #of(address: string): UdpPorts {
    return this.#own.get(address) ?? this.#common;
  }
}
