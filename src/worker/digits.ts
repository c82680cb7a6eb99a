/**
 * Sends a string of digits into a leg (DTMF-2); `w` waits half a second, `W` a second. Whether they go as RFC 4733 events
 * or as tones is the engine's matter (DTMF-5). It has no timer: the worker calls `advance` after each tick.
 */

/** What digits are sent with. */
export interface DigitSink {
  /** Queues one digit. @returns false when none can be taken now */
  sendDigit(digit: string): boolean;
  /** Digits that have not gone out completely. */
  digitsPending(): number;
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
      } else {
        if (!sink.sendDigit(symbol)) return false;
        this.#at++;
      }
    }
    return nowMs >= this.#pauseUntilMs && !this.#isSending();
  }

  #isSending(): boolean {
    return this.#sink.digitsPending() > 0;
  }
}
