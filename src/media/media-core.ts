/**
 * The embeddable media core: RTP, SRTP, RTCP, G.711, jitter buffer, DTMF and Media Streams frames for many legs in one
 * WASM instance. Octets and time go in, octets and events come out: no sockets, no clock, no threads of its own. All
 * times are monotonic milliseconds of one clock that the owner chooses.
 *
 * The rhythm of an owner: `pushDatagram` for what the sockets brought, `receive`, then fetch datagrams and events; every
 * 5 ms or so `tick`, then fetch datagrams, frames and events.
 */

import { MediaError } from "../base/errors.ts";
import type { AddressWords } from "./address.ts";
import { DatagramReader, type DatagramVisitor } from "./datagram-view.ts";
import type { EngineExports } from "./engine-exports.ts";
import { DIGITS, EventReader, type EventVisitor } from "./event-reader.ts";
import { FrameReader, type FrameVisitor, type Track } from "./frame-view.ts";
import { checkInteger, LegConfigWriter, type LegSettings, mergeSettings } from "./leg-config.ts";
import type { LegOptions } from "./leg-options.ts";
import type { LegStats } from "./media-events.ts";
import { type RandomFill, RandomPool } from "./random-pool.ts";
import { readStats } from "./stats.ts";
import { compileWasm, WasmEngine, type WasmSource } from "./wasm-engine.ts";

/** Options of `MediaCore.create`. */
export interface MediaCoreOptions {
  /** The module; default: the one of this package. Compile it once with `compileWasm` when several cores are wanted. */
  readonly wasm?: WasmSource;
  /** Legs that may be open at once, 1 to 8192; memory for them is taken now. Default 256. */
  readonly legCountMax?: number;
  /** Streams and raw taps that may be open at once, 1 to 16384. Default 512. */
  readonly streamCountMax?: number;
  /** Ms since 1970 less the owner's `nowMs`, for the NTP times of sender reports; default: an arbitrary day. */
  readonly wallClockOffsetMs?: number;
  /** Source of randomness; default `crypto.randomFillSync`. For tests. */
  readonly randomFill?: RandomFill;
}

/** A raw tap: 160 octets of mu-law every 20 ms for each track. */
export interface TapOptions {
  readonly leg: number;
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

/** Many legs, one engine. Make it with `MediaCore.create`. */
export class MediaCore {
  /** The engine's memory, for owners that receive into it or send from it without copying. Never moves. */
  readonly bytes: Uint8Array;
  /** Where `readMediaMessage` leaves the octets of a payload; valid until its next call. */
  readonly decoded: Uint8Array;
  readonly legCountMax: number;
  readonly streamCountMax: number;

  readonly #engine: WasmEngine;
  readonly #exports: EngineExports;
  readonly #words: Int32Array;
  readonly #random: RandomPool;
  readonly #config: LegConfigWriter;
  readonly #datagrams: DatagramReader;
  readonly #frames: FrameReader;
  readonly #events: EventReader;
  readonly #settings = new Map<number, LegSettings>();

  readonly #input: number;
  readonly #inputSlots: number;
  readonly #inputStride: number;
  readonly #packetBytesMax: number;
  readonly #entries: number;
  readonly #entryStride: number;
  readonly #entry: { leg: number; component: number; length: number; port: number; address: number };
  readonly #stage: number;
  readonly #stageBytes: number;
  readonly #message: number;
  readonly #messageBytes: number;
  readonly #slowPath: number;
  readonly #receiveCursor: number;
  readonly #currentLeg: number;
  #waiting = 0;
  #faults = 0;

  /** Takes the memory and is ready at once; the promise leaves room for asynchronous compilation. */
  static async create(options: MediaCoreOptions = {}): Promise<MediaCore> {
    return MediaCore.createSync(options);
  }

  /**
   * Like `create`, at once.
   * @throws MediaError MEDIA_WASM_MISSING, MEDIA_ABI or MEDIA_FULL; TypeError or RangeError naming a wrong option.
   */
  static createSync(options: MediaCoreOptions = {}): MediaCore {
    const { legCountMax = 256, streamCountMax = 512 } = options;
    checkInteger(legCountMax, "legCountMax", 1, 8192);
    checkInteger(streamCountMax, "streamCountMax", 1, 16_384);
    const engine = new WasmEngine(compileWasm(options.wasm), legCountMax, streamCountMax);
    if (options.wallClockOffsetMs !== undefined) {
      checkInteger(Math.round(options.wallClockOffsetMs), "wallClockOffsetMs", 0, 4e12);
      engine.exports.engineSetWallClock(options.wallClockOffsetMs);
    }
    return new MediaCore(engine, legCountMax, streamCountMax, options.randomFill);
  }

