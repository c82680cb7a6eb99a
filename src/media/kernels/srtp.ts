/**
 * SRTP and SRTCP alone (RFC 3711 with the suites of RFC 4568): AES-CM and HMAC-SHA1 in constant time, with rollover counter,
 * replay list and up to four SSRCs a session. Four packets at a time cost as much as one and a half: use a batch where several
 * are at hand.
 */

import { checkObject, checkOctets } from "../checks.ts";
import { checkKey, tagBytesOf } from "../leg-config.ts";
import type { SrtpKey } from "../leg-options.ts";
import type { DropReason } from "../media-events.ts";
import { STATUS_OF_REASON } from "../stats.ts";
import type { KernelMemory } from "./kernel-memory.ts";

const ITEM_BYTES = 16;
/** E flag and index, and the tag, which has 10 octets in both suites. */
const RTCP_TRAILER_BYTES = 14;

/** Why a packet was refused. */
export type SrtpRefusal =
  | Extract<DropReason, "too-short" | "too-long" | "not-rtp" | "malformed" | "auth-failed" | "replayed" | "ssrc-limit">
  | "key-exhausted";

const REFUSALS: readonly SrtpRefusal[] = [
  "too-short",
  "too-long",
  "not-rtp",
  "auth-failed",
  "replayed",
  "ssrc-limit",
  "key-exhausted",
];

function statusOf(reason: SrtpRefusal): string {
  return `STATUS_${reason === "key-exhausted" ? "KEY_EXHAUSTED" : STATUS_OF_REASON[reason]}`;
}

/** What a negative result of protect or unprotect means. */
export function refusalOf(memory: KernelMemory, status: number): SrtpRefusal {
  return REFUSALS.find((reason) => memory.number(statusOf(reason)) === status) ?? "malformed";
}

/** One direction under one master key. Close it when the call is over: closing wipes the keys. */
export class SrtpSession {
  /** Address of the session in the kernels' memory, for batches. */
  readonly address: number;
  readonly #memory: KernelMemory;
  readonly #batch: SrtpBatch;
  readonly #size: number;
  readonly #tagBytes: number;
  #open = true;

