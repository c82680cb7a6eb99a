/** baresip as a peer: file audio, recordings both ways, commands and events over its control port, its SIP messages. */
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { until } from "./gateway.ts";
import { PEERS, Peer } from "./peers.ts";

export interface BaresipOptions {
  readonly folder: string;
  readonly address: string;
  readonly sipPort: number;
  readonly controlPort: number;
  readonly rtpPort: number;
  readonly wav: string;
  /** A line of its accounts file. */
  readonly account: string;
}

/** What it tells over the control port. */
export interface BaresipEvent {
  readonly type: string;
  readonly param?: string;
}

interface Reply {
  readonly ok: boolean;
  readonly data: string;
}

export class Baresip {
  readonly peer: Peer;
  readonly folder: string;
  readonly events: BaresipEvent[] = [];
  readonly #options: BaresipOptions;
  /** It takes one connection: commands and events share it. */
  #control: Socket | undefined;
  #waiting: ((reply: Reply) => void)[] = [];

  private constructor(options: BaresipOptions) {
    this.#options = options;
    this.folder = options.folder;
    this.peer = new Peer("baresip", ["-4", "-s", "-f", options.folder], options.folder);
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const { folder, address, sipPort, controlPort, rtpPort, wav, account } = options;
    const make = new Peer(
      "sh",
      [
        join(PEERS, "baresip", "make-baresip.sh"),
        folder,
        address,
        ...[sipPort, controlPort, rtpPort].map(String),
        wav,
        account,
      ],
      PEERS,
    );
    const made = await make.finished;
    if (made.code !== 0) throw new Error(`make-baresip failed: ${made.stderr}`);
    const baresip = new Baresip(options);
    await baresip.#ready();
    return baresip;
  }

  /** One command of its control protocol: dial, hangup, hold, resume, sndcode … */
  async command(command: string, params?: string): Promise<void> {
    const text = JSON.stringify({ command, params, token: "t" });
    const reply = await new Promise<Reply>((done) => {
      this.#waiting.push(done);
      this.#control!.write(`${Buffer.byteLength(text)}:${text},`);
    });
    if (!reply.ok) throw new Error(`baresip refused ${command}: ${reply.data}`);
  }

  /** True once it has told an event of this type, and with this parameter when one is given. */
  has(type: string, param?: string): boolean {
    return this.events.some((event) => event.type === type && (param === undefined || event.param === param));
  }

  /** All SIP messages that it sent and received, as it printed them. */
  get messages(): string {
    return this.peer.stdout + this.peer.stderr;
  }

  /** Recording of what was received (`dec`) or sent (`enc`). The one of what was received ends with its own first hold. */
  recording(which: "dec" | "enc"): string {
    const folder = join(this.folder, "rec");
    const name = readdirSync(folder)
      .sort()
      .find((file) => file.endsWith(`-${which}.wav`));
    if (name === undefined) throw new Error(`baresip recorded nothing in ${folder}: ${this.peer.stdout.slice(-2000)}`);
    return join(folder, name);
  }

  async stop(): Promise<void> {
    const asked = this.command("quit").catch(() => undefined);
    const grace = new Promise((done) => setTimeout(done, 2000));
    await Promise.race([this.peer.finished, Promise.all([asked, grace])]);
    this.#control?.destroy();
    await this.peer.stop();
  }

  async #ready(): Promise<void> {
    await until(() => {
      if (this.peer.ended) throw new Error(`baresip ended: ${this.peer.stdout}${this.peer.stderr}`);
      return this.peer.stdout.includes("baresip is ready") || this.peer.stderr.includes("baresip is ready");
    }, "a running baresip");
    const control = connect(this.#options.controlPort, this.#options.address);
    await new Promise<void>((done, fail) => control.once("connect", done).once("error", fail));
    control.on("error", () => undefined);
    this.#control = control;
    let rest: Buffer = Buffer.alloc(0);
    control.on("data", (data) => {
      rest = this.#read(Buffer.concat([rest, data]));
    });
  }

  /** Takes whole netstrings off the front and returns what is left. */
  #read(bytes: Buffer): Buffer {
    for (;;) {
      const colon = bytes.indexOf(":");
      const end = colon + 1 + Number(bytes.subarray(0, Math.max(colon, 0)).toString());
      if (colon < 0 || bytes.length <= end) return bytes;
      const told = JSON.parse(bytes.subarray(colon + 1, end).toString());
      if (told.response === true) this.#waiting.shift()?.(told);
      else this.events.push(told);
      bytes = bytes.subarray(end + 1);
    }
  }
}
