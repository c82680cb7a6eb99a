/**
 * What the format numbers of an audio description stand for (RFC 8866 §6.6 rtpmap, RFC 3551 static types). Formats are
 * told by name, clock rate and channels, never by number (SDP-5). Only what the gateway can use is reported.
 */

import type { Attribute, MediaDescription } from "./session.ts";

/** G.711 in its two laws. */
export type AudioCodec = "PCMU" | "PCMA";

/** One usable format and its payload type, 0 to 127. */
export interface PayloadFormat {
  readonly name: AudioCodec | "telephone-event" | "CN";
  readonly payloadType: number;
}

/** Formats with a number fixed by RFC 3551 §6; an rtpmap that says otherwise wins. */
const STATIC_FORMATS: ReadonlyMap<number, string> = new Map([
  [0, "PCMU/8000"],
  [8, "PCMA/8000"],
  [13, "CN/8000"],
]);

/** Upper-case encoding name and rate → our name. */
const USABLE_FORMATS: ReadonlyMap<string, PayloadFormat["name"]> = new Map([
  ["PCMU/8000", "PCMU"],
  ["PCMA/8000", "PCMA"],
  ["TELEPHONE-EVENT/8000", "telephone-event"],
  ["CN/8000", "CN"],
]);

/** Payload types whose packets would look like RTCP on one port (RFC 5761 §4). */
const RTCP_LIKE_MIN = 64;
const RTCP_LIKE_MAX = 95;

/**
 * The usable formats of an m=audio line in its order of preference; the first of each name only.
 * Time is linear in the length of the description.
 */
export function usableFormats(media: MediaDescription): PayloadFormat[] {
  const rtpmaps = rtpmapsOf(media);
  const found = new Map<PayloadFormat["name"], PayloadFormat>();
  for (const format of media.formats) {
    const payloadType = payloadTypeOf(format);
    if (Number.isNaN(payloadType) || (payloadType >= RTCP_LIKE_MIN && payloadType <= RTCP_LIKE_MAX)) continue;
    const name = USABLE_FORMATS.get(rtpmaps.get(payloadType) ?? STATIC_FORMATS.get(payloadType) ?? "");
    if (name !== undefined && !found.has(name)) found.set(name, { name, payloadType });
  }
  return [...found.values()];
}

/** The formats in words, for messages: `PCMU/8000`, `18`. At most eight, since they come from outside. */
export function describeFormats(media: MediaDescription): string {
  const rtpmaps = rtpmapsOf(media);
  const names = media.formats.slice(0, 8).map((format) => {
    const payloadType = payloadTypeOf(format);
    return (rtpmaps.get(payloadType) ?? STATIC_FORMATS.get(payloadType) ?? format).slice(0, 32);
  });
  if (media.formats.length > names.length) names.push("…");
  return names.join(", ");
}

/** Every payload type that the description binds to some format, usable or not, in upper case (SDP-6). */
export function boundPayloadTypes(media: MediaDescription): Map<number, string> {
  const rtpmaps = rtpmapsOf(media);
  const bound = new Map<number, string>();
  for (const format of media.formats) {
    const payloadType = payloadTypeOf(format);
    if (Number.isNaN(payloadType)) continue;
    bound.set(payloadType, rtpmaps.get(payloadType) ?? STATIC_FORMATS.get(payloadType) ?? `unknown ${payloadType}`);
  }
  return bound;
}

/** The rtpmap and fmtp lines for formats of ours. We understand events 0 to 15 (SDP-18). */
export function formatAttributes(formats: readonly PayloadFormat[]): Attribute[] {
  return formats.flatMap(({ name, payloadType }) => {
    const lines: Attribute[] = [{ name: "rtpmap", value: `${payloadType} ${name}/8000` }];
    if (name === "telephone-event") lines.push({ name: "fmtp", value: `${payloadType} 0-15` });
    return lines;
  });
}

export function isAudioCodec(format: PayloadFormat): format is PayloadFormat & { readonly name: AudioCodec } {
  return format.name === "PCMU" || format.name === "PCMA";
}

/** 0 to 127, or NaN. */
function payloadTypeOf(format: string): number {
  const payloadType = /^[0-9]{1,3}$/.test(format) ? Number(format) : Number.NaN;
  return payloadType <= 127 ? payloadType : Number.NaN;
}

/** Payload type → `NAME/RATE` in upper case; channels are kept only when they are more than one. */
function rtpmapsOf(media: MediaDescription): Map<number, string> {
  const rtpmaps = new Map<number, string>();
  for (const attribute of media.attributes) {
    if (attribute.name !== "rtpmap" || attribute.value === null) continue;
    const blank = attribute.value.indexOf(" ");
    if (blank < 0) continue;
    const payloadType = payloadTypeOf(attribute.value.slice(0, blank));
    if (Number.isNaN(payloadType) || rtpmaps.has(payloadType)) continue;
    const encoding = attribute.value
      .slice(blank + 1)
      .trim()
      .toUpperCase();
    rtpmaps.set(payloadType, encoding.endsWith("/1") ? encoding.slice(0, -2) : encoding);
  }
  return rtpmaps;
}