  /** Made by `MediaKernels.openSrtp`. @throws TypeError or RangeError naming what is wrong with the key */
  constructor(memory: KernelMemory, single: SrtpBatch, key: SrtpKey) {
    checkObject(key, "key");
    checkKey(key, "key");
    this.#memory = memory;
    this.#batch = single;
    this.#size = memory.number("SRTP_SESSION_BYTES");
    this.#tagBytes = tagBytesOf(key, "key");
    this.address = memory.take(this.#size);
    const staged = memory.take(64);
    memory.bytes.set(key.keySalt, staged);
    memory.exports.srtpOpen(this.address, staged, this.#tagBytes);
    memory.give(staged, 64);
  }

  /**
   * Encrypts an RTP packet in place and appends its tag (RFC 3711 §3.3).
   * @param packet - has to have room for the tag behind `length` octets (10, or 4 with the _32 suite)
   * @returns the new length, or a negative status: see `MediaKernels.refusalOf`
   */
  protect(packet: Uint8Array, length: number): number {
    return this.#one(packet, length, true);
  }

  /** Checks, decrypts in place and returns the length without the tag, or a negative status; then the packet is as it was. */
  unprotect(packet: Uint8Array, length: number): number {
    return this.#one(packet, length, false);
  }

  /** SRTCP (RFC 3711 §3.4): needs room for 14 octets behind `length`. Returns the new length or a negative status. */
  protectRtcp(packet: Uint8Array, length: number): number {
    return this.#control(packet, length, true);
  }

  unprotectRtcp(packet: Uint8Array, length: number): number {
    return this.#control(packet, length, false);
  }

  /** The rollover counter of an SSRC, or -1 when no packet of it was seen. */
  rolloverCounter(ssrc: number): number {
    return this.#memory.exports.srtpRoc(this.#checked().address, ssrc);
  }

  /** How many SSRCs there is state for, 0 to 4. A forged packet makes none. */
  get sources(): number {
    return this.#memory.exports.srtpSources(this.#checked().address);
  }

  /** Wipes the keys and gives the memory back. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#memory.exports.srtpWipe(this.address);
    this.#memory.give(this.address, this.#size);
  }

  get isOpen(): boolean {
    return this.#open;
  }

  #one(packet: Uint8Array, length: number, protect: boolean): number {
    const batch = this.#batch;
    if (protect) checkTagRoom(packet, length, this.#tagBytes);
    batch.clear();
    batch.push(this.#checked(), packet, length);
    if (protect) batch.protect();
    else batch.unprotect();
    const result = batch.length(0);
    if (result >= 0) batch.read(0, packet);
    return result;
  }

  #control(packet: Uint8Array, length: number, protect: boolean): number {
    const batch = this.#batch;
    if (protect) checkTagRoom(packet, length, RTCP_TRAILER_BYTES);
    batch.clear();
    batch.push(this.#checked(), packet, length);
    const { exports } = this.#memory;
    const at = batch.offset(0);
    const result = protect
      ? exports.srtpProtectRtcp(this.address, at, length)
      : exports.srtpUnprotectRtcp(this.address, at, length);
    if (result >= 0) packet.set(this.#memory.bytes.subarray(at, at + result));
    return result;
  }

  #checked(): this {
    if (!this.#open) throw new RangeError("the SRTP session is closed");
    return this;
  }
}

/** Packets of any sessions, protected or unprotected together. Fill it, call, read the results, clear. */
export class SrtpBatch {
  readonly slotCount: number;
  readonly #memory: KernelMemory;
  readonly #items: number;
  readonly #slots: number;
  readonly #packetBytesMax: number;
  readonly #stride: number;
  #count = 0;

  /** Made by `MediaKernels.openSrtpBatch`. */
  constructor(memory: KernelMemory, slotCount: number) {
    this.slotCount = slotCount;
    this.#memory = memory;
    this.#packetBytesMax = memory.number("PACKET_BYTES_MAX");
    this.#stride = (this.#packetBytesMax + memory.number("PACKET_SLACK_BYTES") + 63) & ~63;
    this.#items = memory.take(slotCount * ITEM_BYTES);
    this.#slots = memory.take(slotCount * this.#stride);
  }

  /** Packets in it. */
  get count(): number {
    return this.#count;
  }

  /** The memory that `offset` counts in. */
  get bytes(): Uint8Array {
    return this.#memory.bytes;
  }

  /**
   * Copies a packet in. Returns its place, or -1 when the batch is full.
   * @throws TypeError or RangeError naming the argument
   */
  push(session: SrtpSession, packet: Uint8Array, length: number): number {
    checkOctets(packet, "packet");
    if (!Number.isInteger(length) || length < 0 || length > packet.length)
      throw new RangeError(`length must be 0 to ${packet.length}, the octets of packet`);
    if (!session.isOpen) throw new RangeError("session must be open");
    if (this.#count >= this.slotCount) return -1;
    const place = this.#count++;
    const at = this.offset(place);
    // A longer one is refused by its length; its octets are not needed for that.
    const kept = Math.min(length, this.#packetBytesMax);
    this.#memory.bytes.set(kept === packet.length ? packet : packet.subarray(0, kept), at);
    const item = (this.#items + place * ITEM_BYTES) >> 2;
    this.#memory.words[item] = session.address;
    this.#memory.words[item + 1] = at;
    this.#memory.words[item + 2] = length;
    return place;
  }

  /** Protects all packets in it, in order. */
  protect(): void {
    this.#memory.exports.srtpProtectRtp(this.#items, this.#count);
  }

  /** Unprotects all packets in it, in order. */
  unprotect(): void {
    this.#memory.exports.srtpUnprotectRtp(this.#items, this.#count);
  }

  /** Length of a packet afterwards, or the negative status of why it was refused. */
  length(place: number): number {
    return this.#memory.words[((this.#items + place * ITEM_BYTES) >> 2) + 2]!;
  }

  /** Where the octets of a packet begin in `bytes`. */
  offset(place: number): number {
    return this.#slots + place * this.#stride;
  }

  /** Copies a packet out. @throws RangeError when `out` is too short */
  read(place: number, out: Uint8Array): void {
    const length = Math.max(0, this.length(place));
    if (out.length < length) throw new RangeError(`out must have room for ${length} octets`);
    const at = this.offset(place);
    out.set(this.#memory.bytes.subarray(at, at + length));
  }

  clear(): void {
    this.#count = 0;
  }

  /** Gives the memory back; the batch may not be used afterwards. */
  close(): void {
    this.#count = 0;
    this.#memory.give(this.#items, this.slotCount * ITEM_BYTES);
    this.#memory.give(this.#slots, this.slotCount * this.#stride);
  }
}

/** Before anything is done: a sequence number that was used up for nothing could not be sent again. */
function checkTagRoom(packet: Uint8Array, length: number, trailerBytes: number): void {
  checkOctets(packet, "packet");
  if (packet.length < length + trailerBytes)
    throw new RangeError(`packet must have room for ${trailerBytes} octets behind length`);
}
