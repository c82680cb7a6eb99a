/**
 * The `media` message of Media Streams (media-streams.md 4.3), key order as on the wire, and the masked WebSocket text
 * frame around it (RFC 6455 §5.2, §5.3). Written in one pass: every piece goes out under the mask, turned to where the
 * piece begins, with stores that overrun into room that the next piece overwrites.
 */

import { STATUS_TOO_LONG, STATUS_TOO_SHORT } from "../abi";
import { base64EncodeMasked } from "./base64";
import { writeDecimal } from "./decimal";

/** Longest streamSid that a template holds. */
export const STREAM_SID_MAX: i32 = 64;
/** A template: length of the end of the message, then its octets: `"},"streamSid":"`, the sid, `"}`. */
export const FRAME_TEMPLATE_BYTES: i32 = 112;
const TEMPLATE_END: usize = 16;
/** Octets to reserve for one frame with a payload of 160 octets: header 8, text up to 408, overrun. */
export const FRAME_BYTES_MAX: i32 = 512;
/** FIN and text opcode; masked with a 16-bit length. */
const HEADER_BYTES: usize = 8;
/** Octets that fit into a text of 65,535. */
const PAYLOAD_MAX: i32 = 48_000;

/** `{"event":"media","sequenceNumber":"` */
const A = memory.data<u8>(
  [
    123, 34, 101, 118, 101, 110, 116, 34, 58, 34, 109, 101, 100, 105, 97, 34, 44, 34, 115, 101, 113, 117, 101, 110, 99,
    101, 78, 117, 109, 98, 101, 114, 34, 58, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  16,
);
const A_LENGTH: usize = 35;
/** `","media":{"track":"inbound","chunk":"` */
const B_IN = memory.data<u8>(
  [
    34, 44, 34, 109, 101, 100, 105, 97, 34, 58, 123, 34, 116, 114, 97, 99, 107, 34, 58, 34, 105, 110, 98, 111, 117, 110,
    100, 34, 44, 34, 99, 104, 117, 110, 107, 34, 58, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  16,
);
const B_IN_LENGTH: usize = 38;
/** `","media":{"track":"outbound","chunk":"` */
const B_OUT = memory.data<u8>(
  [
    34, 44, 34, 109, 101, 100, 105, 97, 34, 58, 123, 34, 116, 114, 97, 99, 107, 34, 58, 34, 111, 117, 116, 98, 111, 117,
    110, 100, 34, 44, 34, 99, 104, 117, 110, 107, 34, 58, 34, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  ],
  16,
);
const B_OUT_LENGTH: usize = 39;
/** `","timestamp":"` */
const C = memory.data<u8>([34, 44, 34, 116, 105, 109, 101, 115, 116, 97, 109, 112, 34, 58, 34, 0], 16);
const C_LENGTH: usize = 15;
/** `","payload":"` */
const D = memory.data<u8>([34, 44, 34, 112, 97, 121, 108, 111, 97, 100, 34, 58, 34, 0, 0, 0], 16);
const D_LENGTH: usize = 13;
/** `"},"streamSid":"` */
const E = memory.data<u8>([34, 125, 44, 34, 115, 116, 114, 101, 97, 109, 83, 105, 100, 34, 58, 34], 16);
const E_LENGTH: usize = 16;
/** `"}` */
const F: u16 = 0x7d22;
const F_LENGTH: usize = 2;

/** Puts a streamSid of 1 to 64 octets into a template. */
export function frameTemplate(template: usize, sid: usize, length: i32): void {
  const octets = <usize>min<i32>(max<i32>(length, 0), STREAM_SID_MAX);
  const end = template + TEMPLATE_END;
  memory.copy(end, E, E_LENGTH);
  memory.copy(end + E_LENGTH, sid, octets);
  store<u16>(end + E_LENGTH + octets, F);
  store<i32>(template, <i32>(E_LENGTH + octets + F_LENGTH));
}

/** Where a template keeps its streamSid. */
export function templateSid(template: usize): usize {
  return template + TEMPLATE_END + E_LENGTH;
}

/** Octets of a template's streamSid. */
export function templateSidLength(template: usize): i32 {
  return load<i32>(template) - <i32>(E_LENGTH + F_LENGTH);
}

/** The mask as it holds `offset` octets into the text. */
// @ts-expect-error: decorator
@inline
function turned(maskKey: u32, offset: usize): u32 {
  return rotr<u32>(maskKey, <u32>(offset & 3) << 3);
}

/** Sixteen octets under the mask. */
// @ts-expect-error: decorator
@inline
function put(dst: usize, src: usize, mask: v128): void {
  v128.store(dst, v128.xor(v128.load(src), mask));
}

/** Writes the JSON text of `n` octets of audio (1 to 48,000); returns its length, or TOO_SHORT or TOO_LONG. */
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
  if (n < 1) return STATUS_TOO_SHORT;
  if (n > PAYLOAD_MAX) return STATUS_TOO_LONG;
  return writeText(template, track, sequenceNumber, chunk, timestampMs, ulaw, n, 0, dst);
}

/**
 * Writes the whole frame: two octets of header, 16-bit length, mask, masked text. `maskKey` has to be unpredictable.
 * @param n - octets of audio, 1 to 48,000, so that the text is between 126 and 65,535 octets long
 * @returns octets written, or TOO_SHORT or TOO_LONG
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
  if (n < 1) return STATUS_TOO_SHORT;
  if (n > PAYLOAD_MAX) return STATUS_TOO_LONG;
  const text = dst + HEADER_BYTES;
  const length = writeText(template, track, sequenceNumber, chunk, timestampMs, ulaw, n, maskKey, text);
  store<u32>(dst, 0xfe81 | (<u32>bswap<u16>(<u16>length) << 16));
  store<u32>(dst, maskKey, 4);
  return length + <i32>HEADER_BYTES;
}

function writeText(
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
  let at = dst;
  let mask = i32x4.splat(<i32>maskKey);
  put(at, A, mask);
  put(at + 16, A + 16, mask);
  put(at + 32, A + 32, mask);
  at += A_LENGTH;
  at += <usize>writeDecimal(at, sequenceNumber, turned(maskKey, at - dst));

  const b = track === 0 ? B_IN : B_OUT;
  mask = i32x4.splat(<i32>turned(maskKey, at - dst));
  put(at, b, mask);
  put(at + 16, b + 16, mask);
  put(at + 32, b + 32, mask);
  at += track === 0 ? B_IN_LENGTH : B_OUT_LENGTH;
  at += <usize>writeDecimal(at, chunk, turned(maskKey, at - dst));

  put(at, C, i32x4.splat(<i32>turned(maskKey, at - dst)));
  at += C_LENGTH;
  at += <usize>writeDecimal(at, timestampMs, turned(maskKey, at - dst));

  put(at, D, i32x4.splat(<i32>turned(maskKey, at - dst)));
  at += D_LENGTH;
  at += <usize>base64EncodeMasked(ulaw, n, at, turned(maskKey, at - dst));

  const endLength = <usize>load<i32>(template);
  const end = template + TEMPLATE_END;
  mask = i32x4.splat(<i32>turned(maskKey, at - dst));
  for (let i: usize = 0; i < endLength; i += 16) put(at + i, end + i, mask);
  return <i32>(at + endLength - dst);
}
