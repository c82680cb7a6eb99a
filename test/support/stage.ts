/**
 * Scenes for SIPp: a stage is one gateway and one capture of all that goes over the wire; a scene is one call through it, on a
 * network of its own (127.SUBNET.n.0/24), so that several scenes can run at the same time while each of them mostly waits.
 */
import { createSocket } from "node:dgram";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Call } from "../../src/calls/call.ts";
import { BASE, startGateway, type TestGateway, until } from "./gateway.ts";
import { type CapturedDatagram, capture, datagramsOf } from "./pcap.ts";
import { type Peer, type SippOptions, scratchFolder, startSipp } from "./peers.ts";
import { type SceneOptions, sceneObjects } from "./scene-objects.ts";
import { wireFaults } from "./wire-check.ts";

/** A SIPp that waits for something that never comes ends by itself, and says so. */
const LIMIT = ["-timeout", "90s", "-timeout_error"];

/** A SIP message of the capture. */
export interface SeenMessage {
  readonly from: string;
  readonly to: string;
  readonly line: string;
  readonly text: string;
  /** Seconds. */
  readonly at: number;
}

export interface CalleeOptions extends Partial<SippOptions> {
  /** Which target it is, from 0. */
  readonly target?: number;
  /** False when nothing that it does ends its scenario: it is stopped with the scene. Default true: it has to exit with 0. */
  readonly ends?: boolean;
}

export class Scene {
  readonly #stage: Stage;
  readonly #number: number;
  readonly options: SceneOptions;
  readonly #peers: { readonly name: string; readonly peer: Peer; readonly ends: boolean }[] = [];
  #callers = 0;

  constructor(stage: Stage, number: number, options: SceneOptions) {
    this.#stage = stage;
    this.#number = number;
    this.options = options;
  }

  get stage(): Stage {
    return this.#stage;
  }

  get caller(): string {
    return this.#address(2);
  }

  callee(target = 0): string {
    return this.#address(3 + target);
  }

  /** What the caller dials. */
  get dialled(): string {
    return `+1555${String(this.#stage.subnet).padStart(3, "0")}${String(this.#number).padStart(4, "0")}`;
  }

  /** Host of the Request-URI that the caller uses. */
  get domain(): string {
    return this.options.direction === "origination" ? `s${this.#number}.sip.${BASE}` : `s${this.#number}.pstn.${BASE}`;
  }

  /** Puts a callee up and waits until it listens. */
  async answering(scenario: string, args: readonly string[] = [], options: CalleeOptions = {}): Promise<Peer> {
    const { target = 0, ends = true, ...more } = options;
    const address = more.address ?? this.callee(target);
    const port = more.port ?? 5060;
    const peer = startSipp(join(this.#stage.folder, `${this.#number}-${target}`), {
      scenario,
      address,
      port,
      mediaPort: 22_000,
      args: ["-m", "1", ...LIMIT, ...args],
      ...more,
    });
    this.#peers.push({ name: scenario, peer, ends });
    await until(() => peer.ended || isBound(address, port), `${scenario} listening on ${address}:${port}`);
    return peer;
  }

  /** Calls, and expects the scenario to be followed to the letter. */
  async calling(scenario: string, args: readonly string[] = [], more: Partial<SippOptions> = {}): Promise<void> {
    const number = this.#callers++;
    const peer = startSipp(join(this.#stage.folder, `${this.#number}-caller${number}`), {
      scenario,
      to: `${this.#stage.address}:5060`,
      address: this.caller,
      port: 5070 + number,
      mediaPort: 21_000 + 20 * number,
      domain: this.domain,
      args: ["-s", this.dialled, "-key", "from", "+15550100200", "-m", "1", ...LIMIT, ...args],
      ...more,
    });
    this.#peers.push({ name: scenario, peer, ends: true });
    await this.#content(scenario, peer);
    await this.#stage.recorded();
  }

  /** Calls, and expects that the answer of the gateway is this failure and no other. */
  async failing(status: number): Promise<void> {
    await this.calling("uac_expect_failure", ["-key", "code", String(status)]);
    const finals = this.sentTo(this.caller, "SIP/2.0 ").filter(({ line }) => !line.startsWith("SIP/2.0 1"));
    expect([...new Set(finals.map(({ line }) => line.slice(8, 11)))]).toEqual([String(status)]);
  }

  /** The calls of this scene once all have ended: the one that came in and those that went out. */
  async calls(): Promise<Call[]> {
    const { calls } = this.#stage.gateway.gateway;
    const ours = (all: Iterable<Call>) => [...all].filter(({ details }) => details.to.includes(this.dialled));
    await until(() => ours(calls.live()).length === 0, "the end of its calls");
    return ours(calls.ended());
  }

  /** The SIP messages of this scene so far. */
  messages(): SeenMessage[] {
    return sipOf(this.datagrams());
  }

  /** All datagrams of this scene so far, media as well. */
  datagrams(): CapturedDatagram[] {
    const prefix = this.#address(0).slice(0, -1);
    return this.#stage.datagrams().filter(({ from, to }) => from.startsWith(prefix) || to.startsWith(prefix));
  }

  /** Messages from the gateway to one address, that begin like this. */
  sentTo(address: string, begin: string): SeenMessage[] {
    return this.messages().filter(
      (message) => message.from === this.#stage.address && message.to === address && message.line.startsWith(begin),
    );
  }

