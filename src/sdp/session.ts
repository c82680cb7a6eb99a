/**
 * Session descriptions as values, read from and written as text (RFC 8866; RFC 4566 before it). Reading is strict about
 * what negotiation relies on (v=, o=, m= and c= lines) and deaf to the rest: unknown letters are passed over, attributes
 * are kept as text. Nothing here knows what an attribute means.
 */

import { SdpRefusal } from "./refusal.ts";

/** Limits of SDP-1. */
export const SDP_LENGTH_BYTES_MAX = 16 * 1024;
export const SDP_MEDIA_COUNT_MAX = 16;

/** o= (RFC 8866 §5.2). Identifier and version stay text: they may exceed 2^53. */
export interface Origin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly netType: string;
  readonly addressType: string;
  readonly address: string;
}

/** c= (RFC 8866 §5.7). `address` is without the `/ttl` of multicast. */
export interface Connection {
  readonly netType: string;
  readonly addressType: string;
  readonly address: string;
}

/** a= (RFC 8866 §5.13): `name` or `name:value`. */
export interface Attribute {
  readonly name: string;
  /** Text after the colon; null for a flag. */
  readonly value: string | null;
}

/** m= and what belongs to it (RFC 8866 §5.14). */
export interface MediaDescription {
  /** audio, video, image … */
  readonly kind: string;
  /** 0: refused or not offered (RFC 3264 §6). */
  readonly port: number;
  /** RTP/AVP, RTP/SAVP … */
  readonly protocol: string;
  readonly formats: readonly string[];
  readonly connection: Connection | null;
  readonly attributes: readonly Attribute[];
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly connection: Connection | null;
  readonly attributes: readonly Attribute[];
  readonly media: readonly MediaDescription[];
}

/** A media section while its lines are still coming. */
interface OpenMedia {
  kind: string;
  port: number;
  protocol: string;
  formats: string[];
  connection: Connection | null;
  attributes: Attribute[];
}

/**
 * Reads SDP text. Lines end in CRLF or LF.
 * @returns the description; order of lines within a section does not matter but for v= coming first
 * @throws SdpRefusal "unparsable" (status 400): over 16 KiB or 16 m-lines, no v=, o= or m= line, a bad port
 */
export function parseSession(text: string): SessionDescription {
  if (Buffer.byteLength(text) > SDP_LENGTH_BYTES_MAX)
    throw unparsable(`SDP is longer than ${SDP_LENGTH_BYTES_MAX} octets`);
  let origin: Origin | null = null;
  let connection: Connection | null = null;
  const attributes: Attribute[] = [];
  const media: OpenMedia[] = [];
  let versionSeen = false;
  let lineNumber = 0;

  for (const rawLine of text.split("\n")) {
    lineNumber++;
    const line = rawLine.endsWith("\r") ? rawLine.slice(0, -1) : rawLine;
    if (line === "") continue;
    if (line.includes("\r") || line.includes("\0")) throw unparsable(`SDP line ${lineNumber} has a CR or NUL in it`);
    if (line[1] !== "=") throw unparsable(`SDP line ${lineNumber} is not of the form letter=value`);
    const letter = line[0]!;
    const value = line.slice(2);
    if (!versionSeen) {
      if (letter !== "v" || value.trim() !== "0") throw unparsable("SDP does not begin with v=0");
      versionSeen = true;
      continue;
    }
    const current = media.at(-1);
    switch (letter) {
      case "o":
        if (origin !== null || current !== undefined) throw unparsable("SDP has more than one o= line");
        origin = parseOrigin(value, lineNumber);
        break;
      case "c": {
        const parsed = parseConnection(value, lineNumber);
        // Of several c= lines (layered multicast) only the first counts.
        if (current !== undefined) current.connection ??= parsed;
        else connection ??= parsed;
        break;
      }
      case "a":
        (current?.attributes ?? attributes).push(parseAttribute(value));
        break;
      case "m":
        if (media.length === SDP_MEDIA_COUNT_MAX) throw unparsable(`SDP has more than ${SDP_MEDIA_COUNT_MAX} m= lines`);
        media.push(parseMedia(value, lineNumber));
        break;
      default:
    }
  }
  if (!versionSeen) throw unparsable("SDP is empty");
  if (origin === null) throw unparsable("SDP has no o= line");
  if (media.length === 0) throw unparsable("SDP has no m= line");
  return { origin, connection, attributes, media };
}

