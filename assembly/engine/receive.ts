/**
 * Datagrams in: told apart, checked, unprotected in groups, counted, and handed to the relay road, to the jitter buffer,
 * or to both. A packet can be used or dropped and counted; nothing it contains does anything else (hardening R9).
 */

import {
  EVENT_DTMF,
  EVENT_FIRST_PACKET,
  EVENT_SRTP_FAILING,
  EVENT_SSRC_CHANGED,
  FLAG_DIGITS_ELSEWHERE,
  FLAG_RECEIVING,
  FLAG_RTCP_MUX,
  INPUT_COMPONENT,
  INPUT_ENTRY_BYTES,
  INPUT_LEG,
  INPUT_LENGTH,
  INPUT_SLOTS,
  INPUT_STRIDE,
  LAW_ALAW,
  LAW_ULAW,
  PACKET_BYTES_MAX,
  STATE_CURRENT_LEG,
  STATE_RECEIVE_CURSOR,
  STATUS_AUTH_FAILED,
  STATUS_DTLS,
  STATUS_LATE,
  STATUS_NOT_RECEIVING,
  STATUS_NOT_RTP,
  STATUS_PAYLOAD_TYPE,
  STATUS_STUN,
  STATUS_TOO_LONG,
  STATUS_TOO_SHORT,
  TRACK_INBOUND,
  TRACK_OUTBOUND,
} from "../abi";
import { jitterComfortNoise, jitterInsert, jitterRestart } from "../jitter/jitter";
import { g711Energy } from "../kernels/level";
import { INPUT, INPUT_ENTRIES, SRTP_ITEM_BYTES, STATE, UNPROTECT_ITEMS } from "../memory";
import {
  datagramKind,
  KIND_DTLS,
  KIND_OTHER,
  KIND_RTCP,
  KIND_STUN,
  rtpHeaderBytes,
  rtpMarker,
  rtpPayloadBytes,
  rtpPayloadType,
  rtpSequenceNumber,
  rtpSsrc,
  rtpTimestamp,
} from "../rtp/header";
import { patternDiscarded, patternReceived } from "../rtp/loss-pattern";
import { beginStream, ReceivedStream, receivedSequence, receivedTimestamp, SEQUENCE_RESTART } from "../rtp/sequence";
import { dtmfReceive, dtmfReset } from "../rtp/telephone-event";
import { unprotectRtp } from "../srtp/transform";
import { tell, tellValue } from "./events";
import { countDrop, dtmfReceiver, isOpen, isSecure, jitterBuffer, Leg, legAt, lossPattern, oldSession, receivedStream, receiveSession } from "./leg";
import { meter } from "./meter";
import { relayTarget } from "./relay";
import { relayAudio, relayBetween } from "./repacketize";
import { receiveReport } from "./reports";
import { flush } from "./send";
import { isNewPress, relayAsTone, resetTones } from "./tone-digits";
import { isNegotiated, judgeRtpSource, latchAuthenticated } from "./source";

/** Entries that are gathered before their packets are unprotected: several groups of four. */
const GATHER: i32 = 32;
/** Every packet failing for so long means that the key is wrong (SRTP-6). */
const FAILING_MS: f64 = 5000;
/** A stream that was replaced is not taken back while the new one is alive (RTP-5). */
const RETIRED_MS: f64 = 1000;
/** How far behind the first packet of a new SSRC its second may come. */
const FOLLOWING_MAX: u32 = 16;

/** Length of the packet of each gathered entry, or a negative value when it is dealt with. */
const LENGTHS = memory.data(GATHER * 4, 16);
/** Item of each gathered entry, or -1 for a plain one. */
const ITEMS = memory.data(GATHER * 4, 16);

// @ts-expect-error: decorator
@inline
function entryAt(index: i32): usize {
  return INPUT_ENTRIES + <usize>(index * INPUT_ENTRY_BYTES);
}

