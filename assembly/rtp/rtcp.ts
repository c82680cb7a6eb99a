/**
 * RTCP (RFC 3550 §6): writes compound packets of SR or RR, SDES CNAME and BYE, and reads those of others. Nothing read
 * here may change what a call does; it only informs.
 *
 *   SR  V=2 P RC | 200 | length | SSRC | NTP high, low | RTP timestamp | packets | octets | report blocks
 *   RR  V=2 P RC | 201 | length | SSRC | report blocks
 *   block  SSRC | fraction, cumulative lost | highest | jitter | LSR | DLSR
 */

import { STATUS_MALFORMED, STATUS_TOO_SHORT } from "../abi";
import { TYPE_EXTENDED_REPORT, voipMetricsOf } from "./extended-report";
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
/** Seconds from 1900, where NTP time begins, to 1970 (RFC 5905 figure 4). */
const NTP_1970_S: f64 = 2_208_988_800;
/** Of the owner's clock, ms since 1970. Reports need differences only, so a day of our own does as well (§6.4.1). */
let wallClockOffsetMs: f64 = 791_011_200_000;

/** Tells what is to be added to the owner's clock for ms since 1970, so that NTP times are those of the wall. */
export function setWallClock(offsetMs: f64): void {
  wallClockOffsetMs = offsetMs;
}

/** High word of the NTP time of a monotonic clock. */
function ntpSeconds(nowMs: f64): u32 {
  return <u32>(<u64>(NTP_1970_S + Math.floor((nowMs + wallClockOffsetMs) / 1000)) & 0xffffffff);
}

function ntpFraction(nowMs: f64): u32 {
  const seconds = (nowMs + wallClockOffsetMs) / 1000;
  return <u32>((seconds - Math.floor(seconds)) * 4294967296.0);
}

/** Least mean interval between reports, half of it before the first (RFC 3550 §6.2). */
const INTERVAL_MS: f64 = 5000;
/** e - 3/2: what timer reconsideration takes from the mean is given back (RFC 3550 §6.3.1). */
const COMPENSATION: f64 = 1.21828182845904523536;

/**
 * How long to wait for the next report (RFC 3550 §6.3.1, A.7). A session of two stays far below the 5 % of the session
 * bandwidth that RTCP may take, so the least interval rules. @param random - 0 to 1
 */
export function reportIntervalMs(random: f64, isFirst: bool): f64 {
  return ((isFirst ? INTERVAL_MS / 2 : INTERVAL_MS) * (0.5 + random)) / COMPENSATION;
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
  /** A report block of the far end about our own SSRC was there (RFC 3550 §6.4.1). */
  reportBlock: i32;
  /** Of 256, since the report before. */
  fractionLost: i32;
  /** Signed. */
  cumulativeLost: i32;
  jitter: u32;
  lastSenderReport: u32;
  delaySinceSenderReport: u32;
  /** A BYE named the far end's SSRC. */
  bye: i32;
  /** Reports and BYEs of others than the far end: not looked at. */
  foreign: i32;
  /** Figures of VoIP metrics about our stream (RFC 3611 §4.7), within the packet; 0 for none. */
  voipMetrics: usize;
}

/**
 * Reads a compound packet. Every length is checked before anything is believed (RFC 3550 A.2): it begins with SR or RR,
 * padding is at its end only, counts fit into lengths, and the lengths add up. Reduced-size RTCP is refused: it may be
 * sent only where it was negotiated, and we never offer it (RFC 5506 §4).
 * @param theirSsrc - of the stream that is received
 * @param isKnown - false while no stream was received: then any sender may report about us
 * @returns 0, or TOO_SHORT or MALFORMED, and then `findings` says nothing
 */
