/** Bodies: the SDP of a message, alone or inside a multipart body (RFC 5621, SIP-MSG-16). */

import type { SipMessage } from "./message.ts";

const SDP = "application/sdp";
const DEPTH_MAX = 2;
const PARTS_MAX = 16;

/** A body part. */
interface Part {
  readonly type: string;
  readonly parameters: string;
  readonly disposition: string;
  readonly content: string;
}

/** The SDP text of a message, or undefined when it has none. A part that must be understood and is not is ignored here; see `unsupportedBody`. */
export function sdpOfBody(message: SipMessage): string | undefined {
  if (message.body.length === 0) return undefined;
  return findSdp(partOf(message), 0);
}

/**
 * Says why a body cannot be taken (SIP-MSG-17): the type when it is neither SDP nor a multipart that holds what is needed.
 * @returns undefined when the body is fine or absent
 */
export function unsupportedBody(message: SipMessage): "type" | "encoding" | undefined {
  if (message.body.length === 0) return undefined;
  const encoding = message.headers.get("Content-Encoding");
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") return "encoding";
  const part = partOf(message);
  if (isOptional(part)) return undefined;
  if (part.type === SDP) return undefined;
  if (!part.type.startsWith("multipart/")) return "type";
  const parts = splitParts(part);
  const unknown = parts.some(
    (one) => one.type !== SDP && !one.type.startsWith("multipart/") && /handling\s*=\s*required/i.test(one.disposition),
  );
  return unknown ? "type" : undefined;
}

function isOptional(part: Part): boolean {
  return /handling\s*=\s*"?optional/i.test(part.disposition);
}

function partOf(message: SipMessage): Part {
  const { type, parameters } = splitType(message.headers.get("Content-Type") ?? SDP);
  return {
    type,
    parameters,
    disposition: message.headers.get("Content-Disposition") ?? "",
    content: new TextDecoder().decode(message.body),
  };
}

function splitType(value: string): { type: string; parameters: string } {
  const semicolon = value.indexOf(";");
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).replaceAll(" ", "").toLowerCase();
  return { type, parameters: semicolon < 0 ? "" : value.slice(semicolon + 1) };
}

function findSdp(part: Part, depth: number): string | undefined {
  if (part.type === SDP) return part.content;
  if (!part.type.startsWith("multipart/") || depth >= DEPTH_MAX) return undefined;
  for (const inner of splitParts(part)) {
    const found = findSdp(inner, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function splitParts(part: Part): Part[] {
  const boundary = boundaryOf(part.parameters);
  if (boundary === "") return [];
  const pieces = part.content.split(`--${boundary}`);
  return pieces.slice(1, PARTS_MAX + 1).flatMap((piece) => (piece.startsWith("--") ? [] : [parsePart(piece)]));
}

function boundaryOf(parameters: string): string {
  for (const parameter of parameters.split(";")) {
    const equals = parameter.indexOf("=");
    if (equals > 0 && parameter.slice(0, equals).trim().toLowerCase() === "boundary")
      return parameter
        .slice(equals + 1)
        .trim()
        .replaceAll('"', "")
        .slice(0, 70);
  }
  return "";
}

function parsePart(piece: string): Part {
  const text = piece.replace(/^\r?\n/, "");
  const crlf = text.indexOf("\r\n\r\n");
  const lf = text.indexOf("\n\n");
  const end = crlf >= 0 ? crlf : lf;
  const head = end < 0 ? "" : text.slice(0, end);
  const content = end < 0 ? text : text.slice(end + (crlf >= 0 ? 4 : 2));
  const headers = new Map(
    head.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, Math.max(0, colon)).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const { type, parameters } = splitType(headers.get("content-type") ?? "text/plain");
  return { type, parameters, disposition: headers.get("content-disposition") ?? "", content };
}
