/**
 * Builds the native peers of bench/native/ into build/bench/ when a C compiler and the headers are there. A peer that
 * cannot be built is left out, with the reason in one line; nothing else fails.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Skip } from "./suite.ts";

const sources = resolve(import.meta.dirname, "../native");
const programs = resolve(import.meta.dirname, "../../build/bench");
const COMPILER = process.env["CC"] ?? "cc";

export interface NativeBuild {
  /** File of bench/native/ without `.c`. */
  readonly name: string;
  /** Libraries to link. */
  readonly libraries?: readonly string[];
  /** Compiler flags besides `-O3`. */
  readonly flags?: readonly string[];
  /** A header that must be found, and the Debian package that has it. */
  readonly needs?: { readonly header: string; readonly package: string };
  /** Name of the program, when one source is built several times with different flags. */
  readonly as?: string;
}

/** Path of the program, built when it is missing or older than any source; undefined after `skip` has been told why. */
export function nativeProgram(build: NativeBuild, skip: Skip): string | undefined {
  const program = join(programs, build.as ?? build.name);
  if (isUpToDate(program)) return program;
  if (!compiles("int main(void) { return 0; }")) {
    skip(`no C compiler (${COMPILER})`);
    return undefined;
  }
  if (build.needs !== undefined && !compiles(`#include <${build.needs.header}>\nint main(void) { return 0; }`)) {
    skip(`<${build.needs.header}> is missing (Debian package ${build.needs.package})`);
    return undefined;
  }
  mkdirSync(programs, { recursive: true });
  const libraries = (build.libraries ?? []).map((name) => `-l${name}`);
  const flags = ["-O3", "-Wall", ...(build.flags ?? [])];
  execFileSync(COMPILER, [...flags, join(sources, `${build.name}.c`), "-o", program, ...libraries], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return program;
}

function isUpToDate(program: string): boolean {
  const built = statSync(program, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return readdirSync(sources).every((name) => statSync(join(sources, name)).mtimeMs < built);
}

function compiles(text: string): boolean {
  try {
    execFileSync(COMPILER, ["-x", "c", "-fsyntax-only", "-"], { input: text, stdio: ["pipe", "ignore", "ignore"] });
    return true;
  } catch {
    return false;
  }
}
