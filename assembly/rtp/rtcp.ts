/**
 * RTCP (RFC 3550 §6): writes compound packets of SR or RR, SDES CNAME and BYE, and reads those of others. Nothing read
 * here may change what a call does; it only informs.
 *
 *   SR  V=2 P RC | 200 | length | SSRC | NTP high, low | RTP timestamp | packets | octets | report blocks
 *   RR  V=2 P RC | 201 | length | SSRC | report blocks
 *   block  SSRC | fraction, cumulative lost | highest | jitter | LSR | DLSR
 */

import { STATUS_MALFORMED, STATUS_TOO_SHORT } from "../abi";
import { load16, load32, store32 } from "./header";

/** Longest compound packet that is written here: SR with one block, SDES, BYE. */
export const RTCP_BYTES_MAX: i32 = 128;
/** Octets of the canonical name (RFC 7022 §4.2: 96 bits in base64). */
export const CNAME_BYTES: i32 = 16;

const TYPE_SENDER_REPORT: u32 = 200;
const TYPE_RECEIVER_REPORT: u32 = 201;
const TYPE_DESCRIPTION: u32 = 202;
const TYPE_BYE: u32 = 203;
const BLOCK_BYTES: i32 = 24;
const SENDER_INFO_BYTES: i32 = 20;
/** Seconds between 1900, where NTP time begins, and a day of our own: reports need differences only (RFC 3550 §6.4.1). */
const NTP_ORIGIN_S: f64 = 3_000_000_000;

/** High word of the NTP time of a monotonic clock. */
function ntpSeconds(nowMs: f64): u32 {
  return <u32>(<u64>(NTP_ORIGIN_S + Math.floor(nowMs / 1000)) & 0xffffffff);
}

function ntpFraction(nowMs: f64): u32 {
  const seconds = nowMs / 1000;
  return <u32>((seconds - Math.floor(seconds)) * 4294967296.0);
}

/** The middle 32 bits of the NTP time, in 1/65536 s. */
export function ntpMiddle(nowMs: f64): u32 {
  return (ntpSeconds(nowMs) << 16) | (ntpFraction(nowMs) >>> 16);
}

/** Writes an SR without report blocks; returns its octets. */
export function writeSenderReport(at: usize, ssrc: u32, nowMs: f64, timestamp: u32, packets: u32, octets: u32): i32 {
  writeHead(at, 0, TYPE_SENDER_REPORT, 8 + SENDER_INFO_BYTES);
  store32(at + 4, ssrc);
  store32(at + 8, ntpSeconds(nowMs));
  store32(at + 12, ntpFraction(nowMs));
  store32(at + 16, timestamp);
  store32(at + 20, packets);
  store32(at + 24, octets);
  return 8 + SENDER_INFO_BYTES;
}

/** Writes an RR without report blocks; returns its octets. */
export function writeReceiverReport(at: usize, ssrc: u32): i32 {
  writeHead(at, 0, TYPE_RECEIVER_REPORT, 8);
  store32(at + 4, ssrc);
  return 8;
}

/** Appends one report block to the SR or RR of `octets` octets at `at`; returns the new count. */
export function appendReportBlock(
  at: usize,
  octets: i32,
  ssrc: u32,
  fraction: u32,
  lost: i32,
  highest: u32,
  jitter: u32,
  lastSenderReport: u32,
  delay: u32,
): i32 {
  const block = at + octets;
  store32(block, ssrc);
  const clamped = min<i32>(max<i32>(lost, -0x800000), 0x7fffff);
  store32(block + 4, (fraction << 24) | (<u32>clamped & 0xffffff));
  store32(block + 8, highest);
  store32(block + 12, jitter);
  store32(block + 16, lastSenderReport);
  store32(block + 20, delay);
  writeHead(at, 1, load<u8>(at, 1), octets + BLOCK_BYTES);
  return octets + BLOCK_BYTES;
}

/** Appends SDES with the canonical name (RFC 3550 §6.5.1); returns the octets written. */
export function writeDescription(at: usize, ssrc: u32, cname: usize): i32 {
  // Chunk: SSRC, item type 1, length, text, and a null octet at least, up to the next word.
  const chunk = (4 + 2 + CNAME_BYTES + 4) & ~3;
  memory.fill(at, 0, 4 + chunk);
  writeHead(at, 1, TYPE_DESCRIPTION, 4 + chunk);
  store32(at + 4, ssrc);
  store<u8>(at + 8, 1);
  store<u8>(at + 9, CNAME_BYTES);
  memory.copy(at + 10, cname, CNAME_BYTES);
  return 4 + chunk;
}

