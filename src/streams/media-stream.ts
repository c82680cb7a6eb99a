/**
 * One media stream (media-streams.md): the protocol between a leg's audio and a consumer. Joins the connection, the
 * playback queue and the message formats by the table of `stream-state.ts`. The engine writes the `media` messages;
 * they pass through here only to be counted against the backlog. Knows nothing of threads.
 */

import type { Clock } from "../base/clock.ts";
import { messageOf } from "../base/errors.ts";
import { step } from "../base/machine.ts";
import { PlaybackQueue, type PlaybackSink } from "../media/playback-queue.ts";
import { type ConsumerMessageHandler, type MediaMessageReader, readConsumerMessage } from "./consumer-messages.ts";
import type { FrameSlab } from "./frame-slab.ts";
import { CONNECTED_MESSAGE, dtmfMessage, markMessage, startMessage, stopMessage } from "./messages.ts";
import { type ClientEnd, StreamClient } from "./stream-client.ts";
import { alertText, type StreamAlertCode } from "./stream-errors.ts";
import { STREAM_TABLE, type StreamAction, type StreamInput, type StreamState } from "./stream-state.ts";
import type { StreamDefaults, StreamDescription, StreamEvent } from "./stream-types.ts";

/** The engine's side of one stream, given by whoever owns the leg. */
export interface StreamMedia extends MediaMessageReader {
  /** Begins to make frames; called when `start` is about to be sent. May throw when the engine has no place. */
  open(): void;
  /** The next number of this stream; the first is 1. */
  nextSequence(): number;
  /** While congested the engine leaves media messages out. */
  setCongested(congested: boolean): void;
  /** Ends frames. Not called unless `open` was. */
  close(): void;
  /** The leg's playback ring. */
  readonly playback: PlaybackSink;
}

/** What a stream is made of. */
export interface MediaStreamOptions {
  readonly description: StreamDescription;
  readonly defaults: StreamDefaults;
  readonly media: StreamMedia;
  readonly clock: Clock;
  readonly onEvent: (event: StreamEvent) => void;
  /** Called once when even the socket is gone, after the last event. */
  readonly onGone?: () => void;
  readonly slab?: FrameSlab;
}

/** What one media message costs on the wire at most, frame header included (5.7). */
const MEDIA_FRAME_BYTES = 400;
/** A backlog that stays over its limit for this long belongs to a consumer that will not come back. */
const STUCK_MS = 60_000;
const OCTETS_PER_SECOND = 8000;
const FRAME_MS = 20;

export class MediaStream {
  readonly description: StreamDescription;

  readonly #options: MediaStreamOptions;
  readonly #client: StreamClient;
  readonly #playback: PlaybackQueue | undefined;
  readonly #handler: ConsumerMessageHandler;
  readonly #backlogLimitBytes: number;
  readonly #warned = new Set<StreamAlertCode>();
  #state: StreamState = "connecting";
  #end: ClientEnd | undefined;
  #closeCode = 1000;
  #mediaIsOpen = false;
  #congestedSinceMs: number | undefined;
  #framesLeftOut = 0;

