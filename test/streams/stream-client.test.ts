/** The connection to a consumer: media-streams.md 2.2, 3, 8 and 11; hardening R20, R21, on real sockets. */
import { once } from "node:events";
import { generate } from "selfsigned";
import twilio from "twilio";
import { afterEach, describe, expect, it } from "vitest";
import { ManualClock } from "../support/manual-clock.ts";
import { type RawConnection, type RawConsumer, serverFrame, startRawConsumer } from "../support/raw-consumer.ts";
import { AUTH_TOKEN, describeStream, startStream } from "../support/stream-harness.ts";

const consumers: RawConsumer[] = [];

afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
});

async function consumer(onRequest: (connection: RawConnection) => void, tls?: Parameters<typeof startRawConsumer>[1]) {
  const started = await startRawConsumer(onRequest, tls);
  consumers.push(started);
  return started;
}

/** The one event of a stream that never began. */
async function failureOf(onRequest: (connection: RawConnection) => void) {
  const { port } = await consumer(onRequest);
  const { until, events, gone, media } = startStream(describeStream(`ws://127.0.0.1:${port}/media`));
  await until("error");
  await gone;
  expect(events.length).toBe(1);
  expect(media.isOpen).toBe(false);
  return events[0] as { alertCode: number; message: string };
}