export function readRtcp(
  packet: usize,
  length: i32,
  ownSsrc: u32,
  theirSsrc: u32,
  isKnown: bool,
  findings: RtcpFindings,
): i32 {
  memory.fill(changetype<usize>(findings), 0, offsetof<RtcpFindings>());
  if (length < 8) return STATUS_TOO_SHORT;
  if (!wellFormed(packet, length)) return STATUS_MALFORMED;
  for (let at = 0; at < length; at += octetsOf(packet + at)) {
    const part = packet + at;
    const type: u32 = load<u8>(part, 1);
    const count: i32 = load<u8>(part) & 31;
    if (type == TYPE_SENDER_REPORT || type == TYPE_RECEIVER_REPORT) {
      const isTheirs = isKnown && load32(part + 4) == theirSsrc;
      if (!isTheirs && isKnown) {
        findings.foreign++;
        continue;
      }
      const isSender = type == TYPE_SENDER_REPORT;
      if (isSender && isTheirs) {
        findings.senderReport = 1;
        findings.senderReportNtp = load32(part + 10);
      }
      readBlocks(part + 8 + (isSender ? <usize>SENDER_INFO_BYTES : 0), count, ownSsrc, findings);
    } else if (type == TYPE_EXTENDED_REPORT) {
      const octets = contentOf(part);
      if (octets < 8) continue;
      if (isKnown && load32(part + 4) != theirSsrc) findings.foreign++;
      else findings.voipMetrics = voipMetricsOf(part, octets, ownSsrc);
    } else if (type == TYPE_BYE) {
      for (let index = 0; index < count; index++) {
        if (isKnown && load32(part + 4 + (index << 2)) == theirSsrc) findings.bye = 1;
        else findings.foreign++;
      }
    }
  }
  return 0;
}

/** Octets of one packet of a compound, as its length field says. */
function octetsOf(part: usize): i32 {
  return (load16(part + 2) + 1) << 2;
}

/** As `octetsOf`, without padding; the packet is well-formed. */
function contentOf(part: usize): i32 {
  const octets = octetsOf(part);
  return load<u8>(part) & 0x20 ? octets - <i32>load<u8>(part + octets - 1) : octets;
}

function wellFormed(packet: usize, length: i32): bool {
  const head: u32 = load<u8>(packet, 1);
  if (head != TYPE_SENDER_REPORT && head != TYPE_RECEIVER_REPORT) return false;
  let at = 0;
  while (at < length) {
    if (at + 4 > length) return false;
    const part = packet + at;
    const octets = octetsOf(part);
    if (at + octets > length || load<u8>(part) >> 6 != 2) return false;
    let content = octets;
    if (load<u8>(part) & 0x20) {
      // Padding belongs to the end of the last packet, which is not the first.
      const padding: i32 = load<u8>(part + octets - 1);
      if (at == 0 || at + octets != length || padding == 0 || padding & 3 || padding > octets - 4) return false;
      content -= padding;
    }
    if (!countFits(part, content)) return false;
    at += octets;
  }
  return true;
}

/** What the count of a packet promises lies within the packet. */
function countFits(part: usize, octets: i32): bool {
  const type: u32 = load<u8>(part, 1);
  const count: i32 = load<u8>(part) & 31;
  if (type == TYPE_SENDER_REPORT) return octets >= 8 + SENDER_INFO_BYTES + count * BLOCK_BYTES;
  if (type == TYPE_RECEIVER_REPORT) return octets >= 8 + count * BLOCK_BYTES;
  if (type == TYPE_BYE) return octets >= 4 + (count << 2);
  return type >= 192 && type <= 223;
}

function readBlocks(at: usize, count: i32, ownSsrc: u32, findings: RtcpFindings): void {
  for (let index = 0; index < count; index++) {
    const block = at + index * BLOCK_BYTES;
    if (load32(block) != ownSsrc) continue;
    findings.reportBlock = 1;
    const lost = load32(block + 4);
    findings.fractionLost = <i32>(lost >>> 24);
    findings.cumulativeLost = (<i32>(lost << 8)) >> 8;
    findings.jitter = load32(block + 12);
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
  const elapsed = <i64>(<i32>(ntpMiddle(nowMs) - findings.lastSenderReport));
  const trip = elapsed - <i64>findings.delaySinceSenderReport;
  // Rounding may bring it just below 0; over a minute somebody is making it up.
  if (trip < -65 || trip > 60 * 65536) return -1;
  return <f64>max<i64>(0, trip) * (1000.0 / 65536.0);
}
