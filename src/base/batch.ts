/** Gathers what is said for a while and hands it over in one piece, so that whoever listens wakes once. */

export class Batch<T> {
  readonly #send: (items: readonly T[]) => void;
  readonly #defer: (work: () => void) => unknown;
  #items: T[] = [];

  /** @param defer - runs the work when enough was gathered; default `setImmediate`, at the end of this turn */
  constructor(
    send: (items: readonly T[]) => void,
    defer: (work: () => void) => unknown = (work) => setImmediate(work),
  ) {
    this.#send = send;
    this.#defer = defer;
  }

  add(item: T): void {
    if (this.#items.push(item) === 1) this.#defer(() => this.flush());
  }

  /** Hands over now what there is. */
  flush(): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    this.#send(items);
  }
}
