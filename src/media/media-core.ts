/**
 * The embeddable media core: RTP, SRTP, RTCP, G.711, jitter buffer, DTMF, conferences and Media Streams frames for many
 * legs in one WASM instance. Octets and time go in, octets and events come out: no sockets, no clock, no threads of its
 * own. All times are monotonic milliseconds of one clock that the owner chooses.
 *
 * The rhythm of an owner: `pushDatagram` for what the sockets brought, `receive`, then fetch datagrams and events; every
 * 5 ms or so `tick`, then fetch datagrams, frames and events.
 *
 * A number of a leg, stream, conference or port that is not open is a MediaError where a caller must have made a mistake,
 * and nothing at all where it happens in the best of programs: a datagram for a leg that was just closed is dropped.
 */

import { MediaError } from "../base/errors.ts";
import type { AddressWords } from "./address.ts";
import { checkFunction, checkInteger, checkObject, checkOctets, checkTime, wrong } from "./checks.ts";
import { CoreAudio } from "./core-audio.ts";
import { DatagramInput } from "./datagram-input.ts";
import { DatagramReader, type DatagramVisitor } from "./datagram-view.ts";
import type { EngineExports } from "./engine-exports.ts";
import { DIGITS, EventReader, type EventVisitor } from "./event-reader.ts";
import { FrameReader, type FrameVisitor } from "./frame-view.ts";
import { LegConfigWriter, type LegSettings, mergeSettings } from "./leg-config.ts";
import type { LegOptions } from "./leg-options.ts";
import type { LegEvent, LegStats } from "./media-events.ts";
import { type RandomFill, RandomPool } from "./random-pool.ts";
import { readStats } from "./stats.ts";
import { type StreamOptions, StreamSlots, type TapOptions } from "./stream-slots.ts";
import { compileWasm, WasmEngine, type WasmSource } from "./wasm-engine.ts";

/** Options of `MediaCore.create`. All memory is taken then and never grows; see `memoryBytes`. */
export interface MediaCoreOptions {
  /** The module; default: the one of this package. Compile it once with `compileWasm` when several cores are wanted. */
  readonly wasm?: WasmSource;
  /** Legs that may be open at once, 1 to 16384. Default 256. */
  readonly legCountMax?: number;
  /** Streams and raw taps that may be open at once, 1 to 32768. Default 512. */
  readonly streamCountMax?: number;
  /** Ms since 1970 less the owner's `nowMs`, for the NTP times of sender reports; default: an arbitrary day. */
  readonly wallClockOffsetMs?: number;
  /** Conferences that may be open at once, 0 to 8192. Default 64. */
  readonly conferenceCountMax?: number;
  /** Audio that `play` and `announce` queue for one leg or conference at most, 1 to 3600 s. Default 600. */
  readonly playbackSecondsMax?: number;
  /** Source of randomness; default `crypto.randomFillSync`. For tests. */
  readonly randomFill?: RandomFill;
}

/** Many legs, one engine. Make it with `MediaCore.create`. */
export class MediaCore extends CoreAudio {
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
  readonly #input: DatagramInput;
  readonly #datagrams: DatagramReader;
  readonly #frames: FrameReader;
  readonly #events: EventReader;
  readonly #streams: StreamSlots;
  readonly #settings = new Map<number, LegSettings>();
  readonly #message: number;
  readonly #messageBytes: number;
  readonly #slowPath: number;
  readonly #receiveCursor: number;
  readonly #currentLeg: number;
  #faults = 0;

  /**
   * Takes the memory and is ready at once; the promise leaves room for asynchronous compilation.
   * Rejects with what `createSync` throws.
   */
  static async create(options: MediaCoreOptions = {}): Promise<MediaCore> {
    return MediaCore.createSync(options);
  }

