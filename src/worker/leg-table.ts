/** The legs of one worker: from the main thread's identifiers, the engine's slots and the socket numbers to one entry. */

import { MediaError } from "../base/errors.ts";
import type { DigitSender } from "./digits.ts";
import type { Player } from "./player.ts";
import type { LegId } from "./protocol.ts";
import type { PortPair } from "./udp-ports.ts";

/** A string of digits on its way, and whom to tell. */
export interface DigitTask {
  readonly sender: DigitSender;
  resolve(): void;
  reject(error: Error): void;
}

/** One open leg. */
export interface LegEntry {
  readonly legId: LegId;
  /** Slot in the engine. */
  readonly slot: number;
  readonly pair: PortPair;
  /** What a `play` request plays; told when it ends. */
  player: Player | undefined;
  /** Strings of digits, one after the other. */
  readonly digits: DigitTask[];
}

/** No leg has this socket. */
const NO_ROUTE = -1;

export class LegTable {
  readonly #byId = new Map<LegId, LegEntry>();
  readonly #bySlot: (LegEntry | undefined)[] = [];
  /** Socket number → slot * 2 + component; looked at for every datagram. */
  #routes = new Int32Array(64).fill(NO_ROUTE);

  get size(): number {
    return this.#byId.size;
  }

  add(entry: LegEntry): void {
    this.#byId.set(entry.legId, entry);
    this.#bySlot[entry.slot] = entry;
    this.#setRoute(entry.pair.rtpSocket, entry.slot * 2);
    this.#setRoute(entry.pair.rtcpSocket, entry.slot * 2 + 1);
  }

  remove(entry: LegEntry): void {
    this.#byId.delete(entry.legId);
    this.#bySlot[entry.slot] = undefined;
    this.#setRoute(entry.pair.rtpSocket, NO_ROUTE);
    this.#setRoute(entry.pair.rtcpSocket, NO_ROUTE);
  }

  has(legId: LegId): boolean {
    return this.#byId.has(legId);
  }

  /** @throws MediaError MEDIA_NO_LEG */
  get(legId: LegId): LegEntry {
    const entry = this.#byId.get(legId);
    if (entry === undefined) throw new MediaError("MEDIA_NO_LEG", `leg ${legId} is not open in this worker`);
    return entry;
  }

  atSlot(slot: number): LegEntry | undefined {
    return this.#bySlot[slot];
  }

  /** Slot * 2 + component (0 RTP, 1 RTCP) that a socket belongs to, or -1. */
  routeOf(socket: number): number {
    return this.#routes[socket] ?? NO_ROUTE;
  }

  values(): Iterable<LegEntry> {
    return this.#byId.values();
  }

  #setRoute(socket: number, route: number): void {
    if (socket >= this.#routes.length) {
      const longer = new Int32Array(Math.max(socket + 1, this.#routes.length * 2)).fill(NO_ROUTE);
      longer.set(this.#routes);
      this.#routes = longer;
    }
    this.#routes[socket] = route;
  }
}
