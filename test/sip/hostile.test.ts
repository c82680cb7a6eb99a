import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SipParseError } from "../../src/base/errors.ts";
import { createResponse } from "../../src/sip/build.ts";
import { parseChallenge, parseCredentials } from "../../src/sip/digest.ts";
import { readDiversions } from "../../src/sip/diversion.ts";
import { readRAck, readReasons, readReferTo, retryAfterSeconds } from "../../src/sip/header-values.ts";
import { Headers } from "../../src/sip/headers.ts";
import { assertedIdentities, remoteParty } from "../../src/sip/identity.ts";
import type { SipMessage } from "../../src/sip/message.ts";
import { sdpOfBody, unsupportedBody } from "../../src/sip/multipart.ts";
import { parseNameAddr, parseNameAddrList } from "../../src/sip/name-addr.ts";
import { parseParams } from "../../src/sip/params.ts";
import { UnacceptableRequestError } from "../../src/sip/parse-failure.ts";
import { parseMessage } from "../../src/sip/parser.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { StreamParser } from "../../src/sip/stream-parser.ts";
import { blankControls, splitOutside } from "../../src/sip/tokens.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { parseVia } from "../../src/sip/via.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { invite, RFC_3261, RFC_4475, RFC_5118 } from "../support/sip-vectors.ts";

const SEEDS = [...RFC_4475, ...RFC_5118, ...RFC_3261].map((message) => message.bytes);

/** All readers of header values, each with the errors that it may throw. */
const READERS: readonly (readonly [name: string, read: (text: string) => unknown])[] = [
  ["URI", parseUri],
  ["address", parseNameAddr],
  ["address list", parseNameAddrList],
  ["Via", parseVia],
  ["parameters", (text) => parseParams(text, 0, "x")],
  ["comma list", (text) => splitOutside(text, ",", "x")],
  ["credentials", parseCredentials],
  ["credentials of digest", (text) => parseCredentials(`Digest ${text}`)],
  ["challenge", parseChallenge],
  ["Diversion", (text) => readDiversions(listOf("Diversion", text))],
  ["Reason", (text) => readReasons(listOf("Reason", text))],
  ["Refer-To", (text) => readReferTo(listOf("Refer-To", text))],
  ["Retry-After", (text) => retryAfterSeconds(listOf("Retry-After", text))],
  ["RAck", (text) => readRAck(listOf("RAck", text))],
  ["P-Asserted-Identity", (text) => assertedIdentities(listOf("P-Asserted-Identity", text))],
  ["Remote-Party-ID", (text) => remoteParty(listOf("Remote-Party-ID", text))],
];

function listOf(name: string, value: string): Headers {
  return new Headers().add(name, blankControls(value));
}

/** Reads octets and does with the result what the layers above do; nothing but a SipParseError may come out. */
function digest(bytes: Uint8Array): "accepted" | "answered" | "dropped" {
  let message: SipMessage;
  try {
    message = parseMessage(bytes);
  } catch (error) {
    if (error instanceof UnacceptableRequestError) {
      const answer = serializeMessage(
        createResponse(error.request, error.status, { reason: error.message, toTag: "x" }),
      );
      expect(parseLines(answer)).toBe(true);
      return "answered";
    }
    expect(error).toBeInstanceOf(SipParseError);
    expect((error as SipParseError).status).toBe(0);
    return "dropped";
  }
  expect(parseLines(serializeMessage(message))).toBe(true);
  unsupportedBody(message);
  sdpOfBody(message);
  return "accepted";
}

/** True when the head has no CR or LF but the pairs that end its lines, and no NUL. */
function parseLines(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  const head = text.slice(0, text.indexOf("\r\n\r\n"));
  return !/[\r\n\0]/.test(head.replaceAll("\r\n", ""));
}