// @ts-expect-error: decorator
@inline
function packetAt(index: i32): usize {
  return INPUT + <usize>(index * INPUT_STRIDE);
}

/** Works off the entries from the cursor on. */
export function receive(count: i32, nowMs: f64): void {
  const end = min<i32>(count, INPUT_SLOTS);
  let cursor = load<i32>(STATE + STATE_RECEIVE_CURSOR);
  while (cursor < end) {
    const gathered = min<i32>(GATHER, end - cursor);
    let items: i32 = 0;
    for (let i: i32 = 0; i < gathered; i++) items = gather(cursor + i, i, items, nowMs);
    if (items > 0) unprotectRtp(UNPROTECT_ITEMS, items);
    for (let i: i32 = 0; i < gathered; i++) {
      finish(cursor + i, i, nowMs);
      store<i32>(STATE + STATE_RECEIVE_CURSOR, cursor + i + 1);
    }
    cursor += gathered;
  }
  store<i32>(STATE + STATE_CURRENT_LEG, -1);
  store<i32>(STATE + STATE_RECEIVE_CURSOR, max<i32>(end, count));
  flush();
}

/** First look at one entry. Returns how many packets wait to be unprotected. */
function gather(index: i32, place: i32, items: i32, nowMs: f64): i32 {
  const entry = entryAt(index);
  const packet = packetAt(index);
  store<i32>(LENGTHS + <usize>(place << 2), -1);
  store<i32>(ITEMS + <usize>(place << 2), -1);
  const slot = load<i32>(entry + INPUT_LEG);
  if (!isOpen(slot)) return items;
  store<i32>(STATE + STATE_CURRENT_LEG, slot);
  const leg = legAt(slot);
  const length = load<i32>(entry + INPUT_LENGTH);
  if (length > PACKET_BYTES_MAX) {
    countDrop(leg, STATUS_TOO_LONG);
    return items;
  }
  const kind = datagramKind(packet, length);
  const onRtp = load<i32>(entry + INPUT_COMPONENT) == 0;
  if (kind == KIND_RTCP && (!onRtp || (leg.flags & FLAG_RTCP_MUX) != 0)) {
    receiveReport(leg, entry, packet, length, nowMs);
    return items;
  }
  if (kind != 0 || !onRtp) {
    countDrop(leg, kind == KIND_STUN ? STATUS_STUN : kind == KIND_DTLS ? STATUS_DTLS : kind == KIND_OTHER && length < 2 ? STATUS_TOO_SHORT : STATUS_NOT_RTP);
    return items;
  }
  const header = rtpHeaderBytes(packet, length);
  if (header < 0) {
    countDrop(leg, header);
    return items;
  }
  if (!isSecure(leg)) {
    const verdict = judgeRtpSource(leg, entry, packet, nowMs);
    if (verdict < 0) countDrop(leg, verdict);
    else store<i32>(LENGTHS + <usize>(place << 2), length);
    return items;
  }
  // One key alone makes the leg secure: without the receive key nothing can be believed.
  if (leg.receiveTagBytes == 0) {
    countDrop(leg, STATUS_AUTH_FAILED);
    return items;
  }
  const item = UNPROTECT_ITEMS + <usize>(items * SRTP_ITEM_BYTES);
  store<u32>(item, receiveSession(leg));
  store<u32>(item, packet, 4);
  store<i32>(item, length, 8);
  store<i32>(ITEMS + <usize>(place << 2), items);
  store<i32>(LENGTHS + <usize>(place << 2), length);
  return items + 1;
}

