/**
 * Port pairs of one worker that are bound and wait for legs: the offer of a call can go out in the turn in which the call came
 * in. Bought ahead in bulk, so that a worker is asked once for many legs; the supply grows while it runs dry.
 */

import type { LegPorts } from "../worker/protocol.ts";

/** Asks the worker for more; resolves with what it has, and rejects when it is gone. */
export type ReservePorts = (address: string, count: number) => Promise<readonly LegPorts[]>;

const SUPPLY_MIN = 4;
const SUPPLY_MAX = 64;
/** Local addresses that pairs are kept ready on; a further one is served on demand. */
const ADDRESSES_MAX = 64;

interface Supply {
  /** Oldest first. */
  readonly ready: LegPorts[];
  wanted: number;
  isAsked: boolean;
}

export class ReadyPorts {
  readonly #reserve: ReservePorts;
  /** Most that one address may hold back, so that a small range is not used up by pairs that nobody has. */
  readonly #supplyMax: number;
  readonly #supplies = new Map<string, Supply>();

  /** @param supplyMax - default 64 */
  constructor(reserve: ReservePorts, supplyMax = SUPPLY_MAX) {
    this.#reserve = reserve;
    this.#supplyMax = Math.min(SUPPLY_MAX, supplyMax);
  }

  /** A pair on this address, or undefined when one has to be asked for. */
  take(address: string): LegPorts | undefined {
    const supply = this.#supplyOf(address);
    if (supply === undefined) return undefined;
    const ports = supply.ready.shift();
    if (ports === undefined && supply.isAsked) supply.wanted = Math.min(this.#supplyMax, supply.wanted * 2);
    if (supply.ready.length <= supply.wanted >> 1) this.#refill(address, supply);
    return ports;
  }

  /** A pair that nobody was told of. @returns false when there are enough: then it has to be released */
  giveBack(ports: LegPorts): boolean {
    const supply = this.#supplies.get(ports.address);
    if (supply === undefined || supply.ready.length >= supply.wanted) return false;
    supply.ready.push(ports);
    return true;
  }

  #supplyOf(address: string): Supply | undefined {
    const known = this.#supplies.get(address);
    if (known !== undefined || this.#supplies.size >= ADDRESSES_MAX || this.#supplyMax < 1) return known;
    const made: Supply = { ready: [], wanted: Math.min(SUPPLY_MIN, this.#supplyMax), isAsked: false };
    this.#supplies.set(address, made);
    return made;
  }

  #refill(address: string, supply: Supply): void {
    if (supply.isAsked) return;
    supply.isAsked = true;
    this.#reserve(address, supply.wanted - supply.ready.length)
      .then(
        (ports) => supply.ready.push(...ports),
        // It is gone, and its pairs with it: whoever wants a leg there is told.
        () => undefined,
      )
      .finally(() => {
        supply.isAsked = false;
      });
  }
}