  /** Waits for the callees, and expects their scenarios to be followed to the letter as well. */
  async end(): Promise<void> {
    for (const { name, peer, ends } of this.#peers) if (ends) await this.#content(name, peer);
    await this.#stage.recorded();
  }

  /** Ends what is still running. */
  async stop(): Promise<void> {
    for (const { peer } of this.#peers) await peer.stop();
  }

  async #content(name: string, peer: Peer): Promise<void> {
    const { code, stdout, stderr } = await peer.finished;
    if (code === 0) return;
    const story = this.messages().map(({ at, from, to, line }) => `${at.toFixed(3)} ${from} > ${to} ${line}`);
    const errors = errorsOf(peer);
    expect.fail(
      `${name} ended with ${code}\n${errors}\n${stderr.slice(-1500)}\n${story.join("\n")}\n${stdout.slice(-800)}`,
    );
  }

  #address(host: number): string {
    return `127.${this.#stage.subnet}.${this.#number}.${host}`;
  }
}

export class Stage {
  readonly name: string;
  readonly subnet: number;
  readonly address: string;
  gateway!: TestGateway;
  readonly #scenes: Scene[] = [];
  readonly #rows: string[] = [];
  readonly #scratch;
  #marks = 0;
  #capture: { stop: () => Promise<void> } | undefined;

  /**
   * @param subnet - second octet of all addresses, another one for each test file
   * @param settings - as of `startGateway`
   */
  constructor(name: string, subnet: number, settings: Parameters<typeof startGateway>[2] = {}) {
    this.name = name;
    this.subnet = subnet;
    this.address = `127.${subnet}.0.1`;
    this.#scratch = scratchFolder(name);
    beforeAll(async () => {
      this.#capture = await capture(this.file, `net 127.${subnet}.0.0/16`);
      this.gateway = await startGateway(this.address, sceneObjects(this.#scenes), settings);
    });
    afterAll(async () => {
      await this.gateway.stop(0);
      await this.#capture?.stop();
      this.#scratch.remove();
      console.log(`${this.name}:\n${this.#rows.join("\n")}`);
    });
  }

  get folder(): string {
    return this.#scratch.path;
  }

  get file(): string {
    return join(this.folder, `${this.name}.pcap`);
  }

  datagrams(): CapturedDatagram[] {
    return existsSync(this.file) ? datagramsOf(this.file) : [];
  }

  /** Waits until the capture holds all that was sent before. */
  async recorded(): Promise<void> {
    const mark = Buffer.from(`mark ${++this.#marks}`);
    const socket = createSocket("udp4");
    socket.send(mark, 9, this.address.replace(/1$/, "9"), () => socket.close());
    await until(() => this.datagrams().some(({ payload }) => payload.equals(mark)), "the capture");
  }

  /** One call as a test of its own; in a `describe.concurrent` scenes run beside each other. */
  scene(title: string, options: SceneOptions, act: (scene: Scene) => Promise<void>): void {
    const scene = new Scene(this, this.#scenes.length + 1, options);
    this.#scenes.push(scene);
    it(title, async () => {
      const began = performance.now();
      let verdict = "FAILED";
      try {
        await act(scene);
        await scene.end();
        verdict = "ok";
      } finally {
        await scene.stop();
        const seconds = ((performance.now() - began) / 1000).toFixed(1);
        this.#rows.push(`${verdict.padEnd(6)} ${seconds.padStart(5)} s ${scene.messages().length} messages  ${title}`);
      }
    });
  }

  /** The tests behind the last scene: nothing is left over, and every message of the gateway can be read by others. */
  verdict(): void {
    describe(`${this.name}: behind the last scene`, () => {
      it("nothing is left behind, and nothing went wrong inside", async () => {
        await until(() => this.gateway.gateway.calls.liveCount === 0, "the end of all calls");
        await until(() => this.gateway.gateway.status().dialogs === 0, "the end of all dialogs", 90_000);
        expect(this.gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
        expect(this.gateway.gateway.status().sip.faults).toBe(0);
      });

      it("tshark finds no fault in what the gateway sent, sdp-transform none in its SDP", async () => {
        expect(await wireFaults(this.file, this.address)).toEqual([]);
      });
    });
  }
}

/** The SIP messages among datagrams. */
function sipOf(datagrams: readonly CapturedDatagram[]): SeenMessage[] {
  return datagrams.flatMap(({ from, to, payload, at }) => {
    const text = payload.toString("utf8");
    const line = text.slice(0, Math.max(0, text.indexOf("\r\n")));
    return / SIP\/2\.0$|^SIP\/2\.0 /.test(line) ? [{ from, to, at, line, text }] : [];
  });
}

/** Value of the first header of a name. */
export function headerOf(message: SeenMessage, name: string): string | undefined {
  const head = message.text.slice(0, message.text.indexOf("\r\n\r\n") + 2);
  return new RegExp(`\r\n${name}:[ \t]*([^\r]*)\r\n`, "i").exec(head)?.[1];
}

/** What SIPp wrote into its file of errors. */
function errorsOf(peer: Peer): string {
  const file = peer.process.spawnargs[peer.process.spawnargs.indexOf("-error_file") + 1]!;
  return existsSync(file) ? readFileSync(file, "utf8").slice(0, 2500) : "";
}

/** True when a UDP socket is bound there: /proc/net/udp writes an address as one little-endian number. */
function isBound(address: string, port: number): boolean {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  const local = `${octets.reverse().join("")}:${port.toString(16).padStart(4, "0")}`.toUpperCase();
  return ["udp", "tcp"].some((kind) => readFileSync(`/proc/net/${kind}`, "utf8").includes(` ${local} `));
}
