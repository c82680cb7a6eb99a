/**
 * The house checks itself: import directions (ARCHITECTURE.md), no circle of imports, no file that nobody imports, no
 * file too long to read in one sitting, time and timers only through the injected clock.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Layers of src/ and whom each may import; a layer may always import itself. */
const SRC_LAYERS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  media: ["base", "wasm"],
  streams: ["base", "media"],
  worker: ["base", "media", "streams"],
  scheduler: ["base", "media", "worker"],
  sip: ["base"],
  sdp: ["base"],
  trunking: ["base"],
  explain: ["base"],
  voice: ["base"],
  store: ["base", "trunking"],
  calls: ["base", "explain", "sip", "sdp", "trunking", "voice", "media", "worker", "scheduler", "store"],
  api: ["base", "explain", "trunking", "store", "calls"],
  simulator: ["base", "sip", "sdp", "media", "wasm"],
  gateway: [
    "base",
    "explain",
    "sip",
    "sdp",
    "trunking",
    "voice",
    "media",
    "scheduler",
    "worker",
    "store",
    "calls",
    "api",
    "wasm",
  ],
  cli: ["base", "explain", "media", "trunking", "store", "gateway", "simulator", "wasm"],
  wasm: [],
  index: ["base", "media", "gateway", "wasm"],
};

/** Between layers only these files of a lower one may be named: the thread boundary is types, never behaviour. */
const NARROW: readonly { from: string; to: string; files: RegExp }[] = [
  { from: "scheduler", to: "worker", files: /worker\/protocol\.ts$/ },
  { from: "calls", to: "worker", files: /worker\/protocol\.ts$/ },
  { from: "calls", to: "media", files: /media\/(leg-options|media-events|wav-header)\.ts$/ },
];

const ASSEMBLY_LAYERS: Readonly<Record<string, readonly string[]>> = {
  abi: [],
  kernels: ["abi"],
  rtp: ["abi", "kernels"],
  srtp: ["abi", "kernels", "rtp"],
  jitter: ["abi", "kernels", "rtp"],
  memory: ["abi", "kernels", "rtp", "srtp", "jitter"],
  engine: ["abi", "kernels", "rtp", "srtp", "jitter", "memory"],
  exports: ["abi", "kernels", "rtp", "srtp", "jitter", "memory", "engine"],
  index: ["abi", "exports"],
  generate: [],
};

/** Files that are started, not imported. */
const ROOTS = [
  "src/index.ts",
  "src/wasm.ts",
  "src/media/index.ts",
  "src/sip/index.ts",
  "src/cli/main.ts",
  "src/worker/media-worker.ts",
  "assembly/index.ts",
];
const LINES_MAX = 500;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder)).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(join(root, path)).isDirectory()) return filesBelow(path);
    return name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(path: string, text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:^|\n)\s*(?:import|export)\s(?:[^;"']*?\sfrom\s*)?["'](\.{1,2}\/[^"']+)["']/g)) {
    const target = relative(root, resolve(root, dirname(path), match[1]!));
    found.push(target.endsWith(".ts") ? target : `${target}.ts`);
  }
  // Files that are loaded when they are needed.
  for (const match of text.matchAll(/\bimport\("(\.{1,2}\/[^"]+)"\)/g))
    found.push(relative(root, resolve(root, dirname(path), match[1]!)));
  return found;
}

function readTree(folder: string): Map<string, SourceFile> {
  return new Map(
    filesBelow(folder).map((path) => {
      const text = readFileSync(join(root, path), "utf8");
      return [path, { path, text, imports: importsOf(path, text) }];
    }),
  );
}

function layerOf(path: string): string {
  return path.split("/")[1]!.replace(/\.ts$/, "");
}

