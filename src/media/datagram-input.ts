/** Datagrams on their way in: slots in the engine's memory, filled by the owner and worked off in one batch. */

import type { AddressWords } from "./address.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** The engine's input slots and the table that says whose they are. Nothing here allocates. */
export class DatagramInput {
  readonly #bytes: Uint8Array;
  readonly #words: Int32Array;
  readonly #slots: number;
  readonly #slotCount: number;
  readonly #slotStride: number;
  readonly #packetBytesMax: number;
  readonly #entries: number;
  readonly #entryStride: number;
  readonly #leg: number;
  readonly #component: number;
  readonly #length: number;
  readonly #port: number;
  readonly #address: number;
  #waiting = 0;

  constructor(engine: WasmEngine) {
    this.#bytes = engine.bytes;
    this.#words = engine.words;
    this.#slots = engine.place("INPUT");
    this.#slotCount = engine.number("INPUT_SLOTS");
    this.#slotStride = engine.number("INPUT_STRIDE");
    this.#packetBytesMax = engine.number("PACKET_BYTES_MAX");
    this.#entries = engine.place("INPUT_ENTRIES") >> 2;
    this.#entryStride = engine.number("INPUT_ENTRY_BYTES") >> 2;
    this.#leg = engine.number("INPUT_LEG") >> 2;
    this.#component = engine.number("INPUT_COMPONENT") >> 2;
    this.#length = engine.number("INPUT_LENGTH") >> 2;
    this.#port = engine.number("INPUT_PORT") >> 2;
    this.#address = engine.number("INPUT_ADDRESS") >> 2;
  }

  /** Slots that are free. */
  get room(): number {
    return this.#slotCount - this.#waiting;
  }

  /** Offset of the slot `ahead` places after the next free one, or -1. */
  slotOffset(ahead: number): number {
    const slot = this.#waiting + ahead;
    return slot >= 0 && slot < this.#slotCount ? this.#slots + slot * this.#slotStride : -1;
  }

  /** Copies a datagram into the next free slot; the octets of one that is too long are cut, its length is kept. */
  push(
    leg: number,
    component: 0 | 1,
    bytes: Uint8Array,
    length: number,
    source: Readonly<AddressWords>,
    port: number,
  ): boolean {
    if (this.#waiting >= this.#slotCount) return false;
    const kept = Math.min(length, bytes.length, this.#packetBytesMax);
    const at = this.#slots + this.#waiting * this.#slotStride;
    if (kept === bytes.length) this.#bytes.set(bytes, at);
    else Buffer.prototype.copy.call(bytes, this.#bytes, at, 0, kept);
    return this.commit(leg, component, length, source, port);
  }

  /** Hands over the next free slot. */
  commit(leg: number, component: 0 | 1, length: number, source: Readonly<AddressWords>, port: number): boolean {
    if (this.#waiting >= this.#slotCount) return false;
    const words = this.#words;
    const at = this.#entries + this.#waiting * this.#entryStride;
    words[at + this.#leg] = leg;
    words[at + this.#component] = component;
    words[at + this.#length] = length;
    words[at + this.#port] = port;
    words[at + this.#address] = source.word0;
    words[at + this.#address + 1] = source.word1;
    words[at + this.#address + 2] = source.word2;
    words[at + this.#address + 3] = source.word3;
    this.#waiting++;
    return true;
  }

  /** How many slots are to be worked off; they are free again. */
  take(): number {
    const count = this.#waiting;
    this.#waiting = 0;
    return count;
  }
}