  /** @throws TypeError when the URL cannot be parsed */
  constructor(options: MediaStreamOptions) {
    const { description, defaults, media, clock } = options;
    this.description = description;
    this.#options = options;
    this.#backlogLimitBytes =
      Math.ceil(defaults.maxSendBufferMs / FRAME_MS) * MEDIA_FRAME_BYTES * Math.max(1, description.tracks.length);
    if (description.kind === "bidirectional")
      this.#playback = new PlaybackQueue(media.playback, {
        octetsMax: defaults.playbackBufferSeconds * OCTETS_PER_SECOND,
        marksMax: defaults.pendingMarksMax,
      });
    this.#handler = {
      onMedia: (octets) => this.#onMedia(octets),
      onMark: (name) => this.#onMark(name),
      onClear: () => this.#onClear(),
      onFault: (code, detail) => this.#warn(code, detail),
    };
    this.#client = new StreamClient(
      { stream: description, defaults, clock },
      {
        onUpgraded: () => this.#input("upgraded"),
        onMessage: (data, isBinary) => this.#onMessage(data, isBinary),
        onEnd: (end) => {
          this.#end = end;
          this.#input(end.kind);
        },
        onGone: () => this.#input("gone"),
      },
      options.slab,
    );
  }

  /** Frames left out for a consumer that was too slow, reckoned by the time that it was. */
  get framesLeftOut(): number {
    return this.#framesLeftOut;
  }

  /** True until nothing more will be sent or reported. */
  get isLive(): boolean {
    return this.#state === "connecting" || this.#state === "open";
  }

  /** True once even the socket is gone. */
  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** True while {@link advance} has something to look after. */
  get needsAdvance(): boolean {
    return this.#congestedSinceMs !== undefined || (this.#playback !== undefined && !this.#playback.isIdle);
  }

  /** Connects; everything that follows is told by `onEvent`. */
  connect(): void {
    this.#client.connect();
  }

  /** Ends the stream from our side: `stop`, close frame, at most 2 s of waiting. */
  stop(closeCode: number): void {
    this.#closeCode = closeCode;
    this.#input("stop");
  }

  /**
   * Takes one `media` message that the engine wrote, as a whole masked WebSocket frame.
   * @returns false when the stream is not open
   */
  sendFrame(bytes: Uint8Array, offset: number, length: number, nowMs: number): boolean {
    if (this.#state !== "open") return false;
    this.#client.writeFrame(bytes, offset, length, nowMs);
    if (this.#congestedSinceMs === undefined && this.#client.backlogBytes > this.#backlogLimitBytes) {
      this.#congestedSinceMs = nowMs;
      this.#options.media.setCongested(true);
      this.#warn(31930, "the consumer reads too slowly, audio is left out");
    }
    return true;
  }

  /** A key press on the leg; only bidirectional streams tell it (4.4). */
  sendDtmf(digit: string): void {
    if (this.#state !== "open" || this.#playback === undefined) return;
    this.#client.sendText(dtmfMessage(this.description.streamSid, this.#options.media.nextSequence(), digit));
  }

  /** To be called after each tick of the engine while {@link needsAdvance}. */
  advance(nowMs: number): void {
    if (this.#state !== "open") return;
    this.#advancePlayback();
    if (this.#congestedSinceMs === undefined) return;
    if (this.#client.backlogBytes * 2 <= this.#backlogLimitBytes) {
      this.#countLeftOut(nowMs);
      this.#congestedSinceMs = undefined;
      this.#options.media.setCongested(false);
    } else if (nowMs - this.#congestedSinceMs >= STUCK_MS) {
      this.#end = { kind: "broken", detail: "the consumer has stopped reading" };
      this.#input("broken");
    }
  }

  #input(input: StreamInput): void {
    const row = step(STREAM_TABLE, this.#state, input);
    if (row === undefined) return;
    this.#state = row.next;
    for (const action of row.actions) this.#perform(action);
    if (row.next === "ended") this.#options.onGone?.();
  }

  #perform(action: StreamAction): void {
    switch (action) {
      case "announce":
        this.#announce();
        break;
      case "say-goodbye":
        this.#client.sendText(stopMessage(this.description, this.#options.media.nextSequence()));
        this.#client.close(this.#closeCode);
        break;
      case "await-close":
        this.#client.awaitClose();
        break;
      case "end-media":
        if (this.#mediaIsOpen) this.#endMedia();
        break;
      case "drop":
        this.#client.drop();
        break;
      case "report-stopped":
        this.#options.onEvent({ type: "stopped", by: "gateway", closeCode: this.#closeCode });
        break;
      case "report-failure":
        this.#reportFailure();
        break;
      case "report-peer-close":
        this.#reportPeerClose();
        break;
      case "report-fault":
        this.#error(31924, this.#detail());
        break;
      case "report-broken":
        this.#error(31903, this.#detail());
        break;
    }
  }

  #announce(): void {
    try {
      this.#options.media.open();
      this.#mediaIsOpen = true;
    } catch (error) {
      // The leg went while we connected, or the engine is full.
      this.#end = { kind: "connect-failed", alertCode: 31900, detail: messageOf(error) };
      this.#input("connect-failed");
      return;
    }
    this.#client.sendText(CONNECTED_MESSAGE);
    this.#client.sendText(startMessage(this.description, this.#options.media.nextSequence()));
    this.#options.onEvent({ type: "started" });
  }

  #countLeftOut(nowMs: number): void {
    if (this.#congestedSinceMs === undefined) return;
    const frames = Math.floor((nowMs - this.#congestedSinceMs) / FRAME_MS);
    this.#framesLeftOut += Math.max(0, frames) * this.description.tracks.length;
  }

  #endMedia(): void {
    this.#mediaIsOpen = false;
    this.#countLeftOut(this.#options.clock.nowMs());
    this.#congestedSinceMs = undefined;
    this.#options.media.close();
    // Unplayed audio is dropped with its stream (8).
    if (this.#playback !== undefined) this.#playback.clear();
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#state !== "open") return;
    if (this.#playback === undefined) {
      this.#warn(31951, "a unidirectional stream takes no messages");
      return;
    }
    try {
      readConsumerMessage(data, isBinary, this.description.streamSid, this.#options.media, this.#handler);
    } catch (error) {
      // A fault of ours that one consumer found must not cost the thread, which carries other calls.
      this.#end = { kind: "connect-failed", alertCode: 31900, detail: messageOf(error) };
      this.#input("connect-failed");
    }
  }

  #onMedia(octets: Uint8Array): void {
    const taken = this.#playback?.append(octets) ?? 0;
    if (taken < octets.length) this.#warn(31931, "the playback queue is full");
    this.#advancePlayback();
  }

  #onMark(name: string): void {
    if (this.#playback?.mark(name) === false) this.#warn(31951, "too many marks wait");
    this.#advancePlayback();
  }

  #onClear(): void {
    this.#playback?.clear();
    this.#advancePlayback();
  }

  #advancePlayback(): void {
    this.#playback?.advance(this.#sendMark);
  }

  readonly #sendMark = (name: string): void => {
    this.#client.sendText(markMessage(this.description.streamSid, this.#options.media.nextSequence(), name));
  };

  #reportFailure(): void {
    if (this.#end?.kind === "connect-failed") this.#error(this.#end.alertCode, this.#end.detail);
    else this.#error(31920, "the connection was closed during the handshake");
  }

  #reportPeerClose(): void {
    const closeCode = this.#end?.kind === "peer-closed" ? this.#end.closeCode : 1005;
    const isOrdinary = closeCode === 1000 || closeCode === 1001 || closeCode === 1005;
    if (this.description.kind === "bidirectional" && isOrdinary)
      this.#options.onEvent({ type: "stopped", by: "consumer", closeCode });
    else this.#error(31921, `closed by the consumer with code ${closeCode}`);
  }

  #detail(): string {
    return this.#end !== undefined && "detail" in this.#end ? this.#end.detail : "";
  }

  #error(alertCode: StreamAlertCode, detail: string): void {
    this.#options.onEvent({ type: "error", alertCode, message: alertText(alertCode, detail) });
  }

  /** Each class of fault is told once a stream (7.1). */
  #warn(alertCode: StreamAlertCode, detail: string): void {
    if (this.#warned.has(alertCode)) return;
    this.#warned.add(alertCode);
    this.#options.onEvent({ type: "warning", alertCode, message: alertText(alertCode, detail) });
  }
}
