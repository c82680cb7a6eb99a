/** docs/edges.md: its configuration is loaded and served, each of its commands is run, and what it prints is compared (R-EDGE-3 to 6, R-NET-1). */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../support/gateway.ts";
import { Peer, scratchFolder } from "../support/peers.ts";

const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const guide = readFileSync(resolve(import.meta.dirname, "../../docs/edges.md"), "utf8");
const scratch = scratchFolder("edges-guide");

const blocks = (language: string): string[] =>
  [...guide.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, "g"))].map(([, text]) => text!);
const examples = blocks("console").map((text) => {
  const end = text.indexOf("\n");
  return { command: text.slice(2, end), output: text.slice(end + 1) };
});

let server: Peer;

async function tandem(command: string): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Peer(process.execPath, [main, ...command.split(" ").slice(1)], scratch.path).finished;
}

/** A line of … stands for any number of lines. */
function fits(output: string, expected: string): boolean {
  const parts = expected.split("…\n");
  let at = 0;
  for (const [index, part] of parts.entries()) {
    const found = output.indexOf(part, at);
    if (found < 0 || (index === 0 && found !== 0)) return false;
    at = found + part.length;
  }
  return expected.endsWith("…\n") || at === output.length;
}

beforeAll(async () => {
  writeFileSync(join(scratch.path, "edges.yaml"), blocks("yaml")[0]!);
  server = new Peer(process.execPath, [main, "serve", "-c", "edges.yaml"], scratch.path);
  let isUp = false;
  await until(() => {
    if (server.ended) throw new Error(server.stderr);
    void fetch("http://127.0.0.1:8080/readyz").then(
      ({ ok }) => {
        isUp ||= ok;
      },
      () => undefined,
    );
    return isUp;
  }, "the gateway of the guide");
});
afterAll(async () => {
  await server?.stop("SIGTERM");
  scratch.remove();
});

describe("docs/edges.md", () => {
  it("has a command of each kind", () => {
    const kinds = examples.map(({ command }) => command.replace(/ -c.*/, ""));
    expect(kinds).toEqual([
      "tandem network",
      "tandem edges uris office.pstn",
      "tandem zone",
      "tandem edges",
      "tandem edges drain dublin",
    ]);
  });

  it.each(examples)("$command prints what the page says", async ({ command, output }) => {
    const { code, stdout, stderr } = await tandem(command);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(fits(stdout, output), `${stdout}\ninstead of\n${output}`).toBe(true);
  });

  it("tandem edges undrain dublin takes the drain back, and --json is for machines", async () => {
    const { stdout } = await tandem("tandem edges undrain dublin -c edges.yaml --json");
    expect(JSON.parse(stdout)).toEqual({
      name: "dublin",
      region: "ie1",
      status: "active",
      addresses: ["203.0.113.31"],
      calls: 0,
    });
    const unknown = await tandem("tandem edges drain atlantis -c edges.yaml");
    expect(unknown.code).toBe(1);
    expect(unknown.stderr).toContain("/Edges/atlantis was not found");
  });

  it("its private interconnection is a configuration that loads", async () => {
    writeFileSync(join(scratch.path, "private.yaml"), blocks("yaml")[1]!);
    const { code, stdout } = await tandem("tandem check private.yaml");
    expect(code).toBe(0);
    expect(stdout).toContain("edge tokyo-ix (jp1-ix)");
  });

  it("R-EDGE-5: tells peers to use names, to go on after 4 s, and to another edge", () => {
    for (const text of ["use the names, not one address", "for 4 seconds", "from\nashburn go to umatilla"])
      expect(guide).toContain(text);
  });
});
