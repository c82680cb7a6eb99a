import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OrderedRecords } from "../../src/store/ordered-records.ts";

interface Row {
  readonly sid: string;
  readonly dateCreated: string;
  readonly version: number;
}
const key = ({ dateCreated, sid }: { dateCreated: string; sid: string }) => `${dateCreated} ${sid}`;
const dateAt = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();
const sidAt = (n: number) => `PN${n.toString(16).padStart(32, "0")}`;

describe("records in order of creation", () => {
  it("are those of a sorted list after any puts and removals, from any key on", () => {
    const step = fc.record({
      action: fc.constantFrom("put", "put", "put", "remove"),
      ms: fc.nat(400),
      sid: fc.nat(3),
      version: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 1500, size: "max" }), fc.nat(400), (steps, cut) => {
        const ordered = new OrderedRecords<Row>();
        const model = new Map<string, Row>();
        for (const { action, ms, sid, version } of steps) {
          const row = { sid: sidAt(sid), dateCreated: dateAt(ms), version };
          if (action === "put") {
            ordered.put(row);
            model.set(key(row), row);
          } else {
            ordered.remove(row);
            model.delete(key(row));
          }
        }
        const expected = [...model.values()].sort((a, b) => (key(a) < key(b) ? 1 : -1));
        expect([...ordered.newestFirst()]).toEqual(expected);
        expect(ordered.size).toBe(expected.length);
        expect(ordered.oldest()).toEqual(expected.at(-1));
        const from = { sid: sidAt(2), dateCreated: dateAt(cut) };
        const even = (row: Row) => row.version % 2 === 0;
        expect([...ordered.newestFirst().olderThan(from).filter(even)]).toEqual(
          expected.filter((row) => key(row) < key(from) && even(row)),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("are read no further than asked for, in lists of many chunks", () => {
    const ordered = new OrderedRecords<Row>();
    for (let at = 0; at < 20_000; at++) ordered.put({ sid: sidAt(at), dateCreated: dateAt(at), version: at });
    let seen = 0;
    const listing = ordered.newestFirst().filter(() => ++seen > 0);
    const page: number[] = [];
    for (const { version } of listing.olderThan({ sid: sidAt(10_000), dateCreated: dateAt(10_000) }))
      if (page.push(version) === 3) break;
    expect([page, seen]).toEqual([[9999, 9998, 9997], 3]);
  });
});
