/**
 * A set whose oldest member can be taken out in constant time. A plain `Set` finds its first member by stepping over the places
 * of all that were removed before it, which makes a queue of thousands slow.
 */

export class FifoSet<T> {
  readonly #members = new Set<T>();
  /** Goes on where it stopped, over what is added later too. */
  #oldest: Iterator<T> | undefined;

  get size(): number {
    return this.#members.size;
  }

  has(member: T): boolean {
    return this.#members.has(member);
  }

  /** Appends a member; one that is there keeps its place. */
  add(member: T): void {
    this.#members.add(member);
  }

  delete(member: T): boolean {
    return this.#members.delete(member);
  }

  /** Removes the oldest member and returns it, or undefined when there is none. */
  takeOldest(): T | undefined {
    if (this.#members.size === 0) return undefined;
    this.#oldest ??= this.#members.values();
    let next = this.#oldest.next();
    if (next.done === true) {
      // An iterator that has seen the end stays there.
      this.#oldest = this.#members.values();
      next = this.#oldest.next();
    }
    this.#members.delete(next.value);
    return next.value;
  }

  /** Oldest first. */
  [Symbol.iterator](): Iterator<T> {
    return this.#members.values();
  }
}
