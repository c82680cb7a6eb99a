/**
 * A workbench for SRTP in WASM: sessions, a table of items and packet slots, each slot with canaries around packet and
 * slack, so that a test sees every octet that is written where it must not be.
 */
import type { WasmModule } from "./wasm.ts";

const SLOT_BYTES = 4096;
const PACKET_OFFSET = 512;
const CANARY = 0xa7;
const ITEM_BYTES = 16;

export interface Work {
  readonly session: number;
  readonly packet: Uint8Array;
}

export interface Outcome {
  /** New length or negative status. */
  readonly length: number;
  /** The packet as it stands afterwards: `length` octets, or what came in when it was refused. */
  readonly packet: Buffer;
}

export class SrtpBench {
  readonly wasm: WasmModule;
  readonly #items: number;
  readonly #slots: number;
  readonly #slotCount: number;
  readonly #slackBytes: number;

  constructor(wasm: WasmModule, slotCount = 16) {
    this.wasm = wasm;
    this.#slotCount = slotCount;
    this.#items = wasm.reserve(ITEM_BYTES * slotCount);
    this.#slots = wasm.reserve(SLOT_BYTES * slotCount);
    this.#slackBytes = wasm.constant("PACKET_SLACK_BYTES");
  }

  /** A new session in memory of its own. */
  open(keySalt: Uint8Array, tagBytes = 10): number {
    const session = this.wasm.reserve(this.wasm.constant("SRTP_SESSION_BYTES"));
    const key = this.wasm.reserve(32);
    this.wasm.write(key, keySalt);
    this.wasm.call["srtpOpen"]!(session, key, tagBytes);
    return session;
  }

  /** Address of packet slot `slot`; the test may place packets there itself. */
  slot(slot: number): number {
    return this.#slots + slot * SLOT_BYTES + PACKET_OFFSET;
  }

  protectRtp(work: readonly Work[]): Outcome[] {
    return this.#run("srtpProtectRtp", work);
  }

  unprotectRtp(work: readonly Work[]): Outcome[] {
    return this.#run("srtpUnprotectRtp", work);
  }

  protectRtcp(session: number, packet: Uint8Array): Outcome {
    return this.#runOne("srtpProtectRtcp", session, packet);
  }

  unprotectRtcp(session: number, packet: Uint8Array): Outcome {
    return this.#runOne("srtpUnprotectRtcp", session, packet);
  }

  #run(name: string, work: readonly Work[]): Outcome[] {
    if (work.length > this.#slotCount) throw new RangeError("more work than slots");
    work.forEach(({ session, packet }, i) => {
      this.#fill(i, packet);
      const item = this.#items + i * ITEM_BYTES;
      this.wasm.writeI32(item, session);
      this.wasm.writeI32(item + 4, this.slot(i));
      this.wasm.writeI32(item + 8, packet.length);
    });
    this.wasm.call[name]!(this.#items, work.length);
    return work.map(({ packet }, i) => this.#take(i, packet, this.wasm.readI32(this.#items + i * ITEM_BYTES + 8)));
  }

  #runOne(name: string, session: number, packet: Uint8Array): Outcome {
    this.#fill(0, packet);
    return this.#take(0, packet, this.wasm.call[name]!(session, this.slot(0), packet.length));
  }

  #fill(slot: number, packet: Uint8Array): void {
    const start = this.slot(slot) - PACKET_OFFSET;
    this.wasm.octets().fill(CANARY, start, start + SLOT_BYTES);
    this.wasm.write(this.slot(slot), packet);
  }

  #take(slot: number, before: Uint8Array, length: number): Outcome {
    const start = this.slot(slot) - PACKET_OFFSET;
    const octets = this.wasm.read(start, SLOT_BYTES);
    const end = PACKET_OFFSET + before.length + this.#slackBytes;
    const broken = octets.findIndex((octet, i) => (i < PACKET_OFFSET || i >= end) && octet !== CANARY);
    if (broken >= 0) throw new Error(`octet ${broken - PACKET_OFFSET} of slot ${slot} was overwritten`);
    const size = length < 0 ? before.length : length;
    return { length, packet: octets.subarray(PACKET_OFFSET, PACKET_OFFSET + size) };
  }
}

/** An RTP packet with the given fields and payload; CSRCs and extension words are filled with their number. */
export function rtpPacket(fields: {
  ssrc: number;
  sequence: number;
  payload: Uint8Array;
  csrcs?: number;
  extensionWords?: number;
}): Buffer {
  const { csrcs = 0, extensionWords } = fields;
  const extension = extensionWords === undefined ? 0 : 4 + 4 * extensionWords;
  const packet = Buffer.alloc(12 + 4 * csrcs + extension + fields.payload.length);
  packet[0] = 0x80 | csrcs | (extensionWords === undefined ? 0 : 0x10);
  packet.writeUInt16BE(fields.sequence & 0xffff, 2);
  packet.writeUInt32BE((160 * fields.sequence) >>> 0, 4);
  packet.writeUInt32BE(fields.ssrc >>> 0, 8);
  for (let i = 0; i < csrcs; i++) packet.writeUInt32BE(i + 1, 12 + 4 * i);
  if (extensionWords !== undefined) {
    packet.writeUInt16BE(0xbede, 12 + 4 * csrcs);
    packet.writeUInt16BE(extensionWords, 14 + 4 * csrcs);
    packet.fill(extensionWords & 255, 16 + 4 * csrcs, 16 + 4 * csrcs + 4 * extensionWords);
  }
  packet.set(fields.payload, packet.length - fields.payload.length);
  return packet;
}

/** Repeatable pseudo-random numbers (mulberry32), so that a failure can be run again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A 32-bit unsigned integer. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer from 0 to `end` - 1. */
  below(end: number): number {
    return this.next() % end;
  }

  octets(lengthBytes: number): Buffer {
    const data = Buffer.alloc(lengthBytes);
    for (let i = 0; i < lengthBytes; i++) data[i] = this.next();
    return data;
  }
}
