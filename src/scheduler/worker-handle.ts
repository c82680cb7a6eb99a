/**
 * One media worker as the main thread sees it: numbered requests whose replies settle promises, notices given to
 * whoever follows a leg, and death, which rejects everything that still waits. Knows nothing of calls and nothing of
 * how threads are started (`scheduler.ts`).
 */

import { Batch } from "../base/batch.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { GatewayError, MediaError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type {
  LegEvent,
  LegId,
  StreamEvent,
  WorkerLoad,
  WorkerMessage,
  WorkerMessageBatch,
  WorkerNotice,
  WorkerReply,
  WorkerRequest,
  WorkerRequestBatch,
  WorkerRequestName,
  WorkerRequests,
} from "../worker/protocol.ts";
import { ReadyPorts } from "./ready-ports.ts";

/** What the handle needs of a thread; `node:worker_threads` Worker fits. */
export interface Thread {
  postMessage(message: unknown): void;
  terminate(): Promise<unknown>;
  on(event: "message", listener: (messages: WorkerMessageBatch) => void): unknown;
  on(event: "error" | "messageerror", listener: (error: Error) => void): unknown;
  on(event: "exit", listener: (exitCode: number) => void): unknown;
}

/** Told what happens to one leg and to the streams and playback on it. */
export interface LegListener {
  onLegEvent?(event: LegEvent): void;
  onStreamEvent?(streamSid: string, event: StreamEvent): void;
  onPlayEnded?(playId: number, completed: boolean): void;
  /** The file of a recording cannot be written any more; the call goes on. */
  onRecordingFailed?(recordingId: number, reason: string): void;
  /** The leg and all that belonged to it is gone: its thread died, or the engine gave it up. Called once. */
  onLegLost?(reason: string): void;
}

/** Options of a {@link WorkerHandle}. */
export interface WorkerHandleOptions {
  readonly index: number;
  readonly legCountMax: number;
  /** Port pairs of its smallest range; default: as many as it likes. */
  readonly portPairs?: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Silence of a running thread that means it is stuck. Default 3000. */
  readonly watchdogMs?: number;
  /** Time a thread has to load the engine and report ready. Default 15000. */
  readonly startMs?: number;
  /** Runs work a little later, so that requests cross together; default: at once. */
  readonly defer?: (work: () => void) => unknown;
  /** Called once when the thread is gone, whatever the reason. */
  readonly onGone?: (handle: WorkerHandle, reason: string) => void;
}

interface PendingRequest {
  readonly name: WorkerRequestName;
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** Share of a port range that may be held ready. */
const READY_SHARE = 1 / 16;
/** A timer this late means that our own thread was stuck, so silence of the worker proves nothing. */
const OWN_LATENESS_MS = 500;

export class WorkerHandle {
  readonly index: number;
  readonly legCountMax: number;
  /** Resolves when the thread has reported ready, rejects when it dies first. */
  readonly ready: Promise<void>;
  /** The last report of the worker about itself. */
  load: WorkerLoad | undefined;
  /** How the worker reads and sends datagrams, known once ready. */
  datagrams: "batched" | "dgram" | undefined;
  /** Why they are not of the fastest kind, or "". */
  datagramsWhy = "";
  /** ABI version of its WASM module, 0 until ready. */
  abiVersion = 0;

  readonly #thread: Thread;
  readonly #options: WorkerHandleOptions;
  readonly #watchdogMs: number;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #requests: Batch<WorkerRequest>;
  readonly #listeners = new Map<LegId, Set<LegListener>>();
  /** Port pairs that legs can have at once. */
  readonly readyPorts: ReadyPorts;
  #nextId = 1;
  #reserved = 0;
  #alive = true;
  #isReady = false;
  #stopping = false;
  #watchdog: Timer | undefined;
  /** When silence will have lasted too long. */
  #watchdogDueMs = 0;
  /** When the timer fires, at that time or before. */
  #timerDueMs = 0;
  #settleReady: { resolve(): void; reject(error: Error): void };

