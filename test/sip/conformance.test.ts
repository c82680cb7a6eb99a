/** docs/sip-conformance.md says where each item is done and what proves it: every path and every title in it has to exist. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const text = readFileSync(join(ROOT, "docs/sip-conformance.md"), "utf8");
const rows = text
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| item") && !line.startsWith("| ---"))
  .map((line) => {
    const cells = line.split("|").slice(1, -1);
    const [item = "", ...rest] = cells.map((cell) => cell.trim());
    return { item, place: rest.at(-2) ?? "", proof: rest.at(-1) ?? "", count: cells.length };
  });

/** Test files of a cell in order, each with the titles that stand behind it; files with commas between share them. */
function proofs(cell: string): { file: string; titles: string[] }[] {
  const found: { file: string; titles: string[] }[] = [];
  let run: { file: string; titles: string[] }[] = [];
  for (const [, file, title] of cell.matchAll(/`([\w/.-]+\.test\.ts)`|"([^"]+)"/g)) {
    if (file !== undefined) {
      if (run.some(({ titles }) => titles.length > 0)) run = [];
      const one = { file, titles: [] };
      run.push(one);
      found.push(one);
    } else for (const one of run) one.titles.push(title!);
  }
  return found;
}

describe("docs/sip-conformance.md", () => {
  it("has a row for every item, each with item, level, place and proof", () => {
    // The last table has no levels.
    for (const { item, count } of rows) expect([3, 4], item).toContain(count);
    const counts = { MSG: 21, TXN: 14, TP: 16, DNS: 9, DLG: 15, INV: 13, CAN: 5, AUTH: 10, PRK: 5, UPD: 3, TMR: 7 };
    for (const [group, count] of Object.entries(counts))
      for (let number = 1; number <= count; number++)
        expect(
          rows.filter(({ item }) => item.startsWith(`SIP-${group}-${number} `)),
          `SIP-${group}-${number}`,
        ).toHaveLength(1);
  });

  it("names code that is there", () => {
    for (const { item, place } of rows)
      for (const [, path = ""] of place.matchAll(/`([\w/.-]+\.ts)`/g)) {
        const isThere = ["src/sip", "src", "."].some((folder) => existsSync(join(ROOT, folder, path)));
        expect(isThere, `${item}: ${path}`).toBe(true);
      }
  });

  it("names tests that are there, by titles that they have", () => {
    for (const { item, proof } of rows)
      for (const { file, titles } of proofs(proof)) {
        const path = join(ROOT, "test", file);
        expect(existsSync(path), `${item}: ${file}`).toBe(true);
        const source = readFileSync(path, "utf8");
        for (const title of titles) expect(source.includes(title), `${item}: ${file} "${title}"`).toBe(true);
      }
  });
});