/**
 * Writes a description, lines in the order of RFC 8866 §5, ending in CRLF.
 * @throws TypeError when a value holds CR, LF or NUL
 */
export function formatSession(session: SessionDescription): string {
  const { origin } = session;
  const lines = [
    "v=0",
    `o=${origin.username} ${origin.sessionId} ${origin.sessionVersion} ${origin.netType} ${origin.addressType} ${origin.address}`,
    "s=-",
  ];
  if (session.connection !== null) lines.push(formatConnection(session.connection));
  lines.push("t=0 0", ...session.attributes.map(formatAttribute));
  for (const media of session.media) {
    lines.push(`m=${media.kind} ${media.port} ${media.protocol} ${media.formats.join(" ")}`);
    if (media.connection !== null) lines.push(formatConnection(media.connection));
    lines.push(...media.attributes.map(formatAttribute));
  }
  for (const line of lines) {
    if (/[\r\n\0]/.test(line)) throw new TypeError("an SDP value holds CR, LF or NUL");
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Value of the first attribute of that name; undefined when there is none, null for a flag. */
export function attributeOf(section: { readonly attributes: readonly Attribute[] }, name: string) {
  return section.attributes.find((attribute) => attribute.name === name)?.value;
}

function unparsable(message: string): SdpRefusal {
  return new SdpRefusal("unparsable", message);
}

function words(value: string): string[] {
  return value.split(" ").filter((word) => word !== "");
}

/** Visible ASCII only: these words come back in our answer. */
function isToken(word: string): boolean {
  return /^[\x21-\x7e]+$/.test(word);
}

function parseOrigin(value: string, lineNumber: number): Origin {
  const parts = words(value);
  if (parts.length !== 6) throw unparsable(`SDP line ${lineNumber}: o= needs six fields, it has ${parts.length}`);
  const [username, sessionId, sessionVersion, netType, addressType, address] = parts as [
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  return { username, sessionId, sessionVersion, netType, addressType, address };
}

function parseConnection(value: string, lineNumber: number): Connection {
  const parts = words(value);
  if (parts.length !== 3) throw unparsable(`SDP line ${lineNumber}: c= needs three fields, it has ${parts.length}`);
  const [netType, addressType, address] = parts as [string, string, string];
  const slash = address.indexOf("/");
  return { netType, addressType, address: slash < 0 ? address : address.slice(0, slash) };
}

function formatConnection(connection: Connection): string {
  return `c=${connection.netType} ${connection.addressType} ${connection.address}`;
}

function parseAttribute(value: string): Attribute {
  const colon = value.indexOf(":");
  if (colon < 0) return { name: value.trim(), value: null };
  return { name: value.slice(0, colon), value: value.slice(colon + 1).trim() };
}

function formatAttribute(attribute: Attribute): string {
  return attribute.value === null ? `a=${attribute.name}` : `a=${attribute.name}:${attribute.value}`;
}

function parseMedia(value: string, lineNumber: number): OpenMedia {
  const [kind, portText, protocol, ...formats] = words(value);
  if (kind === undefined || portText === undefined || protocol === undefined || formats.length === 0)
    throw unparsable(`SDP line ${lineNumber}: m= needs media, port, protocol and at least one format`);
  // `port/count` is layered media; we use the first port only.
  const slash = portText.indexOf("/");
  const digits = slash < 0 ? portText : portText.slice(0, slash);
  const port = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : Number.NaN;
  if (!(port <= 65535)) throw unparsable(`SDP line ${lineNumber}: the port of m= is no number from 0 to 65535`);
  if (!isToken(kind) || !isToken(protocol) || !formats.every(isToken))
    throw unparsable(`SDP line ${lineNumber}: m= has characters that no media, protocol or format name has`);
  return { kind, port, protocol, formats, connection: null, attributes: [] };
}
