/**
 * Octets to SIP messages (RFC 3261 §7, §25). A message is read once, from front to back. What every layer needs is
 * parsed; what is not needed is kept as text and never stands in the way (SIP-MSG-13). A request that is wrong but can be
 * answered is thrown as `UnacceptableRequestError`, anything else as `SipParseError` with status 0: drop it.
 */

import { SipParseError } from "../base/errors.ts";
import { canonicalName, Headers } from "./headers.ts";
import type { CSeq, NameAddr, SipMessage, SipRequest, SipResponse, Via } from "./message.ts";
import { parseNameAddr } from "./name-addr.ts";
import { UnacceptableRequestError } from "./parse-failure.ts";
import { isToken, parseDecimal, splitOutside } from "./tokens.ts";
import { parseUri, type SipUri } from "./uri.ts";
import { parseVia } from "./via.ts";

/** SIP-MSG-14. */
export const LIMITS = {
  messageBytes: 65_535,
  headerSectionBytes: 32 * 1024,
  headerCount: 256,
  headerBytes: 8 * 1024,
  bodyBytes: 32 * 1024,
  viaCount: 70,
  callIdLength: 256,
  /** CSeq numbers are below 2^31 (RFC 3261 §8.1.1.5). */
  cseqNumber: 2 ** 31 - 1,
} as const;

/** Headers that may stand only once (SIP-MSG-9). */
const SINGLE = new Set(["To", "From", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type"]);

const utf8 = new TextDecoder("utf-8");
const CR = 13;
const LF = 10;

/** A fault that is kept until it is known whether the request can be answered. */
interface Fault {
  readonly status: number;
  readonly text: string;
  readonly fatal: boolean;
}

/** Values of the headers that become fields. */
interface Core {
  vias: Via[];
  from: NameAddr | undefined;
  to: NameAddr | undefined;
  callId: string | undefined;
  cseq: CSeq | undefined;
  maxForwards: number | undefined;
  contentLength: number | undefined;
  contentLengthText: string | undefined;
}

/**
 * Reads one whole message.
 * @param stream - true when it came from TCP or TLS, where Content-Length is required and faults in it lose the framing
 * @throws UnacceptableRequestError, SipParseError
 */
export function parseMessage(bytes: Uint8Array, stream = false): SipMessage {
  const start = skipLeadingLineEnds(bytes);
  const { end, bodyStart } = findHeaderEnd(bytes, start);
  const text = utf8.decode(bytes.subarray(start, end));
  const lines = unfold(text);
  const startLine = lines[0] ?? "";
  const faults: Fault[] = [];
  if (bytes.length - start > LIMITS.messageBytes || end - start > LIMITS.headerSectionBytes)
    faults.push({ status: 513, text: "message is too large", fatal: true });
  const isResponse = /^sip\//i.test(startLine);
  const core: Core = {
    vias: [],
    from: undefined,
    to: undefined,
    callId: undefined,
    cseq: undefined,
    maxForwards: undefined,
    contentLength: undefined,
    contentLengthText: undefined,
  };
  const headers = new Headers();
  readHeaders(lines, headers, core, faults);
  const body = readBody(bytes, bodyStart, core, stream, faults);
  return isResponse
    ? response(startLine, core, headers, body, faults)
    : request(startLine, core, headers, body, faults, stream);
}

function skipLeadingLineEnds(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}

/** Finds the empty line; lone LF is taken as a line end (SIP-MSG-1). */
function findHeaderEnd(bytes: Uint8Array, start: number): { end: number; bodyStart: number } {
  const limit = Math.min(bytes.length, start + LIMITS.messageBytes);
  for (let i = start; i < limit; i++) {
    if (bytes[i] !== LF) continue;
    if (bytes[i + 1] === LF) return { end: i, bodyStart: i + 2 };
    if (bytes[i + 1] === CR && bytes[i + 2] === LF) return { end: i, bodyStart: i + 3 };
  }
  // Without an empty line the header section is everything; a request can still be refused by name.
  return { end: bytes.length, bodyStart: bytes.length };
}

/** Lines without their ends, folded ones joined with one blank (SIP-MSG-3). */
function unfold(text: string): string[] {
  const lines: string[] = [];
  let pieces: string[] | undefined;
  for (const raw of text.split("\n")) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (lines.length > 1 && (line.startsWith(" ") || line.startsWith("\t"))) {
      // Collected and joined once, so that many folds stay linear.
      pieces ??= [lines[lines.length - 1]!];
      pieces.push(line.trim());
      continue;
    }
    if (pieces !== undefined) {
      lines[lines.length - 1] = pieces.join(" ");
      pieces = undefined;
    }
    lines.push(line);
  }
  if (pieces !== undefined) lines[lines.length - 1] = pieces.join(" ");
  return lines;
}

function readHeaders(lines: readonly string[], headers: Headers, core: Core, faults: Fault[]): void {
  const seen = new Set<string>();
  const fault = (status: number, text: string): number => faults.push({ status, text, fatal: false });
  if (lines.length - 1 > LIMITS.headerCount) fault(513, "too many header lines");
  const count = Math.min(lines.length, LIMITS.headerCount + 1);
  for (let i = 1; i < count; i++) {
    const line = lines[i]!;
    if (line === "") continue;
    const colon = line.indexOf(":");
    // Only blanks may stand before the colon (hardening R3); any other octet makes the name no token.
    const rawName = colon < 0 ? line : line.slice(0, colon).replace(/[ \t]+$/, "");
    if (colon < 0 || !isToken(rawName)) {
      fault(400, `malformed header line ${i}`);
      continue;
    }
    const name = canonicalName(rawName);
    if (line.length > LIMITS.headerBytes) {
      fault(513, `${name} is too long`);
      continue;
    }
    const value = line.slice(colon + 1).trim();
    if (SINGLE.has(name)) {
      if (seen.has(name)) {
        fault(400, `${name} stands twice`);
        continue;
      }
      seen.add(name);
    }
    try {
      if (!readCore(name, value, core)) headers.add(name, value);
    } catch (error) {
      if (error instanceof SipParseError) fault(error.status, `${name}: ${error.message}`);
      else fault(400, `${name} holds a control character`);
    }
  }
}

/** Takes a header into the fields; false when it is to stay in the list. */
function readCore(name: string, value: string, core: Core): boolean {
  switch (name) {
    case "Via":
      for (const part of splitOutside(value, ",", "Via")) {
        if (part === "") continue;
        if (core.vias.length >= LIMITS.viaCount) throw new SipParseError("too many values", 513);
        core.vias.push(parseVia(part));
      }
      return true;
    case "From":
      core.from = parseNameAddr(refuseControl(value));
      return true;
    case "To":
      core.to = parseNameAddr(refuseControl(value));
      return true;
    case "Call-ID":
      if (value === "" || value.length > LIMITS.callIdLength || /\s/.test(value)) throw new SipParseError("malformed");
      core.callId = refuseControl(value);
      return true;
    case "CSeq":
      core.cseq = parseCSeq(value);
      return true;
    case "Max-Forwards": {
      const hops = parseDecimal(value, 255);
      if (hops === undefined) throw new SipParseError("not a number from 0 to 255");
      core.maxForwards = hops;
      return true;
    }
    case "Content-Length":
      core.contentLengthText = value;
      core.contentLength = parseDecimal(value, Number.MAX_SAFE_INTEGER);
      return true;
    default:
      return false;
  }
}

/** Control characters are refused but where a backslash in a quoted string makes them legal (RFC 4475 3.1.1.2). */
function refuseControl(value: string): string {
  let quoted = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (quoted && code === 0x5c) i++;
    else if (code === 0x22) quoted = !quoted;
    else if ((code < 32 && code !== 9) || code === 127) throw new SipParseError("holds a control character");
  }
  return value;
}

