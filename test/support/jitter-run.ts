/** Drives one jitter buffer of the compiled module in virtual time: arrivals in, a frame every 20 ms, notes of each tick. */
import type { Arrival } from "./network.ts";
import { loadWasm, type WasmModule } from "./wasm.ts";

const FRAME_MS = 20;

export interface Tick {
  readonly nowMs: number;
  /** PLAY_NORMAL 0, PLAY_CONCEALED 1, PLAY_SILENCE 2, PLAY_NOISE 3. */
  readonly play: number;
  readonly depthMs: number;
  readonly targetMs: number;
  readonly shortened: number;
  readonly lengthened: number;
}

export class JitterBuffer {
  readonly wasm: WasmModule;
  readonly place: number;
  readonly #payload: number;
  readonly #out: number;
  readonly #samples: number;

  constructor(startMs = 40, wasm = loadWasm()) {
    this.wasm = wasm;
    const size = wasm.constant("JITTER_BYTES");
    this.place = wasm.reserve(size + 64);
    // Canaries on both sides: a buffer writes nothing but itself.
    wasm.octets().fill(0xa5, this.place, this.place + size + 64);
    this.place += 32;
    wasm.octets().fill(0, this.place, this.place + size);
    this.#payload = wasm.reserve(2048);
    this.#out = wasm.reserve(512);
    this.#samples = wasm.reserve(4096);
    this.reset(startMs);
  }

  reset(startMs = 40): void {
    this.wasm.call["jitterReset"]!(this.place, startMs);
  }

  get canariesAlive(): boolean {
    const size = this.wasm.constant("JITTER_BYTES");
    const octets = this.wasm.octets();
    const outside = [
      ...octets.subarray(this.place - 32, this.place),
      ...octets.subarray(this.place + size, this.place + size + 32),
    ];
    return outside.every((octet) => octet === 0xa5);
  }

  insert(
    sequence: number,
    timestamp: number,
    payload: Uint8Array,
    nowMs: number,
    { alaw = false, marker = false } = {},
  ): number {
    this.wasm.write(this.#payload, payload.subarray(0, 2048));
    return this.wasm.call["jitterInsert"]!(
      this.place,
      sequence,
      timestamp,
      this.#payload,
      payload.length,
      alaw ? 1 : 0,
      marker ? 1 : 0,
      nowMs,
    );
  }

  comfortNoise(sequence: number, timestamp: number, payload: Uint8Array): number {
    this.wasm.write(this.#payload, payload);
    return this.wasm.call["jitterComfortNoise"]!(this.place, sequence, timestamp, this.#payload, payload.length);
  }

  take(nowMs: number): { play: number; octets: Buffer } {
    const play = this.wasm.call["jitterTake"]!(this.place, this.#out, nowMs);
    return { play, octets: this.wasm.read(this.#out, 160) };
  }

  /** A number that the buffer tells: "Late", "Duplicates", "Concealed", "DepthMs", … */
  tell(what: string): number {
    return this.wasm.call[`jitter${what}`]!(this.place);
  }

  tick(nowMs: number): { tick: Tick; octets: Buffer } {
    const { play, octets } = this.take(nowMs);
    const tick = {
      nowMs,
      play,
      depthMs: this.tell("DepthMs"),
      targetMs: this.tell("TargetMs"),
      shortened: this.tell("Shortened"),
      lengthened: this.tell("Lengthened"),
    };
    return { tick, octets };
  }

  encode(samples: Int16Array): Buffer {
    return convert(this.wasm, this.#samples, samples);
  }

  decode(octets: Uint8Array): Int16Array {
    const out = new Int16Array(octets.length);
    for (let at = 0; at < octets.length; at += 1024) {
      const n = Math.min(1024, octets.length - at);
      this.wasm.write(this.#samples, octets.subarray(at, at + n));
      this.wasm.call["ulawDecode"]!(this.#samples, this.#samples + 1024, n);
      const bytes = this.wasm.read(this.#samples + 1024, 2 * n);
      for (let i = 0; i < n; i++) out[at + i] = bytes.readInt16LE(2 * i);
    }
    return out;
  }
}

function convert(wasm: WasmModule, place: number, samples: Int16Array): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < samples.length; at += 1024) {
    const piece = samples.subarray(at, at + 1024);
    wasm.write(place, new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
    wasm.call["ulawEncode"]!(place, place + 2048, piece.length);
    parts.push(wasm.read(place + 2048, piece.length));
  }
  return Buffer.concat(parts);
}

export interface Heard {
  readonly ticks: Tick[];
  readonly octets: Buffer;
  readonly statuses: number[];
}

/**
 * Plays all arrivals.
 * @param audio - mu-law octets of the sender; packets are cut from it, from the beginning again where it ends
 * @param untilMs - last tick
 */
export function playAll(
  buffer: JitterBuffer,
  arrivals: readonly Arrival[],
  audio: Uint8Array,
  untilMs: number,
  phaseMs = 0,
): Heard {
  const ticks: Tick[] = [];
  const heard: Buffer[] = [];
  const statuses: number[] = [];
  let next = 0;
  for (let nowMs = phaseMs; nowMs < untilMs; nowMs += FRAME_MS) {
    for (; next < arrivals.length && arrivals[next]!.arrivalMs <= nowMs; next++) {
      const { sequence, timestamp, at, samples, marker, arrivalMs } = arrivals[next]!;
      const from = at % audio.length;
      const payload =
        from + samples <= audio.length
          ? audio.subarray(from, from + samples)
          : Buffer.concat([audio.subarray(from), audio.subarray(0, from + samples - audio.length)]);
      statuses.push(buffer.insert(sequence, timestamp, payload, arrivalMs, { marker }));
    }
    const { tick, octets } = buffer.tick(nowMs);
    ticks.push(tick);
    heard.push(octets);
  }
  return { ticks, octets: Buffer.concat(heard), statuses };
}
