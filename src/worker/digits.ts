/**
 * Sends a string of digits into a leg: by RFC 4733 where telephone-event was negotiated, else as tones in the audio
 * (DTMF-2, DTMF-5); `w` waits half a second, `W` a second. It has no timer: the worker calls `advance` after each tick.
 */

/** What digits are sent with. */
export interface DigitSink {
  /** Queues one RFC 4733 event. @returns false when none can be taken now */
  sendEvent(digit: string): boolean;
  /** RFC 4733 events that have not gone out completely. */
  eventsPending(): number;
  /** False when the far end takes no telephone-event: tones are played then. */
  readonly hasEvents: boolean;
  /** Begins to play the tone of one digit. */
  playTone(digit: string): void;
  /** True while a tone is being played. */
  isPlaying(): boolean;
}

/** Digits and pauses of one request. */
export const DIGIT_STRING = /^[0-9*#A-Da-dwW]{1,128}$/;

const PAUSES_MS: Readonly<Record<string, number>> = { w: 500, W: 1000 };

export class DigitSender {
  readonly #digits: string;
  readonly #sink: DigitSink;
  #at = 0;
  #pauseUntilMs = 0;

  /** @throws RangeError when `digits` has anything else than 0-9 * # A-D w W, or more than 128 of them */
  constructor(digits: string, sink: DigitSink) {
    if (!DIGIT_STRING.test(digits))
      throw new RangeError(`digits: 1 to 128 of 0-9 * # A-D w W, not ${JSON.stringify(digits.slice(0, 40))}`);
    this.#digits = digits;
    this.#sink = sink;
  }

  /** Sends what is due. @returns true when the last digit has gone out */
  advance(nowMs: number): boolean {
    const sink = this.#sink;
    while (this.#at < this.#digits.length) {
      if (nowMs < this.#pauseUntilMs) return false;
      const symbol = this.#digits[this.#at]!;
      const pauseMs = PAUSES_MS[symbol];
      if (pauseMs !== undefined) {
        // A pause begins when what was before it has gone out.
        if (this.#isSending()) return false;
        this.#pauseUntilMs = nowMs + pauseMs;
        this.#at++;
      } else if (sink.hasEvents) {
        if (!sink.sendEvent(symbol)) return false;
        this.#at++;
      } else {
        if (sink.isPlaying()) return false;
        sink.playTone(symbol);
        this.#at++;
      }
    }
    return nowMs >= this.#pauseUntilMs && !this.#isSending();
  }

  #isSending(): boolean {
    return this.#sink.hasEvents ? this.#sink.eventsPending() > 0 : this.#sink.isPlaying();
  }
}

/** Rows and columns of the keypad, Hz (ITU-T Q.23). */
const LOW_HZ = [697, 770, 852, 941];
const HIGH_HZ = [1209, 1336, 1477, 1633];
const KEYPAD = "123A456B789C*0#D";

/** Both frequencies of a digit. */
export function dtmfFrequencies(digit: string): readonly [lowHz: number, highHz: number] {
  const key = KEYPAD.indexOf(digit.toUpperCase());
  if (key < 0 || digit.length !== 1) throw new RangeError(`digit: one of ${KEYPAD}`);
  return [LOW_HZ[key >> 2]!, HIGH_HZ[key & 3]!];
}
