/**
 * What is known of each SSRC in one direction (RFC 3711 §3.2.3): rollover counter, highest sequence number, SRTCP index
 * and the two replay lists. A session has four places.
 *
 * A packet is admitted first, on the header alone, and accepted when its tag was right; only then does it change
 * anything, so forged packets can neither fill the table nor move a counter. The same two steps serve the sender,
 * whose own packets need no tag: there the replay list keeps keystream from being used twice.
 *
 * A fifth SSRC is refused, as long as all four are in use. Far ends do change their SSRC in a long call, at every hold
 * or transfer, so an SSRC that was silent while 512 packets of others came gives its place to a new one, the most silent
 * first. Forgetting its counters would let its old packets in again, or use its keystream twice; therefore it is
 * *retired*: it never comes back under this key. Eight can be retired, then the key has to change.
 */
import { STATUS_KEY_EXHAUSTED, STATUS_REPLAYED, STATUS_SSRC_LIMIT } from "../abi";
import { guessIndex, RTCP_INDEX_END, RTP_INDEX_END } from "./packet-index";
import { windowAccept, windowFill, windowOpen, windowRefuses } from "./replay-window";
import {
  SESSION_ACCEPTED,
  SESSION_RETIRED,
  SESSION_RETIRED_COUNT,
  SESSION_SOURCES,
  SESSION_SOURCES_END,
} from "./session-layout";

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
  /** SESSION_ACCEPTED when it was last heard. */
  heard: u32;
  reserved: u64;
  rtcpWindow: u64;
  rtcpWindowOlder: u64;
}

const SEEN_RTP: u32 = 1;
const SEEN_RTCP: u32 = 2;

const RETIRED_MAX: u32 = 8;
/** Packets of others after which a silent SSRC may lose its place: ten seconds of one stream. */
const SILENT_PACKETS: u32 = 512;

function findSource(session: usize, ssrc: u32): Source | null {
  for (let place = session + SESSION_SOURCES; place < session + SESSION_SOURCES_END; place += offsetof<Source>()) {
    const source = changetype<Source>(place);
    if (source.ssrc == ssrc && source.seen != 0) return source;
  }
  return null;
}

function freeSource(session: usize): Source | null {
  for (let place = session + SESSION_SOURCES; place < session + SESSION_SOURCES_END; place += offsetof<Source>()) {
    if (changetype<Source>(place).seen == 0) return changetype<Source>(place);
  }
  return null;
}

/** The source that would make room for an SSRC, or null. */
function silentSource(session: usize, ssrc: u32): Source | null {
  const retired = load<u32>(session, SESSION_RETIRED_COUNT);
  if (retired >= RETIRED_MAX) return null;
  for (let i: u32 = 0; i < retired; i++) {
    if (load<u32>(session + (<usize>i << 2), SESSION_RETIRED) == ssrc) return null;
  }
  let found: Source | null = null;
  let longest = SILENT_PACKETS - 1;
  for (let place = session + SESSION_SOURCES; place < session + SESSION_SOURCES_END; place += offsetof<Source>()) {
    const source = changetype<Source>(place);
    const silent = load<u32>(session, SESSION_ACCEPTED) - source.heard;
    if (silent > longest) {
      longest = silent;
      found = source;
    }
  }
  return found;
}

/** The place of an SSRC, or the one that it would get, or null. */
function placeOf(session: usize, ssrc: u32): Source | null {
  const source = findSource(session, ssrc);
  if (source !== null) return source;
  const free = freeSource(session);
  return free !== null ? free : silentSource(session, ssrc);
}

/** Takes the place that `placeOf` has shown; who had it before is retired. */
function takePlace(session: usize, ssrc: u32): Source {
  const source = changetype<Source>(placeOf(session, ssrc));
  if (source.seen != 0 && source.ssrc != ssrc) {
    const retired = load<u32>(session, SESSION_RETIRED_COUNT);
    store<u32>(session + (<usize>retired << 2), source.ssrc, SESSION_RETIRED);
    store<u32>(session, retired + 1, SESSION_RETIRED_COUNT);
    memory.fill(changetype<usize>(source), 0, offsetof<Source>());
  }
  source.ssrc = ssrc;
  const accepted = load<u32>(session, SESSION_ACCEPTED) + 1;
  store<u32>(session, accepted, SESSION_ACCEPTED);
  source.heard = accepted;
  return source;
}

/** Whether a place is this SSRC's and has state for this kind of packet. */
// @ts-expect-error: decorator
@inline
function knows(source: Source, ssrc: u32, kind: u32): bool {
  return source.ssrc == ssrc && (source.seen & kind) != 0;
}

// @ts-expect-error: decorator
@inline
function windowOf(source: Source): usize {
  return changetype<usize>(source) + offsetof<Source>("window");
}

// @ts-expect-error: decorator
@inline
function rtcpWindowOf(source: Source): usize {
  return changetype<usize>(source) + offsetof<Source>("rtcpWindow");
}

