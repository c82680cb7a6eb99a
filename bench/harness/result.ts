/** The result file: which commit, which machine, what came out. Others read it, so its shape stays as it is. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname } from "node:path";
import type { RowResult } from "./row.ts";

export interface Result {
  readonly name: string;
  /** Short hash, `-dirty` behind it when files were changed; `unknown` outside of a repository. */
  readonly commit: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly date: string;
  readonly rows: readonly RowResult[];
}

export function resultOf(name: string, rows: readonly RowResult[]): Result {
  return {
    name,
    commit: commit(),
    node: process.version,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    date: new Date().toISOString(),
    rows,
  };
}

export function writeResult(file: string, result: Result): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
}

function commit(): string {
  try {
    const args = ["describe", "--always", "--dirty", "--exclude=*", "--abbrev=10"];
    const options = { cwd: import.meta.dirname, encoding: "utf8" } as const;
    return execFileSync("git", args, { ...options, stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}
