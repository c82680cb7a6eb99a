/** Writes docs/conformance.md; what was open and has a test now leaves the list of what is open. */
import { writeFileSync } from "node:fs";
import { DOCUMENT, readGroups, readProofs, readVerdicts, render, VERDICTS } from "./table.ts";

const proofs = readProofs();
const before = readVerdicts();
const open = Object.fromEntries(Object.entries(before.open).filter(([number]) => !proofs.has(number)));
const verdicts = { ...before, open };
writeFileSync(VERDICTS, `${JSON.stringify(verdicts, undefined, 2)}\n`);
writeFileSync(DOCUMENT, render(readGroups(), proofs, verdicts));
console.log(`docs/conformance.md written; ${Object.keys(open).length} requirements are open`);
