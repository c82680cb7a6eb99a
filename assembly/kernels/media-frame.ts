/**
 * The `media` message of Media Streams (media-streams.md 4.3), key order as on the wire, and the masked WebSocket text
 * frame around it (RFC 6455 §5.2, §5.3). Written in one pass; pieces are copied with stores that overrun into room that
 * the next piece overwrites.
 */

import { base64Encode } from "./base64";
import { writeDecimal } from "./decimal";

/** Longest streamSid that a template holds. */
export const STREAM_SID_MAX: i32 = 64;
/** A template: length of the sid, then its octets. */
export const FRAME_TEMPLATE_BYTES: i32 = 80;
const TEMPLATE_SID: usize = 16;
/** Octets to reserve for one frame with a payload of 160 octets: header 8, text up to 408, overrun. */
export const FRAME_BYTES_MAX: i32 = 512;
/** FIN and text opcode; masked with a 16-bit length. */
const HEADER_BYTES: usize = 8;

/** `{"event":"media","sequenceNumber":"` */
const A = memory.data<u8>([
  123, 34, 101, 118, 101, 110, 116, 34, 58, 34, 109, 101, 100, 105, 97, 34, 44, 34, 115, 101, 113, 117, 101, 110, 99,
  101, 78, 117, 109, 98, 101, 114, 34, 58, 34,
]);
const A_LENGTH: usize = 35;
/** `","media":{"track":"inbound","chunk":"` */
const B_IN = memory.data<u8>([
  34, 44, 34, 109, 101, 100, 105, 97, 34, 58, 123, 34, 116, 114, 97, 99, 107, 34, 58, 34, 105, 110, 98, 111, 117, 110,
  100, 34, 44, 34, 99, 104, 117, 110, 107, 34, 58, 34,
]);
const B_IN_LENGTH: usize = 38;
/** `","media":{"track":"outbound","chunk":"` */
const B_OUT = memory.data<u8>([
  34, 44, 34, 109, 101, 100, 105, 97, 34, 58, 123, 34, 116, 114, 97, 99, 107, 34, 58, 34, 111, 117, 116, 98, 111, 117,
  110, 100, 34, 44, 34, 99, 104, 117, 110, 107, 34, 58, 34,
]);
const B_OUT_LENGTH: usize = 39;
/** `","timestamp":"` */
const C = memory.data<u8>([34, 44, 34, 116, 105, 109, 101, 115, 116, 97, 109, 112, 34, 58, 34]);
const C_LENGTH: usize = 15;
/** `","payload":"` */
const D = memory.data<u8>([34, 44, 34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 34]);
const D_LENGTH: usize = 13;
/** `"},"streamSid":"` */
const E = memory.data<u8>([34, 125, 44, 34, 115, 116, 114, 101, 97, 109, 83, 105, 100, 34, 58, 34]);
const E_LENGTH: usize = 16;

/** Puts a streamSid of 1 to 64 octets into a template. */
export function frameTemplate(template: usize, sid: usize, length: i32): void {
  store<i32>(template, length);
  memory.copy(template + TEMPLATE_SID, sid, <usize>length);
}

/** Writes the JSON text; returns its length. */
export function writeMediaText(
  template: usize,
  track: i32,
  sequenceNumber: u32,
  chunk: u32,
  timestampMs: u32,
  ulaw: usize,
  n: i32,
  dst: usize,
): i32 {
  let at = dst;
  memory.copy(at, A, A_LENGTH);
  at += A_LENGTH;
  at += <usize>writeDecimal(at, sequenceNumber);
  if (track === 0) {
    memory.copy(at, B_IN, B_IN_LENGTH);
    at += B_IN_LENGTH;
  } else {
    memory.copy(at, B_OUT, B_OUT_LENGTH);
    at += B_OUT_LENGTH;
  }
  at += <usize>writeDecimal(at, chunk);
  memory.copy(at, C, C_LENGTH);
  at += C_LENGTH;
  at += <usize>writeDecimal(at, timestampMs);
  memory.copy(at, D, D_LENGTH);
  at += D_LENGTH;
  at += <usize>base64Encode(ulaw, n, at);
  memory.copy(at, E, E_LENGTH);
  at += E_LENGTH;
  const sidLength = <usize>load<i32>(template);
  memory.copy(at, template + TEMPLATE_SID, sidLength);
  at += sidLength;
  // `"}`
  store<u16>(at, 0x7d22);
  return <i32>(at + 2 - dst);
}

/**
 * Writes the whole frame: two octets of header, 16-bit length, mask, masked text. `maskKey` has to be unpredictable.
 * @returns octets written; the text is always between 126 and 65,535 octets long
 */
export function writeMediaFrame(
  template: usize,
  track: i32,
  sequenceNumber: u32,
  chunk: u32,
  timestampMs: u32,
  ulaw: usize,
  n: i32,
  maskKey: u32,
  dst: usize,
): i32 {
  const text = dst + HEADER_BYTES;
  const length = writeMediaText(template, track, sequenceNumber, chunk, timestampMs, ulaw, n, text);
  store<u16>(dst, 0xfe81);
  store<u16>(dst + 2, bswap<u16>(<u16>length));
  store<u32>(dst + 4, maskKey);
  const mask = i32x4.splat(<i32>maskKey);
  // Up to 15 octets behind the text are masked too; they belong to the slack of the frame.
  for (let at = text, end = text + <usize>length; at < end; at += 16) v128.store(at, v128.xor(v128.load(at), mask));
  return length + <i32>HEADER_BYTES;
}