/** Uses one packet, after its tag was verified where there is one. */
function finish(index: i32, place: i32, nowMs: f64): void {
  let length = load<i32>(LENGTHS + <usize>(place << 2));
  if (length < 0) return;
  const entry = entryAt(index);
  const packet = packetAt(index);
  const slot = load<i32>(entry + INPUT_LEG);
  store<i32>(STATE + STATE_CURRENT_LEG, slot);
  const leg = legAt(slot);
  const item = load<i32>(ITEMS + <usize>(place << 2));
  if (item >= 0) {
    const whole = length;
    length = load<i32>(UNPROTECT_ITEMS + <usize>(item * SRTP_ITEM_BYTES), 8);
    if (length == STATUS_AUTH_FAILED && leg.oldTagBytes != 0 && nowMs < leg.oldUntilMs) length = tryOldKey(leg, packet, whole);
    if (length < 0) {
      refused(leg, length, nowMs);
      return;
    }
    leg.srtpFailures = 0;
    latchAuthenticated(leg, entry, nowMs);
  }
  use(leg, packet, length, nowMs);
}

/** A packet that was under way when the key changed (SDP-SEC-6). */
function tryOldKey(leg: Leg, packet: usize, length: i32): i32 {
  const item = UNPROTECT_ITEMS + <usize>((INPUT_SLOTS - 1) * SRTP_ITEM_BYTES);
  store<u32>(item, oldSession(leg));
  store<u32>(item, packet, 4);
  store<i32>(item, length, 8);
  unprotectRtp(item, 1);
  return load<i32>(item, 8);
}

function refused(leg: Leg, status: i32, nowMs: f64): void {
  countDrop(leg, status);
  if (status != STATUS_AUTH_FAILED) return;
  if (leg.srtpFailures == 0) leg.srtpFailingSinceMs = nowMs;
  leg.srtpFailures++;
  if (nowMs - leg.srtpFailingSinceMs < FAILING_MS || leg.srtpFailingReported) return;
  leg.srtpFailingReported = 1;
  tell(leg, EVENT_SRTP_FAILING);
}

function use(leg: Leg, packet: usize, length: i32, nowMs: f64): void {
  const header = rtpHeaderBytes(packet, length);
  const octets = header < 0 ? header : rtpPayloadBytes(packet, length, header);
  if (octets < 0) {
    countDrop(leg, octets);
    return;
  }
  const payloadType = rtpPayloadType(packet);
  if (!isNegotiated(leg, payloadType)) {
    countDrop(leg, STATUS_PAYLOAD_TYPE);
    return;
  }
  const stream = receivedStream(leg);
  if (!acceptSsrc(leg, stream, packet, nowMs)) {
    countDrop(leg, STATUS_LATE);
    return;
  }
  const run = receivedSequence(stream, <u32>rtpSequenceNumber(packet));
  if (run < 0) {
    countDrop(leg, run);
    return;
  }
  if (run == SEQUENCE_RESTART) restart(leg);
  patternReceived(lossPattern(leg), stream.extended, run == SEQUENCE_RESTART);
  const timestamp = rtpTimestamp(packet);
  leg.packetsReceived++;
  leg.octetsReceived += <f64>octets;
  leg.lastRtpMs = nowMs;
  leg.lastHeardMs = nowMs;
  leg.silentReported = 0;
  if (!leg.firstReported) {
    leg.firstReported = 1;
    tell(leg, EVENT_FIRST_PACKET);
  }
  if ((leg.flags & FLAG_RECEIVING) == 0) {
    countDrop(leg, STATUS_NOT_RECEIVING);
    return;
  }
  const payload = packet + header;
  if (payloadType == leg.eventReceivePayloadType) event(leg, stream, packet, payload, octets, timestamp, nowMs);
  else if (payloadType == leg.comfortNoisePayloadType) {
    if (octets > 0) comfortNoise(leg, stream, packet, payload, octets, timestamp, nowMs);
  } else if (octets > 0) audio(leg, stream, packet, payload, octets, payloadType, timestamp, nowMs);
}

