/**
 * One leg's media as the call layer sees it: a slot in one worker, reached by messages. All methods are safe after the
 * end; a dead worker makes them reject with MEDIA_WORKER_LOST and ends the call through `onLegLost`.
 */

import type { LegOptions } from "../media/leg-options.ts";
import type { LegStats } from "../media/media-events.ts";
import type { LegListener, WorkerHandle } from "../scheduler/worker-handle.ts";
import type { LegPorts, PlaySource, StreamStart } from "../worker/protocol.ts";

let lastLegId = 0;
let lastPlayId = 0;

export class MediaLeg {
  readonly worker: WorkerHandle;
  readonly legId: number;
  readonly ports: LegPorts;
  readonly #listeners = new Set<LegListener>();
  readonly #unsubscribe: () => void;
  #closed: Promise<LegStats | undefined> | undefined;

  private constructor(worker: WorkerHandle, legId: number, ports: LegPorts) {
    this.worker = worker;
    this.legId = legId;
    this.ports = ports;
    this.#unsubscribe = worker.subscribe(legId, {
      onLegEvent: (event) => this.#tell((listener) => listener.onLegEvent?.(event)),
      onStreamEvent: (streamSid, event) => this.#tell((listener) => listener.onStreamEvent?.(streamSid, event)),
      onPlayEnded: (playId, completed) => this.#tell((listener) => listener.onPlayEnded?.(playId, completed)),
      onLegLost: (reason) => this.#tell((listener) => listener.onLegLost?.(reason)),
    });
  }

  /** Binds a port pair on `address` in this worker. */
  static async open(worker: WorkerHandle, address: string, options: LegOptions): Promise<MediaLeg> {
    const legId = ++lastLegId;
    const ports = await worker.request("open-leg", { legId, address, options });
    return new MediaLeg(worker, legId, ports);
  }

  /** Adds a listener and returns what removes it. */
  listen(listener: LegListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get closed(): boolean {
    return this.#closed !== undefined;
  }

  async configure(options: LegOptions): Promise<void> {
    if (this.closed) return;
    await this.worker.request("configure-leg", { legId: this.legId, options });
  }

  async bridge(other: MediaLeg): Promise<void> {
    if (this.closed || other.closed) return;
    await this.worker.request("bridge", { a: this.legId, b: other.legId });
  }

  async unbridge(): Promise<void> {
    if (this.closed) return;
    await this.worker.request("unbridge", { legId: this.legId });
  }

  /**
   * Begins to play; `onPlayEnded` follows with the id that `started` is told before anything can end.
   * @throws GatewayError naming 13420 for a type that cannot be played
   */
  async play(source: PlaySource, started: (playId: number) => void = () => undefined): Promise<void> {
    const playId = ++lastPlayId;
    started(playId);
    await this.worker.request("play", { legId: this.legId, playId, source });
  }

  async stopPlay(): Promise<void> {
    if (this.closed) return;
    await this.worker.request("stop-play", { legId: this.legId });
  }

  async sendDigits(digits: string): Promise<void> {
    await this.worker.request("send-digits", { legId: this.legId, digits });
  }

  async signalDtmf(digit: string): Promise<void> {
    if (this.closed) return;
    await this.worker.request("signal-dtmf", { legId: this.legId, digit });
  }

  async startStream(start: Omit<StreamStart, "legId">): Promise<void> {
    await this.worker.request("start-stream", { ...start, legId: this.legId });
  }

  async stopStream(streamSid: string, closeCode: number): Promise<void> {
    if (this.closed) return;
    await this.worker.request("stop-stream", { streamSid, closeCode });
  }

  /** Closes the leg once; resolves with its counters, or undefined when the worker was lost. */
  close(): Promise<LegStats | undefined> {
    this.#closed ??= this.worker
      .request("close-leg", { legId: this.legId })
      .catch(() => undefined)
      .finally(() => this.#unsubscribe());
    return this.#closed;
  }

  #tell(call: (listener: LegListener) => void): void {
    for (const listener of [...this.#listeners]) call(listener);
  }
}