  constructor(thread: Thread, options: WorkerHandleOptions) {
    this.index = options.index;
    this.legCountMax = options.legCountMax;
    this.#thread = thread;
    this.#requests = new Batch<WorkerRequest>((requests) => this.#post(requests), options.defer ?? ((work) => work()));
    this.#options = options;
    this.readyPorts = new ReadyPorts(
      (address, count) => this.request("reserve-ports", { address, count }),
      Math.floor((options.portPairs ?? Number.POSITIVE_INFINITY) * READY_SHARE),
    );
    this.#watchdogMs = options.watchdogMs ?? 3000;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.ready.catch(() => {});
    this.#settleReady = ready;
    // The pool swallows errors of a thread that nobody listens to, so every event is listened to here.
    thread.on("message", (messages) => {
      for (const message of messages) this.#onMessage(message);
    });
    thread.on("error", (error) => this.#die(`it threw: ${messageOf(error)}`));
    thread.on("messageerror", (error) => this.#die(`a message could not be read: ${messageOf(error)}`));
    thread.on("exit", (exitCode) => this.#die(`it exited with code ${exitCode}`));
    this.#armWatchdog(options.startMs ?? 15_000);
  }

  /** False once the thread is gone or has been given up. */
  get alive(): boolean {
    return this.#alive;
  }

  /** True when calls may be placed here. */
  get accepting(): boolean {
    return this.#alive && this.#isReady && !this.#stopping;
  }

  /** Legs that are promised to calls. */
  get reservedLegs(): number {
    return this.#reserved;
  }

  /** Counts `legs` slots as taken, so that calls placed in the same moment don't pile up on one worker. */
  reserve(legs: number): void {
    this.#reserved += legs;
  }

  /** Gives slots back. */
  release(legs: number): void {
    this.#reserved = Math.max(0, this.#reserved - legs);
  }

  /**
   * Sends one request.
   * @returns what the worker replied
   * @throws MediaError MEDIA_WORKER_LOST when the thread is gone or dies before it replies, or what the worker
   *   answered, with its code
   */
  request<N extends WorkerRequestName>(name: N, args: WorkerRequests[N]["args"]): Promise<WorkerRequests[N]["reply"]> {
    if (!this.#alive) return Promise.reject(this.#lost());
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { name, resolve, reject });
    this.#requests.add({ id, name, args });
    return promise as Promise<WorkerRequests[N]["reply"]>;
  }

  #post(requests: WorkerRequestBatch): void {
    if (!this.#alive) return;
    try {
      this.#thread.postMessage(requests);
    } catch (error) {
      // Arguments that cannot be cloned are their caller's mistake: the others go one by one.
      if (requests.length > 1) for (const request of requests) this.#post([request]);
      else this.#refuse(requests[0]!, error);
    }
  }

  #refuse({ id, name }: WorkerRequest, error: unknown): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.reject(new TypeError(`${name}: arguments cannot cross threads: ${messageOf(error)}`));
  }

  /** Follows one leg. @returns what ends it */
  subscribe(legId: LegId, listener: LegListener): () => void {
    const listeners = this.#listeners.get(legId) ?? new Set();
    this.#listeners.set(legId, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(legId) === listeners) this.#listeners.delete(legId);
    };
  }

  /** Asks the worker to close everything and end; resolves when the thread is gone, by force after `graceMs`. */
  async stop(graceMs = 5000): Promise<void> {
    if (!this.#alive) return;
    this.#stopping = true;
    const force = this.#options.clock.after(graceMs, () => void this.#thread.terminate());
    await this.request("shutdown", null).catch(() => {});
    await this.#thread.terminate();
    force.cancel();
    this.#die("it was stopped");
  }

  /** Ends the thread at once. */
  kill(reason: string): void {
    this.#die(reason);
  }

  #onMessage(message: WorkerMessage): void {
    if (!this.#alive) return;
    this.#armWatchdog(this.#isReady ? this.#watchdogMs : (this.#options.startMs ?? 15_000));
    if ("notice" in message) this.#onNotice(message);
    else this.#onReply(message);
  }

  #onReply(reply: WorkerReply): void {
    const request = this.#pending.get(reply.id);
    if (request === undefined) return;
    this.#pending.delete(reply.id);
    if (reply.ok) request.resolve(reply.value);
    else request.reject(errorFromReply(reply.code, reply.message));
  }

  #onNotice(notice: WorkerNotice): void {
    switch (notice.notice) {
      case "ready":
        this.#isReady = true;
        this.abiVersion = notice.abiVersion;
        this.datagrams = notice.datagrams;
        this.datagramsWhy = notice.why;
        this.#armWatchdog(this.#watchdogMs);
        this.#settleReady.resolve();
        break;
      case "load":
        this.load = notice.load;
        break;
      case "log":
        this.#options.log[notice.level](notice.message, { worker: this.index, ...notice.fields });
        break;
      case "leg-event":
        this.#tell(notice.legId, (listener) => listener.onLegEvent?.(notice.event));
        break;
      case "leg-lost":
        this.#tell(notice.legId, (listener) => listener.onLegLost?.(notice.reason));
        break;
      case "stream-event":
        this.#tell(notice.legId, (listener) => listener.onStreamEvent?.(notice.streamSid, notice.event));
        break;
      case "play-ended":
        this.#tell(notice.legId, (listener) => listener.onPlayEnded?.(notice.playId, notice.completed));
        break;
      case "recording-failed": {
        const { legId, recordingId, reason } = notice;
        this.#options.log.error("a recording cannot be written", { worker: this.index, legId, recordingId, reason });
        this.#tell(legId, (listener) => listener.onRecordingFailed?.(recordingId, reason));
        break;
      }
    }
  }

