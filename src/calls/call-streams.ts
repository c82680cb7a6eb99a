/**
 * The media streams of one call (media-streams.md 2, 8, 9): rules before a stream starts, names and track limits, alerts,
 * and the status callbacks. The stream itself runs in the media worker.
 */

import { isIP } from "node:net";
import { messageOf, StreamError } from "../base/errors.ts";
import { newSid } from "../base/ids.ts";
import { shownUrl } from "../voice/http-errors.ts";
import { twilioSignature } from "../voice/signature.ts";
import { checkStreamUrl } from "../voice/url-rules.ts";
import type { StreamNoun } from "../voice/verbs.ts";
import type { StreamEvent } from "../worker/protocol.ts";
import type { Call } from "./call.ts";
import type { CallContext } from "./call-context.ts";
import type { MediaLeg } from "./media-leg.ts";

/** Unidirectional tracks at a time on one call (media-streams.md 1). */
const TRACKS_MAX = 4;
const CODE_UNKNOWN = 31900;
const CODE_CLOSED = 31921;
const CODE_CONNECTOR = 31940;
const CODE_TRACK = 31941;
const PARAMETER_LENGTH_MAX = 500;

const TRACKS = new Map<string, readonly ("inbound" | "outbound")[]>([
  ["inbound_track", ["inbound"]],
  ["outbound_track", ["outbound"]],
  ["both_tracks", ["inbound", "outbound"]],
]);

/** How a stream ended; `error` is the text of StreamError, "" when it was stopped in order. */
export interface StreamEnding {
  readonly streamSid: string;
  readonly name: string;
  readonly error: string;
}

interface LiveStream {
  readonly sid: string;
  readonly name: string;
  readonly noun: StreamNoun;
  readonly kind: "unidirectional" | "bidirectional";
  readonly tracks: readonly ("inbound" | "outbound")[];
  readonly url: string;
  readonly ended: PromiseWithResolvers<StreamEnding>;
  hasEnded: boolean;
}

export class CallStreams {
  readonly #ctx: CallContext;
  readonly #call: Call;
  readonly #media: MediaLeg;
  readonly #authToken: string;
  readonly #live = new Map<string, LiveStream>();

