/**
 * Digits in SIP INFO: `application/dtmf-relay` (Signal=, Duration=) and `application/dtmf`, the legacy usages of RFC 6086 §1
 * (SIP-INV-11, DTMF-7). Read from requests, and sent as requests, one after the other.
 */

import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { SipBody, SipRequest } from "../sip/message.ts";
import type { Dialog } from "../sip/user-agent.ts";

/** By the numbers of RFC 4733 §3.2, which some senders use for all but 0 to 9. */
const DIGITS = "0123456789*#ABCD";
const BODY_BYTES_MAX = 256;
const FLASH: readonly string[] = ["16", "!", "HF", "FLASH"];

/** What an INFO request says. */
export type InfoReading =
  | { readonly kind: "digit"; readonly digit: string }
  /** Nothing that we act on: no body at all, or the flash of a hook (DTMF-6). */
  | { readonly kind: "nothing" }
  | { readonly kind: "unknown" };

export function readInfo(request: SipRequest): InfoReading {
  const { headers, body } = request;
  if (body.length === 0) return { kind: "nothing" };
  const type = (headers.get("Content-Type") ?? "").split(";")[0]!.trim().toLowerCase();
  const isKnown = type === "application/dtmf" || type === "application/dtmf-relay";
  if (!isKnown || body.length > BODY_BYTES_MAX) return { kind: "unknown" };
  const signal = signalOf(new TextDecoder().decode(body)).toUpperCase();
  if (FLASH.includes(signal)) return { kind: "nothing" };
  const digit =
    signal.length === 1 && DIGITS.includes(signal) ? signal : /^1[0-5]$/.test(signal) ? DIGITS[+signal] : "";
  return digit === undefined || digit === "" ? { kind: "unknown" } : { kind: "digit", digit };
}

/** `Signal=5` in a line of its own, or the whole text. */
function signalOf(text: string): string {
  for (const line of text.split("\n")) {
    const [name, value] = line.split("=", 2);
    if (name!.trim().toLowerCase() === "signal") return (value ?? "").trim();
  }
  return text.trim();
}

/** Length that a far end plays a digit for that came by INFO (DTMF-2). */
const DURATION_MS = 100;
/** Digits that wait for the answer of the one before; a far end that answers none is given no more. */
const WAITING_MAX = 32;

/** Sends digits by INFO in the order in which they were pressed: the next when the one before was answered. */
export class InfoDigits {
  readonly #dialog: Dialog;
  readonly #log: Log;
  readonly #waiting: string[] = [];
  #isSending = false;

  constructor(dialog: Dialog, log: Log) {
    this.#dialog = dialog;
    this.#log = log;
  }

  send(digit: string): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(digit);
    if (!this.#isSending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (;;) {
      const digit = this.#waiting.shift();
      if (digit === undefined || this.#dialog.ended) break;
      try {
        const { status } = await this.#dialog.request("INFO", { body: infoBody(digit) });
        if (status >= 300) this.#log.debug("the far end refused a digit by INFO", { status });
      } catch (error) {
        this.#log.debug("a digit by INFO was not answered", { error: messageOf(error) });
      }
    }
    this.#isSending = false;
  }
}

function infoBody(digit: string): SipBody {
  return { contentType: "application/dtmf-relay", content: `Signal=${digit}\r\nDuration=${DURATION_MS}\r\n` };
}
