/**
 * Framing on TCP and TLS (RFC 3261 §18.3, RFC 5626 §3.5.1): leading line ends are skipped, a double CRLF between messages
 * is a ping, Content-Length says where a message ends. The head of a message is read once, and what it means decides where
 * the message ends, so the two cannot disagree. Memory is bounded, and time is linear however the octets arrive.
 */

import { SipParseError } from "../base/errors.ts";
import { LIMITS } from "./limits.ts";
import type { SipMessage } from "./message.ts";
import { findHeadEnd, type MessageHead, readHead } from "./message-head.ts";
import { bodyLength, completeMessage } from "./parser.ts";

/** What came out of one chunk, in order. */
export type StreamEvent =
  /** `octets`: the message as it came; they stay as they are until the next `push`. */
  | { readonly kind: "message"; readonly message: SipMessage; readonly octets: Uint8Array }
  /** A double CRLF, to be answered with one CRLF. */
  | { readonly kind: "ping" }
  /** A single CRLF: the answer to a ping of ours. Cut in two by the network, a ping is announced by one of these. */
  | { readonly kind: "pong" }
  /** When `error.fatalToStream`, the framing is lost: answer if possible, then close. */
  | { readonly kind: "error"; readonly error: SipParseError; readonly octets: Uint8Array };

const CR = 13;
const LF = 10;
/** A buffer that grew beyond this is given back when it is empty. */
const KEPT_BYTES_MAX = 8192;
const NO_OCTETS = new Uint8Array(0);

export class StreamParser {
  #buffer: Uint8Array = new Uint8Array(0);
  /** Octets from `#start` to `#end` wait to be read. */
  #start = 0;
  #end = 0;
  /** Up to here no end of the head was found, so that one octet a segment stays linear. */
  #scanned = 0;
  /** The head that was read while its body is still on its way. */
  #head: MessageHead | undefined;
  #bodyStart = 0;
  #bodyEnd = 0;
  #lineEnds = 0;
  #failed = false;

  /** Octets that wait for the rest of their message. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** Takes one chunk and returns what it completed. After a fatal error nothing more comes out. */
  push(chunk: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = [];
    if (this.#failed) return events;
    this.#append(chunk);
    while (this.#start < this.#end && !this.#failed && this.#step(events)) {
      // One message or one run of line ends a step.
    }
    this.#tidy();
    return events;
  }

  /** Returns false when more octets are needed. */
  #step(events: StreamEvent[]): boolean {
    if (this.#head === undefined) {
      if (this.#scanned === this.#start) this.#skipLineEnds(events);
      if (this.#start === this.#end || !this.#readHead(events)) return false;
    }
    if (this.#end < this.#bodyEnd) return false;
    this.#takeMessage(events);
    return true;
  }

  /** Takes line ends in front of a message; two of them are a ping. */
  #skipLineEnds(events: StreamEvent[]): void {
    let at = this.#start;
    let isFirst = false;
    for (; at < this.#end; at++) {
      const octet = this.#buffer[at];
      if (octet === LF) {
        isFirst = ++this.#lineEnds === 1;
        if (this.#lineEnds === 2) {
          this.#lineEnds = 0;
          events.push({ kind: "ping" });
        }
      } else if (octet !== CR) break;
    }
    if (at < this.#end) this.#lineEnds = 0;
    else if (isFirst) events.push({ kind: "pong" });
    this.#start = at;
    this.#scanned = at;
  }

  /** Looks for the end of the head and reads it. Returns false when it is not there yet. */
  #readHead(events: StreamEvent[]): boolean {
    const { bodyStart, scanned } = findHeadEnd(this.#buffer, this.#scanned, this.#end);
    this.#scanned = scanned;
    const headBytes = (bodyStart < 0 ? this.#end : bodyStart) - this.#start;
    if (headBytes > LIMITS.messageBytes) {
      this.#fail(events, new SipParseError("no end of the headers after 64 KiB", 0, -1, true));
      return false;
    }
    if (bodyStart < 0) return false;
    try {
      this.#head = readHead(this.#buffer.subarray(this.#start, bodyStart));
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      // The far end speaks something else (SIP-MSG-12).
      this.#fail(events, new SipParseError(error.message, 0, 0, true));
      return false;
    }
    this.#bodyStart = bodyStart;
    this.#bodyEnd = bodyStart + bodyLength(this.#head, undefined);
    return true;
  }

  #takeMessage(events: StreamEvent[]): void {
    const head = this.#head!;
    const octets = this.#buffer.subarray(this.#start, this.#bodyEnd);
    // A copy: the buffer is used again.
    const body = this.#buffer.slice(this.#bodyStart, this.#bodyEnd);
    this.#head = undefined;
    this.#start = this.#bodyEnd;
    this.#scanned = this.#start;
    try {
      events.push({ kind: "message", message: completeMessage(head, body, true), octets });
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error;
      if (error.fatalToStream) this.#fail(events, error, octets);
      else events.push({ kind: "error", error, octets });
    }
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#end - this.#start + chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      const size = needed > this.#buffer.length ? Math.max(needed, this.#buffer.length * 2, 512) : this.#buffer.length;
      this.#move(size === this.#buffer.length ? this.#buffer : new Uint8Array(size));
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Puts what waits at the front of `target`, which may be the buffer itself. */
  #move(target: Uint8Array): void {
    target.set(this.#buffer.subarray(this.#start, this.#end));
    this.#buffer = target;
    this.#scanned -= this.#start;
    this.#bodyStart -= this.#start;
    this.#bodyEnd -= this.#start;
    this.#end -= this.#start;
    this.#start = 0;
  }

  /** An empty buffer starts anew; a large one is given back. */
  #tidy(): void {
    if (this.#start < this.#end) return;
    this.#start = 0;
    this.#end = 0;
    this.#scanned = 0;
    if (this.#buffer.length > KEPT_BYTES_MAX) this.#buffer = new Uint8Array(0);
  }

  #fail(events: StreamEvent[], error: SipParseError, octets: Uint8Array = NO_OCTETS): void {
    this.#failed = true;
    this.#start = this.#end;
    events.push({ kind: "error", error, octets });
  }
}
