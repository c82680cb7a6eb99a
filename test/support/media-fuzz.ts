/**
 * One media core under attack, in virtual time. Some of its legs are flooded with hostile packets, from their own far
 * end's address and from others, plain and under the right keys, while they are reconfigured, bridged, streamed and
 * closed. Beside them calls go on whose audio has to arrive octet for octet: over plain RTP and over SRTP, attacked too,
 * but not by somebody who has their far end's address and not by somebody who has their key. The far ends of these calls
 * live in a second core.
 */
import { type AddressWords, parseAddress } from "../../src/media/address.ts";
import type { DatagramView } from "../../src/media/datagram-view.ts";
import { MediaKernels } from "../../src/media/kernels/media-kernels.ts";
import type { SrtpSession } from "../../src/media/kernels/srtp.ts";
import type { LegOptions, SrtpKey } from "../../src/media/leg-options.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import { CallUnderWatch } from "./call-under-watch.ts";
import { Draw, HostilePackets } from "./hostile-packets.ts";

const STEP_MS = 5;
const BATCH = 192;
const VICTIMS = 10;
const ATTACKERS: readonly AddressWords[] = ["127.0.0.1", "127.0.0.9", "2001:db8::1"].map((text) => parseAddress(text));
const PORTS = [4000, 4001, 4002, 9, 65_535];
const TRACKS = [["inbound"], ["outbound"], ["inbound", "outbound"]] as const;

/** A leg that is attacked, by somebody who has its key if it has one. */
interface Victim {
  leg: number;
  session: SrtpSession | undefined;
}

export interface FuzzReport {
  readonly packets: number;
  readonly faults: number;
  /** Octets that the engine's memory has grown by. */
  readonly grownBytes: number;
  readonly virtualSeconds: number;
  /** Octets of audio that arrived in calls under watch, all of them right. */
  readonly audioOctets: number;
  /** What went wrong with their audio. */
  readonly harm: readonly string[];
  /** Packets to the legs that are attacked: those that were dropped, by reason, and those that were taken for RTP. */
  readonly drops: ReadonlyMap<string, number>;
  readonly taken: number;
}

export class MediaFuzz {
  readonly core: MediaCore;
  readonly #far: MediaCore;
  readonly #draw: Draw;
  readonly #hostile: HostilePackets;
  readonly #calls: readonly CallUnderWatch[];
  readonly #kernels = MediaKernels.createSync();
  readonly #victims: Victim[] = [];
  readonly #streams: number[] = [];
  readonly #conference: number;
  readonly #memoryBytes: number;
  readonly #drops = new Map<string, number>();
  #taken = 0;
  #packets = 0;
  #nowMs = 0;

