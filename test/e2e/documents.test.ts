/**
 * Every command of README.md and of docs/carrier-simulator.md is run as it stands, in a fresh copy of the project. What was
 * installed is not installed again, and the tests do not start themselves; both are said so below.
 */
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf, runDocument } from "../support/documented-commands.ts";
import { scratchFolder } from "../support/peers.ts";

const ROOT = join(import.meta.dirname, "../..");
const NOT_COPIED = ["node_modules", ".git", "dist", "build", "test/.fixtures"];
const NOT_RUN = new Map([
  ["npm ci", "its packages are there, linked to those of this run"],
  ["npm test", "this test is part of it"],
]);
const scratch = scratchFolder("documents");
const copy = join(scratch.path, "project");

beforeAll(() => {
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(ROOT, path)) });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
});
afterAll(() => scratch.remove());

describe("documented commands", () => {
  it("README.md: from nothing to a first call with two SIPp ends, by its commands alone", async () => {
    const file = join(copy, "README.md");
    const ran = await runDocument(file, copy, NOT_RUN);
    // None is left out, and none is let off that is not there.
    const written = blocksOf(readFileSync(file, "utf8")).flatMap(({ commands }) => commands);
    expect(ran.map(({ command }) => command).sort()).toEqual([...written].sort());
    for (const command of NOT_RUN.keys()) expect(written).toContain(command);
    const outputOf = (part: string) => ran.filter(({ command }) => command.includes(part)).map(({ output }) => output);
    expect(outputOf("npm run demo").join()).toContain("relay          ok");
    expect(outputOf("examples/sipp/pbx.xml").join()).toMatch(/Successful call\s+\|\s+0\s+\|\s+1\s/);
    expect(outputOf("examples/sipp/carrier.xml").join()).toMatch(/Successful call\s+\|\s+0\s+\|\s+1\s/);
    expect(outputOf("tandem explain").join()).toMatch(/\+15550100300/);
    expect(existsSync(join(copy, "dist/cli/main.js"))).toBe(true);
  }, 600_000);

  it("docs/carrier-simulator.md: each does what it says", async () => {
    const file = join(copy, "docs/carrier-simulator.md");
    const ran = await runDocument(file, copy, new Map(), true);
    const written = blocksOf(readFileSync(file, "utf8")).flatMap(({ commands }) => commands);
    expect(ran.map(({ command }) => command).sort()).toEqual([...written].sort());
    const all = ran.map(({ output }) => output).join("\n");
    expect(all).toMatch(/placed {2}answered .*\n.*\n {2}2 {7}2 /);
    expect(all).toMatch(/call to \+15550109486 from \+15550100200: status:486/);
    expect(all).toContain('"answered": 1');
  }, 120_000);
});