  private constructor(engine: WasmEngine, legCountMax: number, streamCountMax: number, randomFill?: RandomFill) {
    this.legCountMax = legCountMax;
    this.streamCountMax = streamCountMax;
    this.#engine = engine;
    this.#exports = engine.exports;
    this.#words = engine.words;
    this.bytes = engine.bytes;
    this.#random = new RandomPool(engine, randomFill);
    this.#config = new LegConfigWriter(engine);
    this.#datagrams = new DatagramReader(engine);
    this.#frames = new FrameReader(engine);
    this.#events = new EventReader(engine);
    this.#input = engine.place("INPUT");
    this.#inputSlots = engine.number("INPUT_SLOTS");
    this.#inputStride = engine.number("INPUT_STRIDE");
    this.#packetBytesMax = engine.number("PACKET_BYTES_MAX");
    this.#entries = engine.place("INPUT_ENTRIES") >> 2;
    this.#entryStride = engine.number("INPUT_ENTRY_BYTES") >> 2;
    this.#entry = {
      leg: engine.number("INPUT_LEG") >> 2,
      component: engine.number("INPUT_COMPONENT") >> 2,
      length: engine.number("INPUT_LENGTH") >> 2,
      port: engine.number("INPUT_PORT") >> 2,
      address: engine.number("INPUT_ADDRESS") >> 2,
    };
    this.#stage = engine.place("STAGE");
    this.#stageBytes = engine.place("STAGE_BYTES");
    this.#message = engine.place("MESSAGE");
    this.#messageBytes = engine.place("MESSAGE_BYTES");
    this.decoded = this.bytes.subarray(
      engine.place("DECODED"),
      engine.place("DECODED") + engine.place("DECODED_BYTES"),
    );
    this.#slowPath = engine.number("STATUS_SLOW_PATH");
    this.#receiveCursor = engine.stateIndex("RECEIVE_CURSOR");
    this.#currentLeg = engine.stateIndex("CURRENT_LEG");
  }