/** 65536 * ROC + s_l. */
// @ts-expect-error: decorator
@inline
function highestIndex(source: Source): i64 {
  return ((<i64>source.roc) << 16) | source.highest;
}

/**
 * The index of an RTP packet, or why it cannot be: STATUS_SSRC_LIMIT, STATUS_REPLAYED or STATUS_KEY_EXHAUSTED. The
 * first packet of a source has ROC 0. Changes nothing.
 */
export function admitRtp(session: usize, ssrc: u32, sequence: i32): i64 {
  const source = placeOf(session, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if (!knows(source, ssrc, SEEN_RTP)) return sequence;
  const index = guessIndex(source.roc, source.highest, sequence);
  if (index >= RTP_INDEX_END) return STATUS_KEY_EXHAUSTED;
  return windowRefuses(windowOf(source), index - highestIndex(source)) ? STATUS_REPLAYED : index;
}

/** Takes an index as used that `admitRtp` has just given. */
export function acceptRtp(session: usize, ssrc: u32, index: i64): void {
  const source = takePlace(session, ssrc);
  if ((source.seen & SEEN_RTP) == 0) {
    windowOpen(windowOf(source));
  } else {
    const ahead = index - highestIndex(source);
    windowAccept(windowOf(source), ahead);
    if (ahead <= 0) return;
  }
  source.seen |= SEEN_RTP;
  source.roc = <u32>(index >> 16);
  source.highest = <i32>index & 0xffff;
}

/** 0 when an SRTCP packet of this index may come in, or STATUS_SSRC_LIMIT or STATUS_REPLAYED. Changes nothing. */
export function admitRtcp(session: usize, ssrc: u32, index: u32): i32 {
  const source = placeOf(session, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if (!knows(source, ssrc, SEEN_RTCP)) return 0;
  return windowRefuses(rtcpWindowOf(source), <i64>index - <i64>source.rtcpIndex) ? STATUS_REPLAYED : 0;
}

/** Takes an SRTCP index as used that `admitRtcp` or `nextRtcpIndex` has just let pass. */
export function acceptRtcp(session: usize, ssrc: u32, index: u32): void {
  const source = takePlace(session, ssrc);
  if ((source.seen & SEEN_RTCP) == 0) {
    windowOpen(rtcpWindowOf(source));
  } else {
    const ahead = <i64>index - <i64>source.rtcpIndex;
    windowAccept(rtcpWindowOf(source), ahead);
    if (ahead <= 0) return;
  }
  source.seen |= SEEN_RTCP;
  source.rtcpIndex = index;
}

/** The index of the next SRTCP packet to be sent, from 1 on (RFC 3711 §3.4), or a negative status. */
export function nextRtcpIndex(session: usize, ssrc: u32): i32 {
  const source = placeOf(session, ssrc);
  if (source === null) return STATUS_SSRC_LIMIT;
  if (!knows(source, ssrc, SEEN_RTCP)) return 1;
  return source.rtcpIndex + 1 >= RTCP_INDEX_END ? STATUS_KEY_EXHAUSTED : <i32>(source.rtcpIndex + 1);
}

/** The rollover counter of an SSRC, or -1 when no RTP packet of it was accepted. */
export function rocOf(session: usize, ssrc: u32): i32 {
  const source = findSource(session, ssrc);
  return source === null || (source.seen & SEEN_RTP) == 0 ? -1 : <i32>source.roc;
}

/** The sequence number with which `rocOf` counts; 0 when no RTP packet of the SSRC was accepted. */
export function highestOf(session: usize, ssrc: u32): i32 {
  const source = findSource(session, ssrc);
  return source === null ? 0 : source.highest;
}

/** The highest SRTCP index of the SSRC; 0 when there was none. */
export function rtcpIndexOf(session: usize, ssrc: u32): u32 {
  const source = findSource(session, ssrc);
  return source === null || (source.seen & SEEN_RTCP) == 0 ? 0 : source.rtcpIndex;
}

/** How many SSRCs have state. */
export function sourceCount(session: usize): i32 {
  let count = 0;
  for (let place = session + SESSION_SOURCES; place < session + SESSION_SOURCES_END; place += offsetof<Source>()) {
    if (changetype<Source>(place).seen != 0) count++;
  }
  return count;
}

/**
 * Sets the counters of an SSRC. These indices and all below count as used.
 * @returns 0 or STATUS_SSRC_LIMIT
 */
export function resumeSource(session: usize, ssrc: u32, roc: u32, highest: i32, rtcpIndex: u32): i32 {
  if (placeOf(session, ssrc) === null) return STATUS_SSRC_LIMIT;
  const source = takePlace(session, ssrc);
  source.seen = SEEN_RTP | SEEN_RTCP;
  source.roc = roc;
  source.highest = highest & 0xffff;
  source.rtcpIndex = rtcpIndex & 0x7fffffff;
  windowFill(windowOf(source));
  windowFill(rtcpWindowOf(source));
  return 0;
}