/** Appends BYE (RFC 3550 §6.6); returns the octets written. */
export function writeBye(at: usize, ssrc: u32): i32 {
  writeHead(at, 1, TYPE_BYE, 8);
  store32(at + 4, ssrc);
  return 8;
}

function writeHead(at: usize, count: u32, type: u32, octets: i32): void {
  store32(at, 0x80000000 | (count << 24) | (type << 16) | ((octets >> 2) - 1));
}

/** What a compound packet said about one pair of streams. */
@unmanaged
export class RtcpFindings {
  /** An SR of the far end's SSRC was there; middle bits of its NTP time. */
  senderReport: i32;
  senderReportNtp: u32;
  /** A report block about our own SSRC was there. */
  reportBlock: i32;
  lastSenderReport: u32;
  delaySinceSenderReport: u32;
  /** A BYE named the far end's SSRC. */
  bye: i32;
}

/**
 * Reads a compound packet (RFC 3550 A.2): every length is checked before anything in it is believed.
 * @returns 0, or TOO_SHORT or MALFORMED, and then `findings` says nothing
 */
export function readRtcp(packet: usize, length: i32, ownSsrc: u32, theirSsrc: u32, findings: RtcpFindings): i32 {
  memory.fill(changetype<usize>(findings), 0, offsetof<RtcpFindings>());
  if (length < 8) return STATUS_TOO_SHORT;
  if (!wellFormed(packet, length)) return STATUS_MALFORMED;
  let at = 0;
  while (at < length) {
    const part = packet + at;
    const octets = (load16(part + 2) + 1) << 2;
    const type: u32 = load<u8>(part, 1);
    const count: i32 = load<u8>(part) & 31;
    if (type == TYPE_SENDER_REPORT) {
      if (octets >= 8 + SENDER_INFO_BYTES) {
        if (load32(part + 4) == theirSsrc) {
          findings.senderReport = 1;
          findings.senderReportNtp = load32(part + 10);
        }
        readBlocks(part + 8 + SENDER_INFO_BYTES, octets - 8 - SENDER_INFO_BYTES, count, ownSsrc, findings);
      }
    } else if (type == TYPE_RECEIVER_REPORT) {
      if (octets >= 8) readBlocks(part + 8, octets - 8, count, ownSsrc, findings);
    } else if (type == TYPE_BYE) {
      for (let index = 0; index < count && 8 + (index << 2) <= octets; index++)
        if (load32(part + 4 + (index << 2)) == theirSsrc) findings.bye = 1;
    }
    at += octets;
  }
  return 0;
}

function wellFormed(packet: usize, length: i32): bool {
  let at = 0;
  while (at < length) {
    if (at + 4 > length) return false;
    const first: u32 = load<u8>(packet + at);
    const type: u32 = load<u8>(packet + at, 1);
    if (first >> 6 != 2 || type < 192 || type > 223) return false;
    // Padding belongs to the last packet alone.
    const octets = (load16(packet + at + 2) + 1) << 2;
    if (first & 0x20 && at + octets != length) return false;
    at += octets;
  }
  return at == length;
}

function readBlocks(at: usize, octets: i32, count: i32, ownSsrc: u32, findings: RtcpFindings): void {
  for (let index = 0; index < count && (index + 1) * BLOCK_BYTES <= octets; index++) {
    const block = at + index * BLOCK_BYTES;
    if (load32(block) != ownSsrc) continue;
    findings.reportBlock = 1;
    findings.lastSenderReport = load32(block + 16);
    findings.delaySinceSenderReport = load32(block + 20);
  }
}

/**
 * Round trip from a report block (RFC 3550 §6.4.1).
 * @returns ms, or -1 when the block allows none
 */
export function roundTripMs(findings: RtcpFindings, nowMs: f64): f64 {
  if (!findings.reportBlock || findings.lastSenderReport == 0) return -1;
  const trip = <i32>(ntpMiddle(nowMs) - findings.lastSenderReport - findings.delaySinceSenderReport);
  // Rounding may bring it just below 0; over a minute somebody is making it up.
  if (trip < -65 || trip > 60 * 65536) return -1;
  return <f64>max<i32>(0, trip) * (1000.0 / 65536.0);
}
