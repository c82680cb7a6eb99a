/**
 * Bodies: the SDP of a message, alone or inside a multipart body (RFC 5621, RFC 2046 §5.1; SIP-MSG-16, SIP-MSG-17). Parts are
 * views of the body; nothing is decoded but the SDP that is found.
 */

import { parseTypedValue } from "./content-type.ts";
import { canonicalName } from "./headers.ts";
import type { SipMessage } from "./message.ts";
import { trimBlanks } from "./tokens.ts";

const SDP = "application/sdp";
/** A multipart inside a multipart, and no deeper. */
const DEPTH_MAX = 2;
const PARTS_MAX = 16;
const BOUNDARY_LENGTH_MAX = 70;
const LF = 10;
const CR = 13;

/** A body, or one part of it. */
interface Part {
  readonly type: string;
  readonly boundary: string;
  /** `required` unless said otherwise for a whole body, `optional` for a part (RFC 5621 §5, SIP-MSG-16). */
  readonly handling: "required" | "optional";
  readonly encoding: string;
  readonly content: Buffer;
}

/** The SDP text of a message, or undefined when it has none. What must be understood and is not: see `unsupportedBody`. */
export function sdpOfBody(message: SipMessage): string | undefined {
  return message.body.length === 0 ? undefined : findSdp(wholeBody(message), 0);
}

/**
 * Says why a body cannot be taken (SIP-MSG-17): `encoding` when it is packed, `type` when it, or a part of it that must be
 * understood, is neither SDP nor multipart.
 * @returns undefined when the body is fine or absent
 */
export function unsupportedBody(message: SipMessage): "type" | "encoding" | undefined {
  if (message.body.length === 0) return undefined;
  const encoding = message.headers.get("Content-Encoding");
  if (encoding !== undefined && encoding !== "" && encoding.toLowerCase() !== "identity") return "encoding";
  return isUnderstood(wholeBody(message), 0) ? undefined : "type";
}

function isUnderstood(part: Part, depth: number): boolean {
  if (part.handling === "optional" || isSdp(part)) return true;
  if (!isMultipart(part) || depth >= DEPTH_MAX) return false;
  return partsOf(part).every((inner) => isUnderstood(inner, depth + 1));
}

function findSdp(part: Part, depth: number): string | undefined {
  if (isSdp(part)) return part.content.toString("utf8");
  if (!isMultipart(part) || depth >= DEPTH_MAX) return undefined;
  for (const inner of partsOf(part)) {
    const found = findSdp(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isSdp(part: Part): boolean {
  return part.type === SDP && (part.encoding === "" || ["7bit", "8bit", "binary"].includes(part.encoding));
}

function isMultipart(part: Part): boolean {
  return part.type.startsWith("multipart/") && part.boundary !== "";
}

/** A body without Content-Type is taken for SDP: peers that leave it out send nothing else. */
function wholeBody(message: SipMessage): Part {
  const { body, headers } = message;
  const content = Buffer.from(body.buffer, body.byteOffset, body.length);
  return makePart((name) => headers.get(name), content, SDP, "required");
}

function makePart(
  header: (name: string) => string | undefined,
  content: Buffer,
  defaultType: string,
  defaultHandling: Part["handling"],
): Part {
  const type = parseTypedValue(header("Content-Type") ?? defaultType);
  const boundary = type.params.get("boundary") ?? "";
  const handling = parseTypedValue(header("Content-Disposition") ?? "session")
    .params.get("handling")
    ?.toLowerCase();
  return {
    type: type.value,
    boundary: boundary.length <= BOUNDARY_LENGTH_MAX ? boundary : "",
    handling: handling === "required" || handling === "optional" ? handling : defaultHandling,
    encoding: (header("Content-Transfer-Encoding") ?? "").toLowerCase(),
    content,
  };
}

/** The parts between the delimiter lines; what stands before the first and behind the last is no part. */
function partsOf(whole: Part): Part[] {
  const { content } = whole;
  const delimiter = Buffer.from(`--${whole.boundary}`);
  const parts: Part[] = [];
  let partStart = -1;
  for (let at = content.indexOf(delimiter); at >= 0; at = content.indexOf(delimiter, at + 1)) {
    if (at > 0 && content[at - 1] !== LF) continue;
    const lineEnd = delimiterEnd(content, at + delimiter.length);
    if (lineEnd < 0) continue;
    if (partStart >= 0) parts.push(readPart(content.subarray(partStart, beforeLineEnd(content, at, partStart))));
    const isLast = content[at + delimiter.length] === 0x2d;
    if (isLast || parts.length >= PARTS_MAX) return parts;
    partStart = lineEnd;
  }
  // A last part without its end is taken as far as it goes.
  if (partStart >= 0) parts.push(readPart(content.subarray(partStart)));
  return parts;
}

/** Index behind the delimiter line: `--` or nothing, blanks, line end. -1 when it is another boundary that begins so. */
function delimiterEnd(content: Buffer, from: number): number {
  let at = from;
  if (content[at] === 0x2d && content[at + 1] === 0x2d) at += 2;
  while (content[at] === 0x20 || content[at] === 0x09) at++;
  if (at >= content.length) return at;
  if (content[at] === CR) at++;
  return content[at] === LF ? at + 1 : -1;
}

/** The line end before a delimiter belongs to the delimiter. */
function beforeLineEnd(content: Buffer, at: number, from: number): number {
  let end = at;
  if (end > from && content[end - 1] === LF) end--;
  if (end > from && content[end - 1] === CR) end--;
  return end;
}

function readPart(bytes: Buffer): Part {
  const headers = new Map<string, string>();
  let name = "";
  let at = 0;
  while (at < bytes.length) {
    const lf = bytes.indexOf(LF, at);
    const end = lf < 0 ? bytes.length : lf;
    const line = bytes.toString("latin1", at, end > at && bytes[end - 1] === CR ? end - 1 : end);
    at = end + 1;
    if (line === "") break;
    const colon = line.indexOf(":");
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (headers.has(name)) headers.set(name, `${headers.get(name)} ${trimBlanks(line)}`);
    } else if (colon > 0) {
      name = canonicalName(trimBlanks(line.slice(0, colon)));
      if (!headers.has(name)) headers.set(name, trimBlanks(line.slice(colon + 1)));
    }
  }
  return makePart(
    (wanted) => headers.get(wanted),
    bytes.subarray(Math.min(at, bytes.length)),
    "text/plain",
    "optional",
  );
}
