/** A `MediaStream` with a leg whose engine is a plain ring, and a record of all that it tells. */
import { createHmac } from "node:crypto";
import type { Clock } from "../../src/base/clock.ts";
import { SystemClock } from "../../src/base/clock.ts";
import { MediaStream, type StreamMedia } from "../../src/streams/media-stream.ts";
import type { StreamDefaults, StreamDescription, StreamEvent } from "../../src/streams/stream-types.ts";
import { PlaybackRing } from "./playback-ring.ts";

export const AUTH_TOKEN = "12345678901234567890123456789012";
export const STREAM_SID = `MZ${"1".repeat(32)}`;

export const STREAM_DEFAULTS: StreamDefaults = {
  userAgent: "Twilio.TmeWs/1.0",
  connectTimeoutMs: 5000,
  upgradeTimeoutMs: 5000,
  maxSendBufferMs: 2000,
  playbackBufferSeconds: 600,
  maxMessageBytes: 16 * 1024 * 1024,
  pendingMarksMax: 10_000,
  fillSilence: true,
  caPem: "",
  tlsVerify: true,
};

/** X-Twilio-Signature of a stream URL (media-streams.md 2.2). */
export function signatureOf(url: string): string {
  return createHmac("sha1", AUTH_TOKEN).update(url).digest("base64");
}

export function describeStream(url: string, more: Partial<StreamDescription> = {}): StreamDescription {
  return {
    streamSid: STREAM_SID,
    name: "test",
    callSid: `CA${"2".repeat(32)}`,
    accountSid: `AC${"3".repeat(32)}`,
    kind: "bidirectional",
    tracks: ["inbound"],
    url,
    signature: signatureOf(url),
    connectAddress: "",
    localAddress: "",
    customParameters: [],
    ...more,
  };
}

/** A masked text frame, as the engine writes them. */
export function clientFrame(text: string, maskingKey = Buffer.from([1, 2, 3, 4])): Buffer {
  const payload = Buffer.from(text);
  const header = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    header.writeUInt16BE(0x81fe);
    header.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([header, maskingKey, payload.map((octet, i) => octet ^ maskingKey[i % 4]!)]);
}

/** The engine's part, in plain JavaScript: numbering, a ring, a congestion flag. */
export class TestMedia implements StreamMedia {
  readonly playback = new PlaybackRing();
  isOpen = false;
  failure: Error | undefined;
  congested: boolean[] = [];
  #sequence = 0;

  open(): void {
    if (this.failure !== undefined) throw this.failure;
    this.isOpen = true;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  setCongested(congested: boolean): void {
    this.congested.push(congested);
  }

  close(): void {
    this.isOpen = false;
  }

  readMediaMessage(): undefined {
    return undefined;
  }
}

export interface StreamHarness {
  readonly stream: MediaStream;
  readonly media: TestMedia;
  readonly events: StreamEvent[];
  /** Resolves when the socket is gone. */
  readonly gone: Promise<void>;
  /** Resolves when an event of this type has come. */
  until(type: StreamEvent["type"]): Promise<StreamEvent>;
}

/** Makes a stream and connects it. */
export function startStream(
  description: StreamDescription,
  defaults: Partial<StreamDefaults> = {},
  clock: Clock = new SystemClock(),
): StreamHarness {
  const media = new TestMedia();
  const events: StreamEvent[] = [];
  const waiting: { type: string; resolve: (event: StreamEvent) => void }[] = [];
  const gone = Promise.withResolvers<void>();
  const stream = new MediaStream({
    description,
    defaults: { ...STREAM_DEFAULTS, ...defaults },
    media,
    clock,
    onEvent: (event) => {
      events.push(event);
      for (const one of waiting) if (one.type === event.type) one.resolve(event);
    },
    onGone: gone.resolve,
  });
  stream.connect();
  return {
    stream,
    media,
    events,
    gone: gone.promise,
    until: (type) =>
      new Promise((resolve) => {
        const there = events.find((event) => event.type === type);
        if (there !== undefined) resolve(there);
        else waiting.push({ type, resolve });
      }),
  };
}
