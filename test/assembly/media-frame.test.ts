/** The `media` message of media-streams.md 4.3 and its frame (RFC 6455 §5.2, §5.3), octet by octet; and what consumers send (6.2). */

import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { loadWasm } from "../support/wasm.ts";

const wasm = loadWasm();
const SID = `MZ${"0123456789abcdef".repeat(2)}`;
const sid = wasm.reserve(64);
const template = wasm.reserve(96);
const audio = wasm.reserve(2048);
const frame = wasm.reserve(4096);
const decoded = wasm.reserve(120_000);
wasm.write(sid, Buffer.from(SID));
wasm.call.frameTemplate!(template, sid, SID.length);

function expected(track: number, sequence: number, chunk: number, timestamp: number, payload: Buffer): string {
  return JSON.stringify({
    event: "media",
    sequenceNumber: String(sequence),
    media: {
      track: track === 0 ? "inbound" : "outbound",
      chunk: String(chunk),
      timestamp: String(timestamp),
      payload: payload.toString("base64"),
    },
    streamSid: SID,
  });
}

const uint32 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.tuple(fc.nat(9), fc.integer({ min: -1, max: 1 })).map(([power, more]) => Math.max(0, 10 ** power + more)),
  fc.nat(100_000),
);
const fields = fc.record({
  track: fc.constantFrom(0, 1),
  sequence: uint32,
  chunk: uint32,
  timestamp: uint32,
  payload: fc
    .oneof(
      fc.uint8Array({ minLength: 160, maxLength: 160 }),
      fc.uint8Array({ minLength: 1, maxLength: 2048, size: "max" }),
    )
    .map((bytes) => Buffer.from(bytes)),
  mask: uint32,
});

describe("media-streams.md 4.3", () => {
  it("the text is what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fields, ({ track, sequence, chunk, timestamp, payload }) => {
        wasm.write(audio, payload);
        const length = wasm.call.writeMediaText!(
          template,
          track,
          sequence,
          chunk,
          timestamp,
          audio,
          payload.length,
          frame,
        );
        expect(wasm.read(frame, length).toString("latin1")).toBe(expected(track, sequence, chunk, timestamp, payload));
      }),
    );
  });

  it("RFC 6455 5.2, 5.3: final text frame, masked with the key it carries", () => {
    fc.assert(
      fc.property(fields, ({ track, sequence, chunk, timestamp, payload, mask }) => {
        wasm.write(audio, payload);
        const length = wasm.call.writeMediaFrame!(
          template,
          track,
          sequence,
          chunk,
          timestamp,
          audio,
          payload.length,
          mask | 0,
          frame,
        );
        const bytes = wasm.read(frame, length);
        expect([bytes[0], bytes[1]]).toEqual([0x81, 0xfe]);
        expect(bytes.readUInt16BE(2)).toBe(length - 8);
        expect(bytes.readUInt32LE(4)).toBe(mask);
        const key = bytes.subarray(4, 8);
        const text = Buffer.from(bytes.subarray(8).map((octet, i) => octet ^ key[i % 4]!)).toString("latin1");
        expect(text).toBe(expected(track, sequence, chunk, timestamp, payload));
      }),
    );
  });

  it("any identifier of 1 to 64 octets; no audio and too much of it are refused", () => {
    for (let length = 1; length <= 64; length++) {
      const name = "x".repeat(length);
      wasm.write(sid, Buffer.from(name));
      wasm.call.frameTemplate!(template, sid, length);
      const octets = wasm.call.writeMediaText!(template, 0, 2, 1, 0, audio, 1, frame);
      const text = wasm.read(frame, octets).toString("latin1");
      expect((JSON.parse(text) as { streamSid: string }).streamSid).toBe(name);
      expect(octets).toBeGreaterThan(125);
    }
    wasm.write(sid, Buffer.from(SID));
    wasm.call.frameTemplate!(template, sid, SID.length);
    expect(wasm.call.writeMediaFrame!(template, 0, 2, 1, 0, audio, 0, 1, frame)).toBe(
      wasm.constant("STATUS_TOO_SHORT"),
    );
    expect(wasm.call.writeMediaFrame!(template, 0, 2, 1, 0, audio, 48_001, 1, frame)).toBe(
      wasm.constant("STATUS_TOO_LONG"),
    );
  });

  it("the ws package takes it as a message", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await new Promise((done) => server.once("listening", done));
    const text = new Promise<string>((done) => {
      server.on("connection", (socket: WebSocket) => socket.on("message", (data) => done(data.toString())));
    });
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    socket.write(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    );
    await new Promise((done) => socket.once("data", done));
    const payload = Buffer.alloc(160, 0xff);
    wasm.write(audio, payload);
    const length = wasm.call.writeMediaFrame!(template, 0, 2, 1, 155, audio, 160, 0x12345678, frame);
    socket.write(wasm.read(frame, length));
    expect(await text).toBe(expected(0, 2, 1, 155, payload));
    socket.destroy();
    server.close();
  });
});

