/** Frames of streams and raw taps, walked where they lie in the engine's memory, without copying. */

import type { WasmEngine } from "./wasm-engine.ts";

/** A track of a leg's audio, seen from the gateway. */
export type Track = "inbound" | "outbound";

/** Called with each frame. The view is the same object each time; nothing of it may be kept. */
export type FrameVisitor = (frame: FrameView) => void;

/**
 * 20 ms of one track: octets `offset` to `offset + length` of `bytes`. For a stream they are a whole masked WebSocket
 * text frame (RFC 6455 §5.2) that goes to the socket as it is, for a raw tap 160 octets of mu-law.
 */
export class FrameView {
  /** The engine's whole memory; valid for as long as the core lives. */
  readonly bytes: Uint8Array;
  /** What `openStream` or `openTap` returned. */
  stream = 0;
  track: Track = "inbound";
  offset = 0;
  length = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

/** Reads the engine's frame table. */
export class FrameReader {
  readonly #view: FrameView;
  readonly #words: Int32Array;
  readonly #count: number;
  readonly #first: number;
  readonly #stride: number;
  readonly #fields: { stream: number; track: number; pointer: number; length: number };
  readonly #outbound: number;

  constructor(engine: WasmEngine) {
    this.#view = new FrameView(engine.bytes);
    this.#words = engine.words;
    this.#count = engine.stateIndex("FRAME_COUNT");
    this.#first = engine.place("FRAME_ENTRIES") >> 2;
    this.#stride = engine.number("FRAME_ENTRY_BYTES") >> 2;
    this.#fields = {
      stream: engine.number("FRAME_STREAM") >> 2,
      track: engine.number("FRAME_TRACK") >> 2,
      pointer: engine.number("FRAME_POINTER") >> 2,
      length: engine.number("FRAME_LENGTH") >> 2,
    };
    this.#outbound = engine.number("TRACK_OUTBOUND");
  }

  /** Shows every waiting frame to `visitor` and then forgets them; returns how many there were. */
  forEach(visitor: FrameVisitor): number {
    const words = this.#words;
    const view = this.#view;
    const fields = this.#fields;
    const count = words[this.#count]!;
    let at = this.#first;
    try {
      for (let index = 0; index < count; index++, at += this.#stride) {
        view.stream = words[at + fields.stream]!;
        view.track = words[at + fields.track] === this.#outbound ? "outbound" : "inbound";
        view.offset = words[at + fields.pointer]!;
        view.length = words[at + fields.length]!;
        visitor(view);
      }
    } finally {
      words[this.#count] = 0;
    }
    return count;
  }
}
