/**
 * One media worker without its thread: requests in, replies and notices out, datagrams between sockets and engine, the
 * engine's ticks. `media-worker.ts` puts it into a thread; tests run it as it is. Policy is the main thread's: this does
 * what it is told, to the legs that it has.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { GatewayError, MediaError, messageOf } from "../base/errors.ts";
import type { AddressWords } from "../media/address.ts";
import type { DatagramView } from "../media/datagram-view.ts";
import type { MediaCore } from "../media/media-core.ts";
import type { LegEvent, LegStats } from "../media/media-events.ts";
import type { DatagramPorts, DatagramSink } from "./datagram-port.ts";
import { LegAudio } from "./leg-audio.ts";
import { type LegEntry, LegTable } from "./leg-table.ts";
import { PortRanges } from "./port-ranges.ts";
import type {
  LegPorts,
  WorkerConfig,
  WorkerLoad,
  WorkerMessage,
  WorkerRequest,
  WorkerRequestName,
  WorkerRequests,
} from "./protocol.ts";
import { Recordings } from "./recordings.ts";
import { ReservedPorts } from "./reserved-ports.ts";
import { TapRouter } from "./tap-router.ts";
import { Ticker } from "./ticker.ts";

/** What a worker is made of. */
export interface WorkerCoreOptions {
  readonly config: WorkerConfig;
  readonly core: MediaCore;
  /** Makes the sockets; what they receive goes to `sink`. */
  readonly openPorts: (sink: DatagramSink) => DatagramPorts;
  readonly clock: Clock;
  readonly post: (message: WorkerMessage) => void;
  /** Share of the time since its last call that the event loop was busy, 0 to 1. */
  readonly utilisation: () => number;
  /** Called when everything is closed after `shutdown`. */
  readonly onShutdown: () => void;
  /** Pair of the port range to begin with, see `UdpPorts`. */
  readonly firstPair?: number;
}

type Handlers = {
  readonly [N in WorkerRequestName]: (
    args: WorkerRequests[N]["args"],
  ) => WorkerRequests[N]["reply"] | Promise<WorkerRequests[N]["reply"]>;
};

const LOAD_REPORT_MS = 1000;
/** Two hundred calls a second whose pairs rest for 10 s; some 2 KiB of the kernel's memory each. */
const KEPT_PAIRS_MAX = 4096;

export class WorkerCore {
  readonly #options: WorkerCoreOptions;
  readonly #core: MediaCore;
  readonly #clock: Clock;
  readonly #ports: DatagramPorts;
  readonly #pairs: PortRanges;
  readonly #reserved: ReservedPorts;
  readonly #legs = new LegTable();
  readonly #taps: TapRouter;
  readonly #audio: LegAudio;
  readonly #recordings: Recordings;
  readonly #ticker: Ticker;
  /** Legs whose sockets are being bound. */
  readonly #opening = new Set<number>();
  #loadTimer: Timer | undefined;
  #faults = 0;
  #isClosing = false;
  /** A leg was closed since audio was wiped. */
  #hasRemains = false;

