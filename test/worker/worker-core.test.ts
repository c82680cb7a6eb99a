/** A whole media worker without its thread: the real engine, real UDP, a real WebSocket consumer. */

import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { WebSocketServer } from "ws";
import { SystemClock } from "../../src/base/clock.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import { choosePorts } from "../../src/worker/open-ports.ts";
import type {
  StreamStart,
  WorkerConfig,
  WorkerMessage,
  WorkerNotice,
  WorkerRequestName,
  WorkerRequests,
} from "../../src/worker/protocol.ts";
import { parseWav } from "../../src/worker/wav.ts";
import { WorkerCore } from "../../src/worker/worker-core.ts";
import { patternFrame, RtpPeer } from "../support/rtp-peer.ts";
import { describeStream, STREAM_DEFAULTS, STREAM_SID } from "../support/stream-harness.ts";
import { wasmPath } from "../support/wasm.ts";

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(done: () => boolean): Promise<void> {
  while (!done()) await wait(2);
}

/** What a peer received, silence left out. */
function soundOf(peer: RtpPeer): Buffer {
  const octets = peer.received.filter(({ payloadType }) => payloadType === 0).map(({ payload }) => payload);
  return Buffer.from(Buffer.concat(octets).filter((octet) => octet !== 0xff));
}

class TestWorker {
  readonly notices: WorkerNotice[] = [];
  shutDown = false;
  readonly #worker: WorkerCore;
  readonly #waiting = new Map<number, (message: Extract<WorkerMessage, { id: number }>) => void>();
  #id = 0;

  constructor(datagrams: WorkerConfig["datagrams"], core: MediaCore) {
    this.#worker = new WorkerCore({
      config: {
        workerIndex: 0,
        wasmUrl: "",
        legCountMax: core.legCountMax,
        portMin: 0,
        portMax: 0,
        datagrams,
        dscp: 0,
        stream: STREAM_DEFAULTS,
      },
      core,
      openPorts: choosePorts(datagrams).open,
      clock: new SystemClock(),
      post: (message) => {
        if ("notice" in message) this.notices.push(message);
        else this.#waiting.get(message.id)?.(message);
      },
      utilisation: () => 0,
      onShutdown: () => {
        this.shutDown = true;
      },
    });
  }

  request<N extends WorkerRequestName>(name: N, args: WorkerRequests[N]["args"]): Promise<WorkerRequests[N]["reply"]> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, (message) => {
        if (message.ok) resolve(message.value as WorkerRequests[N]["reply"]);
        else reject(Object.assign(new Error(message.message), { code: message.code }));
      });
      void this.#worker.handle({ id, name, args });
    });
  }

  /** The events of one stream so far. */
  streamEvents(streamSid = STREAM_SID) {
    return this.notices.flatMap((notice) =>
      notice.notice === "stream-event" && notice.streamSid === streamSid ? [notice.event] : [],
    );
  }

  async close(): Promise<void> {
    if (!this.shutDown) await this.request("shutdown", null);
  }
}

async function startWorker(datagrams: WorkerConfig["datagrams"] = "auto", legCountMax = 8): Promise<TestWorker> {
  const core = await MediaCore.create({ wasm: wasmPath(), legCountMax, streamCountMax: 16 });
  const worker = new TestWorker(datagrams, core);
  open.push(worker);
  return worker;
}

/** A leg with its far end. */
async function openLeg(worker: TestWorker, legId: number, more = {}) {
  const peer = await RtpPeer.open();
  open.push(peer);
  const ports = await worker.request("open-leg", {
    legId,
    address: "127.0.0.1",
    options: { codec: "PCMU", remoteRtp: peer.remote, telephoneEventPayloadType: 101, ...more },
  });
  return { peer, ports };
}

/** A message as a consumer reads it; which fields are there depends on `event`. */
interface ConsumerView {
  readonly event: string;
  readonly sequenceNumber: string;
  readonly media: { readonly track: string; readonly timestamp: string; readonly payload: string };
  readonly dtmf: { readonly digit: string };
}

