/** Which domain a source address is for (R-NET-6, R-NET-8). */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressInRange } from "../../src/trunking/acl.ts";
import { type SourceRange, SourceRanges } from "../../src/trunking/source-ranges.ts";

const range = (ipAddress: string, prefixLength: number, sipDomainSid: string): SourceRange => ({
  ipAddress,
  prefixLength,
  sipDomainSid,
});

function tableOf(...ranges: SourceRange[]): SourceRanges {
  const table = SourceRanges.of(ranges);
  if ("overlap" in table) throw new Error(table.overlap.join());
  return table;
}

describe("source ranges", () => {
  it("R-NET-6 a source is looked up by its range, first and last address included, also in IPv6 form", () => {
    const table = tableOf(
      range("192.0.2.77", 26, "SDa"),
      range("198.51.100.1", 32, "SDb"),
      range("10.0.0.0", 8, "SDc"),
    );
    for (const [address, domain] of [
      ["192.0.2.63", undefined],
      ["192.0.2.64", "SDa"],
      ["192.0.2.127", "SDa"],
      ["192.0.2.128", undefined],
      ["198.51.100.1", "SDb"],
      ["10.255.255.255", "SDc"],
      ["11.0.0.0", undefined],
      ["::ffff:10.1.2.3", "SDc"],
      ["2001:db8::1", undefined],
      ["nonsense", undefined],
    ] as const)
      expect(table.find(address), address).toBe(domain);
  });

  it.each([
    [
      ["192.0.2.0", 24],
      ["192.0.2.128", 25],
    ],
    [
      ["192.0.2.5", 32],
      ["192.0.2.5", 32],
    ],
    [
      ["128.0.0.0", 1],
      ["255.255.255.255", 32],
    ],
  ] as const)("R-NET-8 %j and %j overlap in either order", (a, b) => {
    const [one, two] = [range(a[0], a[1], "SDa"), range(b[0], b[1], "SDb")];
    expect(SourceRanges.of([one, two])).toHaveProperty("overlap");
    expect(SourceRanges.of([two, range("1.1.1.1", 32, "SDc"), one])).toHaveProperty("overlap");
  });

  it("R-NET-8 agrees with one comparison after the other for any ranges and addresses", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    const address = fc.tuple(fc.constantFrom(10, 192), fc.constantFrom(0, 1), octet, octet).map((a) => a.join("."));
    const ranges = fc.array(fc.tuple(address, fc.integer({ min: 8, max: 32 })), { maxLength: 8 });
    fc.assert(
      fc.property(ranges, fc.array(address, { minLength: 1, maxLength: 20 }), (given, sources) => {
        const all = given.map(([ip, length], index) => range(ip, length, `SD${index}`));
        const touch = (a: SourceRange, b: SourceRange) =>
          addressInRange(a.ipAddress, b.ipAddress, Math.min(a.prefixLength, b.prefixLength));
        const overlaps = all.some((a, i) => all.some((b, j) => i < j && touch(a, b)));
        const table = SourceRanges.of(all);
        expect("overlap" in table).toBe(overlaps);
        if ("overlap" in table) return;
        for (const source of sources) {
          const expected = all.find((one) => addressInRange(source, one.ipAddress, one.prefixLength));
          expect(table.find(source)).toBe(expected?.sipDomainSid);
        }
      }),
      { numRuns: 300 },
    );
  });
});