/** RTP-5: another SSRC is taken after two packets in sequence; the one before it does not come back while it lives. */
function acceptSsrc(leg: Leg, stream: ReceivedStream, packet: usize, nowMs: f64): bool {
  const ssrc = rtpSsrc(packet);
  if (!stream.started) {
    beginStream(stream, ssrc);
    return true;
  }
  if (stream.ssrc == ssrc) return true;
  if (leg.retired && leg.retiredSsrc == ssrc && nowMs - leg.lastRtpMs < RETIRED_MS) return false;
  const sequence = <u32>rtpSequenceNumber(packet);
  // One of the next few: the network may have lost some in between.
  const ahead = (sequence - leg.candidateStreamSequence) & 0xffff;
  const follows = leg.candidateStreamSsrc == ssrc && ahead > 0 && ahead <= FOLLOWING_MAX;
  leg.candidateStreamSsrc = ssrc;
  leg.candidateStreamSequence = sequence;
  if (!follows) return false;
  leg.retired = 1;
  leg.retiredSsrc = stream.ssrc;
  beginStream(stream, ssrc);
  tell(leg, EVENT_SSRC_CHANGED);
  return true;
}

/** A run of packets begins: what came before says nothing about it. */
function restart(leg: Leg): void {
  leg.senderReportKnown = 0;
  dtmfReset(dtmfReceiver(leg));
  resetTones(leg);
  if (leg.listening) jitterRestart(jitterBuffer(leg));
  if (leg.peer >= 0) legAt(leg.peer).relayRebase = 1;
}

function event(leg: Leg, stream: ReceivedStream, packet: usize, payload: usize, octets: i32, timestamp: u32, nowMs: f64): void {
  const digit = dtmfReceive(dtmfReceiver(leg), stream.extended, timestamp, rtpMarker(packet), payload, octets);
  if (digit >= 0 && isNewPress(leg, digit, nowMs)) tellValue(leg, EVENT_DTMF, digit);
  if (leg.peer >= 0 && (legAt(leg.peer).flags & FLAG_DIGITS_ELSEWHERE) != 0) return;
  if (octets >= 4) relayAsTone(leg, digit, load<u8>(payload), <i32>bswap<u16>(load<u16>(payload + 2)), (load<u8>(payload + 1) & 0x80) != 0);
  const to = relayTarget(leg);
  if (!to || octets < 4) return;
  const status = relayBetween(to, stream, packet, payload, octets, to.eventSendPayloadType, nowMs);
  if (status < 0) countDrop(leg, status);
}

function comfortNoise(leg: Leg, stream: ReceivedStream, packet: usize, payload: usize, octets: i32, timestamp: u32, nowMs: f64): void {
  const to = relayTarget(leg);
  if (to) {
    const status = relayBetween(to, stream, packet, payload, octets, to.comfortNoisePayloadType, nowMs);
    if (status < 0) countDrop(leg, status);
  }
  if (leg.listening) jitterComfortNoise(jitterBuffer(leg), rtpSequenceNumber(packet), timestamp, payload, octets);
}

function audio(leg: Leg, stream: ReceivedStream, packet: usize, payload: usize, octets: i32, payloadType: i32, timestamp: u32, nowMs: f64): void {
  receivedTimestamp(stream, timestamp, nowMs * 8);
  const law = payloadType == leg.receivePayloadType ? leg.law : leg.law == LAW_ALAW ? LAW_ULAW : LAW_ALAW;
  const to = relayTarget(leg);
  const energy = g711Energy(payload, octets, law == LAW_ALAW ? 1 : 0);
  leg.packetSamples = octets;
  meter(leg, TRACK_INBOUND, energy, octets, nowMs);
  if (to) {
    const late = relayAudio(to, stream, packet, payload, octets, law, nowMs);
    if (late < 0) countDrop(leg, late);
    else meter(to, TRACK_OUTBOUND, energy, octets, nowMs);
  }
  if (!leg.listening) return;
  leg.heard = 1;
  const status = jitterInsert(jitterBuffer(leg), rtpSequenceNumber(packet), timestamp, payload, octets, law == LAW_ALAW ? 1 : 0, rtpMarker(packet), nowMs);
  if (status >= 0) return;
  countDrop(leg, status);
  if (status == STATUS_LATE) patternDiscarded(lossPattern(leg), stream.extended);
}
