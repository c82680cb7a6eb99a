/**
 * An endless row of hostile datagrams from one seed: noise, forged and mutated RTP, RTCP, STUN and DTLS, and genuine
 * packets of the session played again, changed, cut or lengthened. Made without allocating, so that millions are cheap.
 */

const PACKET_BYTES_MAX = 2048;
const GENUINE_MAX = 64;
const LANES = 16;

/** xorshift32: quick, repeatable. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  word(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }

  below(limit: number): number {
    return this.word() % limit;
  }

  oneOf<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

const PAYLOAD_TYPES = [0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 13, 101, 0x80, 0x88, 0xe5, 96, 127, 72, 255];
const REPORT_TYPES = [200, 201, 202, 203, 204, 205, 206, 207, 192, 223];
const LENGTHS = [
  0, 1, 2, 3, 4, 7, 8, 11, 12, 13, 15, 16, 20, 27, 28, 31, 32, 171, 172, 173, 1472, 1499, 1500, 1501, 2048,
];

export class HostilePackets {
  /** The datagram that `next` made: its octets `0` to `length`. */
  readonly bytes = new Uint8Array(PACKET_BYTES_MAX);
  length = 0;
  /** It continues the packets of its lane, unless it was changed afterwards. */
  isRun = false;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #draw: Draw;
  readonly #genuine = Array.from({ length: GENUINE_MAX }, () => ({
    bytes: new Uint8Array(PACKET_BYTES_MAX),
    length: 0,
  }));
  #genuineCount = 0;
  /** Runs of packets that belong together, one for each lane. */
  readonly #lanes = Array.from({ length: LANES }, (_, i) => ({ sequence: i, timestamp: 0, ssrc: 0x1234 + i }));
  #lane = this.#lanes[0]!;

  constructor(draw: Draw) {
    this.#draw = draw;
  }

  /** Remembers one of the last genuine packets. */
  overhear(bytes: Uint8Array, offset: number, length: number): void {
    const slot = this.#genuine[this.#genuineCount++ % GENUINE_MAX]!;
    slot.length = Math.min(length, PACKET_BYTES_MAX);
    for (let i = 0; i < slot.length; i++) slot.bytes[i] = bytes[offset + i]!;
  }

  /** @param lane - of the packets that are to continue each other */
  next(lane: number): void {
    const draw = this.#draw;
    this.#lane = this.#lanes[lane % LANES]!;
    this.isRun = false;
    switch (draw.below(16)) {
      case 0:
        this.#noise(draw.below(4) === 0 ? draw.below(PACKET_BYTES_MAX + 1) : draw.below(260));
        break;
      case 1:
        this.#event();
        break;
      case 2:
        this.#rtcp();
        break;
      case 3:
        this.#stunOrDtls();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        this.#again();
        break;
      default:
        this.#rtp();
    }
    if (draw.below(16) === 0) this.#flip(1 + draw.below(3));
    if (draw.below(16) === 0) this.length = draw.below(this.length + 1);
    if (draw.below(64) === 0) this.length = draw.oneOf(LENGTHS);
  }

  #noise(length: number): void {
    this.length = length;
    for (let at = 0; at + 4 <= length; at += 4) this.#view.setUint32(at, this.#draw.word());
  }

  /** A run of packets that nearly belong together, in header fields of every size. */
  #rtp(): void {
    const draw = this.#draw;
    this.#noise(12 + draw.oneOf([0, 1, 80, 160, 160, 160, 240, 480]));
    const lane = this.#lane;
    this.isRun = true;
    if (draw.below(20_000) === 0) lane.ssrc = draw.word();
    lane.sequence += draw.below(60) === 0 ? draw.word() : draw.oneOf([0, 1, 1, 1, 1, 1, 2, 3, -1]);
    lane.timestamp += draw.below(60) === 0 ? draw.word() : draw.oneOf([0, 160, 160, 160, 160, 80, 320, -160]);
    this.bytes[0] = 0x80 | (draw.below(10) === 0 ? draw.below(64) : 0);
    this.bytes[1] = draw.oneOf(PAYLOAD_TYPES);
    this.#view.setUint16(2, lane.sequence);
    this.#view.setUint32(4, lane.timestamp);
    this.#view.setUint32(8, lane.ssrc);
    // Lengths that lie: an extension, or padding.
    if (draw.below(4) === 0) this.#view.setUint16(14, draw.below(70));
    if (draw.below(4) === 0 && this.length > 0) this.bytes[this.length - 1] = draw.below(256);
  }

  /** RFC 4733, with events, durations and volumes that do not exist. */
  #event(): void {
    const draw = this.#draw;
    this.#rtp();
    this.bytes[1] = 101 | (draw.below(2) << 7);
    this.length = 12 + draw.oneOf([0, 1, 3, 4, 4, 4, 5, 8]);
    this.bytes[12] = draw.below(2) === 0 ? draw.below(17) : draw.below(256);
  }

  #rtcp(): void {
    const draw = this.#draw;
    this.#noise(1500);
    let at = 0;
    const parts = 1 + draw.below(4);
    for (let part = 0; part < parts; part++) {
      const words = draw.below(8) === 0 ? draw.below(400) : draw.below(16);
      this.bytes[at] = 0x80 | draw.below(draw.below(4) === 0 ? 64 : 4);
      this.bytes[at + 1] = draw.oneOf(REPORT_TYPES);
      this.#view.setUint16(at + 2, draw.below(16) === 0 ? draw.word() : words);
      if (draw.below(2) === 0) this.#view.setUint32(at + 4, this.#lane.ssrc);
      at += 4 * (words + 1);
      if (at > 1400) break;
    }
    this.length = Math.min(at, 1500);
  }

  #stunOrDtls(): void {
    const draw = this.#draw;
    this.#noise(draw.oneOf([0, 8, 20, 28, 60, 100, 300]) + draw.below(4));
    if (this.length === 0) return;
    if (draw.below(2) === 0) {
      this.#view.setUint16(0, draw.oneOf([0x0001, 0x0101, 0x0111, 0x4000]));
      if (this.length >= 8) this.#view.setUint32(4, 0x2112_a442);
    } else {
      this.bytes[0] = 20 + draw.below(44);
      this.#view.setUint16(1, 0xfefd);
    }
  }

  /** A genuine packet again: as it was, or with another header, or changed at some places. */
  #again(): void {
    const draw = this.#draw;
    const known = Math.min(this.#genuineCount, GENUINE_MAX);
    if (known === 0) {
      this.#rtp();
      return;
    }
    const { bytes, length } = this.#genuine[draw.below(known)]!;
    for (let i = 0; i < length; i++) this.bytes[i] = bytes[i]!;
    this.length = length;
    switch (draw.below(4)) {
      case 0:
        this.#flip(1 + draw.below(3));
        break;
      case 1:
        this.#view.setUint16(2, this.#view.getUint16(2) + draw.oneOf([1, 2, 100, 0x7fff, 0x8000, 0xffff]));
        break;
      case 2:
        this.length = Math.min(PACKET_BYTES_MAX, length + draw.below(40));
        break;
      default:
    }
  }

  #flip(count: number): void {
    for (; count > 0 && this.length > 0; count--)
      this.bytes[this.#draw.below(this.length)]! ^= 1 << this.#draw.below(8);
  }
}
