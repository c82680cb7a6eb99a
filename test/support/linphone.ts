/** linphonec as a peer: answers by itself, plays a file and records what it hears. It listens on all addresses of the machine. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "./gateway.ts";
import { PEERS, Peer } from "./peers.ts";

export interface LinphoneOptions {
  readonly folder: string;
  readonly sipPort: number;
  readonly rtpPort: number;
  /** WAV file of what it says. */
  readonly wav: string;
  /** Lines of its configuration instead of those of test/peers/linphone. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class Linphone {
  readonly peer: Peer;
  readonly recording: string;

  private constructor(options: LinphoneOptions) {
    const { folder } = options;
    mkdirSync(join(folder, ".local", "share", "linphone"), { recursive: true });
    const settings = {
      sip_port: String(options.sipPort),
      sip_tcp_port: String(options.sipPort),
      audio_rtp_port: String(options.rtpPort),
      ...options.settings,
    };
    const template = readFileSync(join(PEERS, "linphone", "linphonerc"), "utf8");
    const lines = template.split("\n").map((line) => {
      const name = line.split("=")[0]! as keyof typeof settings;
      return name in settings ? `${name}=${settings[name]}` : line;
    });
    writeFileSync(join(folder, "rc"), lines.join("\n"));
    this.recording = join(folder, "heard.wav");
    this.peer = new Peer("linphonec", ["-c", join(folder, "rc"), "-a"], folder, {
      env: { HOME: folder, XDG_RUNTIME_DIR: folder },
      input: true,
    });
  }

  static async start(options: LinphoneOptions): Promise<Linphone> {
    const linphone = new Linphone(options);
    await linphone.#says("linphonec>");
    for (const line of ["soundcard use files", `play ${options.wav}`, `record ${linphone.recording}`])
      linphone.peer.write(line);
    await linphone.#says("record");
    return linphone;
  }

  call(uri: string): void {
    this.peer.write(`call ${uri}`);
  }

  hangup(): void {
    this.peer.write("terminate");
  }

  /** Resolves when it has told this of its call. */
  async #says(text: string): Promise<void> {
    await until(() => {
      if (this.peer.ended) throw new Error(`linphonec ended: ${this.peer.stdout}${this.peer.stderr}`);
      return this.peer.stdout.includes(text);
    }, `linphonec to say ${text}`);
  }

  async ended(): Promise<void> {
    await this.#says("ended (");
  }

  async established(): Promise<void> {
    await this.#says("Media streams established");
  }

  /** Ends it so that its recording is closed. */
  async stop(): Promise<void> {
    this.peer.write("quit");
    const grace = new Promise((done) => setTimeout(done, 5000));
    await Promise.race([this.peer.finished.catch(() => undefined), grace]);
    await this.peer.stop();
  }
}
