/**
 * The package as a user gets it: packed, installed into an empty project without a compiler, an example of each kind run there as
 * ESM, and its types checked (design.md 2: `exports`, no install script of ours).
 */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "tandem-pack-"));
const project = join(folder, "project");
const installed = join(project, "node_modules", "tandem");
const examples = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".mjs"));

function run(command: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((done) =>
    execFile(command, args, { cwd, timeout: 240_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code ?? 1), output: stdout + stderr }),
    ),
  );
}

beforeAll(async () => {
  mkdirSync(project);
  const packed = await run("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], root);
  expect(packed.code, packed.output).toBe(0);
  const file = join(folder, packed.output.trim().split("\n").at(-1)!);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  const install = await run(
    "npm",
    ["install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", file],
    project,
  );
  expect(install.code, install.output).toBe(0);
  for (const name of examples) copyFileSync(join(root, "examples", name), join(project, name));
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the packed package", () => {
  it("holds the built code, the module, the documents, and no sources of tests", () => {
    const names = readdirSync(installed);
    expect(names).toEqual(
      expect.arrayContaining(["LICENSE", "README.md", "build", "dist", "examples", "package.json"]),
    );
    for (const absent of ["src", "test", "assembly", "bench"]) expect(names).not.toContain(absent);
    const { scripts = {} } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    for (const hook of ["preinstall", "install", "postinstall", "prepare"]) expect(scripts).not.toHaveProperty(hook);
  });

  it.each(examples)(
    "runs examples/%s",
    async (name) => {
      const { code, output } = await run(process.execPath, [name], project);
      expect(code, output).toBe(0);
      expect(output.trim()).not.toBe("");
      expect(output).not.toMatch(/Error|undefined|NaN/);
    },
    60_000,
  );

  it("has types that check, for every entry and for the examples", async () => {
    writeFileSync(
      join(project, "use.ts"),
      `import { Gateway } from "tandem";
import { MediaCore, MediaKernels, type LegStats } from "tandem/media";
import { parseUri } from "tandem/sip";
import { wasmUrl } from "tandem/wasm";
const core: MediaCore = await MediaCore.create({ legCountMax: 1 });
const stats: LegStats = core.stats(core.openLeg({ codec: "PCMA" }, 0));
const kernels: MediaKernels = MediaKernels.createSync();
// @ts-expect-error: a codec that there is not
core.openLeg({ codec: "G729" }, 0);
console.log(stats.packetsLost, kernels.g711, parseUri("sip:a@b").host, wasmUrl.href, Gateway.name);
`,
    );
    writeFileSync(
      join(project, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: {
          module: "nodenext",
          target: "es2024",
          strict: true,
          noEmit: true,
          skipLibCheck: false,
          types: ["node"],
          typeRoots: [join(root, "node_modules/@types")],
        },
        include: ["use.ts"],
      }),
    );
    const { code, output } = await run(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", "."],
      project,
    );
    expect(code, output).toBe(0);
  }, 120_000);

  it("brings the command", async () => {
    const { code, output } = await run(join(project, "node_modules/.bin/tandem"), ["--help"], project);
    expect(code, output).toBe(0);
    expect(output).toContain("Usage: tandem");
  });
});
