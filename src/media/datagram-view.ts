/** Datagrams that wait to be sent, walked where they lie in the engine's memory, without copying. */

import { type AddressWords, addressText } from "./address.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** Called with each datagram. The view is the same object each time; nothing of it may be kept. */
export type DatagramVisitor = (datagram: DatagramView) => void;

/** One datagram to be sent: octets `offset` to `offset + length` of `bytes`. */
export class DatagramView implements AddressWords {
  /** The engine's whole memory; valid for as long as the core lives. */
  readonly bytes: Uint8Array;
  leg = 0;
  /** 0: leaves by the RTP socket, 1: by the RTCP socket (never with rtcp-mux). */
  component: 0 | 1 = 0;
  offset = 0;
  length = 0;
  /** Where it goes. */
  word0 = 0;
  word1 = 0;
  word2 = 0;
  word3 = 0;
  port = 0;
  readonly #texts: (AddressWords & { text: string })[] = [];

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Destination address as text. Made once for each destination that a leg's socket has, then remembered. */
  get address(): string {
    const index = this.leg * 2 + this.component;
    const known = this.#texts[index];
    if (
      known !== undefined &&
      known.word3 === this.word3 &&
      known.word2 === this.word2 &&
      known.word1 === this.word1 &&
      known.word0 === this.word0
    ) {
      return known.text;
    }
    const { word0, word1, word2, word3 } = this;
    const text = addressText(this);
    this.#texts[index] = { word0, word1, word2, word3, text };
    return text;
  }
}

/** Reads the engine's out table. */
export class DatagramReader {
  readonly #view: DatagramView;
  readonly #words: Int32Array;
  readonly #count: number;
  readonly #first: number;
  readonly #stride: number;
  readonly #fields: { leg: number; component: number; pointer: number; length: number; port: number; address: number };

  constructor(engine: WasmEngine) {
    this.#view = new DatagramView(engine.bytes);
    this.#words = engine.words;
    this.#count = engine.stateIndex("OUT_COUNT");
    this.#first = engine.place("OUT_ENTRIES") >> 2;
    this.#stride = engine.number("OUT_ENTRY_BYTES") >> 2;
    this.#fields = {
      leg: engine.number("OUT_LEG") >> 2,
      component: engine.number("OUT_COMPONENT") >> 2,
      pointer: engine.number("OUT_POINTER") >> 2,
      length: engine.number("OUT_LENGTH") >> 2,
      port: engine.number("OUT_PORT") >> 2,
      address: engine.number("OUT_ADDRESS") >> 2,
    };
  }

  /** Shows every waiting datagram to `visitor` and then forgets them; returns how many there were. */
  forEach(visitor: DatagramVisitor): number {
    const words = this.#words;
    const view = this.#view;
    const fields = this.#fields;
    const count = words[this.#count]!;
    let at = this.#first;
    try {
      for (let index = 0; index < count; index++, at += this.#stride) {
        view.leg = words[at + fields.leg]!;
        view.component = words[at + fields.component] === 0 ? 0 : 1;
        view.offset = words[at + fields.pointer]!;
        view.length = words[at + fields.length]!;
        view.port = words[at + fields.port]!;
        view.word0 = words[at + fields.address]! >>> 0;
        view.word1 = words[at + fields.address + 1]! >>> 0;
        view.word2 = words[at + fields.address + 2]! >>> 0;
        view.word3 = words[at + fields.address + 3]! >>> 0;
        visitor(view);
      }
    } finally {
      words[this.#count] = 0;
    }
    return count;
  }
}
