/**
 * `node:sqlite`, loaded when it is asked for. Some versions of Node print an ExperimentalWarning for it; that one warning is
 * left out, all others pass.
 */

type SqliteModule = typeof import("node:sqlite");

/** Undefined members on a Node without SQLite (before 22.13), which package.json rules out. */
export function loadSqlite(): SqliteModule {
  const emitWarning = process.emitWarning;
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const text = typeof warning === "string" ? warning : warning.message;
    if (text.includes("SQLite is an experimental feature")) return;
    (emitWarning as (...args: unknown[]) => void).call(process, warning, ...rest);
  }) as typeof process.emitWarning;
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}
