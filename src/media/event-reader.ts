/** The engine's event table, decoded into the objects of `media-events.ts`. Events are rare, so they may allocate. */

import { addressText } from "./address.ts";
import type { Track } from "./frame-view.ts";
import type { LegEvent } from "./media-events.ts";
import type { WasmEngine } from "./wasm-engine.ts";

/** RFC 4733 §3.2: events 0 to 15. */
export const DIGITS = "0123456789*#ABCD";

/** Called with each event. */
export type EventVisitor = (event: LegEvent) => void;

/** Reads the engine's event table. */
export class EventReader {
  readonly #engine: WasmEngine;
  readonly #count: number;

  constructor(engine: WasmEngine) {
    this.#engine = engine;
    this.#count = engine.stateIndex("EVENT_COUNT");
  }

  /** True when no event waits. */
  get isEmpty(): boolean {
    return this.#engine.words[this.#count] === 0;
  }

  /** Takes every waiting event out of the table and adds it to `events`. */
  take(events: LegEvent[]): void {
    const count = this.#engine.words[this.#count]!;
    for (let index = 0; index < count; index++) {
      const event = this.#decode(index);
      if (event !== null) events.push(event);
    }
    this.#engine.words[this.#count] = 0;
  }

  #track(value: number): Track {
    return value === this.#engine.number("TRACK_OUTBOUND") ? "outbound" : "inbound";
  }

  #decode(index: number): LegEvent | null {
    const engine = this.#engine;
    const at = engine.place("EVENTS") + index * engine.number("EVENT_ENTRY_BYTES");
    const word = (name: string): number => engine.words[(at + engine.number(`EVENT_${name}`)) >> 2]!;
    const leg = word("LEG");
    switch (word("TYPE")) {
      case engine.number("EVENT_DTMF"):
        return { type: "dtmf", leg, digit: DIGITS.charAt(word("VALUE")) };
      case engine.number("EVENT_FIRST_PACKET"):
        return { type: "first-packet", leg };
      case engine.number("EVENT_LATCHED"): {
        const words = engine.words.subarray((at + engine.number("EVENT_ADDRESS")) >> 2);
        const address = { word0: words[0]!, word1: words[1]!, word2: words[2]!, word3: words[3]! };
        return { type: "latched", leg, address: addressText(address), port: word("PORT") };
      }
      case engine.number("EVENT_SILENT"):
        return { type: "silent", leg };
      case engine.number("EVENT_SRTP_FAILING"):
        return { type: "srtp-failing", leg };
      case engine.number("EVENT_SSRC_CHANGED"):
        return { type: "ssrc-changed", leg };
      case engine.number("EVENT_RTCP_BYE"):
        return { type: "rtcp-bye", leg };
      case engine.number("EVENT_SILENCE_BEGAN"):
        return { type: "silence-began", leg, track: this.#track(word("VALUE")), durationMs: word("DURATION_MS") };
      case engine.number("EVENT_SILENCE_ENDED"):
        return { type: "silence-ended", leg, track: this.#track(word("VALUE")), durationMs: word("DURATION_MS") };
      default:
        return null;
    }
  }
}
