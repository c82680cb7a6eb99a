/**
 * Reads what a consumer sends (media-streams.md 6, 7). A `media` message of the usual shape is read and decoded by the
 * engine; anything else is parsed as JSON here and judged by the rules of section 7. Nothing it reads ends a stream.
 */

import type { StreamAlertCode } from "./stream-errors.ts";

/** The engine's reader of `media` messages. */
export interface MediaMessageReader {
  /**
   * Reads one text message that names its stream.
   * @returns the decoded octets, valid until the next call, or undefined when the message needs a closer look
   */
  readMediaMessage(text: Buffer): Uint8Array | undefined;
}

/** Told what a message asks for; at most one of the first three, and `onFault` besides where section 7 says so. */
export interface ConsumerMessageHandler {
  /** Mu-law octets to be played; valid during the call only. */
  onMedia(octets: Uint8Array): void;
  onMark(name: string): void;
  onClear(): void;
  onFault(code: Extract<StreamAlertCode, 31950 | 31951>, detail: string): void;
}

const MARK_NAME_BYTES_MAX = 64 * 1024;
/**
 * What is parsed as JSON at most: the longest mark name with every character escaped. A longer message must be
 * `media`, whose payload is cut out first; parsing megabytes would hold up the audio of other calls.
 */
const JSON_BYTES_MAX = 6 * MARK_NAME_BYTES_MAX + 64 * 1024;
/** Standard or URL-safe alphabet, padding wanted or not. */
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
/** Stands for a payload that was cut out; a control character cannot stand in JSON text, so no message contains it. */
const CUT_OUT = "\u0000payload\u0000";

/**
 * Reads one message and tells `handler`.
 * @param data - one whole text message, valid UTF-8, or a binary one
 * @param reader - the engine's reader, or null to take the long way always
 */
export function readConsumerMessage(
  data: Buffer,
  isBinary: boolean,
  streamSid: string,
  reader: MediaMessageReader | null,
  handler: ConsumerMessageHandler,
): void {
  if (isBinary) {
    handler.onFault(31950, "binary frame");
    return;
  }
  const octets = reader?.readMediaMessage(data);
  if (octets !== undefined) {
    handler.onMedia(octets);
    return;
  }
  const cut = data.length > JSON_BYTES_MAX ? cutPayload(data) : { json: data.toString("utf8"), payload: undefined };
  if (cut === undefined) {
    handler.onFault(31950, "message too long to be anything but media");
    return;
  }
  const message = parseObject(cut.json);
  if (message === undefined) handler.onFault(31950, "not a JSON object");
  else interpret(message, streamSid, cut.payload, handler);
}

type JsonObject = { readonly [name: string]: unknown };

function interpret(
  message: JsonObject,
  streamSid: string,
  cutPayload: string | undefined,
  handler: ConsumerMessageHandler,
): void {
  const invalid = (detail: string) => handler.onFault(31951, detail);
  const sid = message["streamSid"];
  if (sid !== undefined && sid !== streamSid) {
    invalid("streamSid of another stream");
    return;
  }
  // One connection is one stream, so the message can be carried out all the same.
  if (sid === undefined) invalid("streamSid is missing");
  switch (message["event"]) {
    case "media": {
      const payload = asObject(message["media"])?.["payload"];
      const text = payload === CUT_OUT ? cutPayload : payload;
      const octets = typeof text === "string" ? decodeBase64(text) : undefined;
      if (octets === undefined) invalid("media.payload is no base64 text");
      else handler.onMedia(octets);
      return;
    }
    case "mark": {
      const name = asObject(message["mark"])?.["name"];
      if (typeof name !== "string") invalid("mark.name is no text");
      else if (Buffer.byteLength(name) > MARK_NAME_BYTES_MAX) invalid("mark.name is too long");
      else handler.onMark(name);
      return;
    }
    case "clear":
      handler.onClear();
      return;
    default:
      invalid("unknown event");
  }
}

function parseObject(json: string): JsonObject | undefined {
  try {
    return asObject(JSON.parse(json));
  } catch {
    return undefined;
  }
}

function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

function decodeBase64(text: string): Buffer | undefined {
  if (!BASE64.test(text)) return undefined;
  const digits = text.endsWith("==") ? text.length - 2 : text.endsWith("=") ? text.length - 1 : text.length;
  // Padding may be missing; where it stands, it must be right. One digit over is no whole octet.
  if (digits % 4 === 1 || (digits !== text.length && text.length % 4 !== 0)) return undefined;
  return Buffer.from(text, "base64");
}

/**
 * Takes the payload out of a long message: the text behind `"payload":`, which must have no escapes. Wrong guesses do
 * no harm: the rest must parse as JSON and have the payload where it belongs.
 */
function cutPayload(data: Buffer): { json: string; payload: string } | undefined {
  const key = '"payload"';
  let at = data.indexOf(key);
  if (at < 0) return undefined;
  at = skipSpace(data, at + key.length);
  if (data[at] !== 0x3a) return undefined;
  at = skipSpace(data, at + 1);
  if (data[at] !== 0x22) return undefined;
  const end = data.indexOf(0x22, at + 1);
  if (end < 0 || data.length - (end - at) > JSON_BYTES_MAX) return undefined;
  const payload = data.toString("latin1", at + 1, end);
  const json = data.toString("utf8", 0, at) + JSON.stringify(CUT_OUT) + data.toString("utf8", end + 1);
  return { json, payload };
}

function skipSpace(data: Buffer, at: number): number {
  while (data[at] === 0x20 || data[at] === 0x09 || data[at] === 0x0a || data[at] === 0x0d) at++;
  return at;
}