  /**
   * Opens a leg, which is one RTP session (RFC 3550 §3), and returns its number, free to be used again after `closeLeg`.
   * @throws MediaError MEDIA_FULL when `legCountMax` are open; TypeError or RangeError naming a wrong option.
   */
  openLeg(options: LegOptions, nowMs: number): number {
    const settings = mergeSettings(options);
    this.#random.top();
    this.#config.write(settings, {
      ...options,
      srtpSend: options.srtpSend ?? null,
      srtpReceive: options.srtpReceive ?? null,
    });
    const leg = this.#exports.engineOpenLeg(nowMs);
    if (leg < 0) throw new MediaError("MEDIA_FULL", `all ${this.legCountMax} legs of this engine are open`);
    this.#settings.set(leg, settings);
    return leg;
  }

  /**
   * Tells a leg what changed; absent fields stay. Giving `remoteRtp` is a renegotiation: a latched source is given up.
   * @throws MediaError MEDIA_NO_LEG; TypeError or RangeError naming a wrong option, and then nothing has changed.
   */
  configureLeg(leg: number, options: LegOptions, nowMs: number): void {
    const settings = mergeSettings(options, this.#settingsOf(leg));
    this.#random.top();
    this.#config.write(settings, options);
    this.#exports.engineConfigureLeg(leg, nowMs);
    this.#settings.set(leg, settings);
  }

  /**
   * Ends a leg with its bridge, streams and taps, wipes its keys and returns its last counters. An RTCP BYE
   * (RFC 3550 §6.6) waits among the datagrams: fetch them before the leg's sockets are closed.
   */
  closeLeg(leg: number, nowMs: number): LegStats {
    const last = this.stats(leg);
    this.#random.top();
    this.#exports.engineCloseLeg(leg, nowMs);
    this.#settings.delete(leg);
    return last;
  }

  /** True while `leg` is open. */
  has(leg: number): boolean {
    return this.#settings.has(leg);
  }

  /** Joins two legs: each hears the other, packet by packet (no jitter buffer). An older bridge of either ends. */
  bridge(a: number, b: number, nowMs: number): void {
    this.#settingsOf(a);
    this.#settingsOf(b);
    if (a === b) throw new RangeError("b must be another leg than a");
    this.#exports.engineBridge(a, b, nowMs);
  }

  /** Parts a leg from the one it is bridged with, if any; both fall back to playback or silence. */
  unbridge(leg: number, nowMs: number): void {
    this.#settingsOf(leg);
    this.#exports.engineUnbridge(leg, nowMs);
  }

  /** Counters since the leg was opened. */
  stats(leg: number): LegStats {
    this.#settingsOf(leg);
    this.#exports.engineStats(leg);
    return readStats(this.#engine);
  }

  /** Version of the boundary between this class and the engine, as the module says it. */
  get abiVersion(): number {
    return this.#engine.number("ABI_VERSION");
  }

  /** Faults of the engine that were survived: each cost one leg its place. 0 in a sound build. */
  get faults(): number {
    return this.#faults;
  }

  /** Datagrams that may still be pushed before `receive` has to be called. */
  get room(): number {
    return this.#inputSlots - this.#waiting;
  }

  /**
   * Copies one datagram in. Allocates nothing; `source` is only read.
   * @param component - 0: came to the RTP socket, 1: to the RTCP socket
   * @param length - octets of `bytes` that belong to it, from its start; what is too long is dropped and counted
   * @returns false when there is no room; then call `receive` and push again
   */
  pushDatagram(
    leg: number,
    component: 0 | 1,
    bytes: Uint8Array,
    length: number,
    source: Readonly<AddressWords>,
    port: number,
  ): boolean {
    if (this.#waiting >= this.#inputSlots) return false;
    const kept = Math.min(length, bytes.length, this.#packetBytesMax);
    const at = this.#input + this.#waiting * this.#inputStride;
    if (kept === bytes.length) this.bytes.set(bytes, at);
    else Buffer.prototype.copy.call(bytes, this.bytes, at, 0, kept);
    return this.commitDatagram(leg, component, length, source, port);
  }

  /** Offset in `bytes` of the slot `ahead` places after the next free one, for receiving into; -1 when there is none. */
  slotOffset(ahead = 0): number {
    const slot = this.#waiting + ahead;
    return slot < this.#inputSlots ? this.#input + slot * this.#inputStride : -1;
  }

  /** Hands over the next free slot, into which the owner has put the datagram itself (see `slotOffset`). */
  commitDatagram(leg: number, component: 0 | 1, length: number, source: Readonly<AddressWords>, port: number): boolean {
    if (this.#waiting >= this.#inputSlots) return false;
    const words = this.#words;
    const entry = this.#entry;
    const at = this.#entries + this.#waiting * this.#entryStride;
    words[at + entry.leg] = leg;
    words[at + entry.component] = component;
    words[at + entry.length] = length;
    words[at + entry.port] = port;
    words[at + entry.address] = source.word0;
    words[at + entry.address + 1] = source.word1;
    words[at + entry.address + 2] = source.word2;
    words[at + entry.address + 3] = source.word3;
    this.#waiting++;
    return true;
  }

  /** Works off the pushed datagrams; relayed ones wait to be fetched. Returns how many were pushed. */
  receive(nowMs: number): number {
    const count = this.#waiting;
    if (count === 0) return 0;
    this.#waiting = 0;
    this.#random.top();
    this.#words[this.#receiveCursor] = 0;
    // A trap ends the leg it happened to, and the batch goes on behind the packet that caused it.
    while (this.#words[this.#receiveCursor]! < count) {
      try {
        this.#exports.engineReceive(count, nowMs);
      } catch (error) {
        this.#survive(error);
      }
    }
    return count;
  }

  /** To be called about every 5 ms: plays out, sends RTCP, writes stream frames. Returns how many legs were served. */
  tick(nowMs: number): number {
    this.#random.top();
    try {
      return this.#exports.engineTick(nowMs);
    } catch (error) {
      this.#survive(error);
      return 0;
    }
  }

  /**
   * Shows every datagram that waits to be sent, where it lies in `bytes`. They are forgotten when this returns: copy what
   * has to live longer. Returns how many there were.
   */
  forEachDatagram(visitor: DatagramVisitor): number {
    return this.#datagrams.forEach(visitor);
  }

  /** Shows every event since the last call. */
  forEachEvent(visitor: EventVisitor): number {
    return this.#events.forEach(visitor);
  }

  /** Shows every frame of streams and taps, where it lies in `bytes`; forgotten when this returns. */
  forEachFrame(visitor: FrameVisitor): number {
    return this.#frames.forEach(visitor);
  }

  /**
   * Opens a Media Stream on a leg (media-streams.md 5) and returns its number. `nowMs` is when `start` is sent; take its
   * sequence number with `nextSequence`.
   * @throws MediaError MEDIA_NO_LEG, MEDIA_FULL
   */
  openStream(options: StreamOptions, nowMs: number): number {
    if (!STREAM_SID.test(options.streamSid))
      throw new RangeError("streamSid must be 1 to 64 printable ASCII characters that JSON need not escape");
    this.bytes.set(Buffer.from(options.streamSid, "latin1"), this.#stage);
    return this.#openStream(options, options.streamSid.length, nowMs);
  }

  /** Opens a raw tap and returns its number; close it with `closeStream`. */
  openTap(options: TapOptions, nowMs: number): number {
    return this.#openStream(options, 0, nowMs);
  }

  /** Ends a stream or tap. Frames that wait stay to be fetched. */
  closeStream(stream: number): void {
    this.#exports.engineCloseStream(this.#checkStream(stream));
  }

  /** While congested, frames are left out: they use up chunk and timestamp, no sequence number. */
  streamCongested(stream: number, congested: boolean): void {
    this.#exports.engineStreamCongested(this.#checkStream(stream), congested ? 1 : 0);
  }

  /** Takes the next sequence number of a stream for a message that the owner writes; the first is 1. */
  nextSequence(stream: number): number {
    return this.#exports.engineStreamNextSequence(this.#checkStream(stream)) >>> 0;
  }

  /** Octets that may be queued for playing to the far end of `leg`. 0 when it is not open. */
  playbackRoom(leg: number): number {
    return Math.max(0, this.#exports.enginePlaybackRoom(leg));
  }

  /** Queues mu-law octets `start` to `end` of `octets`; returns how many there was room for. */
  playbackWrite(leg: number, octets: Uint8Array, start = 0, end = octets.length): number {
    const wanted = Math.min(end - start, this.#stageBytes, this.playbackRoom(leg));
    if (wanted <= 0) return 0;
    Buffer.prototype.copy.call(octets, this.bytes, this.#stage, start, start + wanted);
    return Math.max(0, this.#exports.enginePlaybackWrite(leg, wanted));
  }

  /** Drops what is queued; silence from the next packet on. */
  playbackClear(leg: number): void {
    this.#exports.enginePlaybackClear(leg);
  }

  /** Octets of playback that have been sent since the leg was opened, modulo 2^32: the place of marks. */
  playedOctets(leg: number): number {
    return this.#exports.enginePlayedOctets(leg) >>> 0;
  }

  /**
   * Queues one digit for sending by RFC 4733, 50 ms apart from its neighbours.
   * @returns false when 32 digits wait already or the leg has no telephone-event
   */
  sendDigit(leg: number, digit: string, durationMs = 100): boolean {
    this.#settingsOf(leg);
    const event = digit.length === 1 ? DIGITS.indexOf(digit.toUpperCase()) : -1;
    if (event < 0) throw new RangeError(`digit must be one of ${DIGITS}`);
    checkInteger(durationMs, "durationMs", 40, 8000);
    return this.#exports.engineSendDigit(leg, event, durationMs) >= 0;
  }

  /** Digits that are not completely sent yet, the one in progress included. */
  digitsPending(leg: number): number {
    return Math.max(0, this.#exports.engineDigitsPending(leg));
  }

  /**
   * Reads a `media` message of a consumer (media-streams.md 6.2) by the quick path.
   * @param stream - the stream that the message has to name; without it any will do
   * @returns octets of mu-law, which lie at the start of `decoded`; or -1: not of the usual form, parse it as JSON
   */
  readMediaMessage(message: Uint8Array, stream?: number): number {
    const { length } = message;
    if (length > this.#messageBytes) return -1;
    this.bytes.set(message, this.#message);
    const engine = this.#exports;
    const octets = stream === undefined ? engine.engineReadMessage(length) : engine.engineReadMessageOf(stream, length);
    return octets <= this.#slowPath ? -1 : Math.max(-1, octets);
  }

  #openStream(options: TapOptions, streamSidLength: number, nowMs: number): number {
    this.#settingsOf(options.leg);
    const engine = this.#engine;
    let flags = options.fillSilence === false ? 0 : engine.number("STREAM_FILL_SILENCE");
    if (streamSidLength === 0) flags |= engine.number("STREAM_RAW");
    if (options.tracks.includes("inbound")) flags |= engine.number("STREAM_INBOUND");
    if (options.tracks.includes("outbound")) flags |= engine.number("STREAM_OUTBOUND");
    const stream = this.#exports.engineOpenStream(options.leg, flags, streamSidLength, nowMs);
    if (stream < 0) throw new MediaError("MEDIA_FULL", `all ${this.streamCountMax} streams of this engine are open`);
    return stream;
  }

  #settingsOf(leg: number): LegSettings {
    const settings = this.#settings.get(leg);
    if (settings === undefined) throw new MediaError("MEDIA_NO_LEG", `leg ${leg} is not open`);
    return settings;
  }

  #checkStream(stream: number): number {
    checkInteger(stream, "stream", 0, this.streamCountMax - 1);
    return stream;
  }

  #survive(error: unknown): void {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    const leg = this.#words[this.#currentLeg]!;
    this.#faults++;
    this.#words[this.#receiveCursor]!++;
    this.#exports.engineAbandonLeg(leg);
    this.#settings.delete(leg);
  }
}
