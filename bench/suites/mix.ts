/** Mix-minus: what one leg of a conference costs every 20 ms, everybody hearing all others. */
import { nativeProgram } from "../harness/native.ts";
import type { Candidate, NativeCandidate, Row, Skip, Suite } from "../harness/suite.ts";
import { loadBenchWasm } from "../harness/wasm.ts";
import { expectSame, LINEAR, octetsOf, SAMPLES } from "./audio/fixture.ts";

const SIZES = [3, 8, 32] as const;
/** Conferences that are mixed one behind the other in one sample's call. */
const CONFERENCES = 32;
/** Levels at which somebody speaks and others only breathe; loud ones overflow 16 bits in a sum of many. */
const LEVELS = ["speech", "clipping"] as const;
type Level = (typeof LEVELS)[number];

/** Frames of all legs one behind the other. bench/native/mix.c makes the same. */
function framesOf(legs: number, level: Level): Int16Array {
  return LINEAR.slice(0, legs * SAMPLES).map((sample, i) =>
    level === "clipping" ? sample : sample >> (i < 2 * SAMPLES ? 2 : 6),
  );
}

function saturate(value: number): number {
  return value > 32_767 ? 32_767 : value < -32_768 ? -32_768 : value;
}

function expected(frames: Int16Array, legs: number): Int16Array {
  return frames.map((own, at) => {
    let sum = -own;
    for (let leg = 0; leg < legs; leg++) sum += frames[leg * SAMPLES + (at % SAMPLES)]!;
    return saturate(sum);
  });
}

function tandem(legs: number, level: Level): Candidate {
  const frames = framesOf(legs, level);
  const { byteLength } = frames;
  const wasm = loadBenchWasm(2 * byteLength);
  const mixMinus = wasm.call("mixMinus");
  const memory = new Uint8Array(wasm.memory.buffer);
  const from = wasm.start;
  const to = from + byteLength;
  memory.set(octetsOf(frames), from);
  return {
    unitsPerCall: CONFERENCES * legs,
    call: () => {
      for (let n = 0; n < CONFERENCES; n++) mixMinus(from, legs, to);
    },
    check: () => {
      memory.fill(0, to, to + byteLength);
      mixMinus(from, legs, to);
      expectSame(memory.slice(to, to + byteLength), octetsOf(expected(frames, legs)), `mix of ${legs}`);
    },
  };
}

/** Sums in an Int32Array, then sum less own, saturated; all outputs are used again. */
function plainJavaScript(legs: number, level: Level): Candidate {
  const frames = framesOf(legs, level);
  const sums = new Int32Array(160);
  const out = new Int16Array(frames.length);
  const call = () => {
    sums.fill(0);
    for (let leg = 0; leg < legs; leg++) {
      const base = leg * 160;
      for (let i = 0; i < 160; i++) sums[i]! += frames[base + i]!;
    }
    for (let leg = 0; leg < legs; leg++) {
      const base = leg * 160;
      for (let i = 0; i < 160; i++) {
        const rest = sums[i]! - frames[base + i]!;
        out[base + i] = rest > 32_767 ? 32_767 : rest < -32_768 ? -32_768 : rest;
      }
    }
  };
  return {
    unitsPerCall: CONFERENCES * legs,
    call: () => {
      for (let n = 0; n < CONFERENCES; n++) call();
    },
    check: () => {
      out.fill(0);
      call();
      expectSame(out, expected(frames, legs), `mix of ${legs}`);
    },
  };
}

function plainC(legs: number, level: Level, skip: Skip): NativeCandidate | undefined {
  const program = nativeProgram({ name: "mix" }, skip);
  if (program === undefined) return undefined;
  return {
    program,
    args: [String(legs), level],
    check: (report) =>
      expectSame(
        Buffer.from(report.probes?.[0] ?? "", "hex"),
        octetsOf(expected(framesOf(legs, level), legs)),
        `mix of ${legs}`,
      ),
  };
}

/** The size that stands for the kernel where one figure is wanted. */
const USUAL_LEGS = 8;

function row(legs: number, level: Level): Row {
  return {
    name:
      legs === USUAL_LEGS && level === "speech"
        ? "mix/leg"
        : `mix/leg-of-${legs}${level === "speech" ? "" : "-clipping"}`,
    unit: "ns/leg",
    about: `a conference of ${legs} with ${level === "speech" ? "two who speak" : "everybody so loud that sums overflow"}, one call a conference: sums and mix-minus of 160 linear samples, no codec; against the same in plain JavaScript and in C (-O3, 32-bit sums, left to the compiler)`,
    ours: () => tandem(legs, level),
    peers: { js: () => plainJavaScript(legs, level), c: (skip) => plainC(legs, level, skip) },
  };
}

export const suite: Suite = {
  name: "mix",
  rows: LEVELS.flatMap((level) => SIZES.map((legs) => row(legs, level))),
};
