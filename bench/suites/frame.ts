/** Media Streams messages: from 20 ms of mu-law to the frame of a WebSocket, and from a consumer's message to mu-law. */
import { nativeProgram } from "../harness/native.ts";
import type { Candidate, NativeCandidate, Skip, Suite } from "../harness/suite.ts";
import { loadBenchWasm } from "../harness/wasm.ts";
import { PACKETS, SAMPLES } from "./audio/fixture.ts";
import {
  AUDIO,
  expectOctets,
  FIRST_SEQUENCE,
  FRAME_MS,
  HEADER_BYTES,
  INCOMING,
  maskKeyOf,
  outgoingFrame,
  outgoingText,
  STREAM_SID,
} from "./audio/messages.ts";

/** Octets that one message may take in the buffers here. */
const STRIDE = 1024;
const MASK_KEYS = Int32Array.from({ length: PACKETS }, (_, n) => maskKeyOf(n) | 0);

/** An empty WASM memory with a stream's template and the audio in it. */
function stage() {
  const wasm = loadBenchWasm(PACKETS * (STRIDE + SAMPLES) + 4 * STRIDE);
  const memory = new Uint8Array(wasm.memory.buffer);
  const sid = wasm.start;
  const template = sid + STRIDE;
  const message = template + STRIDE;
  const audio = message + 2 * STRIDE;
  const frames = audio + PACKETS * SAMPLES;
  memory.set(Buffer.from(STREAM_SID), sid);
  wasm.call("frameTemplate")(template, sid, STREAM_SID.length);
  AUDIO.forEach((packet, n) => memory.set(packet, audio + n * SAMPLES));
  return { wasm, memory, sid, template, message, audio, frames };
}

function tandemOut(): Candidate {
  const { wasm, memory, template, audio, frames } = stage();
  const writeMediaFrame = wasm.call("writeMediaFrame");
  const lengths = new Int32Array(PACKETS);
  const call = () => {
    for (let n = 0; n < PACKETS; n++) {
      const sequence = FIRST_SEQUENCE + n;
      lengths[n] = writeMediaFrame(
        template,
        0,
        sequence,
        sequence,
        sequence * FRAME_MS,
        audio + n * SAMPLES,
        SAMPLES,
        MASK_KEYS[n]!,
        frames + n * STRIDE,
      );
    }
  };
  return {
    unitsPerCall: PACKETS,
    call,
    check: () => {
      memory.fill(0, frames, frames + PACKETS * STRIDE);
      call();
      for (let n = 0; n < PACKETS; n++)
        expectOctets(
          memory.slice(frames + n * STRIDE, frames + n * STRIDE + lengths[n]!),
          outgoingFrame(n),
          `frame ${n}`,
        );
    },
  };
}

/** Text in Node, `write` puts message `n` into a buffer that is used again and says how long it is. */
function textOut(write: (n: number, into: BareBuffer) => number, expected: (n: number) => Buffer): Candidate {
  const buffers = Array.from({ length: PACKETS }, () => Buffer.alloc(STRIDE) as BareBuffer);
  const lengths = new Int32Array(PACKETS);
  const call = () => {
    for (let n = 0; n < PACKETS; n++) lengths[n] = write(n, buffers[n]!);
  };
  return {
    unitsPerCall: PACKETS,
    call,
    check: () => {
      for (const buffer of buffers) buffer.fill(0);
      call();
      for (let n = 0; n < PACKETS; n++) expectOctets(buffers[n]!.subarray(0, lengths[n]), expected(n), `message ${n}`);
    },
  };
}

/** Methods of Buffer that its types leave out; they spare the look at the encoding's name. */
interface BareBuffer extends Buffer {
  latin1Write(text: string, at: number): number;
  base64Slice(start: number, end: number): string;
}

function writeText(n: number, into: BareBuffer, at: number): number {
  const sequence = FIRST_SEQUENCE + n;
  const head = `{"event":"media","sequenceNumber":"${sequence}","media":{"track":"inbound","chunk":"${sequence}","timestamp":"${sequence * FRAME_MS}","payload":"`;
  let end = at + into.latin1Write(head, at);
  end += into.latin1Write((AUDIO[n] as BareBuffer).base64Slice(0, SAMPLES), end);
  return end + into.latin1Write(`"},"streamSid":"${STREAM_SID}"}`, end);
}

