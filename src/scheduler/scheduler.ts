/**
 * Keeps the media workers running and says which one a call goes to (R-MEDIA-10, R-PERF-4). Threads are started
 * through `worker-threads-pool`, which serves as a limiter of starts; their health, replacement and draining are ours.
 * Does not know what a call is: it hands out `WorkerHandle`s.
 */

import Pool from "worker-threads-pool";
import type { Clock, Timer } from "../base/clock.ts";
import { MediaError, messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { GATHER_MS, type PortRange, type StreamDefaults, type WorkerConfig } from "../worker/protocol.ts";
import { chooseWorker } from "./placement.ts";
import { WorkerHandle } from "./worker-handle.ts";

/** Options of a {@link Scheduler}. */
export interface SchedulerOptions {
  /** Threads to run, at least 1. */
  readonly workerCount: number;
  /** URL of the WASM module. */
  readonly wasmUrl: string;
  /** Legs that one worker takes at most; its memory is taken once at start. */
  readonly legCountMax: number;
  /** RTP ports, shared out to the workers in disjoint ranges (R-MEDIA-11); 0,0 means any free ones. */
  readonly portMin: number;
  readonly portMax: number;
  /** Addresses that have a range of their own, shared out in the same way; default none. */
  readonly portRanges?: readonly PortRange[];
  /** Default "auto". */
  readonly datagrams?: WorkerConfig["datagrams"];
  /** Default 0. */
  readonly dscp?: number;
  readonly stream: StreamDefaults;
  readonly clock: Clock;
  readonly log: Log;
  /** Thread entry; default is `worker/media-worker` beside this file. */
  readonly workerUrl?: URL;
  /** Silence of a worker that gets it replaced. Default 3000. */
  readonly watchdogMs?: number;
  /** Time a worker has to report ready. Default 15000. */
  readonly startMs?: number;
}

/** This many deaths of one worker inside the window stop its replacement for as long (hardening.md 3). */
const BREAKER_DEATHS = 3;
const BREAKER_WINDOW_MS = 60_000;
/** Wait before a replacement: lets the dead thread's sockets go, well under the second that is allowed. */
const REPLACE_DELAY_MS = 50;

interface Slot {
  readonly index: number;
  handle: WorkerHandle | undefined;
  deathsAtMs: number[];
  restart: Timer | undefined;
}

export class Scheduler {
  /** Called with the worker's index when a thread died unasked; its legs are lost, their listeners have been told. */
  onWorkerLost: ((workerIndex: number) => void) | undefined;

  readonly #options: SchedulerOptions;
  readonly #slots: Slot[];
  readonly #pool: Pool;
  #running = false;

  constructor(options: SchedulerOptions) {
    if (!Number.isInteger(options.workerCount) || options.workerCount < 1)
      throw new RangeError(`workerCount: at least 1, not ${options.workerCount}`);
    // Fails early and by name when the range is too small to be shared out.
    for (let index = 0; index < options.workerCount; index++)
      for (const { portMin, portMax } of [options, ...(options.portRanges ?? [])])
        sharePortRange(portMin, portMax, index, options.workerCount);
    this.#options = options;
    this.#slots = Array.from({ length: options.workerCount }, (_, index) => ({
      index,
      handle: undefined,
      deathsAtMs: [],
      restart: undefined,
    }));
    // One place more than workers: a stuck thread may still be ending when its replacement starts. Nothing may ever
    // be queued, since a queued start throws from inside another thread's exit event when it fails.
    this.#pool = new Pool({ max: options.workerCount * 2, maxWaiting: 1 });
  }

  /** The workers by index; one that died stays here until its replacement has started. */
  get workers(): readonly WorkerHandle[] {
    return this.#slots.flatMap((slot) => (slot.handle === undefined ? [] : [slot.handle]));
  }

  /**
   * Starts all workers; resolves when each has loaded the engine.
   * @throws MediaError MEDIA_WORKER_LOST when one cannot start; the others are stopped then
   */
  async start(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      await Promise.all(this.#slots.map((slot) => this.#startWorker(slot).then((handle) => handle.ready)));
    } catch (error) {
      await this.stop();
      throw error;
    }
    const why = this.workers[0]?.datagramsWhy ?? "";
    if (why !== "") this.#options.log.warn("media runs on node:dgram, which costs more for each packet", { why });
  }

  /** Ends all workers: streams get `stop` and 1001, legs and sockets are closed. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(
      this.#slots.map(async (slot) => {
        slot.restart?.cancel();
        slot.restart = undefined;
        await slot.handle?.stop();
        slot.handle = undefined;
      }),
    );
  }

  /**
   * The worker for a new call. The caller reserves slots on it and sends its requests there.
   * @param legsWanted - free slots needed, default 1
   * @throws MediaError MEDIA_FULL when no worker has that much room
   */
  place(legsWanted = 1): WorkerHandle {
    const index = chooseWorker(
      this.workers.map((handle) => ({
        index: handle.index,
        alive: handle.accepting,
        legs: Math.max(handle.reservedLegs, handle.load?.legs ?? 0),
        legCountMax: handle.legCountMax,
        utilisation: handle.load?.utilisation ?? 0,
      })),
      legsWanted,
    );
    const handle = index < 0 ? undefined : this.#slots[index]?.handle;
    if (handle === undefined) throw new MediaError("MEDIA_FULL", "no media worker has room for another call");
    return handle;
  }

  /** @returns the new worker's handle; rejects when the thread could not even be created */
  #startWorker(slot: Slot): Promise<WorkerHandle> {
    const options = this.#options;
    const range = sharePortRange(options.portMin, options.portMax, slot.index, options.workerCount);
    const workerData: WorkerConfig = {
      workerIndex: slot.index,
      wasmUrl: options.wasmUrl,
      legCountMax: options.legCountMax,
      portMin: range.min,
      portMax: range.max,
      portRanges: (options.portRanges ?? []).map(({ address, portMin, portMax }) => {
        const { min, max } = sharePortRange(portMin, portMax, slot.index, options.workerCount);
        return { address, portMin: min, portMax: max };
      }),
      datagrams: options.datagrams ?? "auto",
      dscp: options.dscp ?? 0,
      stream: options.stream,
    };
    return new Promise((resolve, reject) => {
      if (this.#pool.size >= options.workerCount * 2) {
        reject(
          new MediaError("MEDIA_WORKER_LOST", `media worker ${slot.index}: threads that should be gone still run`),
        );
        return;
      }
      this.#pool.acquire(options.workerUrl ?? defaultWorkerUrl(), { workerData }, (error, thread) => {
        if (error !== null) {
          reject(new MediaError("MEDIA_WORKER_LOST", messageOf(error), { cause: error }));
          return;
        }
        const handle = new WorkerHandle(thread, {
          index: slot.index,
          legCountMax: options.legCountMax,
          portPairs: fewestPairs(workerData),
          clock: options.clock,
          log: options.log,
          defer: (work) => options.clock.after(GATHER_MS, work),
          ...(options.watchdogMs === undefined ? {} : { watchdogMs: options.watchdogMs }),
          ...(options.startMs === undefined ? {} : { startMs: options.startMs }),
          onGone: (gone, reason) => this.#onGone(slot, gone, reason),
        });
        slot.handle = handle;
        // stop() may have come between the request and this callback.
        if (!this.#running) handle.kill("the scheduler has stopped");
        resolve(handle);
      });
    });
  }

  #onGone(slot: Slot, handle: WorkerHandle, reason: string): void {
    if (!this.#running || slot.handle !== handle) return;
    const { clock, log } = this.#options;
    log.error("media worker lost", { worker: slot.index, reason });
    this.#scheduleRestart(slot, clock.nowMs());
    this.onWorkerLost?.(slot.index);
  }

  #scheduleRestart(slot: Slot, diedAtMs: number): void {
    const { clock, log } = this.#options;
    slot.deathsAtMs = [...slot.deathsAtMs.filter((atMs) => diedAtMs - atMs < BREAKER_WINDOW_MS), diedAtMs];
    const isOpen = slot.deathsAtMs.length >= BREAKER_DEATHS;
    if (isOpen) {
      log.error("media worker dies again and again: no replacement for a minute", {
        worker: slot.index,
        deaths: slot.deathsAtMs.length,
      });
      // The next attempt is judged alone: one more death opens the breaker again.
      slot.deathsAtMs = slot.deathsAtMs.slice(-BREAKER_DEATHS + 1).map(() => diedAtMs + BREAKER_WINDOW_MS);
    }
    slot.restart?.cancel();
    slot.restart = clock.after(isOpen ? BREAKER_WINDOW_MS : REPLACE_DELAY_MS, () => {
      slot.restart = undefined;
      if (!this.#running) return;
      this.#startWorker(slot).then(
        (replacement) =>
          replacement.ready.then(
            () => log.info("media worker replaced", { worker: slot.index }),
            () => {},
          ),
        (error) => {
          log.error("media worker could not be started", { worker: slot.index, error: messageOf(error) });
          if (this.#running) this.#scheduleRestart(slot, clock.nowMs());
        },
      );
    });
  }
}

