/**
 * How long the far end's SRTP key may be used (RFC 4568 §6.1, SDP-SEC-3): as many packets as its lifetime says. Their key is theirs to
 * change; when they don't, the call ends before the last of them. Counters are read when they can be near the end at the earliest,
 * so that a long lifetime costs nothing.
 */

import type { Clock, Timer } from "../base/clock.ts";

/** The shortest packet time makes the most packets: 10 ms. */
const PACKET_MS_MIN = 10;
/** Not to be too late by what comes while counters are read. */
const MARGIN_PACKETS = 200;
const LOOK_MS_MIN = 1000;
/** No call lasts longer (SIP-INV-13). */
const LOOK_MS_MAX = 86_400_000;

/** What was agreed on of their key. */
export interface ReceivedKey {
  readonly receiveKeySalt: Uint8Array;
  /** null: 2^48 packets, which no call has. */
  readonly receiveLifetimePackets: number | null;
}

export class KeyLifetime {
  readonly #clock: Clock;
  readonly #packets: () => Promise<number>;
  readonly #onOver: () => void;
  #key: Uint8Array | undefined;
  #leftPackets = Number.POSITIVE_INFINITY;
  /** Of the counter when it was read last; undefined before the first time with this key. */
  #lastPackets: number | undefined;
  #timer: Timer | undefined;

  /**
   * @param packets - counter of the packets that were received; may begin at 0 anew when the media move
   * @param onOver - called once when a key has come to its end
   */
  constructor(clock: Clock, packets: () => Promise<number>, onOver: () => void) {
    this.#clock = clock;
    this.#packets = packets;
    this.#onOver = onOver;
  }

  /** Which key holds from now on; null for plain RTP. The same key again goes on where it was (SDP-SEC-6). */
  follow(key: ReceivedKey | null): void {
    if (key !== null && this.#key !== undefined && Buffer.compare(this.#key, key.receiveKeySalt) === 0) return;
    this.stop();
    this.#key = key?.receiveKeySalt;
    this.#leftPackets = (key?.receiveLifetimePackets ?? Number.POSITIVE_INFINITY) - MARGIN_PACKETS;
    this.#lastPackets = undefined;
    if (this.#earliestMs <= LOOK_MS_MAX) void this.look();
  }

  /** Reads the counter now: before the media move, since it begins anew there. Never rejects. */
  async look(): Promise<void> {
    const key = this.#key;
    if (key === undefined || this.#earliestMs > LOOK_MS_MAX) return;
    this.#timer?.cancel();
    const packets = await this.#packets().catch(() => undefined);
    if (this.#key !== key) return;
    if (packets !== undefined) {
      const last = this.#lastPackets ?? packets;
      this.#leftPackets -= packets >= last ? packets - last : packets;
      this.#lastPackets = packets;
    }
    if (this.#leftPackets <= 0) {
      this.stop();
      this.#onOver();
    } else this.#timer = this.#clock.after(Math.max(this.#earliestMs, LOOK_MS_MIN), () => void this.look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#key = undefined;
  }

  get #earliestMs(): number {
    return this.#leftPackets * PACKET_MS_MIN;
  }
}
