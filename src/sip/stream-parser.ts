/**
 * Framing on TCP and TLS (RFC 3261 §18.3, RFC 5626 §3.5.1): leading line ends are skipped, a double CRLF between messages
 * is a ping, Content-Length says where a message ends. Memory is bounded, and time is linear however the octets arrive.
 */

import { SipParseError } from "../base/errors.ts";
import type { SipMessage } from "./message.ts";
import { LIMITS, parseMessage } from "./parser.ts";

/** What came out of one chunk, in order. */
export type StreamEvent =
  | { readonly kind: "message"; readonly message: SipMessage }
  | { readonly kind: "ping" }
  /** A single CRLF: the answer to a ping of ours. */
  | { readonly kind: "pong" }
  /** When `error.fatalToStream`, the framing is lost: answer if possible, then close. */
  | { readonly kind: "error"; readonly error: SipParseError };

const CR = 13;
const LF = 10;

export class StreamParser {
  #buffer = Buffer.alloc(4096);
  #length = 0;
  /** Up to here no end of the header section was found, so that one octet a segment stays linear. */
  #scanned = 0;
  #bodyStart = -1;
  #messageEnd = -1;
  #lineEnds = 0;
  #failed = false;

  /** Octets that wait for the rest of their message. */
  get pendingBytes(): number {
    return this.#length;
  }

  /** Takes one chunk and returns what it completed. After a fatal error nothing more comes out. */
  push(chunk: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = [];
    if (this.#failed) return events;
    this.#append(chunk);
    let more = true;
    while (more && !this.#failed) more = this.#step(events);
    if (!this.#failed && this.#lineEnds > 0 && this.#length === 0) this.#flushPong(events);
    return events;
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#length);
    this.#length = needed;
  }

  #step(events: StreamEvent[]): boolean {
    if (this.#bodyStart < 0) {
      if (this.#scanned === 0 && this.#skipLineEnds(events)) return this.#length > 0;
      if (!this.#findHeaderEnd()) {
        if (this.#length > LIMITS.messageBytes)
          this.#fail(events, new SipParseError("no end of the headers after 64 KiB", 513, -1, true));
        return false;
      }
      this.#messageEnd = this.#bodyStart + this.#contentLength();
    }
    if (this.#length < this.#messageEnd) return false;
    this.#take(events);
    return this.#length > 0;
  }

  /** Takes line ends in front of a message; two CRLFs are a ping. True when something was taken. */
  #skipLineEnds(events: StreamEvent[]): boolean {
    let at = 0;
    while (at < this.#length && (this.#buffer[at] === CR || this.#buffer[at] === LF)) {
      if (this.#buffer[at] === LF && ++this.#lineEnds === 2) {
        this.#lineEnds = 0;
        events.push({ kind: "ping" });
      }
      at++;
    }
    if (at === 0) {
      this.#lineEnds = 0;
      return false;
    }
    this.#drop(at);
    return true;
  }

  /** A lone CRLF may be half of a ping, so it is a pong only in the eyes of who waits for one. */
  #flushPong(events: StreamEvent[]): void {
    if (this.#lineEnds === 1) events.push({ kind: "pong" });
  }

  #findHeaderEnd(): boolean {
    const buffer = this.#buffer;
    for (let i = this.#scanned; i < this.#length; i++) {
      if (buffer[i] !== LF) continue;
      if (i + 1 >= this.#length) {
        this.#scanned = i;
        return false;
      }
      if (buffer[i + 1] === LF) {
        this.#bodyStart = i + 2;
        return true;
      }
      if (buffer[i + 1] === CR) {
        if (i + 2 >= this.#length) {
          this.#scanned = i;
          return false;
        }
        if (buffer[i + 2] === LF) {
          this.#bodyStart = i + 3;
          return true;
        }
      }
    }
    this.#scanned = this.#length;
    return false;
  }

  /** Reads Content-Length for framing only; whatever is wrong with it, the parser says so afterwards. */
  #contentLength(): number {
    const head = this.#buffer.toString("latin1", 0, this.#bodyStart);
    for (let at = head.indexOf("\n"); at >= 0; at = head.indexOf("\n", at + 1)) {
      const colon = head.indexOf(":", at + 1);
      if (colon < 0) return 0;
      const name = head
        .slice(at + 1, Math.min(colon, at + 20))
        .trim()
        .toLowerCase();
      if (name !== "content-length" && name !== "l") continue;
      const lineEnd = head.indexOf("\n", colon);
      const text = head.slice(colon + 1, lineEnd < 0 ? undefined : lineEnd).trim();
      return /^[0-9]{1,6}$/.test(text) && Number(text) <= LIMITS.bodyBytes ? Number(text) : 0;
    }
    return 0;
  }

  #take(events: StreamEvent[]): void {
    const bytes = Uint8Array.prototype.slice.call(this.#buffer, 0, this.#messageEnd);
    this.#drop(this.#messageEnd);
    try {
      events.push({ kind: "message", message: parseMessage(bytes, true) });
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      if (error.fatalToStream) this.#fail(events, error);
      else events.push({ kind: "error", error });
    }
  }

  #fail(events: StreamEvent[], error: SipParseError): void {
    this.#failed = true;
    this.#length = 0;
    this.#buffer = Buffer.alloc(0);
    events.push({ kind: "error", error });
  }

  #drop(count: number): void {
    this.#buffer.copyWithin(0, count, this.#length);
    this.#length -= count;
    this.#scanned = 0;
    this.#bodyStart = -1;
    this.#messageEnd = -1;
  }
}
