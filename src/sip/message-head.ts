/**
 * Start line and headers of one message (RFC 3261 §7), read once from front to back. Datagrams and streams both go
 * through here, so that framing and meaning never disagree about a header (hardening R2, R3). Faults are collected: only
 * at the end it is known whether the message can be answered.
 */

import { SipParseError } from "../base/errors.ts";
import { canonicalName, Headers } from "./headers.ts";
import { LIMITS } from "./limits.ts";
import type { CSeq, NameAddr, Via } from "./message.ts";
import { parseNameAddr } from "./name-addr.ts";
import { parseStartLine, type RequestLine, type StatusLine } from "./start-line.ts";
import {
  blankEscapedControls,
  hasControl,
  isBlankCode,
  isToken,
  parseDecimal,
  skipBlanks,
  skipBlanksBack,
  sliceTrimmed,
  splitOutside,
} from "./tokens.ts";
import { parseVia } from "./via.ts";

const CR = 13;
const LF = 10;

/** What is wrong, and the status to say it with. */
export interface Fault {
  readonly status: number;
  readonly text: string;
  /** On a stream: where this message ends is not known any more. */
  readonly losesFraming: boolean;
}

/** A head as read; fields are undefined when the header is missing or malformed. */
export interface MessageHead {
  readonly start: RequestLine | StatusLine;
  readonly headers: Headers;
  readonly faults: Fault[];
  readonly vias: Via[];
  from: NameAddr | undefined;
  to: NameAddr | undefined;
  callId: string | undefined;
  cseq: CSeq | undefined;
  maxForwards: number | undefined;
  contentLength: number | undefined;
}

/** Headers that may stand only once (SIP-MSG-9). */
const SINGLE: ReadonlySet<string> = new Set([
  "To",
  "From",
  "Call-ID",
  "CSeq",
  "Max-Forwards",
  "Content-Length",
  "Content-Type",
]);

