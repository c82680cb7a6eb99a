/** What the documentation has to tell (R-SEC-18, R-EDGE-5, R-AUTH-14). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ROOT } from "./table.ts";

const documents = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter(
  (name) => name.endsWith(".md") && name !== "docs/conformance.md",
);
/** All of it, each run of blanks as one. */
const text = documents.map((name) => readFileSync(join(ROOT, name), "utf8").replaceAll(/\s+/g, " ")).join(" ");

describe("the documentation", () => {
  it("R-SEC-18: says that encryption is point to point and no end-to-end promise of sips is made", () => {
    expect(text).toContain("Security on the hop is point to point: `sips` end-to-end guarantees are not given.");
  });

  it("R-EDGE-5: tells peers not to pin one address, to move on after 4 s, and to another edge", () => {
    expect(text).toMatch(
      /Peers should not pin one address, should try the next one after 4 s of silence, and another edge when one is lost/,
    );
  });

  it("R-AUTH-14: warns of access control lists alone", () => {
    expect(text).toMatch(/protected by an access control list alone .* forged/);
  });
});
