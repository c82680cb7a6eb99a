/** Starts and drives the real peers of the end-to-end tests (test/peers/README.md): SIPp, programs in general. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const PEERS = resolve(import.meta.dirname, "..", "peers");
export const FIXTURES = resolve(import.meta.dirname, "..", ".fixtures");

/** A folder of one test run, removed by `remove`. */
export function scratchFolder(name: string): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), `tandem-${name}-`));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A child process with its output kept; `finished` resolves when it has ended. */
export class Peer {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";
  #ended = false;

  /** @param input - true keeps its standard input open, for `write` */
  constructor(
    command: string,
    args: readonly string[],
    cwd: string,
    options: { readonly env?: NodeJS.ProcessEnv; readonly input?: boolean } = {},
  ) {
    this.process = spawn(command, args, {
      cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === true ? "pipe" : "ignore", "pipe", "pipe"],
    });
    this.process.stdin?.on("error", () => undefined);
    this.process.stdout?.on("data", (data) => {
      this.stdout += data;
    });
    this.process.stderr?.on("data", (data) => {
      this.stderr += data;
    });
    this.finished = new Promise((done, fail) => {
      this.process.once("error", fail);
      this.process.once("close", (code) => {
        this.#ended = true;
        done({ code, stdout: this.stdout, stderr: this.stderr });
      });
    });
    this.finished.catch(() => undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** One line to its standard input. */
  write(line: string): void {
    this.process.stdin?.write(`${line}\n`);
  }

  /** Ends it by its own process id. */
  async stop(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (!this.#ended) this.process.kill(signal);
    await this.finished.catch(() => undefined);
  }
}

export interface SippOptions {
  /** Name of the scenario in test/peers/sipp, without .xml. */
  readonly scenario: string;
  /** host:port of the far end; absent for a callee. */
  readonly to?: string;
  readonly address: string;
  readonly port: number;
  readonly mediaPort: number;
  /** Host of the Request-URI instead of the address that packets go to, and the user that digest answers for. */
  readonly domain?: string;
  readonly user?: string;
  /** Where captures are looked for; default: the fixtures. */
  readonly cwd?: string;
  readonly args?: readonly string[];
  /** Changes the text of the scenario before it is used. */
  readonly edit?: (xml: string) => string;
}

/** SIPp in a folder of its own, with the audio fixtures beside it. */
export function startSipp(folder: string, options: SippOptions): Peer {
  let xml = readFileSync(join(PEERS, "sipp", `${options.scenario}.xml`), "utf8");
  if (options.domain !== undefined)
    xml = xml.replaceAll("[service]@[remote_ip]:[remote_port]", `[service]@${options.domain}`);
  if (options.edit !== undefined) xml = options.edit(xml);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${options.scenario}-${options.port}.xml`);
  writeFileSync(file, xml);
  const auth = options.domain === undefined ? [] : ["-auth_uri", `${options.user ?? ""}@${options.domain}`];
  return new Peer(
    "sipp",
    [
      "-sf",
      file,
      ...(options.to === undefined ? [] : [options.to]),
      "-i",
      options.address,
      "-bind_local",
      "-mi",
      options.address,
      "-p",
      String(options.port),
      "-mp",
      String(options.mediaPort),
      "-nostdin",
      "-trace_err",
      "-error_file",
      join(folder, `${options.scenario}-${options.port}.err`),
      ...auth,
      ...(options.args ?? []),
    ],
    options.cwd ?? FIXTURES,
  );
}

/** Runs test/peers/media/compare-audio.mjs: true when `got` correlates with `sent`, all windows together
 * by `minCorrelation` and the share `minWindows` of them alone. */
export async function sameAudio(
  sent: string,
  got: string,
  minCorrelation = 0.9,
  minWindows = 0.9,
): Promise<{ same: boolean; text: string }> {
  const peer = new Peer(
    process.execPath,
    [join(PEERS, "media", "compare-audio.mjs"), sent, got, String(minCorrelation), String(minWindows)],
    FIXTURES,
  );
  const { code, stdout, stderr } = await peer.finished;
  return { same: code === 0, text: (stdout + stderr).trim() };
}
