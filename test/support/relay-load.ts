/**
 * Thousands of bridged legs in one core, in virtual time: every leg's far end sends a packet of 20 ms in each frame, at
 * its own moment, and every packet that comes out is looked at. Used by a test and by `npm run soak:relay`.
 */
import { AddressCache } from "../../src/media/address.ts";
import { MediaCore } from "../../src/media/media-core.ts";

/** What came of a run. */
export interface RelayCount {
  sent: number;
  relayed: number;
  rtcp: number;
  /** Packets whose number, time, SSRC, payload type, length, place or content was not what it had to be. */
  wrong: number;
}

/** Where the time of the frame is spent: quarters of 5 ms, a fourth of the legs in each. */
const QUARTERS = 4;
const PACKET_BYTES = 172;

export class RelayLoad {
  readonly core: MediaCore;
  readonly legs: number[] = [];
  readonly count: RelayCount = { sent: 0, relayed: 0, rtcp: 0, wrong: 0 };
  nowMs = 0;
  readonly #far = new AddressCache().get("127.0.0.9");
  readonly #packet = Buffer.alloc(PACKET_BYTES);
  readonly #sequence: Uint16Array;
  readonly #timestamp: Uint32Array;
  /** By leg, what its far end got last; -1: nothing yet. */
  readonly #gotSequence: Int32Array;
  readonly #gotTimestamp: Float64Array;
  readonly #gotSsrc: Float64Array;
  readonly #peer: Int32Array;

  constructor(legCount: number) {
    this.core = MediaCore.createSync({ legCountMax: legCount, streamCountMax: 1, conferenceCountMax: 0 });
    this.#sequence = new Uint16Array(legCount).map((_, leg) => leg * 7);
    this.#timestamp = new Uint32Array(legCount).map((_, leg) => leg * 1_000_003);
    this.#gotSequence = new Int32Array(legCount).fill(-1);
    this.#gotTimestamp = new Float64Array(legCount);
    this.#gotSsrc = new Float64Array(legCount);
    this.#peer = new Int32Array(legCount);
    for (let i = 0; i < legCount; i++)
      this.legs.push(this.core.openLeg({ remoteRtp: { address: "127.0.0.9", port: 10_000 + i } }, 0));
    for (let i = 0; i < legCount; i += 2) {
      const [a, b] = [this.legs[i]!, this.legs[i + 1]!];
      this.core.bridge(a, b, 0);
      this.#peer[a] = b;
      this.#peer[b] = a;
    }
    this.#packet[0] = 0x80;
    // Silence of the playout, before the first packet of a peer has come, is looked at as well: begin with an empty road.
    this.#packet.fill(0x55, 12);
  }

  /** Lets `frames` times 20 ms pass. */
  pass(frames: number): void {
    for (let frame = 0; frame < frames; frame++)
      for (let quarter = 0; quarter < QUARTERS; quarter++) {
        for (let leg = quarter; leg < this.legs.length; leg += QUARTERS) this.#send(leg);
        this.core.receive(this.nowMs);
        this.core.forEachDatagram(this.#look);
        this.core.tick(this.nowMs);
        this.core.forEachDatagram(this.#look);
        this.nowMs += 5;
      }
  }

  #send(leg: number): void {
    const packet = this.#packet;
    packet.writeUInt16BE(this.#sequence[leg]!++, 2);
    packet.writeUInt32BE(this.#timestamp[leg]!, 4);
    packet.writeUInt32BE(leg + 1, 8);
    packet.writeUInt32BE(leg, 12);
    this.#timestamp[leg]! += 160;
    if (!this.core.pushDatagram(leg, 0, packet, PACKET_BYTES, this.#far, 10_000 + leg)) {
      this.core.receive(this.nowMs);
      this.core.forEachDatagram(this.#look);
      this.core.pushDatagram(leg, 0, packet, PACKET_BYTES, this.#far, 10_000 + leg);
    }
    this.count.sent++;
  }

  readonly #look = (d: {
    bytes: Uint8Array;
    leg: number;
    component: number;
    offset: number;
    length: number;
    port: number;
  }): void => {
    const { bytes, leg, offset } = d;
    if (d.component === 1) {
      this.count.rtcp++;
      return;
    }
    this.count.relayed++;
    const sequence = (bytes[offset + 2]! << 8) | bytes[offset + 3]!;
    const timestamp = word(bytes, offset + 4);
    const ssrc = word(bytes, offset + 8);
    const before = this.#gotSequence[leg]!;
    const isFirst = before < 0;
    if (
      d.length !== PACKET_BYTES ||
      d.port !== 10_000 + leg ||
      (bytes[offset + 1]! & 0x7f) !== 0 ||
      word(bytes, offset + 12) !== this.#peer[leg] ||
      bytes[offset + 100] !== 0x55 ||
      (!isFirst &&
        (sequence !== ((before + 1) & 0xffff) ||
          timestamp !== (this.#gotTimestamp[leg]! + 160) % 2 ** 32 ||
          ssrc !== this.#gotSsrc[leg]))
    )
      this.count.wrong++;
    this.#gotSequence[leg] = sequence;
    this.#gotTimestamp[leg] = timestamp;
    this.#gotSsrc[leg] = ssrc;
  };
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