  constructor(ctx: CallContext, call: Call, media: MediaLeg, authToken: string) {
    this.#ctx = ctx;
    this.#call = call;
    this.#media = media;
    this.#authToken = authToken;
    media.listen({
      onStreamEvent: (streamSid, event) => this.#event(streamSid, event),
      onLegLost: () => {
        for (const stream of [...this.#live.values()]) this.#finish(stream, `${CODE_UNKNOWN} - media worker lost`);
      },
    });
  }

  /**
   * Starts a stream. A stream that cannot start raises its alert and its `stream-error`, and its ending is there at once.
   * @param documentUrl - base of a relative URL, null for TwiML without one
   */
  async start(
    noun: StreamNoun,
    kind: LiveStream["kind"],
    documentUrl: string | null,
  ): Promise<{ ended: Promise<StreamEnding> }> {
    const sid = newSid("MZ");
    const stream: LiveStream = {
      sid,
      name: noun.name === "" ? sid : noun.name,
      noun,
      kind,
      tracks: TRACKS.get(noun.track) ?? [],
      url: noun.url,
      ended: Promise.withResolvers<StreamEnding>(),
      hasEnded: false,
    };
    try {
      await this.#begin(stream, documentUrl);
    } catch (error) {
      const code = error instanceof StreamError ? error.alertCode : CODE_UNKNOWN;
      this.#alert(stream, code, messageOf(error), "error");
      this.#finish(stream, `${code} - ${messageOf(error)}`);
    }
    return { ended: stream.ended.promise };
  }

  /** `<Stop><Stream name>`: false when no such stream runs. Bidirectional streams are not stopped so (media-streams.md 1). */
  stop(name: string): boolean {
    const stream = [...this.#live.values()].find(
      (one) => one.kind === "unidirectional" && (one.name === name || one.sid === name),
    );
    if (stream === undefined) return false;
    void this.#media.stopStream(stream.sid, 1000).catch(() => undefined);
    return true;
  }

  /** Ends the streams of a kind, as another document or the end of the call does; resolves when all have ended. */
  async stopAll(kind?: LiveStream["kind"]): Promise<void> {
    const streams = [...this.#live.values()].filter((stream) => kind === undefined || stream.kind === kind);
    await Promise.all(
      streams.map(async (stream) => {
        await this.#media.stopStream(stream.sid, 1000).catch(() => this.#finish(stream, ""));
        if (this.#media.closed) this.#finish(stream, "");
        await stream.ended.promise;
      }),
    );
  }

  async #begin(stream: LiveStream, documentUrl: string | null): Promise<void> {
    const { noun, kind, tracks } = stream;
    if (noun.connectorName !== "")
      throw new StreamError(CODE_CONNECTOR, "connectorName is not supported: leave it out");
    if (tracks.length === 0)
      throw new StreamError(CODE_TRACK, `track "${noun.track}" is none of inbound_track, outbound_track, both_tracks`);
    if (kind === "bidirectional" && noun.track !== "inbound_track")
      throw new StreamError(CODE_TRACK, `<Connect><Stream> takes only inbound_track, not "${noun.track}"`);
    const live = [...this.#live.values()];
    if (live.some((one) => one.name === stream.name))
      throw new StreamError(CODE_UNKNOWN, `name in use: "${stream.name}"`);
    if (kind === "bidirectional" && live.some((one) => one.kind === "bidirectional"))
      throw new StreamError(CODE_UNKNOWN, "a bidirectional stream runs already");
    const used = live.filter((one) => one.kind === "unidirectional").reduce((sum, one) => sum + one.tracks.length, 0);
    if (kind === "unidirectional" && used + tracks.length > TRACKS_MAX)
      throw new StreamError(CODE_UNKNOWN, `more than ${TRACKS_MAX} tracks on one call`);
    const url = checkStreamUrl(noun.url, documentUrl, this.#ctx.settings.streams);
    const { address } = await this.#ctx.webhooks.resolve(new URL(url).hostname);
    this.#live.set(stream.sid, stream);
    const { host, protocol } = new URL(url);
    this.#call.audio.streamed({ streamSid: stream.sid, host, encrypted: protocol === "wss:" });
    this.#call.note("stream", `stream ${stream.name} to ${shownUrl(url)}`, {
      code: "stream.started",
      streamSid: stream.sid,
      kind,
    });
    await this.#media.startStream({
      streamSid: stream.sid,
      name: stream.name,
      callSid: this.#call.sid,
      accountSid: this.#call.details.accountSid,
      kind,
      tracks,
      url,
      signature: twilioSignature(this.#authToken, url, []),
      connectAddress: address,
      localAddress: this.#streamFrom(address),
      customParameters: this.#parameters(stream),
    });
  }

  /** The connection to the consumer leaves from the edge of the call (R-STRM-3); "" where the system chooses. */
  #streamFrom(consumer: string): string {
    const { localEdges } = this.#ctx;
    const { address } = localEdges.ofCall(this.#call).media;
    return localEdges.isSingle || isIP(address) !== isIP(consumer) ? "" : address;
  }

  #parameters(stream: LiveStream): (readonly [string, string])[] {
    const kept = new Map<string, string>();
    for (const [name, value] of stream.noun.parameters) {
      if (name.length + value.length < PARAMETER_LENGTH_MAX) kept.set(name, value);
      else this.#alert(stream, 12200, `Parameter "${name.slice(0, 40)}" is too long and was left out`, "warning");
    }
    return [...kept];
  }

  #event(streamSid: string, event: StreamEvent): void {
    const stream = this.#live.get(streamSid);
    if (stream === undefined) return;
    switch (event.type) {
      case "started":
        this.#call.note("stream", `stream ${stream.name} is up`, { code: "stream.up", streamSid });
        this.#callback(stream, "stream-started", "");
        break;
      case "warning":
        this.#alert(stream, event.alertCode, event.message, "warning");
        break;
      case "error":
        this.#alert(stream, event.alertCode, event.message, "error");
        this.#finish(stream, `${event.alertCode} - ${event.message}`);
        break;
      case "stopped":
        // A consumer that closes a one-way stream is an error, one that closes a two-way stream is how that ends.
        if (event.by === "consumer") {
          const text = `the consumer closed the connection with ${event.closeCode}`;
          this.#alert(stream, CODE_CLOSED, text, stream.kind === "unidirectional" ? "error" : "warning");
          this.#finish(
            stream,
            stream.kind === "unidirectional" ? `${CODE_CLOSED} - Stream - WebSocket - Close Error: ${text}` : "",
          );
        } else this.#finish(stream, "");
        break;
    }
  }

  #finish(stream: LiveStream, error: string): void {
    if (stream.hasEnded) return;
    stream.hasEnded = true;
    this.#live.delete(stream.sid);
    this.#call.note("stream", `stream ${stream.name} ended${error === "" ? "" : `: ${error}`}`, {
      code: error === "" ? "stream.ended" : "stream.failed",
      alert: error === "" ? null : Number.parseInt(error, 10) || null,
      url: shownUrl(stream.url),
      streamSid: stream.sid,
    });
    this.#callback(stream, error === "" ? "stream-stopped" : "stream-error", error);
    stream.ended.resolve({ streamSid: stream.sid, name: stream.name, error });
  }

  #callback(stream: LiveStream, event: string, error: string): void {
    const { statusCallback, statusCallbackMethod } = stream.noun;
    if (statusCallback === "") return;
    this.#ctx.callbacks.enqueue({
      key: stream.sid,
      url: statusCallback,
      method: statusCallbackMethod,
      authToken: this.#authToken,
      parameters: [
        ["AccountSid", this.#call.details.accountSid],
        ["CallSid", this.#call.sid],
        ["StreamSid", stream.sid],
        ["StreamName", stream.name],
        ["StreamEvent", event],
        ...(error === "" ? [] : ([["StreamError", error]] as const)),
        ["Timestamp", this.#ctx.clock.wallTime().toISOString()],
      ],
    });
  }

  #alert(stream: LiveStream, code: number, text: string, level: "error" | "warning"): void {
    this.#ctx.alerts.raise({
      code,
      level,
      text: `stream ${stream.name}: ${text}`,
      callSid: this.#call.sid,
      accountSid: this.#call.details.accountSid,
      url: stream.url,
    });
  }
}
