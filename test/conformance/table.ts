/**
 * What stands in docs/conformance.md: the requirement list beside the titles of the tests that quote its numbers. A title is the
 * first argument of it, describe or scene, or the head of a row that one of them runs over; what a comment says proves nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
export const DOCUMENT = join(ROOT, "docs/conformance.md");
export const VERDICTS = join(import.meta.dirname, "verdicts.json");

/** Groups that are later parts of the product: without a test they stand as not yet. */
export const LATER_GROUPS: readonly string[] = ["R-STRM", "R-PERF"];

export interface Group {
  readonly group: string;
  readonly title: string;
  readonly requirements: Readonly<Record<string, string>>;
}

export interface Verdicts {
  /** What we do not do, and why. */
  readonly decidedAgainst: Readonly<Record<string, string>>;
  /** What a later part of the product brings. */
  readonly later: Readonly<Record<string, string>>;
  /** What has no test yet, and what is missing. This list only shrinks. */
  readonly open: Readonly<Record<string, string>>;
}

export interface Proof {
  readonly file: string;
  readonly title: string;
}

export function readGroups(): readonly Group[] {
  const { groups } = JSON.parse(readFileSync(join(import.meta.dirname, "requirements.json"), "utf8")) as {
    groups: readonly Group[];
  };
  return groups;
}

export function readVerdicts(): Verdicts {
  return JSON.parse(readFileSync(VERDICTS, "utf8")) as Verdicts;
}

/** Numbers in a title: `R-XFER-1, 3, 7`, `R-XFER-1, -3`, `R-ORIG-17/18` and `R-GEN-1 to R-GEN-4` name more than one. */
export function numbersIn(title: string): string[] {
  const found: string[] = [];
  const pattern = /R-([A-Z]+)-(\d+)(?: to R-\1-(\d+))?((?:(?:, -?|\/)\d+(?=[,/: ]|$)(?! s\b))*)/g;
  for (const [, group, first, last, more = ""] of title.matchAll(pattern)) {
    for (let number = Number(first); number <= Number(last ?? first); number++) found.push(`R-${group}-${number}`);
    for (const [number] of more.matchAll(/\d+/g)) found.push(`R-${group}-${number}`);
  }
  return found;
}

const CALLED =
  /(?:\b(?:it|test|describe|scene)(?:\.(?!skip\b|todo\b)\w+)*(?:<[^()]*>)?|\))\(\s*(["'`])((?:\\.|(?!\1)[^\\])*?)\1/g;
const ROW_HEAD = /(?:\[|\b(?:name|title):)\s*(["'`])(R-[A-Z]+-\d+[ :,](?:\\.|(?!\1)[^\\])*?)\1/g;

/** Titles of a test file that quote a requirement. */
export function titlesOf(source: string): string[] {
  const code = source
    .split("\n")
    .filter((line) => !/^\s*(\/\/|\/?\*)/.test(line))
    .join("\n");
  return [...code.matchAll(CALLED), ...code.matchAll(ROW_HEAD)]
    .map((match) => match[2]!)
    .filter((title) => numbersIn(title).length > 0);
}

export function readProofs(): Map<string, Proof[]> {
  const proofs = new Map<string, Proof[]>();
  const files = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    // The table's own test quotes numbers as examples.
    .filter((file) => file.endsWith(".test.ts") && file !== "conformance/conformance.test.ts")
    .sort();
  for (const file of files)
    for (const title of titlesOf(readFileSync(join(ROOT, "test", file), "utf8")))
      for (const number of numbersIn(title)) proofs.set(number, [...(proofs.get(number) ?? []), { file, title }]);
  return proofs;
}

function verdictOf(number: string, group: string, proven: boolean, verdicts: Verdicts): string {
  if (proven) return "proven";
  const against = verdicts.decidedAgainst[number];
  if (against !== undefined) return `decided against: ${against}`;
  const later = verdicts.later[number] ?? (LATER_GROUPS.includes(group) ? "a later part" : undefined);
  if (later !== undefined) return `not yet: ${later}`;
  return number in verdicts.open ? `open: ${verdicts.open[number]}` : "neither test nor reason";
}

function tableOf({ group, title, requirements }: Group, proofs: Map<string, Proof[]>, verdicts: Verdicts): string {
  const rows = Object.entries(requirements).map(([number, text]) => {
    const files = [...new Set((proofs.get(number) ?? []).map(({ file }) => `\`${file}\``))];
    return `| ${number} | ${text} | ${files.join(", ")} | ${verdictOf(number, group, files.length > 0, verdicts)} |`;
  });
  return `## ${title} (${group})\n\n| requirement | what | tests | verdict |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

/** The text of docs/conformance.md. */
export function render(groups: readonly Group[], proofs: Map<string, Proof[]>, verdicts: Verdicts): string {
  const tables = groups.map((group) => tableOf(group, proofs, verdicts));
  return `# Conformance

Written by \`npm run conformance\` from \`test/conformance/requirements.json\` (short texts of the requirements), the titles of the tests
that quote their numbers, and \`test/conformance/verdicts.json\` (reasons). Paths are below \`test/\`. What of SIP itself is proved, and by which
test, is in [sip-conformance.md](sip-conformance.md).

${tables.join("\n")}`;
}