/** Index of the first octet that is no line end. */
export function skipLineEnds(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let at = from;
  while (at < to && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}

/**
 * Looks for the empty line; a lone LF is taken as a line end (SIP-MSG-1).
 * @param from - where to go on; an earlier search says so in `scanned`
 * @returns `bodyStart` -1 when the empty line is not there yet
 */
export function findHeadEnd(bytes: Uint8Array, from: number, to: number): { bodyStart: number; scanned: number } {
  const area = to === bytes.length ? bytes : bytes.subarray(0, to);
  for (let at = area.indexOf(LF, from); at >= 0; at = area.indexOf(LF, at + 1)) {
    if (at + 1 >= to) return { bodyStart: -1, scanned: at };
    if (area[at + 1] === LF) return { bodyStart: at + 2, scanned: at };
    if (area[at + 1] !== CR) continue;
    if (at + 2 >= to) return { bodyStart: -1, scanned: at };
    if (area[at + 2] === LF) return { bodyStart: at + 3, scanned: at };
  }
  return { bodyStart: -1, scanned: to };
}

/**
 * Reads the octets from the start line to the empty line, which may be there or not.
 * @throws SipParseError with status 0 for what is no SIP at all
 */
export function readHead(bytes: Uint8Array): MessageHead {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
  const lineEnd = endOfLine(text, 0);
  const head: MessageHead = {
    start: parseStartLine(text.slice(0, beforeCr(text, lineEnd))),
    headers: new Headers(),
    faults: [],
    vias: [],
    from: undefined,
    to: undefined,
    callId: undefined,
    cseq: undefined,
    maxForwards: undefined,
    contentLength: undefined,
  };
  if (bytes.length > LIMITS.headerSectionBytes) addFault(head, 513, "header section is too long", true);
  readLines(text, lineEnd + 1, head);
  return head;
}

function addFault(head: MessageHead, status: number, text: string, losesFraming = false): void {
  head.faults.push({ status, text, losesFraming });
}

function readLines(text: string, from: number, head: MessageHead): void {
  const seen = new Set<string>();
  let count = 0;
  for (let at = from; at < text.length; ) {
    let end = endOfLine(text, at);
    const start = at;
    const firstEnd = beforeCr(text, end);
    let line = text.slice(start, firstEnd);
    if (line === "") return;
    at = end + 1;
    if (isBlankCode(text.charCodeAt(at))) {
      // Folded lines are gathered and joined once, so that many of them stay linear (SIP-MSG-3).
      const pieces = [line.slice(0, skipBlanksBack(line, 0, line.length))];
      while (isBlankCode(text.charCodeAt(at))) {
        end = endOfLine(text, at);
        pieces.push(sliceTrimmed(text, at, beforeCr(text, end)));
        at = end + 1;
      }
      line = pieces.join(" ");
    }
    if (++count > LIMITS.headerCount) {
      addFault(head, 513, "too many header lines", true);
      return;
    }
    readLine(line, count, head, seen);
  }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

function beforeCr(text: string, end: number): number {
  return end > 0 && text.charCodeAt(end - 1) === CR ? end - 1 : end;
}

function readLine(received: string, number: number, head: MessageHead, seen: Set<string>): void {
  // What is not read may hide anything, a Content-Length among it.
  if (received.length > LIMITS.headerBytes) {
    addFault(head, 513, `header line ${number} is too long`, true);
    return;
  }
  const isSuspect = hasControl(received);
  const line = isSuspect ? blankEscapedControls(received) : received;
  const colon = line.indexOf(":");
  // Only blanks may stand before the colon (hardening R3); any other octet makes the name no token.
  const rawName = colon < 0 ? "" : line.slice(0, skipBlanksBack(line, 0, colon));
  if (!isToken(rawName) || (isSuspect && hasControl(line))) {
    addFault(head, 400, `header line ${number} is malformed`);
    return;
  }
  const name = canonicalName(rawName);
  const isContentLength = name === "Content-Length";
  if (SINGLE.has(name) && seen.has(name)) {
    addFault(head, 400, `${name} stands twice`, isContentLength);
    return;
  }
  seen.add(name);
  const value = sliceTrimmed(line, colon + 1, line.length);
  try {
    if (!readField(name, value, head)) head.headers.add(name, value);
  } catch (error) {
    if (!(error instanceof SipParseError)) throw error;
    // 414 and 416 speak of the Request-URI only.
    addFault(head, error.status === 513 ? 513 : 400, `${name}: ${error.message}`, isContentLength);
  }
}

/** Takes a header into the fields; false when it is to stay in the list. */
function readField(name: string, value: string, head: MessageHead): boolean {
  switch (name) {
    case "Via":
      readVias(value, head.vias);
      return true;
    case "From":
      head.from = parseNameAddr(value);
      return true;
    case "To":
      head.to = parseNameAddr(value);
      return true;
    case "Call-ID":
      head.callId = readCallId(value);
      return true;
    case "CSeq":
      head.cseq = readCSeq(value);
      return true;
    case "Max-Forwards":
      head.maxForwards = parseDecimal(value, LIMITS.maxForwards);
      if (head.maxForwards === undefined) throw new SipParseError(`not a number from 0 to ${LIMITS.maxForwards}`);
      return true;
    case "Content-Length":
      head.contentLength = parseDecimal(value, Number.MAX_SAFE_INTEGER);
      if (head.contentLength === undefined) throw new SipParseError("not a number");
      return true;
    default:
      return false;
  }
}

function readVias(value: string, vias: Via[]): void {
  for (const part of value.includes(",") ? splitOutside(value, ",", "list") : [value]) {
    if (vias.length >= LIMITS.viaCount) throw new SipParseError("too many values", 513);
    vias.push(parseVia(part));
  }
}

function readCallId(value: string): string {
  if (value === "") throw new SipParseError("empty");
  if (value.length > LIMITS.callIdLength) throw new SipParseError("too long");
  if (value.includes(" ") || value.includes("\t")) throw new SipParseError("malformed");
  return value;
}

/** Number and method; the number is below 2^31 (SIP-MSG-10). */
function readCSeq(value: string): CSeq {
  let end = 0;
  while (end < value.length && !isBlankCode(value.charCodeAt(end))) end++;
  const number = parseDecimal(value.slice(0, end), LIMITS.cseqNumber);
  if (number === undefined) throw new SipParseError("number is not below 2^31");
  const method = value.slice(skipBlanks(value, end));
  if (!isToken(method) || method.length > LIMITS.methodLength) throw new SipParseError("method is malformed");
  return { number, method };
}