function wrongDirections(
  tree: Map<string, SourceFile>,
  layers: Readonly<Record<string, readonly string[]>>,
  narrow: typeof NARROW,
): string[] {
  const wrong: string[] = [];
  for (const file of tree.values()) {
    const from = layerOf(file.path);
    const allowed = layers[from];
    if (allowed === undefined) {
      wrong.push(`${file.path}: layer "${from}" is not in the table of test/house.test.ts`);
      continue;
    }
    for (const target of file.imports) {
      if (!target.startsWith(file.path.split("/")[0]!)) wrong.push(`${file.path} leaves its tree: ${target}`);
      const to = layerOf(target);
      if (to === from) continue;
      if (!allowed.includes(to)) wrong.push(`${file.path} may not import ${target}`);
      for (const rule of narrow)
        if (rule.from === from && rule.to === to && !rule.files.test(target))
          wrong.push(`${file.path} may import only ${rule.files.source} of ${to}, not ${target}`);
    }
  }
  return wrong;
}

function circles(tree: Map<string, SourceFile>): string[] {
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      found.push([...trail.slice(trail.indexOf(path)), path].join(" → "));
      return;
    }
    state.set(path, "open");
    for (const target of tree.get(path)?.imports ?? []) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of tree.keys()) visit(path, []);
  return found;
}

function orphans(tree: Map<string, SourceFile>): string[] {
  const imported = new Set([...tree.values()].flatMap((file) => file.imports));
  return [...tree.keys()].filter(
    (path) => !imported.has(path) && !ROOTS.includes(path) && !path.endsWith(".d.ts") && layerOf(path) !== "generate",
  );
}

const trees = [
  { name: "src", tree: readTree("src"), layers: SRC_LAYERS, narrow: NARROW },
  { name: "assembly", tree: readTree("assembly"), layers: ASSEMBLY_LAYERS, narrow: [] },
];

describe.each(trees)("the house of $name", ({ tree, layers, narrow }) => {
  it("imports in one direction", () => {
    expect(wrongDirections(tree, layers, narrow)).toEqual([]);
  });

  it("has no circle of imports", () => {
    expect(circles(tree)).toEqual([]);
  });

  it("has no file that nobody imports", () => {
    expect(orphans(tree)).toEqual([]);
  });

  it("names only files that exist", () => {
    const missing = [...tree.values()].flatMap((file) =>
      file.imports.filter((target) => !tree.has(target)).map((target) => `${file.path} → ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it(`has no file over ${LINES_MAX} lines, generated kernels and tables apart`, () => {
    const long = [...tree.values()]
      .filter((file) => file.text.split("\n").length > LINES_MAX && !file.text.startsWith("// Generated"))
      .map((file) => `${file.path}: ${file.text.split("\n").length} lines`);
    expect(long).toEqual([]);
  });
});

describe("the house of src", () => {
  it("takes time and timers only from the injected clock", () => {
    const wrong = [...trees[0]!.tree.values()]
      .filter((file) => file.path !== "src/base/clock.ts")
      .flatMap((file) =>
        file.text
          .split("\n")
          .map((line, index) => ({ line, where: `${file.path}:${index + 1}` }))
          .filter(({ line }) => /\b(Date\.now|setTimeout|setInterval|performance\.now)\s*\(/.test(line))
          .filter(({ line }) => !/^\s*(\*|\/\/)/.test(line))
          .map(({ where }) => where),
      );
    expect(wrong).toEqual([]);
  });

  it("imports only packages that its users get installed", () => {
    const { dependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(root, "package.json"), "utf8"),
    ) as Record<string, Record<string, string>>;
    const known = new Set(Object.keys({ ...dependencies, ...optionalDependencies }));
    const wrong = [...trees[0]!.tree.values()].flatMap(({ path, text }) =>
      [...text.matchAll(/(?:\bfrom|\bimport\()\s*["']((?:@[\w-]+\/)?[a-z][\w.-]*)/g)]
        .map((match) => match[1]!)
        .filter((name) => !known.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(wrong.filter((line) => !line.includes(": node"))).toEqual([]);
  });

  it("keeps work that is not done out of the tree", () => {
    const wrong = trees.flatMap(({ tree }) =>
      [...tree.values()].filter((file) => /\b(TODO|FIXME|XXX)\b/.test(file.text)).map((file) => file.path),
    );
    expect(wrong).toEqual([]);
  });
});
