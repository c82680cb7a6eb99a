/** `tandem edges | network | zone`: where the gateway is, what its DNS should say, and an edge going out of service (R-EDGE, R-NET). */

import type { Command } from "commander";
import { GatewayError } from "../base/errors.ts";
import { safeJson, safeText } from "../explain/safe-text.ts";
import { type ApiAccess, findAccess, getJson, postForm } from "./api-access.ts";
import { loadConfig } from "./config.ts";
import { formatNetwork, formatUris, networkOf, urisOf, zoneOf } from "./edge-report.ts";
import { table } from "./text-table.ts";

interface Access {
  readonly config?: string;
  readonly url?: string;
  readonly json?: boolean;
}

interface EdgeRow {
  readonly name: string;
  readonly region: string | null;
  readonly status: string;
  readonly addresses: readonly string[];
  readonly calls: number;
}

const FILE = "-c, --config <file>";

export function addEdgeCommands(root: Command, finish: (code: number) => void): void {
  const print = (json: boolean | undefined, data: unknown, text: string): void => {
    process.stdout.write(json === true ? `${safeJson(data)}\n` : text);
    finish(0);
  };
  root
    .command("network")
    .description("Prints every address and port that the gateway uses, for firewalls.")
    .requiredOption(FILE, "configuration file (YAML)")
    .option("--json", "print as JSON")
    .action((options: { config: string; json?: boolean }) => {
      const rows = networkOf(loadConfig(options.config, process.env));
      print(options.json, { network: rows }, formatNetwork(rows));
    });
  root
    .command("zone")
    .description("Prints the DNS zone lines of all edges: addresses, services, and names that lead there.")
    .requiredOption(FILE, "configuration file (YAML)")
    .action((options: { config: string }) => {
      const { lines, problems } = zoneOf(loadConfig(options.config, process.env));
      process.stdout.write(`${lines.join("\n")}\n`);
      for (const problem of problems) process.stderr.write(`tandem: ${problem}\n`);
      finish(problems.length === 0 ? 0 : 1);
    });

  const edges = root.command("edges").description("How the edges stand; one of them out of service and back.");
  const reaching = (command: Command): Command =>
    command
      .option(FILE, "configuration of the gateway: where it listens, and the credentials")
      .option("--url <url>", "where the gateway's HTTP is (default: TANDEM_URL, the file, http://127.0.0.1:8080)")
      .option("--json", "print as JSON");
  reaching(edges.command("list", { isDefault: true }).description("Lists edges, their status and their calls.")).action(
    async (options: Access) => {
      const rows = await listEdges(findAccess(options, process.env));
      print(options.json, { edges: rows }, formatEdges(rows));
    },
  );
  for (const [verb, status, what] of [
    ["drain", "draining", "Has an edge answer new calls and OPTIONS with 503; calls that are up go on."],
    ["undrain", "active", "Has an edge take calls again."],
  ] as const)
    reaching(edges.command(verb).description(what).argument("<edge>", "name of the edge")).action(
      async (name: string, options: Access) => {
        const access = findAccess(options, process.env);
        const row = (await postForm(access, `/v1/Edges/${encodeURIComponent(name)}`, { Status: status })) as EdgeRow;
        print(options.json, row, formatEdges([row]));
      },
    );
  edges
    .command("uris")
    .description("Lists the host names of a trunk or SIP domain and the addresses behind each.")
    .argument("<name>", "office.pstn or carrier.sip, with or without the DNS suffix")
    .requiredOption(FILE, "configuration file (YAML)")
    .option("--json", "print as JSON")
    .action((name: string, options: { config: string; json?: boolean }) => {
      const uris = urisOf(loadConfig(options.config, process.env), name);
      if (uris === undefined) root.error("error: name a trunk as office.pstn, a SIP domain as carrier.sip");
      print(options.json, { localizedUris: uris }, formatUris(uris));
    });
}

async function listEdges(access: ApiAccess): Promise<readonly EdgeRow[]> {
  const { edges } = (await getJson(access, "/v1/Edges")) as { edges?: unknown };
  if (!Array.isArray(edges))
    throw new GatewayError("API_ANSWER", `${access.url} answers with no list of edges: look at --url`);
  return edges as EdgeRow[];
}

function formatEdges(rows: readonly EdgeRow[]): string {
  return table([
    ["EDGE", "REGION", "STATUS", "CALLS", "ADDRESSES"],
    ...rows.map(({ name, region, status, calls, addresses }) =>
      [name, region ?? "-", status, String(calls), addresses.join(" ") || "not known"].map(safeText),
    ),
  ]);
}
