/** The edges of the installation for those who run it and for its customers: how they stand, where they are, and their drain. */

import type { ListenAddress } from "../sip/transport/target.ts";
import type { DomainKind } from "../trunking/domains.ts";
import type { EdgePlan } from "../trunking/edge-plan.ts";
import { type LocalizedUri, localizedUris } from "../trunking/localized-uris.ts";
import { type NetworkRow, networkRows } from "../trunking/network-info.ts";
import type { CallTable } from "./call-table.ts";
import type { LocalEdges } from "./local-edges.ts";

export interface EdgeStatus {
  readonly name: string;
  readonly region: string | null;
  /** `down`: the machine has none of its addresses. `elsewhere`: another process serves it. */
  readonly status: "active" | "draining" | "down" | "elsewhere";
  readonly addresses: readonly string[];
  /** Legs that are up there. */
  readonly calls: number;
}

export interface EdgeDirectoryOptions {
  /** All edges of the configuration. */
  readonly plans: readonly EdgePlan[];
  readonly local: LocalEdges;
  readonly calls: CallTable;
  /** DNS suffix. */
  readonly base: string;
  /** What was bound, for ports that the system chose. */
  readonly listening: () => readonly ListenAddress[];
}

export class EdgeDirectory {
  readonly #options: EdgeDirectoryOptions;

  constructor(options: EdgeDirectoryOptions) {
    this.#options = options;
  }

  list(): EdgeStatus[] {
    const { plans, local, calls } = this.#options;
    const counts = new Map<string, number>();
    for (const call of calls.live()) {
      const { name } = local.ofCall(call);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return plans.map(({ name, region, addresses }) => {
      const own = local.all.find((edge) => edge.name === name);
      const status =
        own === undefined ? "elsewhere" : own.draining ? "draining" : local.isWorking(own) ? "active" : "down";
      return { name, region, status, addresses, calls: counts.get(name) ?? 0 };
    });
  }

  /** True for an edge or region that is of this process. */
  isServed(name: string): boolean {
    return this.#options.local.named(name) !== undefined;
  }

  /** Why no call begins at an edge now, or undefined. */
  startProblem(name: string): string | undefined {
    const start = this.#options.local.start(name);
    return "problem" in start ? start.problem : undefined;
  }

  /** @returns false when no edge of this process has the name */
  setDraining(name: string, draining: boolean): boolean {
    const edge = this.#options.local.all.find((one) => one.name === name);
    if (edge === undefined) return false;
    edge.draining = draining;
    return true;
  }

  /** R-NET-1. */
  network(): NetworkRow[] {
    const { plans, listening } = this.#options;
    const bound = listening();
    const portOf = (transport: string, address: string, port: number): number =>
      port !== 0 ? port : (bound.find((one) => one.transport === transport && one.address === address)?.port ?? 0);
    return networkRows(
      plans.map((plan) => ({
        ...plan,
        listen: plan.listen.map((one) => ({ ...one, port: portOf(one.transport, one.address, one.port) })),
      })),
    );
  }

  /** R-EDGE-3. */
  localized(label: string, kind: DomainKind): LocalizedUri[] {
    return localizedUris(label, kind, this.#options.base, this.#options.plans);
  }
}