/** Reads a message that ends where memory ends: one octet read behind it is a trap. */
function readPayload(text: string, sidLength = -1, room = 50_000): Buffer | "slow path" {
  const bytes = Buffer.from(text);
  const at = wasm.octets().length - bytes.length;
  wasm.write(at, bytes);
  wasm.octets().fill(0xa5, decoded + room, decoded + room + 64);
  const length = wasm.call.readMediaPayload!(at, bytes.length, sid, sidLength, decoded, room);
  expect(wasm.read(decoded + room, 64).every((octet) => octet === 0xa5)).toBe(true);
  return length < 0 ? "slow path" : wasm.read(decoded, length);
}

describe("media-streams.md 6.2: the quick path for media messages", () => {
  it("reads what consumers send, in any order of keys and with blanks", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 8000 }),
        fc.boolean(),
        fc.constantFrom(undefined, 1, "\t"),
        (bytes, sidFirst, indent) => {
          const payload = Buffer.from(bytes);
          const media = { media: { payload: payload.toString("base64") } };
          const value = sidFirst
            ? { streamSid: SID, event: "media", ...media }
            : { event: "media", streamSid: SID, ...media };
          expect(readPayload(JSON.stringify(value, null, indent))).toEqual(payload);
        },
      ),
    );
  });

  /** How the writers of JSON in use set a message: JavaScript and Go; Python; Java and PHP, which escape the solidus; indented. */
  const writers: readonly ((value: unknown) => string)[] = [
    (value) => JSON.stringify(value),
    (value) => JSON.stringify(value, null, 1).replace(/\n */g, " ").replace(/\{ /g, "{").replace(/ \}/g, "}"),
    (value) => JSON.stringify(value).replaceAll("/", "\\/"),
    (value) => ` ${JSON.stringify(value, null, "\t")}\r\n`,
  ];
  const orders: readonly ((payload: string) => unknown)[] = [
    (payload) => ({ event: "media", streamSid: SID, media: { payload } }),
    (payload) => ({ streamSid: SID, event: "media", media: { payload } }),
    (payload) => ({ event: "media", media: { payload }, streamSid: SID }),
    (payload) => ({ media: { payload }, streamSid: SID, event: "media" }),
  ];

  it("every writer, every order, every length; of its own stream only", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...writers),
        fc.constantFrom(...orders),
        fc.uint8Array({ maxLength: 700, size: "max" }),
        fc.boolean(),
        (write, order, bytes, isPadded) => {
          const payload = Buffer.from(bytes);
          const text = payload.toString("base64");
          const whole = write(order(isPadded ? text : text.replace(/=+$/, "")));
          expect(readPayload(whole, SID.length)).toEqual(payload);
          expect(readPayload(whole.replace(SID, SID.replace("0", "1")), SID.length)).toBe("slow path");
          expect(readPayload(whole, SID.length - 1)).toBe("slow path");
        },
      ),
      { numRuns: 300 },
    );
  });

  it("a payload of solidi alone, escaped or not, among all kinds of lengths", () => {
    for (let length = 0; length < 200; length++) {
      const payload = Buffer.alloc(length, 0xff);
      for (const write of writers)
        expect(readPayload(write(orders[0]!(payload.toString("base64"))), SID.length)).toEqual(payload);
    }
  });

  it("cut short anywhere it is left to the JSON parser", () => {
    for (const write of writers) {
      const whole = write(orders[1]!(Buffer.alloc(61, 0xfb).toString("base64"))).trim();
      for (let length = 0; length < whole.length; length++)
        expect(readPayload(whole.slice(0, length), SID.length), `${length}`).toBe("slow path");
    }
  });

  it("more audio than there is room for is left to the JSON parser, and nothing is written beyond", () => {
    const text = JSON.stringify(orders[0]!(Buffer.alloc(161, 1).toString("base64")));
    for (let room = 0; room < 161; room++) expect(readPayload(text, SID.length, room)).toBe("slow path");
    expect(readPayload(text, SID.length, 161)).toEqual(Buffer.alloc(161, 1));
  });

  it.each([
    ["our stream's name for a payload", `{"event":"media","streamSid":"MZ","media":{"payload":"${SID}"}}`],
    ["a padding that is none", `{"event":"media","streamSid":"${SID}","media":{"payload":"AA=A"}}`],
    ["a solidus half escaped", `{"event":"media","streamSid":"${SID}","media":{"payload":"AA\\"}}`],
    ["another escape", `{"event":"media","streamSid":"${SID}","media":{"payload":"\\u0041AAA"}}`],
    ["payload twice", `{"event":"media","streamSid":"${SID}","media":{"payload":"AAAA"},"media":{"payload":"AAAA"}}`],
    ["a comma at the end", `{"event":"media","streamSid":"${SID}","media":{"payload":"AAAA"},}`],
    ["a key that only begins so", `{"event":"mediation","streamSid":"${SID}","media":{"payload":"AAAA"}}`],
    ["octets that are no ASCII", `{"event":"media","streamSid":"${SID}é","media":{"payload":"AAAA"}}`],
  ])("%s is left to the JSON parser, whatever the stream", (_name, text) => {
    expect(readPayload(text, SID.length)).toBe("slow path");
  });

  it.each([
    ["another event", '{"event":"mark","streamSid":"a","media":{"payload":"AAAA"}}'],
    ["no streamSid", '{"event":"media","media":{"payload":"AAAA"}}'],
    ["an unknown key", '{"event":"media","streamSid":"a","x":1,"media":{"payload":"AAAA"}}'],
    ["an escape", '{"event":"media","streamSid":"a\\u0062","media":{"payload":"AAAA"}}'],
    ["a key twice", '{"event":"media","event":"media","streamSid":"a","media":{"payload":"AAAA"}}'],
    ["payload elsewhere", '{"event":"media","streamSid":"\\"payload\\":\\"AAAA\\"","media":{}}'],
    ["bad base64", '{"event":"media","streamSid":"a","media":{"payload":"AA*A"}}'],
    ["a track beside it", '{"event":"media","streamSid":"a","media":{"track":"outbound","payload":"AAAA"}}'],
    ["text behind it", '{"event":"media","streamSid":"a","media":{"payload":"AAAA"}} x'],
    ["an array", '[{"event":"media","streamSid":"a","media":{"payload":"AAAA"}}]'],
    ["nothing", ""],
    ["cut short", '{"event":"media","streamSid":"a","media":{"payload":"AAAA"'],
  ])("%s is left to the JSON parser", (_name, text) => {
    expect(readPayload(text)).toBe("slow path");
  });

  it("never takes what JSON.parse reads otherwise", () => {
    const samples = writers.flatMap((write) =>
      orders.map((order) => write(order(Buffer.from("the quick brown fox / \xff\xfe").toString("base64")))),
    );
    const piece = fc.constantFrom(
      '"',
      "{",
      "}",
      ":",
      ",",
      "\\",
      "media",
      "payload",
      "event",
      " ",
      "\n",
      "AAAA",
      "=",
      "[",
      "]",
      "null",
      "\0",
      "é",
    );
    const mutated = fc
      .tuple(
        fc.constantFrom(...samples),
        fc.array(fc.tuple(fc.nat(160), fc.nat(6), piece), { minLength: 1, maxLength: 3 }),
      )
      .map(([sample, edits]) => {
        let text = sample;
        for (const [at, drop, insert] of edits) text = text.slice(0, at) + insert + text.slice(at + drop);
        return text;
      });
    fc.assert(
      fc.property(mutated, (text) => {
        const read = readPayload(text, SID.length);
        if (read === "slow path") return;
        const parsed = JSON.parse(text) as { event: string; streamSid: string; media: { payload: string } };
        expect(parsed.event).toBe("media");
        expect(parsed.streamSid).toBe(SID);
        expect(Buffer.from(parsed.media.payload, "base64")).toEqual(read);
      }),
      { numRuns: 20_000 },
    );
  });
});
