/** The protocol with a real WebSocket consumer: media-streams.md 5, 7, 8 and 14. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { step } from "../../src/base/machine.ts";
import { STREAM_TABLE, type StreamInput, type StreamState } from "../../src/streams/stream-state.ts";
import type { StreamDefaults, StreamDescription } from "../../src/streams/stream-types.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { clientFrame, describeStream, STREAM_SID, startStream } from "../support/stream-harness.ts";

const servers: WebSocketServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    for (const client of server.clients) client.terminate();
    server.close();
    await once(server, "close");
  }
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 2));

interface Peer {
  ws: WebSocket;
  texts: string[];
  closed: Promise<number>;
}

/** A stream that is open, with its consumer. */
async function open(
  more: Partial<StreamDescription> = {},
  defaults: Partial<StreamDefaults> = {},
  clock?: ManualClock,
) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
  servers.push(server);
  await once(server, "listening");
  const connected = Promise.withResolvers<Peer>();
  server.on("connection", (ws) => {
    const texts: string[] = [];
    ws.on("message", (data, isBinary) => texts.push(isBinary ? "BINARY" : data.toString()));
    ws.on("error", () => {});
    connected.resolve({ ws, texts, closed: new Promise((resolve) => ws.on("close", resolve)) });
  });
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/media`;
  const harness = startStream(describeStream(url, more), defaults, clock);
  const peer = await connected.promise;
  await harness.until("started");
  /** Waits until the consumer has got `count` texts. */
  const received = async (count: number) => {
    while (peer.texts.length < count) await turn();
    return peer.texts;
  };
  /** One 20 ms frame: the ring plays, the stream looks after its queue. */
  const tick = (nowMs = 0) => {
    harness.media.playback.tick();
    if (harness.stream.needsAdvance) harness.stream.advance(nowMs);
  };
  const send = (message: unknown) => peer.ws.send(typeof message === "string" ? message : JSON.stringify(message));
  return { ...harness, peer, received, tick, send };
}

const media = (octets: Buffer) => ({
  event: "media",
  streamSid: STREAM_SID,
  media: { payload: octets.toString("base64") },
});
const mark = (name: string) => ({ event: "mark", streamSid: STREAM_SID, mark: { name } });
const echoOf = (name: string, sequenceNumber: number) =>
  `{"event":"mark","sequenceNumber":"${sequenceNumber}","streamSid":"${STREAM_SID}","mark":{"name":"${name}"}}`;

describe("media-streams.md 5: order and numbers", () => {
  it("connected, start, frames as the engine wrote them, dtmf, mark, stop, then close 1000", async () => {
    const { stream, media: engine, peer, received, send, events, gone } = await open();
    const [connected, start] = await received(2);
    expect(connected).toBe('{"event":"connected","protocol":"Call","version":"1.0.0"}');
    expect(JSON.parse(start!)).toMatchObject({ event: "start", sequenceNumber: "1", streamSid: STREAM_SID });
    expect(engine.isOpen).toBe(true);
    for (const text of ["first", "x".repeat(200)]) {
      engine.nextSequence();
      const frame = clientFrame(text);
      expect(stream.sendFrame(Buffer.concat([Buffer.alloc(9), frame]), 9, frame.length, 0)).toBe(true);
    }
    stream.sendDtmf("5");
    send(mark("m"));
    await received(6);
    stream.stop(1000);
    expect(await peer.closed).toBe(1000);
    await gone;
    expect(peer.texts.slice(2)).toEqual([
      "first",
      "x".repeat(200),
      `{"event":"dtmf","streamSid":"${STREAM_SID}","sequenceNumber":"4","dtmf":{"track":"inbound_track","digit":"5"}}`,
      echoOf("m", 5),
      `{"event":"stop","sequenceNumber":"6","streamSid":"${STREAM_SID}","stop":{"accountSid":"AC${"3".repeat(32)}","callSid":"CA${"2".repeat(32)}"}}`,
    ]);
    expect(events).toEqual([{ type: "started" }, { type: "stopped", by: "gateway", closeCode: 1000 }]);
    expect(engine.isOpen).toBe(false);
  });

  it("a frame is copied: the engine may overwrite it at once, however slow the socket is", async () => {
    const { stream, received } = await open();
    const shared = Buffer.alloc(512);
    const wanted: string[] = [];
    for (let i = 0; i < 400; i++) {
      const frame = clientFrame(`${i}:${"y".repeat(380)}`);
      frame.copy(shared);
      wanted.push(`${i}:${"y".repeat(380)}`);
      stream.sendFrame(shared, 0, frame.length, 0);
      shared.fill(0);
    }
    expect((await received(402)).slice(2)).toEqual(wanted);
    stream.stop(1000);
  });

  it("dtmf and marks are for bidirectional streams only", async () => {
    const { stream, peer, received, send, until, events } = await open({ kind: "unidirectional" });
    stream.sendDtmf("1");
    send(mark("m"));
    send("Hello, friend");
    expect(await until("warning")).toMatchObject({ alertCode: 31951 });
    await turn();
    stream.stop(1000);
    await peer.closed;
    expect((await received(3)).map((text) => JSON.parse(text).event)).toEqual(["connected", "start", "stop"]);
    expect(events.filter(({ type }) => type === "warning").length).toBe(1);
  });
});

describe("media-streams.md 6: playback", () => {
  it("14.4, 14.6: odd sizes play as one; the mark comes back when all has left", async () => {
    const { media: engine, tick, send, received, stream } = await open();
    const audio = Buffer.from(Array.from({ length: 8482 }, (_, i) => i % 200));
    let at = 0;
    for (const size of [1, 159, 160, 161, 8001]) {
      send(media(audio.subarray(at, at + size)));
      at += size;
    }
    send(mark("end"));
    send(mark("probe that the messages have come in"));
    while (engine.playback.room() > 2048 - 2048) await turn();
    for (let i = 0; i < 5; i++) await turn();
    const frames = Math.ceil(audio.length / 160);
    for (let i = 0; i < frames - 1; i++) tick();
    expect(stream.needsAdvance).toBe(true);
    tick();
    expect((await received(4))[2]).toBe(echoOf("end", 2));
    expect(Buffer.concat(engine.playback.frames).subarray(0, audio.length).equals(audio)).toBe(true);
    stream.stop(1000);
  });

  it("14.5: clear silences at once and echoes all marks in order", async () => {
    const { media: engine, tick, send, received, stream } = await open();
    send(media(Buffer.alloc(240_000, 1)));
    send(mark("a"));
    send(mark("b"));
    while (engine.playback.room() > 0) await turn();
    tick();
    send({ event: "clear", streamSid: STREAM_SID });
    expect((await received(4)).slice(2)).toEqual([echoOf("a", 2), echoOf("b", 3)]);
    tick();
    expect(engine.playback.frames.at(-1)).toEqual(Buffer.alloc(160, 0xff));
    expect(stream.needsAdvance).toBe(false);
    stream.stop(1000);
  });

  it("6.2: 31931 once when the queue is full; what had room is played", async () => {
    const { send, received, events, until, stream, media: engine } = await open({}, { playbackBufferSeconds: 1 });
    send(media(Buffer.alloc(9000, 1)));
    send(media(Buffer.alloc(9000, 1)));
    expect(await until("warning")).toMatchObject({ alertCode: 31931 });
    send({ event: "clear", streamSid: STREAM_SID });
    send(mark("still there"));
    await received(3);
    expect(engine.playback.clears).toBe(1);
    expect(events.filter(({ type }) => type === "warning").length).toBe(1);
    stream.stop(1000);
  });

  it("13: too many waiting marks are 31951 once and dropped", async () => {
    const { send, until, stream, events } = await open({}, { pendingMarksMax: 2 });
    send(media(Buffer.alloc(160)));
    for (const name of ["1", "2", "3", "4"]) send(mark(name));
    expect(await until("warning")).toMatchObject({ alertCode: 31951 });
    stream.stop(1000);
    expect(events.filter(({ type }) => type === "warning").length).toBe(1);
  });
});

describe("media-streams.md 14.7: the stream survives every row of 7.1 but the last two", () => {
  it("each class of fault is told once", async () => {
    const { send, peer, received, events, stream } = await open();
    for (let round = 0; round < 3; round++) {
      send("Hello, friend");
      peer.ws.send(Buffer.from([1, 2, 3]));
      send({ event: "dance", streamSid: STREAM_SID });
      send({ event: "mark", streamSid: STREAM_SID });
      send({ event: "clear", streamSid: "MZother" });
    }
    send(mark("alive"));
    expect((await received(3))[2]).toBe(echoOf("alive", 2));
    expect(events.slice(1).map((event) => "alertCode" in event && event.alertCode)).toEqual([31950, 31951]);
    stream.stop(1000);
  });
});

describe("media-streams.md 8: how streams end", () => {
  it.each([1000, 1001, undefined] as const)(
    "bidirectional, consumer closes with %s: stopped by the consumer",
    async (code) => {
      const { peer, until, gone, received, media: engine } = await open();
      await received(2);
      if (code === undefined) peer.ws.close();
      else peer.ws.close(code, "Repeated 5 times");
      expect(await until("stopped")).toEqual({ type: "stopped", by: "consumer", closeCode: code ?? 1005 });
      await gone;
      expect(engine.isOpen).toBe(false);
      expect(peer.texts.length).toBe(2);
    },
  );

  it("bidirectional, consumer fails with 1011: 31921", async () => {
    const { peer, until } = await open();
    peer.ws.close(1011);
    expect(await until("error")).toMatchObject({ alertCode: 31921 });
  });

  it("unidirectional, consumer closes: 31921", async () => {
    const { peer, until } = await open({ kind: "unidirectional" });
    peer.ws.close(1000);
    expect(await until("error")).toMatchObject({ alertCode: 31921 });
  });

  it("the connection is lost: 31903", async () => {
    const { peer, until, gone } = await open();
    peer.ws.terminate();
    expect(await until("error")).toMatchObject({ alertCode: 31903 });
    await gone;
  });

  it("shutdown: stop and 1001", async () => {
    const { stream, peer, until, received } = await open();
    stream.stop(1001);
    expect(await peer.closed).toBe(1001);
    expect(JSON.parse((await received(3))[2]!).event).toBe("stop");
    expect(await until("stopped")).toMatchObject({ by: "gateway", closeCode: 1001 });
  });

  it("a consumer that does not answer the close frame is dropped after 2 s", async () => {
    const clock = new ManualClock();
    const { stream, peer, received, gone } = await open({}, {}, clock);
    await received(2);
    peer.ws.pause();
    stream.stop(1000);
    clock.advance(2000);
    await gone;
    expect(stream.isEnded).toBe(true);
  });

  it("stopped while it connects: nothing was started, one event", async () => {
    const { stream, events, gone } = startStream(describeStream("ws://127.0.0.1:9/"));
    stream.stop(1000);
    await gone;
    stream.stop(1000);
    expect(events).toEqual([{ type: "stopped", by: "gateway", closeCode: 1000 }]);
  });

  it("the engine has no place when the consumer answers: 31900, nothing was sent", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    servers.push(server);
    await once(server, "listening");
    const texts: string[] = [];
    server.on("connection", (ws) => ws.on("message", (data) => texts.push(data.toString())));
    const {
      media: engine,
      events,
      until,
      gone,
    } = startStream(describeStream(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`));
    engine.failure = new Error("full");
    expect(await until("error")).toMatchObject({ alertCode: 31900 });
    await gone;
    expect(events.length).toBe(1);
    expect(texts).toEqual([]);
  });
});

