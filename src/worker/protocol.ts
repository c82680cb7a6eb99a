/**
 * The thread boundary: what the main thread asks of a media worker and what the worker tells. Plain data without
 * behaviour. Requests carry an id and get exactly one reply; notices are one way. Control only: audio never crosses.
 */

import type { LegOptions, SocketAddress } from "../media/leg-options.ts";
import type { LegEvent, LegStats } from "../media/media-events.ts";
import type { StreamDefaults, StreamDescription, StreamEvent } from "../streams/stream-types.ts";

/** Identifies a leg on the main thread: unique per process, never reused. */
export type LegId = number;

/** Given to the worker thread as `workerData`. */
export interface WorkerConfig {
  readonly workerIndex: number;
  /** URL of the WASM module. */
  readonly wasmUrl: string;
  /** Fixed at start; memory is taken once. */
  readonly legCountMax: number;
  /** RTP ports are even numbers of this range; 0,0 means any free ones. Workers get disjoint ranges. */
  readonly portMin: number;
  readonly portMax: number;
  /** Addresses that have a range of their own, which is this worker's part of it; default none. */
  readonly portRanges?: readonly PortRange[];
  /** "batched" needs koffi on Linux; "dgram" always works; "auto" takes the first that loads. */
  readonly datagrams: "auto" | "batched" | "dgram";
  /** Mark of media packets (SIP-TP-16), 0 to 63. */
  readonly dscp: number;
  readonly stream: StreamDefaults;
}

/** RTP ports of one local address, as `portMin` and `portMax`. */
export interface PortRange {
  readonly address: string;
  readonly portMin: number;
  readonly portMax: number;
}