  constructor(seed: number) {
    this.#draw = new Draw(seed);
    this.#hostile = new HostilePackets(this.#draw);
    const randomFill = (octets: Uint8Array) => {
      for (let i = 0; i < octets.length; i++) octets[i] = this.#draw.word();
    };
    this.core = MediaCore.createSync({ legCountMax: 32, streamCountMax: 16, conferenceCountMax: 2, randomFill });
    this.#far = MediaCore.createSync({ legCountMax: 32, streamCountMax: 1, randomFill });
    const call = (near: LegOptions = {}, away: LegOptions = {}) => new CallUnderWatch(this.core, this.#far, near, away);
    this.#calls = [
      call(),
      call({ codec: "PCMA" }),
      call(this.#secure("AES_CM_128_HMAC_SHA1_80"), this.#secure("AES_CM_128_HMAC_SHA1_32")),
      call({ ...this.#secure("AES_CM_128_HMAC_SHA1_80"), sourcePolicy: "latch" }),
    ];
    this.#conference = this.core.openConference();
    for (let i = 0; i < VICTIMS; i++) this.#victims.push(this.#openVictim());
    this.#memoryBytes = this.core.bytes.buffer.byteLength;
  }

  /** Sends `count` hostile packets more. */
  run(count: number): void {
    for (const end = this.#packets + count; this.#packets < end; ) {
      this.#nowMs += STEP_MS;
      for (const call of this.#calls) call.speak();
      this.#far.tick(this.#nowMs);
      this.#carry(this.#far);
      this.#flood(Math.min(BATCH, end - this.#packets));
      this.core.receive(this.#nowMs);
      this.#carry(this.core);
      this.core.tick(this.#nowMs);
      this.#carry(this.core);
      this.#far.receive(this.#nowMs);
      this.#carry(this.#far);
      if (this.#draw.below(5) === 0) this.#disturb();
    }
  }

  get report(): FuzzReport {
    for (const { leg } of this.#victims) this.#count(leg);
    return {
      packets: this.#packets,
      faults: this.core.faults,
      grownBytes: this.core.bytes.buffer.byteLength - this.#memoryBytes,
      virtualSeconds: this.#nowMs / 1000,
      audioOctets: this.#calls.reduce((sum, call) => sum + call.audioOctets, 0),
      harm: this.#calls.flatMap((call) => call.harm),
      drops: this.#drops,
      taken: this.#taken,
    };
  }

  /** Takes what a core sends to the legs that it is for; what goes to a victim's far end is overheard and lost. */
  #carry(from: MediaCore): void {
    from.forEachDatagram((datagram) => {
      const call = this.#calls.find((candidate) => candidate.owns(from, datagram.leg));
      if (call === undefined) this.#hostile.overhear(datagram.bytes, datagram.offset, datagram.length);
      else this.#deliver(call, from, datagram);
    });
    from.forEachEvent(() => {});
    from.forEachFrame(() => {});
  }

  #deliver(call: CallUnderWatch, from: MediaCore, datagram: DatagramView): void {
    // The attacker sees it pass.
    if (from === this.#far) this.#hostile.overhear(datagram.bytes, datagram.offset, datagram.length);
    call.deliver(from, datagram);
  }

  #flood(count: number): void {
    const draw = this.#draw;
    for (let i = 0; i < count; i++) {
      const place = draw.below(VICTIMS);
      this.#hostile.next(place);
      const target = draw.below(4) === 0 ? this.#otherTarget() : this.#victims[place]!.leg;
      const isKnown = this.#hostile.isRun ? draw.below(16) > 0 : draw.below(64) === 0;
      if (target === this.#victims[place]!.leg && isKnown) this.#seal(this.#victims[place]!.session);
      this.core.pushDatagram(
        target,
        draw.below(this.#hostile.isRun ? 32 : 3) === 0 ? 1 : 0,
        this.#hostile.bytes,
        this.#hostile.length,
        draw.below(8) === 0 ? draw.oneOf(ATTACKERS) : ATTACKERS[0]!,
        draw.below(8) === 0 ? draw.oneOf(PORTS) : 4000,
      );
      if (this.core.room < 8) this.core.receive(this.#nowMs);
    }
    this.#packets += count;
  }

  /** Puts a packet under the key that its victim expects, so that it is believed. */
  #seal(session: SrtpSession | undefined): void {
    const { bytes, length } = this.#hostile;
    if (session === undefined || length < 12 || length > 1400) return;
    const isRtcp = bytes[1]! >= 192 && bytes[1]! <= 223;
    const sealed = isRtcp ? session.protectRtcp(bytes, length) : session.protect(bytes, length);
    if (sealed > 0) this.#hostile.length = sealed;
  }

  /** A leg of a call under watch, or now and then one that does not exist. */
  #otherTarget(): number {
    const draw = this.#draw;
    if (draw.below(100) === 0) return draw.oneOf([-1, 31, 32, 2 ** 31 - 1]);
    return draw.oneOf(draw.oneOf(this.#calls).legs);
  }

  #openVictim(): Victim {
    const options = this.#options();
    return { leg: this.core.openLeg(options, this.#nowMs), session: this.#sessionOf(options) };
  }

  #sessionOf({ srtpReceive }: LegOptions): SrtpSession | undefined {
    return srtpReceive ? this.#kernels.openSrtp(srtpReceive) : undefined;
  }

  /** What goes on in a gateway meanwhile: nothing of it may be wrong, whatever the packets were. */
  #disturb(): void {
    const draw = this.#draw;
    const place = draw.below(VICTIMS);
    const victim = this.#victims[place]!;
    const { leg } = victim;
    const other = draw.oneOf(this.#victims).leg;
    switch (draw.below(9)) {
      case 0:
        this.#reconfigure(victim);
        break;
      case 1:
        if (leg !== other) this.core.bridge(leg, other, this.#nowMs);
        break;
      case 2:
        this.core.unbridge(leg, this.#nowMs);
        break;
      case 3:
        this.#count(leg);
        this.core.closeLeg(leg, this.#nowMs);
        victim.session?.close();
        this.#victims[place] = this.#openVictim();
        break;
      case 4:
        if (this.#streams.length < 12) this.#openStream(leg);
        else this.core.closeStream(this.#streams.splice(draw.below(this.#streams.length), 1)[0]!);
        break;
      case 5:
        this.core.sendDigit(leg, draw.oneOf([..."0123456789*#ABCD"]), 40 + draw.below(500));
        break;
      case 6:
        this.core.play(leg, this.#hostile.bytes);
        break;
      case 7:
        this.core.joinConference(this.#conference, leg, { muted: draw.below(4) === 0, deaf: draw.below(4) === 0 });
        break;
      default:
        this.core.leaveConference(leg);
    }
  }

  #reconfigure(victim: Victim): void {
    const options = this.#options();
    this.core.configureLeg(victim.leg, options, this.#nowMs);
    victim.session?.close();
    victim.session = this.#sessionOf(options);
  }

  #openStream(leg: number): void {
    const tracks = this.#draw.oneOf(TRACKS);
    const options = { leg, tracks, fillSilence: this.#draw.below(2) === 0 };
    this.#streams.push(
      this.#draw.below(2) === 0
        ? this.core.openTap(options, this.#nowMs)
        : this.core.openStream({ ...options, streamSid: `MZ${this.#draw.word()}` }, this.#nowMs),
    );
  }

  /** Anything that negotiation may come to. */
  #options(): LegOptions {
    const draw = this.#draw;
    const key = () =>
      draw.below(3) === 0 ? this.#key(draw.oneOf(["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"])) : null;
    return {
      codec: draw.oneOf(["PCMU", "PCMA"]),
      alternatePayloadType: draw.oneOf([-1, 0, 8]),
      telephoneEventPayloadType: draw.oneOf([-1, 101, 101]),
      comfortNoisePayloadType: draw.oneOf([-1, 13]),
      ptimeMs: draw.oneOf([10, 20, 20, 20, 30, 40, 60]),
      remoteRtp: draw.below(8) === 0 ? null : { address: "127.0.0.1", port: 4000 },
      rtcpMux: draw.below(2) === 0,
      sourcePolicy: draw.oneOf(["negotiated", "address", "latch"]),
      sending: draw.below(8) > 0,
      receiving: draw.below(8) > 0,
      jitterStartMs: draw.oneOf([0, 20, 40, 200]),
      mediaTimeoutMs: draw.oneOf([0, 5000]),
      srtpSend: key(),
      srtpReceive: key(),
    };
  }

  #key(suite: SrtpKey["suite"]): SrtpKey {
    return { suite, keySalt: Uint8Array.from({ length: 30 }, () => this.#draw.word()) };
  }

  /** Keys of a leg; CallUnderWatch gives its far end the same, the other way round. */
  #secure(suite: SrtpKey["suite"]): LegOptions {
    return { srtpSend: this.#key(suite), srtpReceive: this.#key(suite) };
  }

  /** Adds what became of a leg's packets, before its counters go. */
  #count(leg: number): void {
    const { drops, packetsReceived } = this.core.stats(leg);
    this.#taken += packetsReceived;
    for (const [reason, count] of Object.entries(drops))
      if (count > 0) this.#drops.set(reason, (this.#drops.get(reason) ?? 0) + count);
  }
}
