/** G.711: what it costs to encode, decode or transcode one packet of 20 ms. */
import alawmulaw from "alawmulaw";
import { nativeProgram } from "../harness/native.ts";
import type { Candidate, NativeCandidate, Row, Skip, Suite } from "../harness/suite.ts";
import { loadBenchWasm } from "../harness/wasm.ts";
import {
  ALAW_OF,
  ALAW_SAMPLES,
  CODES,
  expectSame,
  LINEAR,
  octetsOf,
  PACKETS,
  packetOf,
  packetsOf,
  SAMPLES,
  ULAW_OF,
  ULAW_SAMPLES,
} from "./audio/fixture.ts";

type Block = Uint8Array | Int16Array;

interface Work {
  readonly name: string;
  readonly kernel: string;
  readonly input: Block;
  readonly expected: Block;
  /**
   * Plain JavaScript, one packet into an output that is used again. A function text of its own for each row, since
   * functions that share one also share what the compiler knows of their types.
   */
  readonly table: (from: Block, to: Block) => void;
  /** npm alawmulaw 6, which returns a new array. */
  readonly alawmulaw: (from: Block) => Block;
}

/** The same as SAMPLES: a constant of this file is one for the compiler too, which makes the peer's loops a third quicker. */
const LENGTH = 160;

const encodeUlaw = Uint8Array.from({ length: 65_536 }, (_, i) => ULAW_OF[(i + 32_768) & 0xffff]!);
const encodeAlaw = Uint8Array.from({ length: 65_536 }, (_, i) => ALAW_OF[(i + 32_768) & 0xffff]!);
const alawOfUlaw = Uint8Array.from({ length: 256 }, (_, code) => ALAW_OF[ULAW_SAMPLES[code]! + 32_768]!);

const WORK: readonly Work[] = [
  {
    name: "encode-ulaw",
    kernel: "ulawEncode",
    input: LINEAR,
    expected: Uint8Array.from(LINEAR, (sample) => ULAW_OF[sample + 32_768]!),
    table: (from, to) => {
      for (let i = 0; i < LENGTH; i++) to[i] = encodeUlaw[from[i]! & 0xffff]!;
    },
    alawmulaw: (from) => alawmulaw.mulaw.encode(from as Int16Array),
  },
  {
    name: "encode-alaw",
    kernel: "alawEncode",
    input: LINEAR,
    expected: Uint8Array.from(LINEAR, (sample) => ALAW_OF[sample + 32_768]!),
    table: (from, to) => {
      for (let i = 0; i < LENGTH; i++) to[i] = encodeAlaw[from[i]! & 0xffff]!;
    },
    alawmulaw: (from) => alawmulaw.alaw.encode(from as Int16Array),
  },
  {
    name: "decode-ulaw",
    kernel: "ulawDecode",
    input: CODES,
    expected: Int16Array.from(CODES, (code) => ULAW_SAMPLES[code]!),
    table: (from, to) => {
      for (let i = 0; i < LENGTH; i++) to[i] = ULAW_SAMPLES[from[i]!]!;
    },
    alawmulaw: (from) => alawmulaw.mulaw.decode(from as Uint8Array),
  },
  {
    name: "decode-alaw",
    kernel: "alawDecode",
    input: CODES,
    expected: Int16Array.from(CODES, (code) => ALAW_SAMPLES[code]!),
    table: (from, to) => {
      for (let i = 0; i < LENGTH; i++) to[i] = ALAW_SAMPLES[from[i]!]!;
    },
    alawmulaw: (from) => alawmulaw.alaw.decode(from as Uint8Array),
  },
  {
    name: "ulaw-to-alaw",
    kernel: "ulawToAlaw",
    input: withoutBorders(CODES),
    expected: Uint8Array.from(withoutBorders(CODES), (code) => alawOfUlaw[code]!),
    table: (from, to) => {
      for (let i = 0; i < LENGTH; i++) to[i] = alawOfUlaw[from[i]!]!;
    },
    alawmulaw: (from) => alawmulaw.alaw.encode(alawmulaw.mulaw.decode(from as Uint8Array)),
  },
];

/** Codes whose sample alawmulaw encodes as G.191 does; the others are replaced by their positive twins. */
function withoutBorders(codes: Uint8Array): Uint8Array {
  return codes.map((code) => {
    const sample = ULAW_SAMPLES[code]!;
    return alawmulaw.alaw.encodeSample(sample) === ALAW_OF[sample + 32_768]! ? code : code | 0x80;
  });
}

function ours({ name, kernel, input, expected }: Work): Candidate {
  const wasm = loadBenchWasm(2 * (octetsOf(input).length + octetsOf(expected).length));
  const run = wasm.call(kernel);
  const from = wasm.start;
  const to = from + octetsOf(input).length;
  const memory = new Uint8Array(wasm.memory.buffer);
  memory.set(octetsOf(input), from);
  const inputStride = SAMPLES * input.BYTES_PER_ELEMENT;
  const outputStride = SAMPLES * expected.BYTES_PER_ELEMENT;
  return {
    unitsPerCall: PACKETS,
    call: () => {
      for (let n = 0; n < PACKETS; n++) run(from + n * inputStride, to + n * outputStride, SAMPLES);
    },
    check: () => {
      memory.fill(0, to, to + octetsOf(expected).length);
      for (let n = 0; n < PACKETS; n++) run(from + n * inputStride, to + n * outputStride, SAMPLES);
      expectSame(memory.slice(to, to + octetsOf(expected).length), octetsOf(expected), name);
    },
  };
}

/** Packets in, one behind the other; `one` fills or returns the output of a packet. */
function inJavaScript(work: Work, one: (from: Block, n: number) => Block): Candidate {
  const packets = packetsOf(work.input);
  const results: Block[] = [];
  const call = () => {
    for (let n = 0; n < PACKETS; n++) results[n] = one(packets[n]!, n);
  };
  return {
    unitsPerCall: PACKETS,
    call,
    check: () => {
      for (let n = 0; n < PACKETS; n++)
        expectSame(one(packetOf(work.input, n), n), packetOf(work.expected, n), work.name);
    },
  };
}

function jsTable(work: Work): Candidate {
  const outputs = packetsOf(work.expected).map((packet) => packet.fill(0));
  return inJavaScript(work, (from, n) => {
    const to = outputs[n]!;
    work.table(from, to);
    return to;
  });
}

function cTable(work: Work, flags: readonly string[], as: string, skip: Skip): NativeCandidate | undefined {
  const program = nativeProgram({ name: "g711-table", as, flags }, skip);
  if (program === undefined) return undefined;
  return {
    program,
    args: [work.name],
    check: (report) => expectSame(Buffer.from(report.probes?.[0] ?? "", "hex"), octetsOf(work.expected), work.name),
  };
}

const ABOUT =
  "160 samples, one call a packet from JavaScript with input and output in WASM memory (the engine's own calls don't cross), against a loop over the table of G.191 in JavaScript and in C (-O3), outputs reused, and npm alawmulaw, which returns a new array";

function row(work: Work): Row {
  return {
    name: `g711/${work.name}`,
    unit: "ns/packet",
    about: ABOUT,
    ours: () => ours(work),
    peers: {
      "js-table": () => jsTable(work),
      alawmulaw: () => inJavaScript(work, work.alawmulaw),
      "c-table": (skip) => cTable(work, [], "g711-table", skip),
      "c-arithmetic-native": (skip) => cTable(work, ["-march=native", "-DARITHMETIC"], "g711-arithmetic", skip),
    },
  };
}

export const suite: Suite = { name: "g711", rows: WORK.map(row) };
