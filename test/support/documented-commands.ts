/**
 * Runs the commands of a document as a reader would: those of blocks marked `sh` in their order, line by line; those marked
 * `sh background` in a terminal of their own, until the section ends. A command that fails stops everything.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { until } from "./gateway.ts";
import { Peer } from "./peers.ts";

export interface DocumentedBlock {
  readonly commands: readonly string[];
  readonly background: boolean;
  /** Number of the section that it stands in. */
  readonly section: number;
}

/** All blocks of commands. A block without a language, or with one that is no shell, shows something else. */
export function blocksOf(markdown: string): DocumentedBlock[] {
  const blocks: DocumentedBlock[] = [];
  let section = 0;
  for (const [, heading, info, body] of markdown.matchAll(/^(#+) .*$|^```(.*)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) section++;
    else if (/^(sh|bash|shell|console)\b/.test(info!)) {
      const commands = body!
        .replaceAll("\\\n", " ")
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "" && !line.startsWith("#"));
      blocks.push({ commands, background: info!.includes("background"), section });
    }
  }
  return blocks;
}

export interface RanCommand {
  readonly command: string;
  readonly output: string;
}

/**
 * @param instead - commands that are not run, with the reason
 * @param keep - what runs in the background stays up for the sections behind its own
 * @returns what ran, in order, with what it wrote
 */
export async function runDocument(
  file: string,
  folder: string,
  instead: ReadonlyMap<string, string> = new Map(),
  keep = false,
): Promise<RanCommand[]> {
  const ran: RanCommand[] = [];
  let up: Background[] = [];
  let section = -1;
  const finish = async (): Promise<void> => {
    for (const one of up.reverse()) ran.push({ command: one.command, output: await one.stop() });
    up = [];
  };
  try {
    for (const block of blocksOf(readFileSync(file, "utf8"))) {
      if (block.section !== section && !keep) await finish();
      section = block.section;
      for (const command of block.commands) {
        const reason = instead.get(command);
        if (reason !== undefined) ran.push({ command, output: `not run: ${reason}` });
        else if (block.background) {
          const one = new Background(command, folder);
          up.push(one);
          await one.ready();
        } else ran.push({ command, output: await run(command, folder) });
      }
    }
  } finally {
    await finish();
  }
  return ran;
}

async function run(command: string, folder: string): Promise<string> {
  const peer = new Peer("bash", ["-c", command], folder, { env: { TERM: "dumb" } });
  const { code, stdout, stderr } = await peer.finished;
  if (code !== 0) throw new Error(`${command}\nended with ${code}\n${stdout.slice(-3000)}\n${stderr.slice(-3000)}`);
  return stdout + stderr;
}

/** A command in a terminal of its own. */
class Background {
  readonly command: string;
  #output = "";
  #code: number | null | undefined;
  readonly #child;
  readonly #ended;

  constructor(command: string, folder: string) {
    this.command = command;
    // A group of its own, so that the signal of Ctrl-C reaches all of it.
    this.#child = spawn("bash", ["-c", command], {
      cwd: folder,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, TERM: "dumb" },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on("data", (data) => {
        this.#output += data;
      });
    this.#ended = new Promise<void>((done) =>
      this.#child.once("close", (code) => {
        this.#code = code;
        done();
      }),
    );
  }

  /** When it says so, or when the port that it names is bound. */
  async ready(): Promise<void> {
    const port = /(?:^| )-p (\d+)/.exec(this.command)?.[1];
    const isReady = (): boolean =>
      port === undefined ? /\bready\b|carrier up/.test(this.#output) : isBound(Number(port));
    await until(() => this.#code !== undefined || isReady(), `${this.command}\n${this.#output}`, 60_000);
    if (!isReady()) throw new Error(`${this.command}\nended with ${this.#code}\n${this.#output}`);
  }

  /** Ctrl-C, unless it has ended by itself. */
  async stop(): Promise<string> {
    if (this.#code === undefined) process.kill(-this.#child.pid!, "SIGINT");
    await this.#ended;
    return this.#output;
  }
}

function isBound(port: number): boolean {
  const local = `:${port.toString(16).padStart(4, "0").toUpperCase()} `;
  return readFileSync("/proc/net/udp", "utf8").includes(`${local}00000000:0000 `);
}
