/** Writes docs/conformance.md; what was open or left to later, and has a test now, leaves those lists. */
import { writeFileSync } from "node:fs";
import { DOCUMENT, readGroups, readProofs, readVerdicts, render, VERDICTS } from "./table.ts";

const proofs = readProofs();
const before = readVerdicts();
const unproven = (list: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(list).filter(([number]) => !proofs.has(number)));
const open = unproven(before.open);
const verdicts = { ...before, later: unproven(before.later), open };
writeFileSync(VERDICTS, `${JSON.stringify(verdicts, undefined, 2)}\n`);
writeFileSync(DOCUMENT, render(readGroups(), proofs, verdicts));
console.log(`docs/conformance.md written; ${Object.keys(open).length} requirements are open`);
