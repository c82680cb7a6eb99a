/** Kamailio in front of the gateway or behind it, with a configuration of test/peers/kamailio moved to other addresses. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { PEERS, Peer } from "./peers.ts";

export class Kamailio {
  readonly peer: Peer;

  private constructor(peer: Peer) {
    this.peer = peer;
  }

  /**
   * @param config - name of a file in test/peers/kamailio
   * @param address - where it listens, port 5060 and 5061
   * @param moved - addresses of that file and what stands for them here; 127.77.0.10 is its own
   */
  static async start(
    config: string,
    address: string,
    folder: string,
    moved: Readonly<Record<string, string>>,
  ): Promise<Kamailio> {
    mkdirSync(folder, { recursive: true });
    const places = { "127.77.0.10": address, ...moved };
    for (const file of readdirSync(join(PEERS, "kamailio")).filter(
      (name) => name === config || name.endsWith(".list"),
    )) {
      // Longest first, since 127.77.0.1 is the beginning of 127.77.0.10.
      const pattern = new RegExp(
        Object.keys(places)
          .sort((a, b) => b.length - a.length)
          .join("|")
          .replaceAll(".", "\\."),
        "g",
      );
      const text = readFileSync(join(PEERS, "kamailio", file), "utf8");
      writeFileSync(
        join(folder, file),
        text.replace(pattern, (found) => places[found as keyof typeof places]),
      );
    }
    const kamailio = new Kamailio(
      new Peer("sh", [join(PEERS, "kamailio", "start-kamailio.sh"), join(folder, "run"), join(folder, config)], folder),
    );
    await kamailio.#ready(address);
    return kamailio;
  }

  /** What it logged. */
  get log(): string {
    return this.peer.stdout + this.peer.stderr;
  }

  async stop(): Promise<void> {
    await this.peer.stop("SIGTERM");
  }

  async #ready(address: string): Promise<void> {
    for (let attempt = 0; attempt < 300; attempt++) {
      if (this.peer.ended) throw new Error(`kamailio ended: ${this.log.slice(-2000)}`);
      const open = await new Promise<boolean>((done) => {
        const socket = connect(5060, address);
        socket.once("error", () => done(false));
        socket.once("connect", () => {
          socket.destroy();
          done(true);
        });
      });
      if (open) return;
      await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`kamailio did not listen: ${this.log.slice(-2000)}`);
  }
}
