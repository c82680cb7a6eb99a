/** Real media workers in real threads: R-MEDIA-10, R-PERF-4, hardening.md 3. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Scheduler, type SchedulerOptions } from "../../src/scheduler/scheduler.ts";
import type { WorkerHandle } from "../../src/scheduler/worker-handle.ts";
import type { StreamEvent } from "../../src/worker/protocol.ts";
import { patternFrame, RtpPeer } from "../support/rtp-peer.ts";
import { describeStream, STREAM_DEFAULTS } from "../support/stream-harness.ts";
import { wasmPath } from "../support/wasm.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function startScheduler(more: Partial<SchedulerOptions> = {}): Promise<Scheduler> {
  const scheduler = new Scheduler({
    workerCount: 2,
    wasmUrl: pathToFileURL(wasmPath()).href,
    legCountMax: 8,
    portMin: 0,
    portMax: 0,
    stream: STREAM_DEFAULTS,
    clock: new SystemClock(),
    log: silentLog,
    ...more,
  });
  open.push({ close: () => scheduler.stop() });
  await scheduler.start();
  return scheduler;
}

/** One call: two bridged legs, with a stream on the first. */
async function startCall(worker: WorkerHandle, firstLegId: number, url: string) {
  const streamSid = `MZ${String(firstLegId).repeat(32)}`;
  const [a, b] = [await RtpPeer.open(), await RtpPeer.open()];
  open.push(a, b);
  worker.reserve(2);
  const options = (peer: RtpPeer) => ({ codec: "PCMU", remoteRtp: peer.remote }) as const;
  const ports = await worker.request("open-leg", { legId: firstLegId, address: "127.0.0.1", options: options(a) });
  await worker.request("open-leg", { legId: firstLegId + 1, address: "127.0.0.1", options: options(b) });
  await worker.request("bridge", { a: firstLegId, b: firstLegId + 1 });
  const events: StreamEvent[] = [];
  const lost: string[] = [];
  worker.subscribe(firstLegId, {
    onStreamEvent: (_sid, event) => events.push(event),
    onLegLost: (reason) => lost.push(reason),
  });
  await worker.request("start-stream", {
    ...describeStream(url, { streamSid, kind: "unidirectional" }),
    legId: firstLegId,
  });
  await until(() => events.length > 0);
  a.stream(ports.rtpPort, patternFrame);
  return { a, b, events, lost, streamSid };
}

async function startConsumer() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  open.push(server);
  await once(server, "listening");
  const chunks = new Map<string, number[]>();
  const lostSockets: number[] = [];
  server.on("connection", (ws) => {
    ws.on("error", () => {});
    ws.on("close", (code) => lostSockets.push(code));
    ws.on("message", (data) => {
      const message = JSON.parse(data.toString()) as { event: string; streamSid: string; media: { chunk: string } };
      if (message.event !== "media") return;
      chunks.set(message.streamSid, [...(chunks.get(message.streamSid) ?? []), Number(message.media.chunk)]);
    });
  });
  return { chunks, lostSockets, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/` };
}

describe("media workers in threads", () => {
  it("report what they are, and take calls where there is room", async () => {
    const scheduler = await startScheduler();
    for (const worker of scheduler.workers) {
      expect(worker.abiVersion).toBeGreaterThan(0);
      expect(worker.datagrams).toBe(process.platform === "linux" ? "batched" : "dgram");
      await until(() => worker.load !== undefined);
    }
    const first = scheduler.place(2);
    first.reserve(2);
    expect(scheduler.place(2)).not.toBe(first);
  });

  it("R-MEDIA-10: a killed worker ends its own calls only, and is replaced", async () => {
    const scheduler = await startScheduler();
    const consumer = await startConsumer();
    const [victim, other] = scheduler.workers as [WorkerHandle, WorkerHandle];
    const lostIndexes: number[] = [];
    scheduler.onWorkerLost = (index) => lostIndexes.push(index);
    const dying = await startCall(victim, 1, consumer.url);
    const living = await startCall(other, 5, consumer.url);
    await until(() => dying.b.received.length >= 20 && living.b.received.length >= 20);

    victim.kill("killed by the test");
    expect(dying.lost.length).toBe(1);
    expect(lostIndexes).toEqual([0]);
    await until(() => consumer.lostSockets.length === 1);
    expect(consumer.lostSockets).toEqual([1006]);
    await until(() => scheduler.workers[0] !== victim && scheduler.workers[0]!.accepting);

    const before = living.b.received.length;
    await until(() => living.b.received.length >= before + 20);
    // The other call lost no packet and its stream no frame.
    const numbers = living.b.received.map(({ sequenceNumber }) => sequenceNumber);
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0]! + i) & 0xffff));
    const chunks = consumer.chunks.get(living.streamSid)!;
    expect(chunks).toEqual(chunks.map((_, i) => i + 1));
    expect(living.lost).toEqual([]);
    expect(living.events).toEqual([{ type: "started" }]);

    // The replacement carries calls.
    const again = await startCall(scheduler.workers[0]!, 7, consumer.url);
    await until(() => again.b.received.length >= 5);
  });

  it("stop ends streams with 1001 and leaves nothing running", async () => {
    const scheduler = await startScheduler({ workerCount: 1 });
    const consumer = await startConsumer();
    const worker = scheduler.workers[0]!;
    await startCall(worker, 1, consumer.url);
    await scheduler.stop();
    expect(worker.alive).toBe(false);
    await until(() => consumer.lostSockets.length === 1);
    expect(consumer.lostSockets).toEqual([1001]);
  });

  it("a missing module is said by name", async () => {
    const missing = startScheduler({ workerCount: 1, wasmUrl: "file:///nowhere/tandem.wasm" });
    await expect(missing).rejects.toMatchObject({
      code: "MEDIA_WORKER_LOST",
      message: expect.stringContaining("nowhere"),
    });
  });
});
