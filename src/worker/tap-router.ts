/**
 * The streams of one worker: starts them on legs, brings them the frames that the engine has written, lets them look
 * after their playback, and stops them with their leg. The audio stays in this thread.
 */

import type { Clock } from "../base/clock.ts";
import { GatewayError } from "../base/errors.ts";
import type { FrameView } from "../media/frame-view.ts";
import type { MediaCore } from "../media/media-core.ts";
import { FrameSlab } from "../streams/frame-slab.ts";
import { MediaStream, type StreamMedia } from "../streams/media-stream.ts";
import type { StreamDefaults, StreamEvent } from "../streams/stream-types.ts";
import { playbackOf } from "./leg-playback.ts";
import type { LegEntry } from "./leg-table.ts";
import type { LegId, StreamStart } from "./protocol.ts";

/** What the router needs. */
export interface TapRouterOptions {
  readonly core: MediaCore;
  readonly clock: Clock;
  readonly defaults: StreamDefaults;
  /** Takes frames of taps that are no streams. @returns false when they are nobody's */
  readonly onTapFrame: (frame: FrameView) => boolean;
  readonly onStreamEvent: (legId: LegId, streamSid: string, event: StreamEvent) => void;
}

interface Tap {
  readonly legId: LegId;
  readonly stream: MediaStream;
}

/** What the engine takes as an identifier of a stream. */
const STREAM_SID = /^[A-Za-z0-9_-]{1,64}$/;

export class TapRouter {
  readonly #options: TapRouterOptions;
  readonly #slab = new FrameSlab();
  /** All streams whose socket is not closed yet. */
  readonly #bySid = new Map<string, Tap>();
  /** The engine's number → the stream that its frames go to. */
  readonly #byNumber: (MediaStream | undefined)[] = [];
  #framesOut = 0;
  #framesDropped = 0;
  #waiting: (() => void)[] = [];
  #nowMs = 0;

  constructor(options: TapRouterOptions) {
    this.#options = options;
  }

  /** Streams that are connecting or open. */
  get liveCount(): number {
    let count = 0;
    for (const { stream } of this.#bySid.values()) if (stream.isLive) count++;
    return count;
  }

  get framesOut(): number {
    return this.#framesOut;
  }

  /** Frames left out because a consumer was too slow, or its stream had ended meanwhile. */
  get framesDropped(): number {
    let count = this.#framesDropped;
    for (const { stream } of this.#bySid.values()) count += stream.framesLeftOut;
    return count;
  }

  /**
   * Starts a stream on a leg; what comes of it is told as events.
   * @throws RangeError for an identifier that is wrong or taken, TypeError for a URL that cannot be parsed, GatewayError
   *   MEDIA_BUSY when the leg has a bidirectional stream already
   */
  start(start: StreamStart, leg: LegEntry): void {
    const { streamSid } = start;
    if (!STREAM_SID.test(streamSid)) throw new RangeError("streamSid: 1 to 64 letters and digits");
    if (start.tracks.length === 0 || start.tracks.some((track) => track !== "inbound" && track !== "outbound"))
      throw new RangeError("tracks: inbound, outbound or both");
    if (this.#bySid.has(streamSid)) throw new RangeError(`streamSid: ${streamSid} is in use`);
    if (start.kind === "bidirectional" && this.isPlayedTo(leg.legId))
      throw new GatewayError("MEDIA_BUSY", `leg ${leg.legId} has a bidirectional stream already`);
    const { defaults, clock, onStreamEvent } = this.#options;
    const stream: MediaStream = new MediaStream({
      description: start,
      defaults,
      clock,
      slab: this.#slab,
      media: this.#mediaFor(start, leg, () => stream),
      onEvent: (event) => onStreamEvent(leg.legId, streamSid, event),
      onGone: () => this.#onGone(streamSid),
    });
    this.#bySid.set(streamSid, { legId: leg.legId, stream });
    stream.connect();
  }

  /** Ends a stream; one that is not there has ended on its own, which is no error. */
  stop(streamSid: string, closeCode: number): void {
    this.#bySid.get(streamSid)?.stream.stop(closeCode);
  }

  /** Ends the streams of a leg that is about to be closed. */
  stopLeg(legId: LegId, closeCode: number): void {
    for (const tap of [...this.#bySid.values()]) if (tap.legId === legId) tap.stream.stop(closeCode);
  }

  /** Ends all; resolves when the last socket is gone, at most a little over 2 s. */
  async stopAll(closeCode: number): Promise<void> {
    for (const { stream } of [...this.#bySid.values()]) stream.stop(closeCode);
    if (this.#bySid.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** True when a bidirectional stream plays to the leg, or is about to. */
  isPlayedTo(legId: LegId): boolean {
    for (const tap of this.#bySid.values())
      if (tap.legId === legId && tap.stream.isLive && tap.stream.description.kind === "bidirectional") return true;
    return false;
  }

  /** Overwrites what streams that are gone have left (R-COMP-7). */
  wipe(): void {
    if (this.#bySid.size === 0) this.#slab.wipe();
  }

  /** A key press on a leg. */
  sendDtmf(legId: LegId, digit: string): void {
    for (const tap of this.#bySid.values()) if (tap.legId === legId) tap.stream.sendDtmf(digit);
  }

  /** Sends what the engine's tick has written, then lets the streams look after their queues. */
  afterTick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#options.core.forEachFrame(this.#routeFrame);
    for (const { stream } of this.#bySid.values()) if (stream.needsAdvance) stream.advance(nowMs);
  }

  readonly #routeFrame = (frame: FrameView): void => {
    const stream = this.#byNumber[frame.stream];
    if (stream === undefined && this.#options.onTapFrame(frame)) return;
    if (stream?.sendFrame(frame.bytes, frame.offset, frame.length, this.#nowMs) === true) this.#framesOut++;
    else this.#framesDropped++;
  };

  #onGone(streamSid: string): void {
    this.#framesDropped += this.#bySid.get(streamSid)?.stream.framesLeftOut ?? 0;
    this.#bySid.delete(streamSid);
    if (this.#bySid.size > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #mediaFor(start: StreamStart, leg: LegEntry, stream: () => MediaStream): StreamMedia {
    const { core, clock, defaults } = this.#options;
    let number = -1;
    return {
      playback: playbackOf(core, leg.slot),
      open: () => {
        number = core.openStream(
          { leg: leg.slot, tracks: start.tracks, streamSid: start.streamSid, fillSilence: defaults.fillSilence },
          clock.nowMs(),
        );
        this.#byNumber[number] = stream();
      },
      nextSequence: () => core.nextSequence(number),
      setCongested: (congested) => core.streamCongested(number, congested),
      close: () => {
        this.#byNumber[number] = undefined;
        core.closeStream(number);
      },
      readMediaMessage: (text) => {
        const octets = core.readMediaMessage(text, number);
        return octets < 0 ? undefined : core.decoded.subarray(0, octets);
      },
    };
  }
}
