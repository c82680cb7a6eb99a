/**
 * What is known of each SSRC in one direction (RFC 3711 §3.2.3): rollover counter, highest sequence number, SRTCP index
 * and the two replay lists. A table has four places.
 *
 * A packet is admitted first, on the header alone, and accepted when its tag was right; only then does it change
 * anything, so forged packets can neither fill the table nor move a counter. The same two steps serve the sender,
 * whose own packets need no tag: there the replay list keeps keystream from being used twice.
 *
 * A fifth SSRC is refused. None is ever replaced: its counters would be forgotten with it, and with the same key the
 * next packet could use keystream again or let a recorded packet in.
 */
import { STATUS_KEY_EXHAUSTED, STATUS_REPLAYED, STATUS_SSRC_LIMIT } from "../abi";
import { RTCP_INDEX_END, RTP_INDEX_END, guessIndex } from "./packet-index";
import { windowAccept, windowFill, windowOpen, windowRefuses } from "./replay-window";

/** State of one SSRC; all zeros is a free place. */
@unmanaged
class Source {
  ssrc: u32;
  /** SEEN_RTP, SEEN_RTCP or both; 0: a free place. */
  seen: u32;
  /** ROC. */
  roc: u32;
  /** s_l: highest sequence number. */
  highest: i32;
  window: u64;
  windowOlder: u64;
  /** Highest SRTCP index. */
  rtcpIndex: u32;
  reserved0: u32;
  reserved1: u64;
  rtcpWindow: u64;
  rtcpWindowOlder: u64;
}

const SEEN_RTP: u32 = 1;
const SEEN_RTCP: u32 = 2;

/** Octets of a table: four sources of 64. */
export const SOURCES_BYTES: usize = 256;

function findSource(table: usize, ssrc: u32): Source | null {
  for (let place = table; place < table + SOURCES_BYTES; place += offsetof<Source>()) {
    const source = changetype<Source>(place);
    if (source.ssrc == ssrc && source.seen != 0) return source;
  }
  return null;
}

function freeSource(table: usize): Source | null {
  for (let place = table; place < table + SOURCES_BYTES; place += offsetof<Source>()) {
    if (changetype<Source>(place).seen == 0) return changetype<Source>(place);
  }
  return null;
}

/** The place of an SSRC, a free one when it has none yet, or null. */
function placeOf(table: usize, ssrc: u32): Source | null {
  const source = findSource(table, ssrc);
  return source !== null ? source : freeSource(table);
}

// @ts-ignore: decorator
@inline
function windowOf(source: Source): usize {
  return changetype<usize>(source) + offsetof<Source>("window");
}

// @ts-ignore: decorator
@inline
function rtcpWindowOf(source: Source): usize {
  return changetype<usize>(source) + offsetof<Source>("rtcpWindow");
}

/** 65536 * ROC + s_l. */
// @ts-ignore: decorator
@inline
function highestIndex(source: Source): i64 {
  return ((<i64>source.roc) << 16) | source.highest;
}

/**
 * The index of an RTP packet, or why it cannot be: STATUS_SSRC_LIMIT, STATUS_REPLAYED or STATUS_KEY_EXHAUSTED. The
 * first packet of a source has ROC 0. Changes nothing.
 */
export function admitRtp(table: usize, ssrc: u32, sequence: i32): i64 {
  const source = placeOf(table, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if ((source.seen & SEEN_RTP) == 0) return sequence;
  const index = guessIndex(source.roc, source.highest, sequence);
  if (index >= RTP_INDEX_END) return STATUS_KEY_EXHAUSTED;
  return windowRefuses(windowOf(source), index - highestIndex(source)) ? STATUS_REPLAYED : index;
}

/** Takes an index as used that `admitRtp` has just given. */
export function acceptRtp(table: usize, ssrc: u32, index: i64): void {
  const source = changetype<Source>(placeOf(table, ssrc));
  if ((source.seen & SEEN_RTP) == 0) {
    windowOpen(windowOf(source));
  } else {
    const ahead = index - highestIndex(source);
    windowAccept(windowOf(source), ahead);
    if (ahead <= 0) return;
  }
  source.ssrc = ssrc;
  source.seen |= SEEN_RTP;
  source.roc = <u32>(index >> 16);
  source.highest = <i32>index & 0xffff;
}

/** 0 when an SRTCP packet of this index may come in, or STATUS_SSRC_LIMIT or STATUS_REPLAYED. Changes nothing. */
export function admitRtcp(table: usize, ssrc: u32, index: u32): i32 {
  const source = placeOf(table, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if ((source.seen & SEEN_RTCP) == 0) return 0;
  return windowRefuses(rtcpWindowOf(source), <i64>index - <i64>source.rtcpIndex) ? STATUS_REPLAYED : 0;
}

/** Takes an SRTCP index as used that `admitRtcp` or `nextRtcpIndex` has just let pass. */
export function acceptRtcp(table: usize, ssrc: u32, index: u32): void {
  const source = changetype<Source>(placeOf(table, ssrc));
  if ((source.seen & SEEN_RTCP) == 0) {
    windowOpen(rtcpWindowOf(source));
  } else {
    const ahead = <i64>index - <i64>source.rtcpIndex;
    windowAccept(rtcpWindowOf(source), ahead);
    if (ahead <= 0) return;
  }
  source.ssrc = ssrc;
  source.seen |= SEEN_RTCP;
  source.rtcpIndex = index;
}

/** The index of the next SRTCP packet to be sent, from 1 on (RFC 3711 §3.4), or a negative status as an i32. */
export function nextRtcpIndex(table: usize, ssrc: u32): i32 {
  const source = placeOf(table, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if ((source.seen & SEEN_RTCP) == 0) return 1;
  return source.rtcpIndex + 1 >= RTCP_INDEX_END ? STATUS_KEY_EXHAUSTED : <i32>(source.rtcpIndex + 1);
}

/** The rollover counter of an SSRC, or -1 when no RTP packet of it was accepted. */
export function rocOf(table: usize, ssrc: u32): i32 {
  const source = findSource(table, ssrc);
  return source === null || (source.seen & SEEN_RTP) == 0 ? -1 : <i32>source.roc;
}

/** How many SSRCs have state. */
export function sourceCount(table: usize): i32 {
  let count = 0;
  for (let place = table; place < table + SOURCES_BYTES; place += offsetof<Source>()) {
    if (changetype<Source>(place).seen != 0) count++;
  }
  return count;
}

/**
 * Sets the counters of an SSRC. These indices and all below count as used.
 * @returns 0 or STATUS_SSRC_LIMIT
 */
export function resumeSource(table: usize, ssrc: u32, roc: u32, highest: i32, rtcpIndex: u32): i32 {
  const source = placeOf(table, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  source.ssrc = ssrc;
  source.seen = SEEN_RTP | SEEN_RTCP;
  source.roc = roc;
  source.highest = highest & 0xffff;
  source.rtcpIndex = rtcpIndex & 0x7fffffff;
  windowFill(windowOf(source));
  windowFill(rtcpWindowOf(source));
  return 0;
}
