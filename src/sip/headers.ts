/** The ordered header list of one message (RFC 3261 §7.3). */

/** Header names are kept in their long, canonical spelling; look-up ignores case. */
export class Headers {
  readonly #list: [name: string, value: string][] = [];

  /** First value, or undefined. */
  get(name: string): string | undefined {
    const lower = name.toLowerCase();
    for (const [n, v] of this.#list) if (n.toLowerCase() === lower) return v;
    return undefined;
  }

  /** All values in order, one per header line (comma lists not split). */
  all(name: string): string[] {
    const lower = name.toLowerCase();
    return this.#list.filter(([n]) => n.toLowerCase() === lower).map(([, v]) => v);
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Appends a line. */
  add(name: string, value: string): this {
    this.#list.push([name, value]);
    return this;
  }

  /** Replaces all lines of that name by one. */
  set(name: string, value: string): this {
    this.remove(name);
    return this.add(name, value);
  }

  remove(name: string): void {
    const lower = name.toLowerCase();
    for (let i = this.#list.length - 1; i >= 0; i--)
      if (this.#list[i]![0].toLowerCase() === lower) this.#list.splice(i, 1);
  }

  [Symbol.iterator](): Iterator<[name: string, value: string]> {
    return this.#list[Symbol.iterator]();
  }

  get size(): number {
    return this.#list.length;
  }
}
