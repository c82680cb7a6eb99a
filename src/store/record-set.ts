/** Records of one group in the order in which they came into it. Coming and going costs the same however many there are. */

export class RecordSet<T extends { readonly sid: string }> {
  readonly #records = new Map<string, T>();
  /** Made when it is asked for; never changed, so that readers may keep it. */
  #list: readonly T[] | undefined;

  get size(): number {
    return this.#records.size;
  }

  /** A record that is there keeps its place. */
  put(record: T): void {
    this.#records.set(record.sid, record);
    this.#list = undefined;
  }

  remove(sid: string): void {
    if (this.#records.delete(sid)) this.#list = undefined;
  }

  records(): readonly T[] {
    this.#list ??= [...this.#records.values()];
    return this.#list;
  }
}
