/** Media Streams and raw taps of the engine: opening, closing, numbering. Their frames are read in frame-view.ts. */

import { MediaError } from "../base/errors.ts";
import { checkFlag, checkInteger, checkObject, wrong } from "./checks.ts";
import type { Track } from "./frame-view.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** A raw tap: 160 octets of mu-law every 20 ms for each track. */
export interface TapOptions {
  readonly leg: number;
  /** `inbound`: what comes from the far end of the leg; `outbound`: what is sent to it. One or both. */
  readonly tracks: readonly Track[];
  /** Silence is written while no media comes. Default true. */
  readonly fillSilence?: boolean;
}

/** A Media Stream: `media` messages as whole masked WebSocket frames. */
export interface StreamOptions extends TapOptions {
  /** 1 to 64 printable ASCII characters without `"` and `\`. */
  readonly streamSid: string;
}

const STREAM_SID = /^[ !#-[\]-~]{1,64}$/;

/** @throws TypeError or RangeError unless it can stand in a message as it is */
export function checkStreamSid(streamSid: string): void {
  if (typeof streamSid !== "string") throw new TypeError("streamSid must be a string");
  if (!STREAM_SID.test(streamSid))
    throw new RangeError("streamSid must be 1 to 64 printable ASCII characters that JSON need not escape");
}

export class StreamSlots {
  readonly countMax: number;
  readonly #engine: WasmEngine;

  constructor(engine: WasmEngine, countMax: number) {
    this.#engine = engine;
    this.countMax = countMax;
  }

  /** @throws TypeError or RangeError naming the option, MediaError MEDIA_FULL */
  openStream(options: StreamOptions, nowMs: number): number {
    checkTracks(options);
    const { streamSid } = options;
    checkStreamSid(streamSid);
    this.#engine.stage(Buffer.from(streamSid, "latin1"));
    return this.#open(options, streamSid.length, nowMs);
  }

  /** @throws TypeError or RangeError naming the option, MediaError MEDIA_FULL */
  openTap(options: TapOptions, nowMs: number): number {
    checkTracks(options);
    return this.#open(options, 0, nowMs);
  }

  close(stream: number): void {
    this.#engine.exports.engineCloseStream(this.#check(stream));
  }

  setCongested(stream: number, congested: boolean): void {
    this.#engine.exports.engineStreamCongested(this.#check(stream), congested ? 1 : 0);
  }

  nextSequence(stream: number): number {
    return this.#engine.exports.engineStreamNextSequence(this.#check(stream)) >>> 0;
  }

  #open(options: TapOptions, streamSidLength: number, nowMs: number): number {
    const engine = this.#engine;
    let flags = options.fillSilence === false ? 0 : engine.number("STREAM_FILL_SILENCE");
    if (streamSidLength === 0) flags |= engine.number("STREAM_RAW");
    if (options.tracks.includes("inbound")) flags |= engine.number("STREAM_INBOUND");
    if (options.tracks.includes("outbound")) flags |= engine.number("STREAM_OUTBOUND");
    const stream = engine.exports.engineOpenStream(options.leg, flags, streamSidLength, nowMs);
    if (stream < 0) throw new MediaError("MEDIA_FULL", `all ${this.countMax} streams of this engine are open`);
    return stream;
  }

  #check(stream: number): number {
    checkInteger(stream, "stream", 0, this.countMax - 1);
    return stream;
  }
}

function checkTracks(options: TapOptions): void {
  checkObject(options, "options");
  const { tracks, fillSilence } = options;
  if (!Array.isArray(tracks)) throw new TypeError("tracks must be an array");
  if (tracks.length === 0 || tracks.some((track) => track !== "inbound" && track !== "outbound"))
    wrong("tracks", '"inbound", "outbound" or both', tracks);
  checkFlag(fillSilence, "fillSilence");
}