  #tell(legId: LegId, call: (listener: LegListener) => void): void {
    const listeners = this.#listeners.get(legId);
    if (listeners === undefined) return;
    for (const listener of [...listeners]) {
      try {
        call(listener);
      } catch (error) {
        this.#options.log.error("a leg listener threw", { worker: this.index, legId, error: messageOf(error) });
      }
    }
  }

  #armWatchdog(delayMs: number): void {
    this.#watchdogDueMs = this.#options.clock.nowMs() + delayMs;
    // A timer that fires before the due time looks again: a busy worker sends many messages a second.
    if (this.#watchdog === undefined || this.#timerDueMs > this.#watchdogDueMs) this.#startTimer();
  }

  #startTimer(): void {
    const { clock } = this.#options;
    this.#watchdog?.cancel();
    this.#timerDueMs = this.#watchdogDueMs;
    this.#watchdog = clock.after(this.#watchdogDueMs - clock.nowMs(), () => this.#onWatchdog());
  }

  #onWatchdog(): void {
    this.#watchdog = undefined;
    if (!this.#alive) return;
    const nowMs = this.#options.clock.nowMs();
    if (nowMs - this.#timerDueMs > OWN_LATENESS_MS) {
      // What the worker said meanwhile still waits to be read.
      this.#armWatchdog(OWN_LATENESS_MS);
    } else if (nowMs < this.#watchdogDueMs) {
      this.#startTimer();
    } else {
      this.#die(this.#isReady ? `it was silent for ${this.#watchdogMs} ms` : "it did not become ready");
    }
  }

  #die(reason: string): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#watchdog?.cancel();
    this.#watchdog = undefined;
    void this.#thread.terminate();
    const lost = this.#lost(reason);
    this.#settleReady.reject(lost);
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const request of pending) request.reject(lost);
    for (const legId of [...this.#listeners.keys()])
      this.#tell(legId, (listener) => listener.onLegLost?.(lost.message));
    this.#listeners.clear();
    this.#options.onGone?.(this, reason);
  }

  #lost(reason = "it is gone"): MediaError {
    return new MediaError("MEDIA_WORKER_LOST", `media worker ${this.index}: ${reason}`);
  }
}

const MEDIA_CODES = ["MEDIA_WASM_MISSING", "MEDIA_ABI", "MEDIA_FULL", "MEDIA_NO_LEG", "MEDIA_NO_PORT"] as const;

/** A reply's code and text as the error class that has this code. */
function errorFromReply(code: string, message: string): Error {
  const mediaCode = MEDIA_CODES.find((known) => known === code);
  if (mediaCode !== undefined) return new MediaError(mediaCode, message);
  if (code === "INVALID_ARGUMENT") return new RangeError(message);
  return new GatewayError(code, message);
}
