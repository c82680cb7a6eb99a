/**
 * No core dumps of this process (R-COMP-1): one would hold the audio of the calls that are up, and their keys. By `setrlimit`
 * (POSIX) through the optional package koffi; where that is missing, `ulimit -c 0` before the start does the same.
 */

import { readFileSync } from "node:fs";

const RLIMIT_CORE = 4;

/** @returns undefined when it was done, else why it could not be */
export async function forbidCoreDumps(): Promise<string | undefined> {
  if (process.platform !== "linux") return `core dumps are not switched off on ${process.platform}`;
  if (coreLimit() === "0") return undefined;
  try {
    const { default: koffi } = await import("koffi");
    const setrlimit = koffi.load(null).func("int setrlimit(int resource, uint64_t *limits)");
    // The soft limit alone: whoever needs a dump after all can still raise it from outside (prlimit).
    const hard = BigInt(hardLimit());
    setrlimit(RLIMIT_CORE, [0n, hard]);
  } catch {
    return "core dumps may hold audio: start with ulimit -c 0, or install the optional package koffi";
  }
  return coreLimit() === "0" ? undefined : "core dumps could not be switched off: start with ulimit -c 0";
}

/** The soft limit as the kernel tells it, "unlimited" or octets. */
function coreLimit(): string {
  return limits()[0] ?? "";
}

function hardLimit(): string {
  const hard = limits()[1] ?? "0";
  return hard === "unlimited" ? String(2n ** 64n - 1n) : hard;
}

function limits(): string[] {
  const line = /^Max core file size +(\S+) +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line === null ? [] : [line[1]!, line[2]!];
}
