/**
 * Records in order of their creation, read from the newest to the oldest from any point on: what REST needs so that a page
 * of a list costs as much as the page, however long the list is. Kept in chunks, so that a record in the middle comes and
 * goes at the price of a chunk.
 */

import type { Listing, Sortable } from "./store.ts";

/** Most records of one chunk; a full one is cut in two. */
const CHUNK_MAX = 512;

export class OrderedRecords<T extends Sortable> {
  /** Oldest first; no chunk is empty. */
  readonly #chunks: T[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a record, or takes the place of the one with the same date and SID. */
  put(record: T): void {
    const chunk = this.#chunkFor(record);
    if (chunk === undefined) {
      this.#chunks.push([record]);
      this.#size++;
      return;
    }
    const at = placeOf(chunk, record);
    if (chunk[at]?.sid === record.sid && chunk[at]?.dateCreated === record.dateCreated) {
      chunk[at] = record;
      return;
    }
    chunk.splice(at, 0, record);
    this.#size++;
    if (chunk.length <= CHUNK_MAX) return;
    // Most records come at the end: a chunk there stays full when it is left.
    const isLast = chunk === this.#chunks.at(-1) && at === chunk.length - 1;
    const rest = chunk.splice(isLast ? CHUNK_MAX : CHUNK_MAX / 2);
    this.#chunks.splice(this.#chunks.indexOf(chunk) + 1, 0, rest);
  }

  /** Removes the record with this date and SID, if there is one. */
  remove(record: Sortable): void {
    const chunk = this.#chunkFor(record);
    if (chunk === undefined) return;
    const at = placeOf(chunk, record);
    if (chunk[at]?.sid !== record.sid || chunk[at]?.dateCreated !== record.dateCreated) return;
    chunk.splice(at, 1);
    this.#size--;
    if (chunk.length === 0) this.#chunks.splice(this.#chunks.indexOf(chunk), 1);
  }

  oldest(): T | undefined {
    return this.#chunks[0]?.[0];
  }

  /** A view that follows what changes: it is to be read at once, not kept. */
  newestFirst(): Listing<T> {
    return new View(this, undefined, () => true);
  }

  /** @param before - only what is older; undefined: all */
  *walk(before: Sortable | undefined): Generator<T, void, void> {
    let index = before === undefined ? this.#chunks.length - 1 : this.#chunkIndex(before);
    let at = before === undefined ? undefined : placeOf(this.#chunks[index] ?? [], before) - 1;
    for (; index >= 0; index--, at = undefined) {
      const chunk = this.#chunks[index]!;
      for (let place = at ?? chunk.length - 1; place >= 0; place--) yield chunk[place]!;
    }
  }

  #chunkFor(record: Sortable): T[] | undefined {
    return this.#chunks[this.#chunkIndex(record)];
  }

  /** The first chunk that ends at this record or after it; the last one when none does; -1 without any. */
  #chunkIndex(record: Sortable): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compare(this.#chunks[middle]!.at(-1)!, record) < 0) low = middle + 1;
      else high = middle;
    }
    return high < 0 ? -1 : low;
  }
}

class View<T extends Sortable> implements Listing<T> {
  readonly #records: OrderedRecords<T>;
  readonly #before: Sortable | undefined;
  readonly #keep: (record: T) => boolean;

  constructor(records: OrderedRecords<T>, before: Sortable | undefined, keep: (record: T) => boolean) {
    this.#records = records;
    this.#before = before;
    this.#keep = keep;
  }

  *[Symbol.iterator](): Generator<T, void, void> {
    for (const record of this.#records.walk(this.#before)) if (this.#keep(record)) yield record;
  }

  olderThan(key: Sortable): Listing<T> {
    return new View(this.#records, key, this.#keep);
  }

  filter(keep: (record: T) => boolean): Listing<T> {
    const before = this.#keep;
    return new View(this.#records, this.#before, (record) => before(record) && keep(record));
  }
}

function compare(a: Sortable, b: Sortable): number {
  if (a.dateCreated !== b.dateCreated) return a.dateCreated < b.dateCreated ? -1 : 1;
  return a.sid === b.sid ? 0 : a.sid < b.sid ? -1 : 1;
}

/** Where a record is or belongs in its chunk. */
function placeOf(chunk: readonly Sortable[], record: Sortable): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compare(chunk[middle]!, record) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
