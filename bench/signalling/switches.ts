/** What stands between caller and carrier in a run: Tandem as a child process, Kamailio, or nothing at all. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Peer } from "../../test/support/peers.ts";

export const SWITCH_ADDRESS = "127.77.60.1";
export const CALLER_ADDRESS = "127.77.60.2";
export const CARRIER_ADDRESS = "127.77.60.3";
/** What calls are sent to; a peer that is a proxy does not look at it. */
export const DOMAIN = "office.pstn.voice.test";

const root = resolve(import.meta.dirname, "../..");
const START_MS = 20_000;
const CLOCK_TICKS_PER_SECOND = 100;

export interface Switch {
  readonly name: string;
  /** Host and port that the caller sends to. */
  readonly address: string;
  /** Processor time of all its processes so far, ms. */
  cpuMs(): number;
  /** Resident memory of all its processes, MiB. */
  residentMib(): number;
  /** Ends it; throws when it did not live until now. */
  stop(): Promise<void>;
}

export type StartSwitch = (folder: string, core: string) => Promise<Switch>;

/** `tandem serve`: one trunk for the caller's address, the carrier as BYOC trunk, records in memory. */
export async function startTandem(folder: string, core: string): Promise<Switch> {
  const config = join(folder, "tandem.yaml");
  writeFileSync(
    config,
    `
domains: { base: voice.test }
# What it can do is asked for, not when it begins to shed.
sip: { address: ${SWITCH_ADDRESS}, udpPort: 5060, tcpPort: off, tlsPort: off, overloadLagMs: 0 }
http: { address: ${SWITCH_ADDRESS}, port: 8080 }
log: { level: warn }
store: memory
accounts:
  - { name: main, authToken: "12345678901234567890123456789012" }
ipAccessControlLists:
  - { name: callers, addresses: [${CALLER_ADDRESS}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER_ADDRESS}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [callers], callerIdPolicy: any }
`,
  );
  const extra = (process.env["TANDEM_NODE_OPTIONS"] ?? "").split(" ").filter((one) => one !== "");
  const args = [...extra, join(root, "dist/cli/main.js"), "serve", "--config", config, "--drain", "0"];
  const peer = new Peer("taskset", ["-c", core, process.execPath, ...args], folder);
  await until(peer, async () => (await fetch(`http://${SWITCH_ADDRESS}:8080/readyz`)).ok);
  return aSwitch("tandem", `${SWITCH_ADDRESS}:5060`, peer);
}

/** Kamailio with two processes for UDP, as a stateful proxy. */
export async function startKamailio(folder: string, core: string): Promise<Switch> {
  const text = readFileSync(join(import.meta.dirname, "kamailio.cfg"), "utf8");
  const file = join(folder, "kamailio.cfg");
  const filled = { ADDRESS: SWITCH_ADDRESS, CARRIER: CARRIER_ADDRESS, CHILDREN: "2" };
  writeFileSync(
    file,
    Object.entries(filled).reduce((out, [name, value]) => out.replaceAll(name, value), text),
  );
  mkdirSync(join(folder, "run"), { recursive: true });
  const args = ["-f", file, "-DD", "-E", "-e", "-m", "256", "-M", "16", "-Y", join(folder, "run")];
  const env = `PATH=${process.env["PATH"]}:/usr/sbin:/sbin`;
  const peer = new Peer("env", [env, "taskset", "-c", core, "kamailio", ...args], folder);
  // Its processes are there, and its socket too.
  await until(peer, () => Promise.resolve(isBound(SWITCH_ADDRESS, 5060) && childrenOf(peer.process.pid!).length >= 3));
  return aSwitch("kamailio", `${SWITCH_ADDRESS}:5060`, peer);
}

/** Nothing: SIPp to SIPp, to know what SIPp itself needs. */
export function startNothing(): Promise<Switch> {
  return Promise.resolve({
    name: "direct",
    address: `${CARRIER_ADDRESS}:5060`,
    cpuMs: () => 0,
    residentMib: () => 0,
    stop: () => Promise.resolve(),
  });
}

function aSwitch(name: string, address: string, peer: Peer): Switch {
  const family = (): number[] => [peer.process.pid!, ...childrenOf(peer.process.pid!)];
  const sum = (read: (pid: number) => number): number => family().reduce((total, pid) => total + read(pid), 0);
  return {
    name,
    address,
    cpuMs: () => sum(cpuMsOf),
    residentMib: () => sum(residentMibOf),
    stop: async () => {
      if (peer.ended) throw new Error(`${name} ended by itself: ${peer.stderr.slice(-2000)}`);
      await peer.stop("SIGTERM");
    },
  };
}

async function until(peer: Peer, reached: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + START_MS;
  while (!(await reached().catch(() => false))) {
    if (peer.ended || performance.now() > end) {
      await peer.stop();
      throw new Error(`did not start: ${peer.stderr.slice(-2000)}`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** User and system time, fields 14 and 15 of /proc/PID/stat; the name before them may hold blanks. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / CLOCK_TICKS_PER_SECOND;
}

function residentMibOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number);
    return children.flatMap((child) => [child, ...childrenOf(child)]);
  });
}

/** A UDP socket of /proc/net/udp: address in the machine's octet order, port in hexadecimal. */
function isBound(address: string, port: number): boolean {
  const hex = address
    .split(".")
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");
  const wanted = `${hex}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
  return readFileSync("/proc/net/udp", "utf8").includes(wanted);
}
