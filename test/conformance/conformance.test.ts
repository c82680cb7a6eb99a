/** docs/conformance.md is what the requirement list and the titles of the tests make of it, and leaves no requirement out. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DOCUMENT, LATER_GROUPS, numbersIn, readGroups, readProofs, readVerdicts, render, titlesOf } from "./table.ts";

const groups = readGroups();
const proofs = readProofs();
const verdicts = readVerdicts();
const reasons = [
  ...Object.keys(verdicts.decidedAgainst),
  ...Object.keys(verdicts.later),
  ...Object.keys(verdicts.open),
];
const numbers = groups.flatMap(({ requirements }) => Object.keys(requirements));

/** What had no test when this list was begun. It must not grow: a new requirement comes with its test. */
const OPEN_MAX = 0;

describe("docs/conformance.md", () => {
  it("is up to date: `npm run conformance` writes it", () => {
    expect(readFileSync(DOCUMENT, "utf8")).toBe(render(groups, proofs, verdicts));
  });

  it("has a test or a reason for each requirement, or says that it is open", () => {
    const without = groups
      .filter(({ group }) => !LATER_GROUPS.includes(group))
      .flatMap(({ requirements }) => Object.keys(requirements))
      .filter((number) => !proofs.has(number))
      .filter((number) => !reasons.includes(number));
    expect(without).toEqual([]);
  });

  it("calls nothing open or later that has a test, and nothing open any more", () => {
    const open = Object.keys(verdicts.open);
    expect([...open, ...Object.keys(verdicts.later)].filter((number) => proofs.has(number))).toEqual([]);
    expect(open.length).toBeLessThanOrEqual(OPEN_MAX);
  });

  it("quotes only requirements that there are, in tests and in reasons", () => {
    const known = new Set(numbers);
    const quoted = [...proofs.entries()].filter(([number]) => !known.has(number));
    expect(quoted).toEqual([]);
    expect(reasons.filter((number) => !known.has(number))).toEqual([]);
  });

  it("has every number of a group once, from 1 on", () => {
    for (const { group, requirements } of groups)
      expect(Object.keys(requirements)).toEqual(
        Array.from({ length: Object.keys(requirements).length }, (_, index) => `${group}-${index + 1}`),
      );
  });
});

describe("titles that quote numbers", () => {
  it.each([
    ["R-GEN-1 one", ["R-GEN-1"]],
    ["SIP-REF-2, R-XFER-1, 3, 7, 9, SIP-REF-5: several", ["R-XFER-1", "R-XFER-3", "R-XFER-7", "R-XFER-9"]],
    ["R-XFER-1, -3: several", ["R-XFER-1", "R-XFER-3"]],
    ["R-ORIG-17/18: two", ["R-ORIG-17", "R-ORIG-18"]],
    ["R-GEN-1 to R-GEN-3, R-NUM-1: a range", ["R-GEN-1", "R-GEN-2", "R-GEN-3", "R-NUM-1"]],
    ["R-ORIG-17, 4 s of silence", ["R-ORIG-17"]],
  ])("%s", (title, expected) => {
    expect(numbersIn(title)).toEqual(expected);
  });

  it("are found where a test has its name, not in comments and not in tests that are left out", () => {
    const number = "R-GEN-1";
    const source = [
      `/** ${number} */`,
      `// it("${number} commented")`,
      `it("${number} a", () => {`,
      `it.concurrent(\`${number} b\`)`,
      `it.each([["${number} row", 1]])(`,
      `  "${number} c", () => {`,
      `stage.scene(\n  "${number} d"`,
      // Text for the reader of titles, no tests: what is left out must prove nothing.
      `it.skip("${number} skipped")`,
      `it.todo("${number} not written")`,
      `expect(text).toContain("${number}")`,
      `const one = { name: "${number} e" }`,
    ].join("\n");
    expect(titlesOf(source).sort()).toEqual(["a", "b", "c", "d", "e", "row"].map((end) => `${number} ${end}`));
  });
});