  constructor(options: WorkerCoreOptions) {
    const { config, core, clock } = options;
    this.#options = options;
    this.#core = core;
    this.#clock = clock;
    this.#ports = options.openPorts({
      bytes: core.bytes,
      place: () => this.#place(),
      accept: (socket, lengthBytes, source, port) => this.#accept(socket, lengthBytes, source, port),
    });
    this.#ports.onArrival = () => this.#receive(clock.nowMs());
    this.#pairs = new PortRanges(config, {
      ports: this.#ports,
      clock,
      firstPair: options.firstPair ?? 0,
      // Sockets of node:dgram are heavy, and read whether somebody polls or not.
      keptMax: this.#ports.kind === "batched" ? KEPT_PAIRS_MAX : 0,
    });
    this.#reserved = new ReservedPorts(this.#pairs);
    this.#recordings = new Recordings(core, (legId, recordingId, reason) =>
      options.post({ notice: "recording-failed", legId, recordingId, reason }),
    );
    this.#taps = new TapRouter({
      onTapFrame: (frame) => this.#recordings.accept(frame),
      core,
      clock,
      defaults: config.stream,
      onStreamEvent: (legId, streamSid, event) => options.post({ notice: "stream-event", legId, streamSid, event }),
    });
    this.#audio = new LegAudio(core, (legId, playId, completed) =>
      options.post({ notice: "play-ended", legId, playId, completed }),
    );
    this.#ticker = new Ticker(clock, this.#ports.needsPolling, {
      poll: (nowMs) => this.#poll(nowMs),
      tick: (nowMs) => this.#tick(nowMs),
    });
    this.#reportLoad();
  }

  /** "batched" or "dgram": how datagrams are read and sent. */
  get datagrams(): DatagramPorts["kind"] {
    return this.#ports.kind;
  }

  /** Carries out one request; exactly one reply is posted. */
  async handle(request: WorkerRequest): Promise<void> {
    const { id, name, args } = request;
    const { post } = this.#options;
    try {
      const handler = Object.hasOwn(this.#handlers, name) ? this.#handlers[name] : undefined;
      if (handler === undefined) throw new RangeError(`name: no request is called ${JSON.stringify(name)}`);
      const value = await (handler as (args: unknown) => unknown)(args);
      post({ id, ok: true, value });
      if (name === "shutdown") this.#options.onShutdown();
    } catch (error) {
      post({ id, ok: false, code: codeOf(error), message: messageOf(error) });
    }
  }

  readonly #handlers: Handlers = {
    "reserve-ports": ({ address, count }) => this.#reserved.reserve(address, count),
    "release-ports": ({ address, rtpPort }) => {
      this.#pairs.close(this.#reserved.take(address, rtpPort));
      return null;
    },
    "open-leg": (args) => this.#openLeg(args),
    "configure-leg": ({ legId, options }) => {
      const leg = this.#legs.get(legId);
      this.#core.configureLeg(leg.slot, options, this.#clock.nowMs());
      return null;
    },
    "close-leg": ({ legId }) => this.#closeLeg(this.#legs.get(legId)),
    bridge: ({ a, b }) => {
      this.#core.bridge(this.#legs.get(a).slot, this.#legs.get(b).slot, this.#clock.nowMs());
      return null;
    },
    unbridge: ({ legId }) => {
      this.#core.unbridge(this.#legs.get(legId).slot, this.#clock.nowMs());
      return null;
    },
    "leg-stats": ({ legId }) => this.#core.stats(this.#legs.get(legId).slot),
    play: ({ legId, playId, source }) => {
      const leg = this.#legs.get(legId);
      this.#refuseWhilePlayedTo(legId);
      return { durationMs: this.#audio.play(leg, playId, source) };
    },
    "stop-play": ({ legId }) => {
      this.#audio.stopPlay(this.#legs.get(legId));
      return null;
    },
    "send-digits": async ({ legId, digits }) => {
      const leg = this.#legs.get(legId);
      await this.#audio.sendDigits(leg, digits);
      return null;
    },
    "start-stream": (start) => {
      const leg = this.#legs.get(start.legId);
      this.#taps.start(start, leg);
      // The stream is now the only one that plays to the leg.
      if (start.kind === "bidirectional") this.#audio.stopPlay(leg);
      return null;
    },
    "stop-stream": ({ streamSid, closeCode }) => {
      this.#taps.stop(streamSid, closeCode);
      return null;
    },
    "signal-dtmf": ({ legId, digit }) => {
      if (!/^[0-9*#A-D]$/.test(digit)) throw new RangeError("digit: one of 0-9 * # A-D");
      this.#taps.sendDtmf(this.#legs.get(legId).legId, digit);
      return null;
    },
    "start-recording": (start) => {
      this.#recordings.start(start, this.#legs.get(start.legId).slot, this.#clock.nowMs());
      return null;
    },
    "move-recording": (move) => {
      this.#recordings.move(move, this.#legs.get(move.legId).slot, this.#clock.nowMs());
      return null;
    },
    "stop-recording": ({ recordingId, keepTail = false }) => this.#recordings.stop(recordingId, keepTail),
    load: () => this.#load(),
    shutdown: () => this.#shutdown(),
  };

  async #openLeg({ legId, address, options, rtpPort }: WorkerRequests["open-leg"]["args"]): Promise<LegPorts> {
    if (this.#legs.has(legId) || this.#opening.has(legId)) throw new RangeError(`legId: ${legId} is open already`);
    if (this.#isClosing) throw new MediaError("MEDIA_FULL", "the worker is closing");
    if (this.#legs.size + this.#opening.size >= this.#core.legCountMax)
      throw new MediaError("MEDIA_FULL", `all ${this.#core.legCountMax} legs of this worker are open`);
    this.#opening.add(legId);
    try {
      // Without an await where it can be: what is asked next of a leg with a reserved pair must find it.
      const pair = rtpPort === undefined ? await this.#pairs.open(address) : this.#reserved.take(address, rtpPort);
      try {
        if (this.#isClosing) throw new MediaError("MEDIA_FULL", "the worker is closing");
        const slot = this.#core.openLeg(options, this.#clock.nowMs());
        this.#legs.add({
          legId,
          slot,
          pair,
          player: undefined,
          digits: [],
        });
      } catch (error) {
        this.#pairs.close(pair);
        throw error;
      }
      this.#ticker.start();
      return { address, rtpPort: pair.rtpPort, rtcpPort: pair.rtcpPort };
    } finally {
      this.#opening.delete(legId);
    }
  }

  /** Two that play into one ring would spoil each other's audio and marks. */
  #refuseWhilePlayedTo(legId: number): void {
    if (this.#taps.isPlayedTo(legId))
      throw new GatewayError("MEDIA_BUSY", `a bidirectional stream plays to leg ${legId}`);
  }

  #closeLeg(leg: LegEntry): LegStats {
    this.#taps.stopLeg(leg.legId, 1000);
    this.#recordings.stopLeg(leg.legId, true);
    const stats = this.#core.closeLeg(leg.slot, this.#clock.nowMs());
    // The RTCP BYE leaves before its socket does.
    this.#core.forEachDatagram(this.#send);
    this.#forget(leg);
    return stats;
  }

  #forget(leg: LegEntry): void {
    this.#audio.closeLeg(leg);
    this.#legs.remove(leg);
    this.#pairs.close(leg.pair);
    this.#hasRemains = true;
    if (this.#legs.size === 0) this.#ticker.stop();
  }

  async #shutdown(): Promise<null> {
    this.#isClosing = true;
    const streamsGone = this.#taps.stopAll(1001);
    for (const leg of [...this.#legs.values()]) this.#closeLeg(leg);
    await streamsGone;
    await this.#recordings.settled();
    this.#ticker.stop();
    this.#loadTimer?.cancel();
    this.#ports.closeAll();
    return null;
  }

  /** Where the next datagram goes in the engine's memory; makes room when there is none. */
  #place(): number {
    const offset = this.#core.slotOffset();
    if (offset >= 0) return offset;
    this.#receive(this.#clock.nowMs());
    return this.#core.slotOffset();
  }

  #accept(socket: number, lengthBytes: number, source: Readonly<AddressWords>, port: number): void {
    const route = this.#legs.routeOf(socket);
    if (route < 0) return;
    this.#core.commitDatagram(route >> 1, (route & 1) as 0 | 1, lengthBytes, source, port);
  }

  #poll(nowMs: number): number {
    const count = this.#ports.poll();
    if (count > 0) this.#receive(nowMs);
    return count;
  }

  #receive(nowMs: number): void {
    this.#core.receive(nowMs);
    this.#core.forEachDatagram(this.#send);
    this.#afterEngine();
  }

  #tick(nowMs: number): void {
    this.#core.tick(nowMs);
    this.#core.forEachDatagram(this.#send);
    this.#taps.afterTick(nowMs);
    this.#audio.afterTick(this.#legs.values(), nowMs);
    this.#afterEngine();
  }

  readonly #send = (datagram: DatagramView): void => {
    const leg = this.#legs.atSlot(datagram.leg);
    if (leg === undefined) return;
    this.#ports.send(datagram.component === 0 ? leg.pair.rtpSocket : leg.pair.rtcpSocket, datagram);
  };

  #afterEngine(): void {
    this.#core.forEachEvent(this.#onEvent);
    if (this.#core.faults !== this.#faults) this.#dropFailedLegs();
  }

  readonly #onEvent = (event: LegEvent): void => {
    const leg = this.#legs.atSlot(event.leg);
    if (leg === undefined) return;
    if (event.type === "dtmf") this.#taps.sendDtmf(leg.legId, event.digit);
    this.#options.post({ notice: "leg-event", legId: leg.legId, event });
  };

  /** A trap in the engine costs one leg its place; the others go on (design: the engine survives its faults). */
  #dropFailedLegs(): void {
    this.#faults = this.#core.faults;
    for (const leg of [...this.#legs.values()]) {
      if (this.#core.has(leg.slot)) continue;
      this.#taps.stopLeg(leg.legId, 1011);
      this.#recordings.stopLeg(leg.legId, false);
      this.#forget(leg);
      const reason = "the media engine failed on this leg";
      this.#options.post({ notice: "leg-lost", legId: leg.legId, reason });
      this.#options.post({ notice: "log", level: "error", message: reason, fields: { legId: leg.legId } });
    }
  }

  /** R-COMP-7: at most a second behind the end of a call. */
  #wipeRemains(): void {
    if (!this.#hasRemains) return;
    this.#hasRemains = false;
    this.#receive(this.#clock.nowMs());
    this.#core.wipeAudio();
    this.#taps.wipe();
  }

  #reportLoad(): void {
    this.#wipeRemains();
    // While there are no legs nobody else reads; what waits for a pair without one would reach the next leg on it.
    if (this.#ports.needsPolling && this.#legs.size === 0) this.#poll(this.#clock.nowMs());
    this.#options.post({ notice: "load", load: this.#load() });
    this.#loadTimer = this.#clock.after(LOAD_REPORT_MS, () => this.#reportLoad());
  }

  #load(): WorkerLoad {
    const { received, sent } = this.#ports.stats();
    return {
      legs: this.#legs.size,
      streams: this.#taps.liveCount,
      packetsIn: received,
      packetsOut: sent,
      framesOut: this.#taps.framesOut,
      framesDropped: this.#taps.framesDropped,
      ...this.#ticker.takeLateness(),
      utilisation: this.#options.utilisation(),
      datagrams: this.#ports.kind,
    };
  }
}

/** The stable code of what was thrown; `INVALID_ARGUMENT` for a mistake of the caller. */
function codeOf(error: unknown): string {
  if (error instanceof GatewayError) return error.code;
  return error instanceof RangeError || error instanceof TypeError ? "INVALID_ARGUMENT" : "INTERNAL";
}