/** Waits for real time to pass in small steps, for what is scheduled on real sockets. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

describe("media-streams.md 2.2: the upgrade request", () => {
  it("14.3: has exactly these headers in this order, and a signature that npm twilio accepts", async () => {
    const requests: string[] = [];
    const { port } = await consumer(({ request, socket }) => {
      requests.push(request);
      socket.destroy();
    });
    const url = `ws://127.0.0.1:${port}/media/stream`;
    await startStream(describeStream(url)).gone;
    const [line, ...headers] = requests[0]!.split("\r\n");
    expect(line).toBe("GET /media/stream HTTP/1.1");
    expect(headers.map((header) => header.slice(0, header.indexOf(":")))).toEqual([
      "Host",
      "User-Agent",
      "Connection",
      "Upgrade",
      "Sec-WebSocket-Version",
      "Sec-WebSocket-Key",
      "X-Twilio-Signature",
    ]);
    expect(headers.slice(0, 5)).toEqual([
      `Host: 127.0.0.1:${port}`,
      "User-Agent: Twilio.TmeWs/1.0",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
    ]);
    expect(headers[5]).toMatch(/^Sec-WebSocket-Key: [A-Za-z0-9+/]{22}==$/);
    const signature = headers[6]!.slice("X-Twilio-Signature: ".length);
    expect(twilio.validateRequest(AUTH_TOKEN, signature, url, {})).toBe(true);
  });

  it("the published vector: npm twilio accepts the signature of a wss URL", () => {
    const { signature } = describeStream("wss://app.example.net/media");
    expect(signature).toBe("gjC0DX0dfe/liBOae08BMGsDxM4=");
    expect(twilio.validateRequest(AUTH_TOKEN, signature, "wss://app.example.net/media", {})).toBe(true);
  });

  it("2.1: the fragment and userinfo stay here, a query passes through", async () => {
    const requests: string[] = [];
    const { port } = await consumer(({ request, socket }) => {
      requests.push(request);
      socket.destroy();
    });
    await startStream(describeStream(`ws://user:secret@127.0.0.1:${port}/a?b=c#d`)).gone;
    expect(requests[0]).toContain("GET /a?b=c HTTP/1.1\r\n");
    expect(requests[0]).not.toMatch(/authorization|secret/i);
  });

  it("R20: connects to the address it is given and still asks for the host of the URL", async () => {
    const requests: string[] = [];
    const { port } = await consumer(({ request, socket }) => {
      requests.push(request);
      socket.destroy();
    });
    await startStream(describeStream(`ws://app.example.net:${port}/media`, { connectAddress: "127.0.0.1" })).gone;
    expect(requests[0]).toContain(`Host: app.example.net:${port}\r\n`);
  });

  it("R-STRM-3: leaves from the local address it is given", async () => {
    let from: string | undefined;
    const { port } = await consumer(({ socket }) => {
      from = socket.remoteAddress;
      socket.destroy();
    });
    await startStream(describeStream(`ws://127.0.0.1:${port}/`, { localAddress: "127.0.0.9" })).gone;
    expect(from).toBe("127.0.0.9");
  });
});

describe("media-streams.md 11: a connection that fails", () => {
  it("31902 when the port is closed", async () => {
    const { port, close } = await startRawConsumer(() => {});
    await close();
    const { until } = startStream(describeStream(`ws://127.0.0.1:${port}/`));
    expect(await until("error")).toEqual({
      type: "error",
      alertCode: 31902,
      message: "31902 - Stream - WebSocket - Connection Refused: ECONNREFUSED",
    });
  });

  it("31904 when the name does not exist", async () => {
    const { until } = startStream(describeStream("ws://nowhere.invalid/"));
    expect(await until("error")).toMatchObject({ alertCode: 31904 });
  });

  it("31901 when nothing answers the upgrade in 5 s", async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    const { port } = await consumer(() => asked.resolve());
    const { until, gone, events } = startStream(describeStream(`ws://127.0.0.1:${port}/`), {}, clock);
    await asked.promise;
    clock.advance(4999);
    expect(events).toEqual([]);
    clock.advance(1);
    expect(await until("error")).toMatchObject({ alertCode: 31901 });
    await gone;
  });

  it("31901 when the answer dribbles in for ever", async () => {
    const clock = new ManualClock();
    const asked = Promise.withResolvers<void>();
    const { port } = await consumer(({ socket }) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nX-Slow: ");
      asked.resolve();
    });
    const { until } = startStream(describeStream(`ws://127.0.0.1:${port}/`), {}, clock);
    await asked.promise;
    clock.advance(5000);
    expect(await until("error")).toMatchObject({ alertCode: 31901 });
  });

  it.each([
    ["403", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP 403"],
    ["404 with a body", "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhello", "HTTP 404"],
    ["a redirect, which is not followed", "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", "HTTP 302"],
    ["200", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP 200"],
    ["no HTTP at all", "SSH-2.0-OpenSSH_9.6\r\n", ""],
    ["too many headers", `HTTP/1.1 101 X\r\n${"A: b\r\n".repeat(5000)}\r\n`, ""],
    ["a header of 1 MB", `HTTP/1.1 101 X\r\nA: ${"b".repeat(1_000_000)}\r\n\r\n`, ""],
    ["a control octet in a header", "HTTP/1.1 101 X\r\nA: \u0000\r\n\r\n", ""],
  ])("31920: %s", async (_title, answer, detail) => {
    const failure = await failureOf(({ socket }) => socket.write(answer));
    expect(failure.alertCode).toBe(31920);
    expect(failure.message).toContain(`31920 - Stream - WebSocket - Handshake Error: ${detail}`);
    expect(failure.message).not.toMatch(/[\r\n\0]/);
  });

  it("31920: a wrong accept key", async () => {
    const answer = "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n";
    expect((await failureOf(({ socket }) => socket.write(answer))).alertCode).toBe(31920);
  });

  it("31920: a subprotocol or an extension that was not offered", async () => {
    expect((await failureOf(({ accept }) => accept("Sec-WebSocket-Protocol: chat"))).alertCode).toBe(31920);
    expect((await failureOf(({ accept }) => accept("Sec-WebSocket-Extensions: permessage-deflate"))).alertCode).toBe(
      31920,
    );
    const hostile = "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99999999999";
    expect((await failureOf(({ accept }) => accept(hostile))).alertCode).toBe(31920);
  });

  it("31920: closed before any answer", async () => {
    expect((await failureOf(({ socket }) => socket.destroy())).alertCode).toBe(31920);
    expect((await failureOf(({ socket }) => socket.end())).alertCode).toBe(31920);
    expect((await failureOf(({ socket }) => socket.resetAndDestroy())).alertCode).toBe(31920);
  });
});

describe("media-streams.md 2.2: TLS", () => {
  async function secure(names: string[]) {
    const pems = await generate([{ name: "commonName", value: names[0]! }], {
      keySize: 2048,
      extensions: [{ name: "subjectAltName", altNames: names.map((value) => ({ type: 2, value })) }],
    });
    const servernames: unknown[] = [];
    const { port } = await consumer(({ accept }) => accept(), {
      key: pems.private,
      cert: pems.cert,
      SNICallback: (name, done) => {
        servernames.push(name);
        done(null);
      },
    });
    return { pems, port, servernames };
  }

  it("verifies chain and name, sends the name of the URL although it connects to an address", async () => {
    const { pems, port, servernames } = await secure(["app.example.net"]);
    const url = `wss://app.example.net:${port}/`;
    const { until, stream } = startStream(describeStream(url, { connectAddress: "127.0.0.1" }), { caPem: pems.cert });
    await until("started");
    expect(servernames).toEqual(["app.example.net"]);
    stream.stop(1000);
  });

  it("31910: a certificate of nobody we know", async () => {
    const { port } = await secure(["app.example.net"]);
    const { until } = startStream(describeStream(`wss://app.example.net:${port}/`, { connectAddress: "127.0.0.1" }));
    expect(await until("error")).toMatchObject({ alertCode: 31910 });
  });

  it("31910: a certificate for another name", async () => {
    const { pems, port } = await secure(["other.example.net"]);
    const url = `wss://app.example.net:${port}/`;
    const { until } = startStream(describeStream(url, { connectAddress: "127.0.0.1" }), { caPem: pems.cert });
    expect(await until("error")).toMatchObject({ alertCode: 31910 });
  });

  it("31910: no TLS on the other side; 31901: a TLS handshake that never ends", async () => {
    const clock = new ManualClock();
    const plain = await startRawConsumer(() => {});
    consumers.push(plain);
    plain.server.removeAllListeners("connection");
    plain.server.on("connection", (socket) => socket.resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const refused = startStream(describeStream(`wss://127.0.0.1:${plain.port}/`));
    expect(await refused.until("error")).toMatchObject({ alertCode: 31910 });
    plain.server.removeAllListeners("connection");
    const connected = once(plain.server, "connection");
    const silent = startStream(describeStream(`wss://127.0.0.1:${plain.port}/`), {}, clock);
    const [socket] = await connected;
    clock.advance(5000);
    expect(await silent.until("error")).toMatchObject({ alertCode: 31901 });
    socket.destroy();
  });

  it("tlsVerify off takes any certificate (for labs)", async () => {
    const { port } = await secure(["app.example.net"]);
    const { until, stream } = startStream(describeStream(`wss://127.0.0.1:${port}/`), { tlsVerify: false });
    await until("started");
    stream.stop(1000);
  });
});

describe("hardening R21: a hostile consumer ends its own stream only", () => {
  /** Sends octets after a good upgrade; the stream's end, and what came back. */
  async function attack(octets: Buffer | (() => Buffer)) {
    const back: Buffer[] = [];
    const { port } = await consumer(({ socket, accept }) => {
      accept();
      socket.on("data", (chunk: Buffer) => back.push(chunk));
      socket.write(typeof octets === "function" ? octets() : octets);
    });
    const harness = startStream(describeStream(`ws://127.0.0.1:${port}/`));
    const event = (await harness.until("error")) as { alertCode: number; message: string };
    await harness.gone;
    expect(harness.events.filter(({ type }) => type === "error" || type === "stopped").length).toBe(1);
    expect(harness.media.isOpen).toBe(false);
    return { event, back: Buffer.concat(back) };
  }

  it.each([
    ["a masked frame", Buffer.concat([Buffer.from([0x81, 0x85, 1, 2, 3, 4]), Buffer.from("hello")]), 1002],
    ["a reserved opcode", serverFrame(0x83, "x"), 1002],
    ["reserved bits", serverFrame(0xc1, "x"), 1002],
    ["a fragmented control frame", serverFrame(0x09, "x"), 1002],
    ["a control frame of 126 octets", serverFrame(0x89, "x".repeat(126)), 1002],
    ["a continuation of nothing", serverFrame(0x80, "x"), 1002],
    ["a close frame of one octet", serverFrame(0x88, "x"), 1002],
    ["a close code that must not be sent", serverFrame(0x88, Buffer.from([0x03, 0xee])), 1002],
    ["invalid UTF-8 in text", serverFrame(0x81, Buffer.from([0xff, 0xfe])), 1007],
    ["invalid UTF-8 in a close reason", serverFrame(0x88, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ["a header of a frame of 1 GB", Buffer.from([0x81, 127, 0, 0, 0, 0, 0x40, 0, 0, 0]), 1009],
    ["a header of a frame of 2^63 octets", Buffer.from([0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), 1009],
  ])("31924: %s", async (_title, octets, closeCode) => {
    const { event, back } = await attack(octets);
    expect(event.alertCode).toBe(31924);
    // What came back is a masked close frame with the code.
    const close = back.subarray(-8);
    expect(close.subarray(0, 2)).toEqual(Buffer.from([0x88, 0x82]));
    const code = ((close[6]! ^ close[2]!) << 8) | (close[7]! ^ close[3]!);
    expect(code).toBe(closeCode);
  });

  it("31924: one octet more than the longest message, in many fragments", async () => {
    const { event } = await attack(() => {
      const part = "x".repeat(1024 * 1024);
      const parts = [serverFrame(0x01, part)];
      for (let i = 0; i < 15; i++) parts.push(serverFrame(0x00, part));
      return Buffer.concat([...parts, serverFrame(0x80, "x")]);
    });
    expect(event.alertCode).toBe(31924);
  });

  it("31924 or 31903: a flood of pings", async () => {
    const { event } = await attack(() => Buffer.concat(Array.from({ length: 20_000 }, () => serverFrame(0x89, "x"))));
    expect([31924, 31903]).toContain(event.alertCode);
  });

  it("31903: closed at once after the upgrade, with or without a reset", async () => {
    for (const end of ["destroy", "resetAndDestroy", "end"] as const) {
      const { port } = await consumer(({ socket, accept }) => {
        accept();
        socket.write("", () => socket[end]());
      });
      const { until, gone } = startStream(describeStream(`ws://127.0.0.1:${port}/`));
      expect(await until("error")).toMatchObject({ alertCode: expect.any(Number) });
      await gone;
    }
  });
});

/** The data of the first pong among whole frames of a client (RFC 6455 §5.2); masked text may hold any octets. */
function pongIn(octets: Buffer): Buffer | undefined {
  for (let at = 0; at + 6 <= octets.length; ) {
    const short = octets[at + 1]! & 0x7f;
    const length = short === 126 ? octets.readUInt16BE(at + 2) : short;
    const mask = at + (short === 126 ? 4 : 2);
    if (mask + 4 + length > octets.length) return undefined;
    if (octets[at] === 0x8a)
      return octets.subarray(mask + 4, mask + 4 + length).map((octet, i) => octet ^ octets[mask + (i & 3)]!) as Buffer;
    at = mask + 4 + length;
  }
  return undefined;
}

describe("media-streams.md 3: pings", () => {
  it("answers a ping with a pong of the same data", async () => {
    const back: Buffer[] = [];
    const { port } = await consumer(({ socket, accept }) => {
      accept();
      socket.on("data", (chunk: Buffer) => back.push(chunk));
      socket.write(serverFrame(0x89, "abcd"));
    });
    const { until, stream } = startStream(describeStream(`ws://127.0.0.1:${port}/`));
    await until("started");
    let pong: Buffer | undefined;
    while (pong === undefined) {
      await turn();
      const all = Buffer.concat(back);
      pong = pongIn(all);
    }
    expect(Buffer.from(pong).toString()).toBe("abcd");
    stream.stop(1000);
  });

  it("pings when nothing was sent for 30 s; no pong for 60 s is 31903", async () => {
    const clock = new ManualClock();
    const back: Buffer[] = [];
    const { port } = await consumer(({ socket, accept }) => {
      accept();
      socket.on("data", (chunk: Buffer) => back.push(chunk));
    });
    const { until, events } = startStream(describeStream(`ws://127.0.0.1:${port}/`), {}, clock);
    await until("started");
    clock.advance(30_000);
    while (!Buffer.concat(back).includes(Buffer.from([0x89, 0x80]))) await turn();
    clock.advance(59_999);
    expect(events.map(({ type }) => type)).toEqual(["started"]);
    clock.advance(1);
    expect(await until("error")).toMatchObject({ alertCode: 31903 });
  });

  it("a pong keeps the connection", async () => {
    const clock = new ManualClock();
    const pings: Buffer[] = [];
    const { port } = await consumer((made) => {
      made.accept();
      made.socket.on("data", (chunk: Buffer) => {
        if (chunk.includes(Buffer.from([0x89, 0x80]))) {
          pings.push(chunk);
          made.socket.write(serverFrame(0x8a, ""));
        }
      });
    });
    const { until, events, stream } = startStream(describeStream(`ws://127.0.0.1:${port}/`), {}, clock);
    await until("started");
    for (let round = 1; round <= 4; round++) {
      clock.advance(30_000);
      while (pings.length < round) await turn();
      // Lets the pong come in.
      await turn();
      await turn();
    }
    expect(events.map(({ type }) => type)).toEqual(["started"]);
    stream.stop(1000);
  });
});
