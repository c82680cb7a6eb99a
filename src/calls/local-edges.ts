/**
 * The edges that this process serves, and the rules of where a call is processed and from where its legs leave (R-EDGE-6 to
 * R-EDGE-12, R-ORIG-10). Every edge has addresses of its own, so the address that a request came to tells its edge.
 */

import { isIP } from "node:net";
import type { Clock } from "../base/clock.ts";
import { isOnThisMachine, isWildcard } from "../sip/transport/local-address.ts";
import type { EdgeMedia, EdgePlan } from "../trunking/edge-plan.ts";
import type { EdgeTable } from "../trunking/edges.ts";

/** How long it is believed that an address is there: asking the system costs. */
const PRESENCE_MS = 1000;
const ASKED_MAX = 1000;

/** Where a leg is to leave from, or why it cannot. */
export type Egress = { readonly edge: LocalEdge } | { readonly edge: LocalEdge; readonly problem: string };

export class LocalEdge {
  readonly plan: EdgePlan;
  readonly media: EdgeMedia;
  /** Addresses that its requests leave from; undefined: whichever the system takes. */
  readonly sendFrom: readonly string[] | undefined;
  /** Takes no new calls; those that are up go on (R-EDGE-6). */
  draining = false;

  constructor(plan: EdgePlan, isOnly: boolean) {
    if (plan.media === undefined) throw new TypeError(`edge ${plan.name} is not served here`);
    this.plan = plan;
    this.media = plan.media;
    this.sendFrom = isOnly ? undefined : [...new Set(plan.listen.map(({ address }) => address))];
  }

  get name(): string {
    return this.plan.name;
  }
}

export class LocalEdges {
  /** Those that are served here, in the order of the configuration; at least one. */
  readonly all: readonly LocalEdge[];
  readonly #names: EdgeTable;
  readonly #byAddress = new Map<string, LocalEdge>();
  /** Signalling addresses, bound and announced. */
  readonly #own = new Set<string>();
  /** Something listens on all addresses of the machine: then the machine is asked which those are. */
  #isEverywhere = false;
  readonly #asked = new Map<string, boolean>();
  #askedUntilMs = 0;
  readonly #clock: Clock;
  readonly #hasAddress: (address: string) => boolean;
  /** Edge → whether the machine has an address of it, and until when that is believed. */
  readonly #present = new Map<LocalEdge, { readonly isPresent: boolean; readonly untilMs: number }>();

  /** @param hasAddress - true while the machine has the address; for tests */
  constructor(
    plans: readonly EdgePlan[],
    names: EdgeTable,
    clock: Clock,
    hasAddress: (address: string) => boolean = isOnThisMachine,
  ) {
    const served = plans.filter(({ listen, media }) => listen.length > 0 && media !== undefined);
    this.all = served.map((plan) => new LocalEdge(plan, served.length === 1));
    if (this.all.length === 0) throw new TypeError("plans: no edge is served here");
    this.#names = names;
    this.#clock = clock;
    this.#hasAddress = hasAddress;
    for (const { plan } of this.all)
      for (const { address, announce } of plan.listen) {
        if (isWildcard(address)) this.#isEverywhere = true;
        for (const own of [address, announce, ...plan.addresses]) if (!isWildcard(own)) this.#own.add(own);
      }
    for (const edge of this.all) {
      for (const { address } of edge.plan.listen) this.#byAddress.set(address, edge);
      if (!isWildcard(edge.media.address)) this.#byAddress.set(edge.media.address, edge);
    }
  }

  /** What calls without any edge belong to: the first of the configuration. */
  get default(): LocalEdge {
    return this.all[0]!;
  }

  /** True for an installation of one edge, which every name stands for (R-EDGE-11). */
  get isSingle(): boolean {
    return this.all.length === 1;
  }

  /** The edge that a socket of ours belongs to. */
  at(localAddress: string): LocalEdge {
    return this.#byAddress.get(localAddress) ?? this.default;
  }

  /** True for a host that is an address of ours, as peers see it (R-NET-6). */
  ownsAddress(host: string): boolean {
    const address = host.replace(/^\[|\]$/g, "");
    if (this.#own.has(address)) return true;
    if (!this.#isEverywhere || isIP(address) === 0) return false;
    const nowMs = this.#clock.nowMs();
    if (nowMs >= this.#askedUntilMs || this.#asked.size >= ASKED_MAX) {
      this.#asked.clear();
      this.#askedUntilMs = nowMs + PRESENCE_MS;
    }
    const known = this.#asked.get(address) ?? this.#hasAddress(address);
    this.#asked.set(address, known);
    return known;
  }

  /** The edge that goes by this name or region; undefined when it is not served here. */
  named(name: string): LocalEdge | undefined {
    if (this.isSingle) return this.default;
    const resolved = this.#names.resolve(name);
    return this.all.find((edge) => edge.name === resolved);
  }

  /** The edge of a call, by what `CallDetails.edge` says. */
  ofCall({ details }: { readonly details: { readonly edge?: string } }): LocalEdge {
    return (details.edge === undefined ? undefined : this.named(details.edge)) ?? this.default;
  }

  /** True when new calls may begin there: it is not drained, and the machine still has an address of it. */
  isWorking(edge: LocalEdge): boolean {
    return !edge.draining && this.#isPresent(edge);
  }

  #isPresent(edge: LocalEdge): boolean {
    const nowMs = this.#clock.nowMs();
    const known = this.#present.get(edge);
    if (known !== undefined && nowMs < known.untilMs) return known.isPresent;
    const isPresent = edge.plan.listen.some(({ address }) => this.#hasAddress(address));
    this.#present.set(edge, { isPresent, untilMs: nowMs + PRESENCE_MS });
    return isPresent;
  }

  /**
   * From where a leg leaves (R-ORIG-10, R-EDGE-12). What is asked for by name is kept or not done at all; without a name
   * another edge helps out when the machine has lost that of the call. A call that is up stays at its edge while that drains.
   * @param wanted - edge of the target's URI, or null
   * @param own - edge of the call
   */
  egress(wanted: string | null, own: LocalEdge): Egress {
    if (wanted === null) return { edge: this.#isPresent(own) ? own : this.#anyWorking(own) };
    const edge = this.named(wanted);
    if (edge === undefined) return { edge: own, problem: `edge ${wanted} is not served here` };
    if (edge === own || this.isWorking(edge)) return { edge };
    return { edge, problem: `edge ${edge.name} takes no new calls` };
  }

  /** Where a call begins that nobody has sent us (R-EDGE-9). @param wanted - edge or region of the API's host, or null */
  start(wanted: string | null): Egress {
    const own = this.default;
    if (wanted === null) return { edge: this.isWorking(own) ? own : this.#anyWorking(own) };
    const edge = this.named(wanted);
    if (edge === undefined) return { edge: own, problem: `edge ${wanted} is not served here` };
    return this.isWorking(edge) ? { edge } : { edge, problem: `edge ${edge.name} takes no new calls` };
  }

  #anyWorking(own: LocalEdge): LocalEdge {
    return this.all.find((edge) => this.isWorking(edge)) ?? own;
  }
}