/** The thread entry beside this file, in source (`.ts`, types stripped by Node) as in `dist` (`.js`). */
function defaultWorkerUrl(): URL {
  const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  return new URL(`../worker/media-worker${extension}`, import.meta.url);
}

/** Pairs of the smallest range that a worker has. */
function fewestPairs({ portMin, portMax, portRanges = [] }: WorkerConfig): number {
  const pairs = [{ portMin, portMax }, ...portRanges].map((range) =>
    range.portMax === 0 ? Number.POSITIVE_INFINITY : (range.portMax + 1 - range.portMin) / 2,
  );
  return Math.min(...pairs);
}

/**
 * The part of the port range that belongs to one worker: whole even/odd pairs, none in two parts.
 * @throws RangeError when the range holds less than one pair for each worker
 */
export function sharePortRange(
  portMin: number,
  portMax: number,
  index: number,
  workerCount: number,
): { min: number; max: number } {
  if (portMin === 0 && portMax === 0) return { min: 0, max: 0 };
  const firstPair = Math.ceil(portMin / 2);
  const pairCount = Math.floor((portMax + 1) / 2) - firstPair;
  if (!(portMin > 0 && portMax <= 65_535 && pairCount >= workerCount))
    throw new RangeError(`portMin, portMax: ${portMin}-${portMax} does not hold a port pair for each worker`);
  const from = firstPair + Math.floor((pairCount * index) / workerCount);
  const upTo = firstPair + Math.floor((pairCount * (index + 1)) / workerCount);
  return { min: from * 2, max: upTo * 2 - 1 };
}