describe("hardening R1: any octets give a message, an answer or a drop", () => {
  it("random octets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        digest(bytes);
        new StreamParser().push(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it("random octets behind a good request line", () => {
    const start = Buffer.from("INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        digest(Buffer.concat([start, bytes]));
      }),
      { numRuns: 500 },
    );
  });

  const mutation = fc.record({
    seed: fc.nat(SEEDS.length - 1),
    edits: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        kind: fc.constantFrom("set", "insert", "delete", "repeat", "swap"),
        octet: fc.oneof(fc.constantFrom(...Buffer.from('\r\n\t \0\x7f<>";,:@%\\=/?&[]')), fc.nat(255)),
        length: fc.nat(40),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  });

  function mutated({ seed, edits }: typeof mutation extends fc.Arbitrary<infer T> ? T : never): Buffer {
    let bytes: Buffer = Buffer.from(SEEDS[seed]!);
    for (const { at, kind, octet, length } of edits) {
      const index = Math.floor(at * bytes.length);
      const before = bytes.subarray(0, index);
      const some = bytes.subarray(index, index + length);
      const after = bytes.subarray(index + length);
      if (kind === "set") bytes = Buffer.concat([before, Buffer.from([octet]), bytes.subarray(index + 1)]);
      else if (kind === "insert") bytes = Buffer.concat([before, Buffer.alloc(length, octet), some, after]);
      else if (kind === "delete") bytes = Buffer.concat([before, after]);
      else if (kind === "repeat") bytes = Buffer.concat([before, some, some, after]);
      else bytes = Buffer.concat([after, some, before]);
    }
    return bytes;
  }

  it("mutated torture messages, as datagrams", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(mutation, (plan) => {
        seen.add(digest(mutated(plan)));
      }),
      { numRuns: 3000 },
    );
    // The mutations must reach all three ends, or they test little.
    expect(seen.size).toBe(3);
  });

  it("mutated torture messages, as streams in pieces: the same out of any cut", () => {
    const inWords = (bytes: Buffer, step: number): string[] => {
      const parser = new StreamParser();
      const out: string[] = [];
      for (let at = 0; at < bytes.length; at += step)
        for (const event of parser.push(bytes.subarray(at, at + step)))
          if (event.kind === "message") out.push(event.message.callId);
          else if (event.kind === "error") out.push(event.error.message);
      return out;
    };
    fc.assert(
      fc.property(mutation, fc.integer({ min: 1, max: 50 }), (plan, step) => {
        const bytes = mutated(plan);
        expect(inWords(bytes, step)).toEqual(inWords(bytes, bytes.length + 1));
      }),
      { numRuns: 500 },
    );
  });

  it.each(READERS)("%s: random text", (_, read) => {
    const unit = fc.oneof(
      fc.constantFrom(...'sip:@;,<>"\\=%?&/[]() \tabc019-+.', "sip:", "Digest ", "%00", "\u00e9", "\ud800"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 60 }), (text) => {
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SipParseError);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("hardening R24: 64 KiB of any single repeated octet or token is read in linear time", () => {
  const SIZE = 65_000;
  const UNITS = [
    ...' \t";,<>:@%\\=/?&[]()*-.a0\x01\x7f\u00e9',
    '"\\',
    "\\\\",
    '""',
    "<>",
    ", ",
    "; ",
    ";a=b",
    ';a="b"',
    ",a",
    "%41",
    "%4",
    "sip:",
    "a@",
    "\r\n ",
    "\r\n\t",
    "\r\nX: ",
    "\r\n:",
    "\r\n\r",
    "\r",
  ];

  /** Every place in a message where a long run can stand, each with what comes before and behind. */
  const PLACES: readonly (readonly [name: string, make: (run: string) => Buffer])[] = [
    ["whole message", (run) => Buffer.from(run)],
    ["method", (run) => Buffer.from(`${run} sip:a@b SIP/2.0\r\n\r\n`)],
    ["Request-URI", (run) => invite({ start: `INVITE sip:${run}@b SIP/2.0` })],
    ["blank in the request line", (run) => invite({ start: `INVITE${run}sip:a@b SIP/2.0` })],
    ["version", (run) => invite({ start: `INVITE sip:a@b SIP/${run}` })],
    ["reason phrase", (run) => Buffer.from(`SIP/2.0 200 ${run}\r\n\r\n`)],
    ["header name", (run) => invite({}, [`${run}: x`])],
    ["before the colon", (run) => invite({}, [`Subject${run}x: y`])],
    ["header value", (run) => invite({}, [`Subject: ${run}x`])],
    ["quoted string", (run) => invite({ From: `From: "${run}" <sip:a@b>;tag=1` })],
    ["display name", (run) => invite({ From: `From: ${run} <sip:a@b>;tag=1` })],
    ["address", (run) => invite({ To: `To: <sip:${run}>` })],
    ["parameters", (run) => invite({ To: `To: <sip:a@b>${run}` })],
    ["parameter value", (run) => invite({ To: `To: <sip:a@b>;x=${run};y` })],
    ["Via list", (run) => invite({ Via: `Via: SIP/2.0/UDP a;branch=z9hG4bK1${run}` })],
    ["Via protocol", (run) => invite({ Via: `Via: SIP${run}/2.0/UDP a` })],
    ["Call-ID", (run) => invite({ "Call-ID": `i: ${run}` })],
    ["CSeq", (run) => invite({ CSeq: `CSeq: 1${run}INVITE` })],
    ["Content-Length digits", (run) => invite({ "Content-Length": `l: ${run}` })],
    ["many lines", (run) => invite({}, [`A: ${run}`])],
  ];

  /** Far above what linear code needs on a busy machine (1 to 3 ms), far below what quadratic code takes (seconds). */
  const GENEROUS_MS = 400;

  it.each(PLACES)("%s", (_, make) => {
    for (const unit of UNITS) {
      const run = unit.repeat(Math.ceil(SIZE / unit.length));
      const bytes = make(run);
      const start = cpuMs();
      digest(bytes);
      const parser = new StreamParser();
      for (let at = 0; at < bytes.length; at += 1000) parser.push(bytes.subarray(at, at + 1000));
      expect(cpuMs() - start, JSON.stringify(unit)).toBeLessThan(GENEROUS_MS);
    }
  });

  it.each(READERS)("%s alone, without the limits of a message", (_, read) => {
    for (const unit of UNITS) {
      const run = unit.repeat(Math.ceil(SIZE / unit.length));
      for (const text of [run, `<sip:a@b>${run}`, `"${run}`, `sip:${run}`]) {
        const start = cpuMs();
        try {
          read(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SipParseError);
        }
        expect(cpuMs() - start, JSON.stringify(unit)).toBeLessThan(GENEROUS_MS);
      }
    }
  });

  it("multipart bodies", () => {
    const head = (boundary: string): Record<string, string> => ({
      "Content-Length": `Content-Type: multipart/mixed;boundary="${boundary}"`,
    });
    for (const boundary of ["a", "-", "--", "aaaaaaaaaaaaaaaaaaaaaaaa"])
      for (const unit of [
        ...UNITS,
        `\r\n--${boundary}`,
        `\r\n--${boundary}\r\n`,
        `--${boundary}`,
        `\n--${boundary}\n\n`,
      ]) {
        const bytes = invite(head(boundary), [], unit.repeat(Math.ceil(32_000 / unit.length)));
        const start = cpuMs();
        digest(bytes);
        expect(cpuMs() - start, JSON.stringify(unit)).toBeLessThan(GENEROUS_MS);
      }
  });
});
