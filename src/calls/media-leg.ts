/**
 * One leg's media as the call layer sees it: a slot in one worker, reached by messages. All methods are safe after the
 * end; a dead worker makes them reject with MEDIA_WORKER_LOST and ends the call through `onLegLost`.
 *
 * A leg has its ports from the start, and its slot from the first thing that is asked of it: a call that is never
 * answered costs the worker nothing, and no INVITE waits for another thread.
 */

import { messageOf } from "../base/errors.ts";
import type { LegOptions } from "../media/leg-options.ts";
import type { LegStats } from "../media/media-events.ts";
import type { LegListener, WorkerHandle } from "../scheduler/worker-handle.ts";
import type { LegPorts, PlaySource, RecordingStart, StreamStart } from "../worker/protocol.ts";

let lastLegId = 0;
let lastPlayId = 0;

export class MediaLeg {
  readonly worker: WorkerHandle;
  readonly legId: number;
  readonly ports: LegPorts;
  readonly #listeners = new Set<LegListener>();
  readonly #unsubscribe: () => void;
  #closed: Promise<LegStats | undefined> | undefined;
  /** What it is to be opened with, while it has ports and no slot. */
  #unopened: LegOptions | undefined;

  private constructor(worker: WorkerHandle, legId: number, ports: LegPorts, unopened?: LegOptions) {
    this.#unopened = unopened;
    this.worker = worker;
    this.legId = legId;
    this.ports = ports;
    this.#unsubscribe = worker.subscribe(legId, {
      onLegEvent: (event) => this.#tell((listener) => listener.onLegEvent?.(event)),
      onStreamEvent: (streamSid, event) => this.#tell((listener) => listener.onStreamEvent?.(streamSid, event)),
      onPlayEnded: (playId, completed) => this.#tell((listener) => listener.onPlayEnded?.(playId, completed)),
      onRecordingFailed: (recordingId, reason) =>
        this.#tell((listener) => listener.onRecordingFailed?.(recordingId, reason)),
      onLegLost: (reason) => this.#tell((listener) => listener.onLegLost?.(reason)),
    });
  }

  /**
   * Takes a port pair on `address` in this worker.
   * @throws MediaError MEDIA_NO_PORT, MEDIA_FULL or MEDIA_WORKER_LOST
   */
  static async open(worker: WorkerHandle, address: string, options: LegOptions): Promise<MediaLeg> {
    const legId = ++lastLegId;
    const ready = worker.readyPorts.take(address);
    if (ready !== undefined) return new MediaLeg(worker, legId, ready, options);
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

  /** Resolves once the worker has done so. What it takes, it takes in order: later requests need not wait for this one. */
  async configure(options: LegOptions): Promise<void> {
    if (this.closed) return;
    const first = this.#unopened;
    // Said together where one says nothing that the other means differently: numbers belong to their codec.
    if (first !== undefined && (first.codec === undefined || options.codec === undefined)) {
      await this.#openWith(withDefined(first, options));
      return;
    }
    this.#needSlot();
    await this.worker.request("configure-leg", { legId: this.legId, options });
  }

  async bridge(other: MediaLeg): Promise<void> {
    if (this.closed || other.closed) return;
    this.#needSlot();
    other.#needSlot();
    await this.worker.request("bridge", { a: this.legId, b: other.legId });
  }

  /** Counters so far, and the state of its SRTP. */
  stats(): Promise<LegStats> {
    return this.worker.request("leg-stats", { legId: this.legId });
  }

  async unbridge(): Promise<void> {
    if (this.closed || this.#unopened !== undefined) return;
    await this.worker.request("unbridge", { legId: this.legId });
  }

  /**
   * Begins to play; `onPlayEnded` follows with the id that `started` is told before anything can end.
   * @throws GatewayError naming 13420 for a type that cannot be played
   */
  async play(source: PlaySource, started: (playId: number) => void = () => undefined): Promise<void> {
    const playId = ++lastPlayId;
    started(playId);
    this.#needSlot();
    await this.worker.request("play", { legId: this.legId, playId, source });
  }

  async stopPlay(): Promise<void> {
    if (this.closed || this.#unopened !== undefined) return;
    await this.worker.request("stop-play", { legId: this.legId });
  }

  async sendDigits(digits: string): Promise<void> {
    this.#needSlot();
    await this.worker.request("send-digits", { legId: this.legId, digits });
  }

  async signalDtmf(digit: string): Promise<void> {
    if (this.closed) return;
    this.#needSlot();
    await this.worker.request("signal-dtmf", { legId: this.legId, digit });
  }

  async startStream(start: Omit<StreamStart, "legId">): Promise<void> {
    this.#needSlot();
    await this.worker.request("start-stream", { ...start, legId: this.legId });
  }

  async stopStream(streamSid: string, closeCode: number): Promise<void> {
    if (this.closed || this.#unopened !== undefined) return;
    await this.worker.request("stop-stream", { streamSid, closeCode });
  }

  async startRecording(start: Omit<RecordingStart, "legId">): Promise<void> {
    this.#needSlot();
    await this.worker.request("start-recording", { ...start, legId: this.legId });
  }

  /** A recording of another leg of this worker goes on with this one. */
  async takeRecording(recordingId: number, inboundChannel: 1 | 2): Promise<void> {
    this.#needSlot();
    await this.worker.request("move-recording", { recordingId, legId: this.legId, inboundChannel });
  }

  /**
   * Closes the leg once; resolves with its counters, or undefined when it never had a slot or the worker was lost.
   * @param isKnown - the far end may have been told the ports, so that they have to rest
   */
  close(isKnown = true): Promise<LegStats | undefined> {
    this.#closed ??= this.#close(isKnown)
      .catch(() => undefined)
      .finally(() => this.#unsubscribe());
    return this.#closed;
  }

  async #close(isKnown: boolean): Promise<LegStats | undefined> {
    const { worker, legId, ports } = this;
    if (this.#unopened === undefined) return worker.request("close-leg", { legId });
    this.#unopened = undefined;
    if (!isKnown && worker.readyPorts.giveBack(ports)) return undefined;
    await worker.request("release-ports", { address: ports.address, rtpPort: ports.rtpPort });
    return undefined;
  }

  /** Opens the leg if that has not been done. The worker takes requests in order, so the next one finds it. */
  #needSlot(): void {
    const options = this.#unopened;
    if (options !== undefined && !this.closed) void this.#openWith(options).catch(() => undefined);
  }

  /** A leg that gets no slot is as lost as one whose worker died. */
  async #openWith(options: LegOptions): Promise<void> {
    this.#unopened = undefined;
    const { address, rtpPort } = this.ports;
    try {
      await this.worker.request("open-leg", { legId: this.legId, address, options, rtpPort });
    } catch (error) {
      this.#tell((listener) => listener.onLegLost?.(messageOf(error)));
      throw error;
    }
  }

  #tell(call: (listener: LegListener) => void): void {
    for (const listener of [...this.#listeners]) call(listener);
  }
}

function withDefined(first: LegOptions, second: LegOptions): LegOptions {
  const told = Object.fromEntries(Object.entries(second).filter(([, value]) => value !== undefined));
  return { ...first, ...told };
}