function parseCSeq(value: string): CSeq {
  const blank = value.search(/[ \t]/);
  if (blank < 0) throw new SipParseError("no method");
  const number = parseDecimal(value.slice(0, blank), LIMITS.cseqNumber);
  if (number === undefined) throw new SipParseError("number is not below 2^31");
  const method = value.slice(blank).trim();
  if (!isToken(method)) throw new SipParseError("method is no token");
  return { number, method };
}

/** SIP-MSG-11. */
function readBody(bytes: Uint8Array, bodyStart: number, core: Core, stream: boolean, faults: Fault[]): Uint8Array {
  const present = bytes.subarray(Math.min(bodyStart, bytes.length));
  const fault = (status: number, text: string): number => faults.push({ status, text, fatal: stream });
  if (core.contentLengthText === undefined) {
    if (stream) fault(400, "Content-Length is required on a stream");
    return present;
  }
  if (core.contentLength === undefined) {
    fault(400, "Content-Length is no number");
    return present.subarray(0, 0);
  }
  if (core.contentLength > LIMITS.bodyBytes) {
    fault(413, "body is too large");
    return present.subarray(0, 0);
  }
  if (core.contentLength > present.length) {
    fault(400, "body is shorter than Content-Length says");
    return present;
  }
  return present.subarray(0, core.contentLength);
}