  /**
   * Like `create`, at once.
   * @throws MediaError MEDIA_WASM_MISSING (no such file), MEDIA_ABI (no module of this version), MEDIA_FULL (no memory);
   *   TypeError or RangeError naming a wrong option.
   */
  static createSync(options: MediaCoreOptions = {}): MediaCore {
    checkObject(options, "options");
    const { legCountMax = 256, streamCountMax = 512, conferenceCountMax = 64, playbackSecondsMax = 600 } = options;
    checkInteger(legCountMax, "legCountMax", 1, 16_384);
    checkInteger(streamCountMax, "streamCountMax", 1, 32_768);
    checkInteger(conferenceCountMax, "conferenceCountMax", 0, 8192);
    checkInteger(playbackSecondsMax, "playbackSecondsMax", 1, 3600);
    if (options.randomFill !== undefined) checkFunction(options.randomFill, "randomFill");
    const engine = new WasmEngine(compileWasm(options.wasm), legCountMax, streamCountMax, conferenceCountMax);
    if (options.wallClockOffsetMs !== undefined) {
      checkInteger(Math.round(options.wallClockOffsetMs), "wallClockOffsetMs", 0, 4e12);
      engine.exports.engineSetWallClock(options.wallClockOffsetMs);
    }
    return new MediaCore(engine, { ...options, legCountMax, streamCountMax, conferenceCountMax, playbackSecondsMax });
  }

  private constructor(
    engine: WasmEngine,
    options: MediaCoreOptions & Required<Omit<MediaCoreOptions, "wasm" | "randomFill" | "wallClockOffsetMs">>,
  ) {
    super(engine, options.conferenceCountMax, options.playbackSecondsMax);
    this.legCountMax = options.legCountMax;
    this.streamCountMax = options.streamCountMax;
    this.#engine = engine;
    this.#exports = engine.exports;
    this.#words = engine.words;
    this.bytes = engine.bytes;
    this.#random = new RandomPool(engine, options.randomFill);
    this.#config = new LegConfigWriter(engine);
    this.#input = new DatagramInput(engine);
    this.#datagrams = new DatagramReader(engine);
    this.#frames = new FrameReader(engine);
    this.#events = new EventReader(engine);
    this.#streams = new StreamSlots(engine, options.streamCountMax);
    this.#message = engine.place("MESSAGE");
    this.#messageBytes = engine.place("MESSAGE_BYTES");
    const decoded = engine.place("DECODED");
    this.decoded = this.bytes.subarray(decoded, decoded + engine.place("DECODED_BYTES"));
    this.#slowPath = engine.number("STATUS_SLOW_PATH");
    this.#receiveCursor = engine.stateIndex("RECEIVE_CURSOR");
    this.#currentLeg = engine.stateIndex("CURRENT_LEG");
  }

  /**
   * Octets of memory that the engine has taken, all of it at start: under 17 KiB a leg (its state, its share of the way
   * out and its jitter buffer), under 2 KiB a stream, under 6 KiB a conference, and about 1.4 MiB beside. 10,000 legs
   * take about 145 MiB of address space; pages that were never used, such as the jitter buffers of legs that are only
   * relayed, cost no memory of the machine.
   */
  get memoryBytes(): number {
    return this.bytes.byteLength;
  }

  /** Version of the boundary between this class and the engine, as the module says it. */
  get abiVersion(): number {
    return this.#engine.number("ABI_VERSION");
  }

  /** Faults of the engine that were survived: each cost one leg its place. 0 in a sound build. */
  get faults(): number {
    return this.#faults;
  }

  /** Legs that are open. */
  get legCount(): number {
    return this.#settings.size;
  }