describe("hardening R22: a consumer that does not read", () => {
  /** Sends frames until the socket's backlog is over its limit. */
  function flood(
    stream: { sendFrame(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean },
    congested: boolean[],
    nowMs: number,
  ) {
    const frame = clientFrame("z".repeat(385));
    let sent = 0;
    while (congested.at(-1) !== true) {
      stream.sendFrame(frame, 0, frame.length, nowMs);
      sent++;
    }
    return sent;
  }

  it("14.9: 31930 once, the engine leaves audio out until the backlog is gone, stop still arrives", async () => {
    const clock = new ManualClock();
    const { stream, media: engine, peer, events, received } = await open({}, {}, clock);
    await received(2);
    peer.ws.pause();
    const first = flood(stream, engine.congested, clock.nowMs());
    expect(stream.needsAdvance).toBe(true);
    stream.advance(clock.nowMs() + 10_000);
    expect(engine.congested).toEqual([true]);
    peer.ws.resume();
    await received(2 + first);
    while (engine.congested.length < 2) {
      stream.advance(clock.nowMs() + 10_000);
      await turn();
    }
    expect(engine.congested).toEqual([true, false]);
    peer.ws.pause();
    flood(stream, engine.congested, clock.nowMs());
    stream.stop(1000);
    peer.ws.resume();
    await peer.closed;
    expect(JSON.parse(peer.texts.at(-1)!).event).toBe("stop");
    expect(events.filter((event) => event.type === "warning")).toEqual([expect.objectContaining({ alertCode: 31930 })]);
  });

  it("one that never reads again is given up after a minute: 31903", async () => {
    const clock = new ManualClock();
    const { stream, media: engine, peer, events, gone } = await open({}, {}, clock);
    peer.ws.pause();
    flood(stream, engine.congested, clock.nowMs());
    stream.advance(clock.nowMs() + 59_999);
    expect(stream.isLive).toBe(true);
    stream.advance(clock.nowMs() + 60_000);
    expect(events.at(-1)).toMatchObject({ type: "error", alertCode: 31903 });
    await gone;
  });
});

describe("the table of a stream's life", () => {
  const states: StreamState[] = ["connecting", "open", "closing", "ended"];
  const inputs: StreamInput[] = [
    "upgraded",
    "connect-failed",
    "stop",
    "peer-closed",
    "protocol-fault",
    "broken",
    "gone",
  ];

  it("nothing follows the end, and every end of an open stream takes it out of the engine", () => {
    for (const input of inputs) expect(step(STREAM_TABLE, "ended", input)).toBeUndefined();
    for (const input of inputs) {
      const row = step(STREAM_TABLE, "open", input);
      if (row !== undefined) expect(row.actions).toContain("end-media");
    }
  });

  it("reports exactly one end on each way from connecting to ended", () => {
    const walk = (state: StreamState, reports: number, depth: number): void => {
      if (state === "ended") expect(reports).toBe(1);
      if (state === "ended" || depth === 0) return;
      for (const input of inputs) {
        const row = step(STREAM_TABLE, state, input);
        if (row === undefined) continue;
        const more = row.actions.filter((action) => action.startsWith("report-")).length;
        walk(row.next, reports + more, depth - 1);
      }
    };
    walk("connecting", 0, 6);
    expect(states.every((state) => state in STREAM_TABLE)).toBe(true);
  });
});