function response(line: string, core: Core, headers: Headers, body: Uint8Array, faults: Fault[]): SipResponse {
  const match = /^sip\/2\.0 ([0-9]{3})(?: (.*))?$/is.exec(line);
  const status = match === null ? 0 : Number(match[1]);
  if (status < 100 || status > 699) throw new SipParseError("status line is malformed", 0, 0);
  const { vias, from, to, callId, cseq } = core;
  if (vias.length === 0 || from === undefined || to === undefined || callId === undefined || cseq === undefined)
    throw new SipParseError(
      faults[0]?.text ?? "response lacks a mandatory header",
      0,
      -1,
      faults.some((f) => f.fatal),
    );
  const first = faults[0];
  if (first !== undefined)
    throw new SipParseError(
      first.text,
      0,
      -1,
      faults.some((f) => f.fatal),
    );
  return { kind: "response", status, reason: match?.[2] ?? "", vias, from, to, callId, cseq, headers, body };
}

function request(
  line: string,
  core: Core,
  headers: Headers,
  body: Uint8Array,
  faults: Fault[],
  stream: boolean,
): SipRequest {
  const fatal = faults.some((fault) => fault.fatal);
  const { method, uri, fault } = requestLine(line);
  if (fault !== undefined) faults.unshift(fault);
  const { vias, from, to, callId, cseq } = core;
  if (vias.length === 0 || from === undefined || to === undefined || callId === undefined || cseq === undefined) {
    const missing = [
      vias.length === 0 && "Via",
      from === undefined && "From",
      to === undefined && "To",
      callId === undefined && "Call-ID",
      cseq === undefined && "CSeq",
    ].filter((name) => name !== false);
    return answerBroken(
      method,
      core,
      headers,
      faults[0]?.text ?? `${missing.join(", ")} missing`,
      faults[0]?.status ?? 400,
      fatal && stream,
    );
  }
  const made: SipRequest = {
    kind: "request",
    method,
    uri: uri ?? { scheme: "sip", user: undefined, host: "invalid", port: undefined, params: new Map(), headers: [] },
    vias,
    from,
    to,
    callId,
    cseq,
    maxForwards: core.maxForwards ?? 70,
    headers,
    body,
  };
  if (faults.length === 0 && cseq.method !== method)
    faults.push({ status: 400, text: "CSeq names another method", fatal: false });
  const first = faults[0];
  if (first !== undefined) throw new UnacceptableRequestError(first.text, first.status, made, fatal && stream);
  return made;
}

/** A request with a broken mandatory header is answered when there is a Via to answer by, else dropped. */
function answerBroken(
  method: string,
  core: Core,
  headers: Headers,
  text: string,
  status: number,
  fatal: boolean,
): never {
  const { vias } = core;
  if (vias.length === 0 || method === "" || method === "ACK") throw new SipParseError(text, 0, -1, fatal);
  const nobody: NameAddr = {
    displayName: "",
    uri: { scheme: "sip", user: undefined, host: "invalid", port: undefined, params: new Map(), headers: [] },
    params: new Map(),
  };
  const request: SipRequest = {
    kind: "request",
    method,
    uri: nobody.uri,
    vias,
    from: core.from ?? nobody,
    to: core.to ?? nobody,
    callId: core.callId ?? "",
    cseq: core.cseq ?? { number: 0, method },
    maxForwards: core.maxForwards ?? 70,
    headers,
    body: new Uint8Array(0),
  };
  throw new UnacceptableRequestError(text, status, request, fatal);
}

/** Method, Request-URI, version: exactly one blank between them (SIP-MSG-12, SIP-MSG-18). */
function requestLine(line: string): { method: string; uri: SipUri | undefined; fault: Fault | undefined } {
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = first < 0 ? "" : line.slice(0, first);
  if (first < 0 || !isToken(method)) throw new SipParseError("this is no SIP message", 0, 0);
  const version = line.slice(last + 1);
  const refuse = (status: number, text: string) => ({ method, uri: undefined, fault: { status, text, fatal: false } });
  if (!/^sip\/[0-9]+\.[0-9]+$/i.test(version.trim())) {
    if (/sip\/2\.0/i.test(line)) return refuse(400, "request line is malformed");
    throw new SipParseError("this is no SIP message", 0, 0);
  }
  if (version.toUpperCase() !== "SIP/2.0") return refuse(505, "Version Not Supported");
  const uriText = line.slice(first + 1, last);
  try {
    const uri = parseUri(uriText);
    if (uri.scheme !== "sip" && uri.scheme !== "sips" && uri.scheme !== "tel")
      return {
        method,
        uri,
        fault: { status: 416, text: `URI scheme ${uri.scheme.slice(0, 20)} is not supported`, fatal: false },
      };
    // A header part has no meaning in a Request-URI and is dropped (SIP-MSG-18).
    uri.headers = [];
    return { method, uri, fault: undefined };
  } catch (error) {
    if (error instanceof SipParseError) return refuse(error.status, `Request-URI: ${error.message}`);
    throw error;
  }
}
