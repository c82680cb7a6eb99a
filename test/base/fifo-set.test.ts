import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FifoSet } from "../../src/base/fifo-set.ts";

describe("a set that gives its oldest member first", () => {
  it("does as a list of distinct members does, whatever is added, deleted and taken", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("add" as const), member: fc.nat(20) }),
      fc.record({ do: fc.constant("delete" as const), member: fc.nat(20) }),
      fc.record({ do: fc.constant("take" as const), member: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const set = new FifoSet<number>();
        let model: number[] = [];
        for (const { do: what, member } of steps) {
          if (what === "add") {
            set.add(member);
            if (!model.includes(member)) model.push(member);
          } else if (what === "delete") {
            expect(set.delete(member)).toBe(model.includes(member));
            model = model.filter((one) => one !== member);
          } else expect(set.takeOldest()).toBe(model.shift());
          expect([...set]).toEqual(model);
          expect(set.size).toBe(model.length);
          expect(set.has(member)).toBe(model.includes(member));
        }
      }),
    );
  });
});