async function startConsumer() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  open.push(server);
  await once(server, "listening");
  const messages: ConsumerView[] = [];
  const texts: string[] = [];
  const codes: number[] = [];
  server.on("connection", (ws) => {
    ws.on("message", (data) => {
      texts.push(data.toString());
      messages.push(JSON.parse(data.toString()));
    });
    ws.on("close", (code) => codes.push(code));
  });
  const send = (message: unknown) => {
    for (const client of server.clients) client.send(JSON.stringify(message));
  };
  const start = (legId: number, more: Partial<StreamStart> = {}): StreamStart => ({
    ...describeStream(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/media`, more),
    legId,
  });
  const media = (track = "inbound") =>
    messages.filter((message) => message.event === "media" && message.media.track === track);
  return { server, messages, texts, codes, send, start, media };
}

const KINDS = process.platform === "linux" ? (["dgram", "batched"] as const) : (["dgram"] as const);

describe.each(KINDS)("legs over %s sockets", (datagrams) => {
  it("RFC 3550 §11: RTP even, RTCP above; counters; ports are free after close", async () => {
    const worker = await startWorker(datagrams);
    const { peer, ports } = await openLeg(worker, 1);
    expect(ports.rtpPort % 2).toBe(0);
    expect(ports.rtcpPort).toBe(ports.rtpPort + 1);
    for (let frame = 0; frame < 5; frame++) peer.send(ports.rtpPort, patternFrame(frame));
    await until(() => worker.notices.some((notice) => notice.notice === "leg-event"));
    await wait(10);
    expect(await worker.request("leg-stats", { legId: 1 })).toMatchObject({
      packetsReceived: 5,
      octetsReceived: 5 * 160,
    });
    expect(await worker.request("close-leg", { legId: 1 })).toMatchObject({ packetsReceived: 5 });
    await expect(worker.request("leg-stats", { legId: 1 })).rejects.toMatchObject({ code: "MEDIA_NO_LEG" });
    expect((await worker.request("load", null)).legs).toBe(0);
  });

  it("R-MEDIA-6: bridged legs hear each other, both ways, transcoded where the laws differ", async () => {
    const worker = await startWorker(datagrams);
    const a = await openLeg(worker, 1);
    const b = await openLeg(worker, 2, { codec: "PCMA" });
    await worker.request("bridge", { a: 1, b: 2 });
    for (let frame = 0; frame < 10; frame++) {
      a.peer.send(a.ports.rtpPort, Buffer.alloc(160, 0x80 + frame), 0);
      b.peer.send(b.ports.rtpPort, Buffer.alloc(160, 0x55), 8);
      await wait(5);
    }
    await until(() => a.peer.received.length >= 10 && b.peer.received.length >= 10);
    expect(b.peer.received.every(({ payloadType }) => payloadType === 8)).toBe(true);
    expect(a.peer.received.every(({ payloadType }) => payloadType === 0)).toBe(true);
    // A sequence and SSRC of our own, without a gap.
    const numbers = b.peer.received.map(({ sequenceNumber }) => sequenceNumber);
    expect(numbers).toEqual(numbers.map((_, i) => (numbers[0]! + i) & 0xffff));
    expect(new Set(b.peer.received.map(({ ssrc }) => ssrc)).size).toBe(1);
    expect(b.peer.received[0]!.ssrc).not.toBe(a.peer.ssrc);
  });
});

describe("requests that cannot be carried out are refused by code", () => {
  it("what is wrong, and with what", async () => {
    const worker = await startWorker("auto", 2);
    await openLeg(worker, 1);
    const legOptions = { codec: "PCMU" } as const;
    const openAt = (legId: number, address = "127.0.0.1") =>
      worker.request("open-leg", { legId, address, options: legOptions });
    await expect(openAt(1)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(openAt(2, "192.0.2.77")).rejects.toMatchObject({ code: "MEDIA_NO_PORT" });
    await expect(openAt(2, "example.net")).rejects.toMatchObject({ code: expect.any(String) });
    await openAt(2);
    await expect(openAt(3)).rejects.toMatchObject({ code: "MEDIA_FULL" });
    for (const legId of [9, -1, Number.NaN])
      await expect(worker.request("close-leg", { legId })).rejects.toMatchObject({ code: "MEDIA_NO_LEG" });
    await expect(worker.request("bridge", { a: 1, b: 9 })).rejects.toMatchObject({ code: "MEDIA_NO_LEG" });
    await expect(worker.request("bridge", { a: 1, b: 1 })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(worker.request("configure-leg", { legId: 1, options: { ptimeMs: 13 } })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(worker.request("send-digits", { legId: 1, digits: "x" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(worker.request("signal-dtmf", { legId: 1, digit: "w" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
    await expect(worker.request("toString" as "load", null)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(
      worker.request("play", {
        legId: 1,
        playId: 1,
        source: { kind: "file", bytes: Buffer.from("ID3"), mediaType: "audio/mpeg", loop: 1 },
      }),
    ).rejects.toThrow(/^13420/);
  });

  it("a failed open leaves no port and no slot behind", async () => {
    const worker = await startWorker("auto", 1);
    for (let i = 0; i < 5; i++)
      await expect(
        worker.request("open-leg", { legId: 1, address: "127.0.0.1", options: { ptimeMs: 13 } }),
      ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await openLeg(worker, 1);
  });
});

describe("media-streams.md 14: a stream on a leg", () => {
  it("14.1, 14.2: connected, start, media frame by frame with the octets of RTP, stop", async () => {
    const worker = await startWorker();
    const { peer, ports } = await openLeg(worker, 1);
    const consumer = await startConsumer();
    await worker.request("start-stream", consumer.start(1, { customParameters: [["a", '"b"']] }));
    await until(() => consumer.messages.length >= 2);
    peer.stream(ports.rtpPort, patternFrame);
    await until(() => consumer.media().length >= 60);
    peer.stopStream();
    await worker.request("stop-stream", { streamSid: STREAM_SID, closeCode: 1000 });
    await until(() => consumer.codes.length === 1);
    expect(consumer.codes).toEqual([1000]);
    expect(consumer.texts[0]).toBe('{"event":"connected","protocol":"Call","version":"1.0.0"}');
    expect(consumer.texts[1]).toContain('"customParameters":{"a":"\\"b\\""}');
    expect(consumer.messages.at(-1)!.event).toBe("stop");

    const numbered = consumer.messages.slice(1);
    expect(numbered.map((message) => message.sequenceNumber)).toEqual(numbered.map((_, i) => String(i + 1)));
    const media = consumer.media();
    const [first] = media;
    expect(consumer.texts[2]).toBe(
      `{"event":"media","sequenceNumber":"2","media":{"track":"inbound","chunk":"1","timestamp":"${first!.media.timestamp}",` +
        `"payload":"${first!.media.payload}"},"streamSid":"${STREAM_SID}"}`,
    );
    const timestamps = media.map((message) => Number(message.media.timestamp));
    expect(timestamps.map((timestamp) => timestamp - timestamps[0]!)).toEqual(timestamps.map((_, i) => i * 20));
    const audio = media.map((message) => Buffer.from(message.media.payload, "base64"));
    expect(audio.every((octets) => octets.length === 160)).toBe(true);
    // What is not silence or concealment is the octets of the packets, in their order.
    const frameOf = new Map(Array.from({ length: 100 }, (_, frame) => [patternFrame(frame).toString("hex"), frame]));
    const frames = audio.flatMap((octets) => frameOf.get(octets.toString("hex")) ?? []);
    expect(frames.length).toBeGreaterThan(audio.length / 2);
    expect(frames).toEqual([...new Set(frames)].sort((x, y) => x - y));
    expect(worker.streamEvents()).toEqual([{ type: "started" }, { type: "stopped", by: "gateway", closeCode: 1000 }]);
  });

  it("14.4, 14.6: audio from the consumer leaves as RTP, joined exactly; marks come back behind it", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1);
    const consumer = await startConsumer();
    await worker.request("start-stream", consumer.start(1));
    await until(() => consumer.messages.length >= 2);
    const audio = Buffer.from(Array.from({ length: 3361 }, (_, i) => i % 100));
    let at = 0;
    for (const size of [1, 159, 160, 161, 2880]) {
      consumer.send({
        event: "media",
        streamSid: STREAM_SID,
        media: { payload: audio.subarray(at, at + size).toString("base64") },
      });
      at += size;
    }
    consumer.send({ event: "mark", streamSid: STREAM_SID, mark: { name: "end" } });
    await until(() => consumer.messages.some(({ event }) => event === "mark"));
    // Where the machine was late there is silence in between; that pieces are joined without a gap is proven in virtual time.
    await until(() => soundOf(peer).length >= audio.length);
    expect(soundOf(peer).equals(audio)).toBe(true);
    await expect(
      worker.request("play", {
        legId: 1,
        playId: 1,
        source: { kind: "file", bytes: audio, mediaType: "audio/basic", loop: 1 },
      }),
    ).rejects.toMatchObject({ code: "MEDIA_BUSY" });
  });

  it("14.5: clear silences the RTP and brings all marks", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1);
    const consumer = await startConsumer();
    await worker.request("start-stream", consumer.start(1));
    await until(() => consumer.messages.length >= 2);
    consumer.send({
      event: "media",
      streamSid: STREAM_SID,
      media: { payload: Buffer.alloc(240_000, 0x21).toString("base64") },
    });
    for (const name of ["a", "b"]) consumer.send({ event: "mark", streamSid: STREAM_SID, mark: { name } });
    await until(() => peer.received.some(({ payload }) => payload[0] === 0x21));
    consumer.send({ event: "clear", streamSid: STREAM_SID });
    await until(() => consumer.messages.filter(({ event }) => event === "mark").length === 2);
    await wait(40);
    const from = peer.received.length;
    await until(() => peer.received.length >= from + 5);
    expect(peer.received.slice(from).every(({ payload }) => payload.every((octet) => octet === 0xff))).toBe(true);
  });

  it("4.4: RFC 4733 and SIP INFO digits reach the consumer, one message each", async () => {
    const worker = await startWorker();
    const { peer, ports } = await openLeg(worker, 1);
    const consumer = await startConsumer();
    await worker.request("start-stream", consumer.start(1));
    await until(() => consumer.messages.length >= 2);
    for (let i = 0; i < 6; i++) peer.send(ports.rtpPort, Buffer.from([5, i > 2 ? 0x8a : 0x0a, 0, 160 * (i + 1)]), 101);
    await until(() => consumer.messages.some(({ event }) => event === "dtmf"));
    await worker.request("signal-dtmf", { legId: 1, digit: "#" });
    const digits = () => consumer.messages.filter(({ event }) => event === "dtmf").map((message) => message.dtmf.digit);
    await until(() => digits().includes("#"));
    expect(digits()).toContain("#");
    expect(worker.notices).toContainEqual(
      expect.objectContaining({
        notice: "leg-event",
        legId: 1,
        event: expect.objectContaining({ type: "dtmf", digit: "5" }),
      }),
    );
  });

  it("closing the leg sends stop; shutdown sends stop and 1001", async () => {
    const worker = await startWorker();
    await openLeg(worker, 1);
    await openLeg(worker, 2);
    const consumer = await startConsumer();
    const second = `MZ${"2".repeat(32)}`;
    await worker.request("start-stream", consumer.start(1));
    await worker.request("start-stream", consumer.start(2, { streamSid: second, kind: "unidirectional" }));
    await until(() => consumer.messages.filter(({ event }) => event === "start").length === 2);
    await worker.request("close-leg", { legId: 1 });
    await until(() => consumer.codes.length === 1);
    await worker.request("shutdown", null);
    await until(() => consumer.codes.length === 2);
    expect(consumer.codes).toEqual([1000, 1001]);
    expect(consumer.messages.filter(({ event }) => event === "stop").length).toBe(2);
    expect(worker.shutDown).toBe(true);
    await expect(worker.request("open-leg", { legId: 5, address: "127.0.0.1", options: {} })).rejects.toMatchObject({
      code: "MEDIA_FULL",
    });
  });

  it("refuses an identifier that is taken and a second bidirectional stream on a leg", async () => {
    const worker = await startWorker();
    await openLeg(worker, 1);
    const consumer = await startConsumer();
    await worker.request("start-stream", consumer.start(1));
    await expect(worker.request("start-stream", consumer.start(1))).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(worker.request("start-stream", consumer.start(1, { streamSid: "MZ2" }))).rejects.toMatchObject({
      code: "MEDIA_BUSY",
    });
    await expect(
      worker.request("start-stream", consumer.start(1, { streamSid: 'MZ"', kind: "unidirectional" })),
    ).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect(worker.request("start-stream", consumer.start(9, { streamSid: "MZ3" }))).rejects.toMatchObject({
      code: "MEDIA_NO_LEG",
    });
    await worker.request("stop-stream", { streamSid: "MZ-not-there", closeCode: 1000 });
  });
});

describe("playing into a leg", () => {
  it("a file leaves as RTP to its last octet, then play-ended", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1);
    const audio = Buffer.from(Array.from({ length: 1600 }, (_, i) => i % 100));
    const source = { kind: "file", bytes: audio, mediaType: "audio/basic", loop: 2 } as const;
    expect(await worker.request("play", { legId: 1, playId: 7, source })).toEqual({ durationMs: 200 });
    await until(() => worker.notices.some((notice) => notice.notice === "play-ended"));
    await until(() => soundOf(peer).length >= 3200);
    expect(soundOf(peer).equals(Buffer.concat([audio, audio]))).toBe(true);
    expect(worker.notices).toContainEqual({ notice: "play-ended", legId: 1, playId: 7, completed: true });
  });

  it("a new request replaces the old, stop-play and close-leg end it", async () => {
    const worker = await startWorker();
    await openLeg(worker, 1);
    const source = { kind: "tone", frequenciesHz: [440], onMs: 1000, offMs: 0, levelDbm0: -10, loop: 0 } as const;
    for (const playId of [1, 2]) await worker.request("play", { legId: 1, playId, source });
    await worker.request("stop-play", { legId: 1 });
    await worker.request("stop-play", { legId: 1 });
    await worker.request("play", { legId: 1, playId: 3, source });
    await worker.request("close-leg", { legId: 1 });
    expect(
      worker.notices.flatMap((notice) => (notice.notice === "play-ended" ? [[notice.playId, notice.completed]] : [])),
    ).toEqual([
      [1, false],
      [2, false],
      [3, false],
    ]);
  });

  it("DTMF-2: digits go out as RFC 4733 events, and the reply comes after the last", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1);
    await worker.request("send-digits", { legId: 1, digits: "1#" });
    await wait(20);
    const events = peer.received.filter(({ payloadType }) => payloadType === 101);
    const byTimestamp = new Map(events.map(({ timestamp, payload }) => [timestamp, payload[0]]));
    expect([...byTimestamp.values()]).toEqual([1, 11]);
    expect(events.filter(({ payload }) => (payload[1]! & 0x80) !== 0).length).toBe(6);
  });

  it("DTMF-5: tones where there is no telephone-event", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1, { telephoneEventPayloadType: -1 });
    await worker.request("send-digits", { legId: 1, digits: "5" });
    await wait(20);
    const loud = peer.received.filter(({ payload }) => payload.some((octet) => (octet & 0x7f) < 0x40));
    expect(loud.length).toBeGreaterThanOrEqual(5);
    expect(peer.received.every(({ payloadType }) => payloadType === 0)).toBe(true);
  });

  it("R-REC-4: records a leg into a file, told in the reply, and tells a file that cannot be written", async () => {
    const worker = await startWorker();
    const { peer } = await openLeg(worker, 1);
    const folder = mkdtempSync(join(tmpdir(), "tandem-worker-"));
    const start = { legId: 1, channels: 2, encoding: "mulaw" } as const;
    try {
      const path = join(folder, "call.wav");
      await worker.request("start-recording", { ...start, recordingId: 5, path });
      const before = peer.received.length;
      await until(() => peer.received.length >= before + 10);
      const { dataBytes, droppedBytes, error } = await worker.request("stop-recording", { recordingId: 5 });
      expect({ droppedBytes, error }).toEqual({ droppedBytes: 0, error: null });
      expect(dataBytes).toBeGreaterThanOrEqual(8 * 320);
      expect(parseWav(readFileSync(path))).toMatchObject({ channels: 2, encoding: "mulaw" });
      await worker.request("start-recording", { ...start, recordingId: 6, path: folder });
      await until(() => worker.notices.some(({ notice }) => notice === "recording-failed"));
      expect(worker.notices).toContainEqual(
        expect.objectContaining({ notice: "recording-failed", legId: 1, recordingId: 6 }),
      );
      await worker.request("close-leg", { legId: 1 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("close-leg rejects digits that are still on their way", async () => {
    const worker = await startWorker();
    await openLeg(worker, 1);
    const digits = worker.request("send-digits", { legId: 1, digits: "WWWW" });
    const rejected = expect(digits).rejects.toMatchObject({ code: "MEDIA_NO_LEG" });
    await worker.request("close-leg", { legId: 1 });
    await rejected;
  });
});