/** The quickest text that Node writes by itself. No WebSocket header, no mask. */
const latin1Write = () =>
  textOut(
    (n, into) => writeText(n, into, 0),
    (n) => Buffer.from(outgoingText(n)),
  );

/** The same with header and mask, the mask in a loop as the ws package has it. */
const latin1WriteMasked = () =>
  textOut((n, into) => {
    const end = writeText(n, into, HEADER_BYTES);
    into[0] = 0x81;
    into[1] = 0xfe;
    into.writeUInt16BE(end - HEADER_BYTES, 2);
    into.writeInt32LE(MASK_KEYS[n]!, 4);
    for (let i = HEADER_BYTES; i < end; i++) into[i]! ^= into[4 + (i & 3)]!;
    return end;
  }, outgoingFrame);

const jsonStringify = () =>
  textOut(
    (n, into) => into.latin1Write(outgoingText(n), 0),
    (n) => Buffer.from(outgoingText(n)),
  );

function tandemIn(): Candidate {
  const { wasm, memory, sid, message, frames } = stage();
  const readMediaPayload = wasm.call("readMediaPayload");
  const lengths = new Int32Array(PACKETS);
  const call = () => {
    for (let n = 0; n < PACKETS; n++) {
      const text = INCOMING[n]!;
      memory.set(text, message);
      lengths[n] = readMediaPayload(message, text.length, sid, STREAM_SID.length, frames + n * STRIDE, STRIDE);
    }
  };
  return {
    unitsPerCall: PACKETS,
    call,
    check: () => {
      memory.fill(0, frames, frames + PACKETS * STRIDE);
      call();
      for (let n = 0; n < PACKETS; n++)
        expectOctets(memory.slice(frames + n * STRIDE, frames + n * STRIDE + lengths[n]!), AUDIO[n]!, `payload ${n}`);
    },
  };
}

interface MediaMessage {
  readonly event: string;
  readonly streamSid: string;
  readonly media: { readonly payload: string };
}

function jsonParse(): Candidate {
  const decoded: Buffer[] = [];
  const call = () => {
    for (let n = 0; n < PACKETS; n++) {
      const { event, streamSid, media } = JSON.parse(INCOMING[n]!.toString("utf8")) as MediaMessage;
      if (event === "media" && streamSid === STREAM_SID) decoded[n] = Buffer.from(media.payload, "base64");
    }
  };
  return {
    unitsPerCall: PACKETS,
    call,
    check: () => {
      decoded.length = 0;
      call();
      for (let n = 0; n < PACKETS; n++) expectOctets(decoded[n]!, AUDIO[n]!, `payload ${n}`);
    },
  };
}

function cTable(direction: "out" | "in", skip: Skip): NativeCandidate | undefined {
  const program = nativeProgram({ name: "frame" }, skip);
  if (program === undefined) return undefined;
  const expected = Buffer.concat(direction === "out" ? AUDIO.map((_, n) => outgoingFrame(n)) : [...AUDIO]);
  return {
    program,
    args: [direction],
    check: (report) => expectOctets(Buffer.from(report.probes?.[0] ?? "", "hex"), expected, direction),
  };
}

export const suite: Suite = {
  name: "frame",
  rows: [
    {
      name: "frame/media-out",
      unit: "ns/message",
      about:
        "160 octets of mu-law to a whole WebSocket frame of 393 octets, header and random mask included, one call a frame, left in WASM memory for the socket; latin1Write fills a reused Buffer with the bare text: no header, no mask; latin1Write-masked and C (-O3, tables) do all of it",
      ours: tandemOut,
      peers: {
        latin1Write,
        "latin1Write-masked": latin1WriteMasked,
        "JSON.stringify": jsonStringify,
        "c-table": (skip) => cTable("out", skip),
      },
    },
    {
      name: "frame/media-in",
      unit: "ns/message",
      about:
        "a consumer's media message in a Buffer to 160 octets of mu-law, its event and streamSid checked, the copy into WASM memory included; C (-O3, tables) finds the payload by its name and checks only the event: no JSON reader",
      ours: tandemIn,
      peers: { "JSON.parse": jsonParse, "c-table": (skip) => cTable("in", skip) },
    },
  ],
};
