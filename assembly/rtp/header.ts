/**
 * The RTP header (RFC 3550 §5.1, §5.3.1): checked on the way in, written on the way out. Also the first look at a
 * datagram that shares its port with other protocols (RFC 7983). Says nothing about sequence or source.
 */

import { PACKET_BYTES_MAX, STATUS_MALFORMED, STATUS_NOT_RTP, STATUS_TOO_LONG, STATUS_TOO_SHORT } from "../abi";

export const RTP_HEADER_BYTES: i32 = 12;
/** Payloads over this are no G.711 packet of anyone who means well (hardening R14). */
const PAYLOAD_BYTES_MAX: i32 = 1460;

const VERSION_MASK: u32 = 0xc0;
const VERSION_2: u32 = 0x80;
const PADDING: u32 = 0x20;
const EXTENSION: u32 = 0x10;

/**
 * Checks version, CSRC list and extension against the length.
 * @returns octets of the whole header, or TOO_SHORT, TOO_LONG, NOT_RTP, MALFORMED
 */
export function rtpHeaderBytes(packet: usize, length: i32): i32 {
  if (length < RTP_HEADER_BYTES) return STATUS_TOO_SHORT;
  if (length > PACKET_BYTES_MAX) return STATUS_TOO_LONG;
  const first: u32 = load<u8>(packet);
  if ((first & VERSION_MASK) != VERSION_2) return STATUS_NOT_RTP;
  let header = RTP_HEADER_BYTES + <i32>((first & 15) << 2);
  if (first & EXTENSION) {
    if (header + 4 > length) return STATUS_MALFORMED;
    header += 4 + (<i32>load16(packet + header + 2) << 2);
  }
  return header > length ? STATUS_MALFORMED : header;
}

/**
 * Octets of payload behind a header of `headerBytes`, padding taken off (RFC 3550 §5.1, P bit).
 * @returns 0 or more, or MALFORMED when the padding does not fit, TOO_LONG
 */
export function rtpPayloadBytes(packet: usize, length: i32, headerBytes: i32): i32 {
  let octets = length - headerBytes;
  if (load<u8>(packet) & PADDING) {
    if (octets == 0) return STATUS_MALFORMED;
    const padding: i32 = load<u8>(packet + length - 1);
    if (padding == 0 || padding > octets) return STATUS_MALFORMED;
    octets -= padding;
  }
  return octets > PAYLOAD_BYTES_MAX ? STATUS_TOO_LONG : octets;
}

// @ts-expect-error: decorator
@inline
export function rtpMarker(packet: usize): i32 {
  return load<u8>(packet, 1) >> 7;
}

// @ts-expect-error: decorator
@inline
export function rtpPayloadType(packet: usize): i32 {
  return load<u8>(packet, 1) & 0x7f;
}

// @ts-expect-error: decorator
@inline
export function rtpSequenceNumber(packet: usize): i32 {
  return load16(packet + 2);
}

// @ts-expect-error: decorator
@inline
export function rtpTimestamp(packet: usize): u32 {
  return load32(packet + 4);
}

// @ts-expect-error: decorator
@inline
export function rtpSsrc(packet: usize): u32 {
  return load32(packet + 8);
}

/** Writes a header without padding, extension and CSRC. */
export function writeRtpHeader(
  packet: usize,
  marker: i32,
  payloadType: i32,
  sequenceNumber: u32,
  timestamp: u32,
  ssrc: u32,
): void {
  store<u8>(packet, VERSION_2);
  store<u8>(packet, (marker << 7) | payloadType, 1);
  store<u16>(packet, bswap<u16>(<u16>sequenceNumber), 2);
  store<u32>(packet, bswap<u32>(timestamp), 4);
  store<u32>(packet, bswap<u32>(ssrc), 8);
}

/** Kinds of datagram by their first octet (RFC 7983 §7); RTP and RTCP are told apart by the second (RFC 5761 §4). */
export const KIND_RTP: i32 = 0;
export const KIND_RTCP: i32 = 1;
export const KIND_STUN: i32 = 2;
export const KIND_DTLS: i32 = 3;
export const KIND_OTHER: i32 = 4;

/** @returns one of KIND_*; an empty datagram is KIND_OTHER */
export function datagramKind(packet: usize, length: i32): i32 {
  if (length < 2) return KIND_OTHER;
  const first: u32 = load<u8>(packet);
  if (first >= 128 && first <= 191) {
    const second: u32 = load<u8>(packet, 1);
    return second >= 192 && second <= 223 ? KIND_RTCP : KIND_RTP;
  }
  if (first <= 3) return KIND_STUN;
  return first >= 20 && first <= 63 ? KIND_DTLS : KIND_OTHER;
}

// @ts-expect-error: decorator
@inline
export function load16(at: usize): i32 {
  return <i32>bswap<u16>(load<u16>(at));
}

// @ts-expect-error: decorator
@inline
export function load32(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

// @ts-expect-error: decorator
@inline
export function store32(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}