  /**
   * Opens a leg, which is one RTP session (RFC 3550 §3), in constant time.
   * @returns its number, 0 to `legCountMax` - 1, free to be used again after `closeLeg`
   * @throws MediaError MEDIA_FULL when `legCountMax` are open; TypeError or RangeError naming a wrong option.
   */
  openLeg(options: LegOptions, nowMs: number): number {
    const settings = mergeSettings(options);
    checkTime(nowMs);
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
   * Tells a leg what changed; absent fields stay. Giving `remoteRtp` is a renegotiation (RFC 3264 §8): a latched source
   * is given up. SSRC, sequence numbers and timestamps of what we send go on.
   * @throws MediaError MEDIA_NO_LEG; TypeError or RangeError naming a wrong option, and then nothing has changed.
   */
  configureLeg(leg: number, options: LegOptions, nowMs: number): void {
    const settings = mergeSettings(options, this.#settingsOf(leg));
    checkTime(nowMs);
    this.#random.top();
    this.#config.write(settings, options);
    this.#exports.engineConfigureLeg(leg, nowMs);
    this.#settings.set(leg, settings);
  }

  /**
   * Ends a leg with its bridge, streams, taps and playback, takes it out of its conference, wipes its keys and returns
   * its last counters. An RTCP BYE (RFC 3550 §6.6) waits among the datagrams: fetch them before the leg's sockets close.
   * @throws MediaError MEDIA_NO_LEG
   */
  closeLeg(leg: number, nowMs: number): LegStats {
    const last = this.stats(leg);
    checkTime(nowMs);
    this.#random.top();
    this.#exports.engineCloseLeg(leg, nowMs);
    this.#forget(leg);
    return last;
  }

  /**
   * Overwrites what closed legs have left of their audio in areas that all legs share (R-COMP-7); their own were overwritten when
   * they closed. To be called when everything was received and fetched: what waits is lost.
   */
  wipeAudio(): void {
    this.#input.take();
    this.#exports.engineWipeAudio();
  }

  /** True while `leg` is open. */
  has(leg: number): boolean {
    return this.#settings.has(leg);
  }

  /**
   * Joins two legs: each hears the other, packet by packet (no jitter buffer). What the laws, payload types or packet times
   * differ in is changed on the way. An older bridge or conference of either ends.
   * @throws MediaError MEDIA_NO_LEG; RangeError when `a` and `b` are the same
   */
  bridge(a: number, b: number, nowMs: number): void {
    this.#settingsOf(a);
    this.#settingsOf(b);
    checkTime(nowMs);
    if (a === b) throw new RangeError("b must be another leg than a");
    this.#exports.engineBridge(a, b, nowMs);
  }

  /**
   * Parts a leg from the one it is bridged with, if any; both fall back to playback or silence.
   * @throws MediaError MEDIA_NO_LEG
   */
  unbridge(leg: number, nowMs: number): void {
    this.#settingsOf(leg);
    checkTime(nowMs);
    this.#exports.engineUnbridge(leg, nowMs);
  }

  /** Counters since the leg was opened. @throws MediaError MEDIA_NO_LEG */
  stats(leg: number): LegStats {
    this.#settingsOf(leg);
    this.#exports.engineStats(leg);
    return readStats(this.#engine);
  }

  /** Datagrams that may still be pushed before `receive` has to be called. */
  get room(): number {
    return this.#input.room;
  }

  /**
   * Copies one datagram in. Allocates nothing; `source` is only read. What is no RTP or RTCP that the leg may take is
   * dropped and counted by `receive`, see `LegStats.drops`; for a leg that is not open it is dropped.
   * @param component - 0: came to the RTP socket, 1: to the RTCP socket
   * @param length - octets of `bytes` that belong to it, from its start; what is too long is dropped and counted
   * @param port - that it came from
   * @returns false when there is no room; then call `receive` and push again
   * @throws TypeError or RangeError naming a wrong argument
   */
  pushDatagram(
    leg: number,
    component: 0 | 1,
    bytes: Uint8Array,
    length: number,
    source: Readonly<AddressWords>,
    port: number,
  ): boolean {
    checkOctets(bytes, "bytes");
    if (!(length >= 0 && length <= bytes.length)) wrong("length", `0 to ${bytes.length}`, String(length));
    return this.#input.push(leg, component, bytes, length, source, port);
  }

  /** Offset in `bytes` of the slot `ahead` places after the next free one, for receiving into; -1 when there is none. */
  slotOffset(ahead = 0): number {
    return this.#input.slotOffset(ahead);
  }

  /**
   * Hands over the next free slot, into which the owner has put the datagram itself (see `slotOffset`). Checks nothing:
   * a slot has 2048 octets.
   */
  commitDatagram(leg: number, component: 0 | 1, length: number, source: Readonly<AddressWords>, port: number): boolean {
    return this.#input.commit(leg, component, length, source, port);
  }

  /** Works off the pushed datagrams; relayed ones wait to be fetched. Returns how many were pushed. */
  receive(nowMs: number): number {
    checkTime(nowMs);
    const count = this.#input.take();
    if (count === 0) return 0;
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

  /**
   * To be called about every 5 ms: plays out, mixes, sends RTCP, writes stream frames. A call that comes late makes up for
   * up to half a second towards streams and sends at most three packets for a leg (RTP-3).
   * @returns how many legs were served
   */
  tick(nowMs: number): number {
    checkTime(nowMs);
    this.#random.top();
    const served = this.#tick(nowMs);
    this.fillRings();
    return served;
  }

  #tick(nowMs: number): number {
    for (;;) {
      try {
        return this.#exports.engineTick(nowMs);
      } catch (error) {
        // The others of the frame are served by the next try, which is sure to find one leg less.
        if (!this.#survive(error)) return 0;
        this.#random.top();
      }
    }
  }

  /**
   * Shows every datagram that waits to be sent, where it lies in `bytes`. They are forgotten when this returns: copy what
   * has to live longer. Returns how many there were.
   */
  forEachDatagram(visitor: DatagramVisitor): number {
    return this.#datagrams.forEach(visitor);
  }

  /** Shows every event since the last call, and the marks that were played; returns how many there were. */
  forEachEvent(visitor: EventVisitor): number {
    if (this.#events.isEmpty && !this.isMarkDue) return 0;
    const events: LegEvent[] = [];
    // Taken before they are shown: a visitor may close legs or throw.
    this.#events.take(events);
    this.takeMarks(events);
    for (const event of events) visitor(event);
    return events.length;
  }

  /** Shows every frame of streams and taps, where it lies in `bytes`; forgotten when this returns. */
  forEachFrame(visitor: FrameVisitor): number {
    return this.#frames.forEach(visitor);
  }

  /**
   * Opens a Media Stream on a leg (media-streams.md 5) and returns its number. `nowMs` is when `start` is sent; take its
   * sequence number with `nextSequence`.
   * @throws MediaError MEDIA_NO_LEG, MEDIA_FULL; TypeError or RangeError naming a wrong option
   */
  openStream(options: StreamOptions, nowMs: number): number {
    checkObject(options, "options");
    this.#settingsOf(options.leg);
    checkTime(nowMs);
    return this.#streams.openStream(options, nowMs);
  }

  /**
   * Opens a raw tap and returns its number; close it with `closeStream`.
   * @throws MediaError MEDIA_NO_LEG, MEDIA_FULL; TypeError or RangeError naming a wrong option
   */
  openTap(options: TapOptions, nowMs: number): number {
    checkObject(options, "options");
    this.#settingsOf(options.leg);
    checkTime(nowMs);
    return this.#streams.openTap(options, nowMs);
  }

  /** Ends a stream or tap, if it is open. Frames that wait stay to be fetched. */
  closeStream(stream: number): void {
    this.#streams.close(stream);
  }

  /** While congested, frames are left out: they use up chunk and timestamp, no sequence number. */
  streamCongested(stream: number, congested: boolean): void {
    this.#streams.setCongested(stream, congested);
  }

  /** Takes the next sequence number of a stream for a message that the owner writes; the first is 1. 0: not open. */
  nextSequence(stream: number): number {
    return this.#streams.nextSequence(stream);
  }

  /**
   * Queues one digit for sending: by RFC 4733, 50 ms apart from its neighbours, or as tones in the audio (ITU-T Q.23)
   * when the leg has no telephone-event. All other audio of the leg waits meanwhile.
   * @param durationMs - 40 to 8000
   * @returns false when 32 digits wait already
   * @throws MediaError MEDIA_NO_LEG; RangeError
   */
  sendDigit(leg: number, digit: string, durationMs = 100): boolean {
    this.#settingsOf(leg);
    const event = typeof digit === "string" && digit.length === 1 ? DIGITS.indexOf(digit.toUpperCase()) : -1;
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
    checkOctets(message, "message");
    const { length } = message;
    if (length > this.#messageBytes) return -1;
    this.bytes.set(message, this.#message);
    const engine = this.#exports;
    const octets = stream === undefined ? engine.engineReadMessage(length) : engine.engineReadMessageOf(stream, length);
    return octets <= this.#slowPath ? -1 : Math.max(-1, octets);
  }

  #settingsOf(leg: number): LegSettings {
    const settings = this.#settings.get(leg);
    if (settings === undefined) throw new MediaError("MEDIA_NO_LEG", `leg ${String(leg)} is not open`);
    return settings;
  }

  protected override checkLeg(leg: number): void {
    this.#settingsOf(leg);
  }

  #forget(leg: number): void {
    this.#settings.delete(leg);
    this.forgetPlayback(leg);
  }

  /** After a trap: the leg that was worked on goes. @returns false when it was none */
  #survive(error: unknown): boolean {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    const leg = this.#words[this.#currentLeg]!;
    this.#faults++;
    this.#words[this.#receiveCursor]!++;
    this.#exports.engineAbandonLeg(leg);
    const wasOpen = this.#settings.has(leg);
    this.#forget(leg);
    return wasOpen;
  }
}
