/** A whole gateway for end-to-end tests, from YAML like any other, on an address of its own. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SystemClock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { type DemoCertificates, makeCertificates } from "../../src/cli/demo/certificates.ts";
import { openStore } from "../../src/cli/open-store.ts";
import { Gateway } from "../../src/gateway.ts";

/** A log that keeps its lines. */
export class MemoryLog implements Log {
  readonly lines: string[] = [];
  debug(message: string, fields = {}): void {
    this.#add("debug", message, fields);
  }
  info(message: string, fields = {}): void {
    this.#add("info", message, fields);
  }
  warn(message: string, fields = {}): void {
    this.#add("warn", message, fields);
  }
  error(message: string, fields = {}): void {
    this.#add("error", message, fields);
  }
  child(): Log {
    return this;
  }
  #add(level: string, message: string, fields: object): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  }
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly log: MemoryLog;
  readonly certificates: DemoCertificates;
  readonly certFile: string;
  readonly folder: string;
  port(transport: "udp" | "tcp" | "tls"): number;
  /** @param drainMs - how long running calls may go on; default as of the gateway */
  stop(drainMs?: number): Promise<void>;
}

export const BASE = "voice.test";
export const AUTH_TOKEN = "12345678901234567890123456789012";

/**
 * @param address - of SIP and media, 127.x.y.z
 * @param objects - YAML of the declared objects; an account `main` is there already
 * @param settings - further YAML at top level, and lines for the sections that are written here
 */
export async function startGateway(
  address: string,
  objects: string,
  settings: {
    readonly sip?: string;
    readonly media?: string;
    /** More keys of these sections, beginning with a comma. */
    readonly webhooks?: string;
    readonly http?: string;
    /** Further keys of `tls`, beginning with a comma. */
    readonly tls?: string;
    readonly top?: string;
    readonly endedCallsMax?: number;
    /** Uniform in [0, 1). */
    readonly random?: () => number;
    /** Of RTP; default 20000 to 29999. Ports rest after a call, so that thousands in a row need more. */
    readonly ports?: readonly [min: number, max: number];
    /** Path of the store's file; default: in memory. */
    readonly store?: string;
  } = {},
  workerCount = 1,
): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-gateway-"));
  const certificates = await makeCertificates([`*.sip.${BASE}`, `*.pstn.${BASE}`], address);
  const certFile = join(folder, "cert.pem");
  const keyFile = join(folder, "key.pem");
  writeFileSync(certFile, certificates.certPem);
  writeFileSync(keyFile, certificates.keyPem);
  const yaml = `
domains: { base: ${BASE} }
sip:
  address: ${address}
  udpPort: 5060
  tcpPort: 5060
  tlsPort: 5061
${settings.sip?.includes("overloadLagMs") ? "" : "  overloadLagMs: 0"}
${settings.sip ?? ""}
tls: { certFile: ${certFile}, keyFile: ${keyFile}, caFile: ${certFile}${settings.tls ?? ""} }
http: { address: ${address}, port: 0${settings.http ?? ""} }
media:
  portMin: ${settings.ports?.[0] ?? 20000}
  portMax: ${settings.ports?.[1] ?? 29999}
  workers: ${workerCount}
${settings.media ?? ""}
streams: { allowInsecureWs: true }
webhooks: { allowPrivateAddresses: [127.0.0.0/8]${settings.webhooks ?? ""} }
store: ${settings.store ?? "memory"}
${settings.top ?? ""}
accounts:
  - { name: main, authToken: "${AUTH_TOKEN}" }
${objects}
`;
  const loaded = parseConfig(yaml, join(folder, "tandem.yaml"), {});
  const log = new MemoryLog();
  const clock = new SystemClock();
  const { store, secrets } = await openStore(loaded, clock, log);
  const gateway = await Gateway.start({
    config: loaded.settings,
    store,
    secrets,
    log,
    clock,
    ...(settings.endedCallsMax === undefined ? {} : { endedCallsMax: settings.endedCallsMax }),
    ...(settings.random === undefined ? {} : { random: settings.random }),
  });
  return {
    gateway,
    log,
    certificates,
    certFile,
    folder,
    port: (transport) => gateway.listening.find((one) => one.transport === transport)!.port,
    async stop(drainMs) {
      await gateway.stop(drainMs);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until something is true, and says what it was when it never is. Not for measuring time. */
export async function until(reached: () => boolean, what: string, limitMs = 30_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!reached()) {
    if (performance.now() > end) throw new Error(`not reached in ${limitMs / 1000} s: ${what}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}
