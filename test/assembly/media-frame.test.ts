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
const message = wasm.reserve(70_000);
const decoded = wasm.reserve(60_000);
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

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const fields = fc.record({
  track: fc.constantFrom(0, 1),
  sequence: uint32,
  chunk: uint32,
  timestamp: uint32,
  payload: fc.uint8Array({ minLength: 160, maxLength: 160 }).map((bytes) => Buffer.from(bytes)),
  mask: uint32,
});

describe("media-streams.md 4.3", () => {
  it("the text is what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fields, ({ track, sequence, chunk, timestamp, payload }) => {
        wasm.write(audio, payload);
        const length = wasm.call.writeMediaText!(template, track, sequence, chunk, timestamp, audio, 160, frame);
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
          160,
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

function readPayload(text: string): Buffer | "slow path" {
  const bytes = Buffer.from(text);
  wasm.write(message, bytes);
  const length = wasm.call.readMediaPayload!(message, bytes.length, decoded, 50_000);
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
    const sample = `{"event":"media","streamSid":"${SID}","media":{"payload":"AAECAwQF"}}`;
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
      .array(fc.tuple(fc.nat(sample.length), fc.nat(6), piece), { minLength: 1, maxLength: 3 })
      .map((edits) => {
        let text = sample;
        for (const [at, drop, insert] of edits) text = text.slice(0, at) + insert + text.slice(at + drop);
        return text;
      });
    fc.assert(
      fc.property(mutated, (text) => {
        const read = readPayload(text);
        if (read === "slow path") return;
        const parsed = JSON.parse(text) as { event: string; media: { payload: string } };
        expect(parsed.event).toBe("media");
        expect(Buffer.from(parsed.media.payload, "base64")).toEqual(read);
      }),
      { numRuns: 5000 },
    );
  });
});