/** A leg's sockets as they were bound. */
export interface LegPorts {
  readonly address: string;
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

/** A media stream to start, and the leg that it listens to. */
export interface StreamStart extends StreamDescription {
  readonly legId: LegId;
}

/** A recording to begin: both parties of a leg into one WAV file, mixed or one in each channel (what we hear, then say). */
export interface RecordingStart {
  readonly legId: LegId;
  /** Chosen by the main thread, unique while it is recorded. */
  readonly recordingId: number;
  /** Created, or emptied; nothing is read from it but with `resume`. */
  readonly path: string;
  readonly channels: 1 | 2;
  readonly encoding: "mulaw" | "pcm16";
  /** Channel of what we hear, where there are two; default 1. */
  readonly inboundChannel?: 1 | 2;
  /** Goes on at the end of a file that a recording of this format has left; default false. */
  readonly resume?: boolean;
  /** Leaves out the silence before the first sound and behind the last one (R-REC-5); default false. */
  readonly trim?: boolean;
  /** Ends it when the file has so many octets of samples; default: none. */
  readonly dataBytesMax?: number;
}

/** The same recording on another leg of the worker. */
export type RecordingMove = Required<Pick<RecordingStart, "recordingId" | "legId" | "inboundChannel">>;

/** What became of a recording; 8000 samples a second. */
export interface RecordingResult {
  readonly dataBytes: number;
  /** Octets that a disk too slow or too full has cost. */
  readonly droppedBytes: number;
  /** Why the file ended before its time, or null. */
  readonly error: string | null;
}

/** What is heard on a leg until it ends or is stopped; a new one replaces the old. */
export type PlaySource =
  /** A whole audio file (WAV PCM 8/16 bit or G.711, any rate; raw mu-law with `mediaType` audio/basic or ulaw). */
  | { readonly kind: "file"; readonly bytes: Uint8Array; readonly mediaType: string; readonly loop: number }
  /** Repeating cadence of sine tones; `onMs` then `offMs`; `loop` 0 is for ever. */
  | {
      readonly kind: "tone";
      readonly frequenciesHz: readonly number[];
      readonly onMs: number;
      readonly offMs: number;
      readonly levelDbm0: number;
      readonly loop: number;
    };

/** Main → worker. `T` names what the reply carries. */
export interface WorkerRequests {
  /** Binds up to `count` port pairs on `address` for legs to come; fewer where there are no more. */
  "reserve-ports": { args: { address: string; count: number }; reply: readonly LegPorts[] };
  /** Gives back a pair that was reserved and got no leg. */
  "release-ports": { args: { address: string; rtpPort: number }; reply: null };
  /**
   * Binds a port pair on `address`, or takes the reserved one of `rtpPort`, and takes an engine slot; media flows once
   * `configure-leg` has set a remote.
   */
  "open-leg": { args: { legId: LegId; address: string; options: LegOptions; rtpPort?: number }; reply: LegPorts };
  "configure-leg": { args: { legId: LegId; options: LegOptions }; reply: null };
  "close-leg": { args: { legId: LegId }; reply: LegStats };
  /** Both legs are in this worker; an older bridge of either ends. */
  bridge: { args: { a: LegId; b: LegId }; reply: null };
  unbridge: { args: { legId: LegId }; reply: null };
  "leg-stats": { args: { legId: LegId }; reply: LegStats };
  /**
   * Replies when playing has begun; `play-ended` follows. `durationMs` is that of one pass. Rejects with code 13420 in
   * the message for an unknown type, with MEDIA_BUSY while a bidirectional stream plays to the leg.
   */
  play: { args: { legId: LegId; playId: number; source: PlaySource }; reply: { durationMs: number } };
  "stop-play": { args: { legId: LegId }; reply: null };
  /** Digits into the leg (DTMF-2, DTMF-5), `w` and `W` pauses allowed; replies when the last has gone out. */
  "send-digits": { args: { legId: LegId; digits: string }; reply: null };
  /** Replies at once; `stream-event` follows. */
  "start-stream": { args: StreamStart; reply: null };
  /** Sends `stop` and closes; `closeCode` 1000, or 1001 at shutdown. */
  "stop-stream": { args: { streamSid: string; closeCode: number }; reply: null };
  /** A digit that came by SIP INFO, for the streams of the leg. */
  "signal-dtmf": { args: { legId: LegId; digit: string }; reply: null };
  "start-recording": { args: RecordingStart; reply: null };
  /** Goes on with another leg of this worker without a gap. */
  "move-recording": { args: RecordingMove; reply: null };
  /**
   * Replies when the file is closed; `keepTail` when another recording will resume it. The end of a leg ends its recordings as
   * well: until their files are closed they can still be asked for here.
   */
  "stop-recording": { args: { recordingId: number; keepTail?: boolean }; reply: RecordingResult };
  load: { args: null; reply: WorkerLoad };
  /** Stops streams (1001), closes all legs and sockets, then the thread ends. */
  shutdown: { args: null; reply: null };
}

export type WorkerRequestName = keyof WorkerRequests;

export interface WorkerRequest<N extends WorkerRequestName = WorkerRequestName> {
  readonly id: number;
  readonly name: N;
  readonly args: WorkerRequests[N]["args"];
}

export type WorkerReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

/** What a worker measures about itself. */
export interface WorkerLoad {
  readonly legs: number;
  readonly streams: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** Frames sent to WebSocket consumers. */
  readonly framesOut: number;
  readonly framesDropped: number;
  /** Ticks that came more than 5 ms late since the last report, and the worst lateness. */
  readonly lateTicks: number;
  readonly worstLatenessMs: number;
  /** Event-loop utilisation, 0 to 1. */
  readonly utilisation: number;
  readonly datagrams: "batched" | "dgram";
}

/** Worker → main, unasked. */
export type WorkerNotice =
  /** First message of a thread; `abiVersion` of its module. */
  | {
      readonly notice: "ready";
      readonly abiVersion: number;
      readonly datagrams: "batched" | "dgram";
      readonly why: string;
    }
  | { readonly notice: "leg-event"; readonly legId: LegId; readonly event: LegEvent }
  /** The engine failed on this leg and gave it up: sockets and streams are closed, `close-leg` is not needed. */
  | { readonly notice: "leg-lost"; readonly legId: LegId; readonly reason: string }
  | { readonly notice: "stream-event"; readonly legId: LegId; readonly streamSid: string; readonly event: StreamEvent }
  | { readonly notice: "play-ended"; readonly legId: LegId; readonly playId: number; readonly completed: boolean }
  /** The file of a recording cannot be written any more; the call goes on. `stop-recording` still tells what there is. */
  | {
      readonly notice: "recording-failed";
      readonly legId: LegId;
      readonly recordingId: number;
      readonly reason: string;
    }
  /** Sent about every second; silence for 3 s makes the watchdog replace the thread. */
  | { readonly notice: "load"; readonly load: WorkerLoad }
  | {
      readonly notice: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly message: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

export type WorkerMessage = WorkerReply | WorkerNotice;

/**
 * How long either side gathers what it has to say. Waking a thread costs more than most of what it is woken for, and a frame
 * lasts 20 ms.
 */
export const GATHER_MS = 2;

/** What crosses at once: whatever was said meanwhile, in order. One message wakes the other thread once. */
export type WorkerRequestBatch = readonly WorkerRequest[];
export type WorkerMessageBatch = readonly WorkerMessage[];

/** Used by scheduler and calls to name where media is to go. */
export type { LegEvent, LegOptions, LegStats, SocketAddress, StreamDefaults, StreamEvent };
