/** The newcomer's first command, from the built package, as a process of its own. */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const folder = mkdtempSync(join(tmpdir(), "tandem-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function tandem(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((done) =>
    execFile(process.execPath, [main, ...args], { cwd: folder, timeout: 90_000 }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  );
}

describe("tandem", () => {
  it.concurrent("demo: three calls go well, a table is printed, a WAV is there", async () => {
    const { code, stdout } = await tandem("demo", "--wav", "said-and-heard.wav");
    expect(stdout).toContain("secure stream  ok");
    expect(stdout).toContain("failover       ok");
    expect(stdout).toContain("relay          ok");
    expect(code).toBe(0);
    const wav = readFileSync(join(folder, "said-and-heard.wav"));
    expect(wav.toString("latin1", 0, 4)).toBe("RIFF");
    expect(wav.readUInt16LE(22)).toBe(2);
    expect(wav.length).toBeGreaterThan(40_000);
  }, 100_000);

  it.concurrent("demo --json is for machines", async () => {
    const { code, stdout } = await tandem("demo", "--json", "--wav", "j.wav");
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      calls: [{ name: "secure stream" }, { name: "failover" }, { name: "relay" }],
    });
    expect(code).toBe(0);
  }, 100_000);

  it("--help of every command exits 0 and tells what it does", async () => {
    for (const args of [["--help"], ["serve", "--help"], ["demo", "--help"], ["check", "--help"]]) {
      const { code, stdout } = await tandem(...args);
      expect(stdout).toContain("Usage: tandem");
      expect(code).toBe(0);
    }
  });

  it("wrong use exits 2, a wrong configuration exits 1 with file and line", async () => {
    expect(await tandem("frobnicate")).toMatchObject({ code: 2 });
    expect(await tandem("serve")).toMatchObject({ code: 2 });
    const missing = await tandem("serve", "--config", "none.yaml");
    expect(missing).toMatchObject({ code: 1 });
    expect(missing.stderr).toContain("none.yaml: cannot be read");
  });

  it("check prints what the example would listen on", async () => {
    const example = resolve(import.meta.dirname, "../../examples/tandem.yaml");
    expect(existsSync(example)).toBe(true);
    const { code, stdout } = await tandem("check", example);
    expect(stdout).toContain("SIP over UDP");
    expect(code).toBe(0);
  });
});
