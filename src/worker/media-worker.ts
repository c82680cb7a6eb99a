/** The thread of one media worker: joins `worker-core.ts` with its message port, sockets and clock. */

import { randomInt } from "node:crypto";
import { performance } from "node:perf_hooks";
import { parentPort, workerData } from "node:worker_threads";
import { Batch } from "../base/batch.ts";
import { SystemClock } from "../base/clock.ts";
import { MediaCore } from "../media/media-core.ts";
import { choosePorts } from "./open-ports.ts";
import {
  GATHER_MS,
  type WorkerConfig,
  type WorkerMessage,
  type WorkerMessageBatch,
  type WorkerRequestBatch,
} from "./protocol.ts";
import { WorkerCore } from "./worker-core.ts";

const config = workerData as WorkerConfig;
const port = parentPort;
if (port === null) throw new Error("media-worker is the entry of a worker thread, not a program");

const clock = new SystemClock();
const batch = new Batch<WorkerMessage>(
  (messages) => port.postMessage(messages satisfies WorkerMessageBatch),
  (work) => clock.after(GATHER_MS, work),
);
const post = (message: WorkerMessage): void => batch.add(message);
const core = await MediaCore.create({
  wallClockOffsetMs: clock.wallTime().getTime() - clock.nowMs(),
  wasm: config.wasmUrl,
  legCountMax: config.legCountMax,
  streamCountMax: Math.min(16_384, config.legCountMax * 2),
});
const choice = choosePorts(config.datagrams, config.dscp);

/** Utilisation over a shorter time says nothing. */
const UTILISATION_WINDOW_MS = 200;
let last = performance.eventLoopUtilization();
const worker = new WorkerCore({
  config,
  core,
  openPorts: choice.open,
  clock,
  post,
  utilisation: () => {
    const now = performance.eventLoopUtilization();
    const { utilization, active, idle } = performance.eventLoopUtilization(now, last);
    // The first report is of the start alone: a thread that has just come up is not a busy one.
    if (active + idle < UTILISATION_WINDOW_MS) return 0;
    last = now;
    return utilization;
  },
  // Closing the port lets the thread end by itself, after the reply has gone out.
  onShutdown: () => {
    batch.flush();
    port.close();
  },
  firstPair: randomInt(0x7fff_ffff),
});

port.on("message", (requests: WorkerRequestBatch) => {
  for (const request of requests) void worker.handle(request);
});
post({ notice: "ready", abiVersion: core.abiVersion, datagrams: worker.datagrams, why: choice.why });
