/**
 * What `tandem check` says about a configuration: the settings as they take effect, secrets masked; what the gateway would
 * listen on; how many calls really fit; what should be looked at.
 */

import { stringify } from "yaml";
import type { GatewayConfig, MediaConfig } from "../base/gateway-config.ts";
import { planEdges } from "../trunking/edge-plan.ts";
import type { LoadedConfig } from "./config.ts";
import { SECRET_KEYS } from "./declared-schema.ts";

/** The data behind the text, for `--json`. */
export interface CheckReport {
  readonly file: string;
  /** Settings and objects, secrets masked. */
  readonly effective: unknown;
  readonly listens: readonly string[];
  readonly capacity: CallCapacity;
  readonly warnings: readonly string[];
}

/** How many calls fit, and why not more. */
export interface CallCapacity {
  readonly workers: number;
  /** Legs that the port range has ports for; null when any free ports are used. */
  readonly legsByPorts: number | null;
  readonly legsByWorkers: number;
  /** Bridged calls: two legs each. */
  readonly bridgedCalls: number;
  readonly limitedBy: "port range" | "workers" | "media.maxCalls";
}

export const MASK = "********";

/** @param cores - of this machine, for `workers: auto` */
export function checkReport(config: LoadedConfig, cores: number): CheckReport {
  const { settings, file } = config;
  return {
    file,
    effective: masked(asWritten(config)),
    listens: listensOf(settings),
    capacity: capacityOf(settings.media, cores, portRanges(settings)),
    warnings: config.warnings,
  };
}

/** The report for people. */
export function formatCheckReport(report: CheckReport): string {
  const { capacity } = report;
  const ports = capacity.legsByPorts === null ? "any free ports" : `ports for ${capacity.legsByPorts} legs`;
  return [
    `# ${report.file}: effective configuration`,
    stringify(report.effective, { lineWidth: 0 }).trimEnd(),
    "",
    "# listens on",
    ...report.listens.map((line) => `#   ${line}`),
    "# calls",
    `#   ${capacity.bridgedCalls} bridged calls at a time, limited by ${capacity.limitedBy}`,
    `#   (${ports}, ${capacity.workers} workers for ${capacity.legsByWorkers} legs; a bridged call has two)`,
    ...(report.warnings.length === 0 ? [] : ["# warnings", ...report.warnings.map((line) => `#   ${line}`)]),
    "",
  ].join("\n");
}

/** Workers that `auto` stands for: one core is left to signalling. */
export function workerCount(media: Pick<MediaConfig, "workers">, cores: number): number {
  return media.workers === "auto" ? Math.max(1, cores - 1) : media.workers;
}

/** A leg takes an even port and the next one; workers get equal, disjoint parts of the range. */
export function capacityOf(
  media: MediaConfig,
  cores: number,
  ranges: readonly Pick<MediaConfig, "portMin" | "portMax">[] = [media],
): CallCapacity {
  const workers = workerCount(media, cores);
  const legsByWorkers = workers * media.legsPerWorker;
  const isAny = ranges.some(({ portMin, portMax }) => portMin === 0 && portMax === 0);
  const legsByPorts = isAny ? null : ranges.reduce((sum, { portMin, portMax }) => sum + pairsOf(portMin, portMax), 0);
  const byPorts = Math.floor((legsByPorts ?? Number.POSITIVE_INFINITY) / 2);
  const byWorkers = Math.floor(legsByWorkers / 2);
  const fits = Math.min(byPorts, byWorkers);
  if (media.maxCalls !== null && media.maxCalls <= fits)
    return { workers, legsByPorts, legsByWorkers, bridgedCalls: media.maxCalls, limitedBy: "media.maxCalls" };
  return {
    workers,
    legsByPorts,
    legsByWorkers,
    bridgedCalls: fits,
    limitedBy: byPorts < byWorkers ? "port range" : "workers",
  };
}

/** Every edge has ports of its own. */
function portRanges(settings: GatewayConfig): Pick<MediaConfig, "portMin" | "portMax">[] {
  return planEdges(settings).flatMap(({ media }) => media ?? []);
}

function pairsOf(portMin: number, portMax: number): number {
  const firstEven = portMin + (portMin % 2);
  return Math.max(0, Math.floor((portMax - firstEven + 1) / 2));
}

function listensOf({ sip, tls, http, media, edges }: GatewayConfig): string[] {
  const at = (address: string, port: number): string => `${address}:${port === 0 ? "any" : port}`;
  const plans = planEdges({ sip, tls, media, edges }).filter(({ listen }) => listen.length > 0);
  const lines: string[] = [];
  for (const plan of plans) {
    if (plans.length > 1) lines.push(`edge ${plan.name}${plan.region === null ? "" : ` (${plan.region})`}`);
    const indent = plans.length > 1 ? "  " : "";
    const announced = (address: string, announce: string): string =>
      announce === address ? "" : `, announced as ${announce}`;
    for (const { transport, address, port, announce } of plan.listen)
      lines.push(`${indent}SIP over ${transport.toUpperCase()}  ${at(address, port)}${announced(address, announce)}`);
    if (tls.certFile === null && sip.tlsPort !== null)
      lines.push(`${indent}SIP over TLS  off: tls.certFile is not set`);
    const { address, announce, portMin, portMax } = plan.media!;
    const ports = portMin === 0 && portMax === 0 ? "any" : `${portMin}-${portMax}`;
    lines.push(`${indent}RTP, RTCP     ${address}:${ports}${announced(address, announce)}`);
  }
  lines.push(http.port === null ? "HTTP          off" : `HTTP          ${at(http.address, http.port)}`);
  return lines;
}

/** Settings and objects in the words of the file, so that the report can be loaded again. */
function asWritten({ settings, objects }: LoadedConfig): unknown {
  const { sip, http, store } = settings;
  const port = (value: number | null): number | "off" => value ?? "off";
  return {
    ...settings,
    sip: { ...sip, udpPort: port(sip.udpPort), tcpPort: port(sip.tcpPort), tlsPort: port(sip.tlsPort) },
    http: { ...http, port: port(http.port) },
    store: store.path ?? "memory",
    ...(withoutNulls(objects) as object),
  };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== null);
  return Object.fromEntries(entries.map(([key, item]) => [key, withoutNulls(item)]));
}

/** A copy in which no secret can be read. URLs may carry one as user and password. */
function masked(value: unknown, key = ""): unknown {
  if (SECRET_KEYS.has(key)) return value === null ? null : MASK;
  if (Array.isArray(value)) return value.map((item) => masked(item));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, masked(item, name)]));
  return typeof value === "string" ? value.replace(/^(https?:\/\/)[^/@]*@/, `$1${MASK}@`) : value;
}
