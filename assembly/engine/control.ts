/** Legs open, are told what was negotiated, are joined and close. Rare and careful; the packet road is elsewhere. */

import {
  CONFIG_ALTERNATE_PAYLOAD_TYPE,
  CONFIG_COMFORT_NOISE_PAYLOAD_TYPE,
  CONFIG_EVENT_RECEIVE_PAYLOAD_TYPE,
  CONFIG_EVENT_SEND_PAYLOAD_TYPE,
  CONFIG_FLAGS,
  CONFIG_JITTER_START_MS,
  CONFIG_LAW,
  CONFIG_MEDIA_TIMEOUT_MS,
  CONFIG_PAYLOAD_TYPE,
  CONFIG_PTIME_MS,
  CONFIG_RECEIVE_KEY,
  CONFIG_RECEIVE_PAYLOAD_TYPE,
  CONFIG_RECEIVE_TAG_BYTES,
  CONFIG_RTCP_ADDRESS,
  CONFIG_RTCP_PORT,
  CONFIG_RTP_ADDRESS,
  CONFIG_RTP_PORT,
  CONFIG_SEND_KEY,
  CONFIG_SEND_TAG_BYTES,
  CONFIG_SILENCE_AFTER_MS,
  CONFIG_SILENCE_DBOV,
  CONFIG_SRTP_HIGHEST,
  CONFIG_SRTP_RESUME,
  CONFIG_SRTP_ROC,
  CONFIG_SRTP_RTCP_INDEX,
  CONFIG_SRTP_SSRC,
  CONFIG_SOURCE_POLICY,
  FLAG_DETECT_DTMF,
  FLAG_RECEIVING,
  FLAG_RENEGOTIATED,
  KEY_KEEP,
  KEY_NONE,
  STATUS_NO_SLOT,
} from "../abi";
import { jitterWipe } from "../jitter/jitter";
import { CONTROL, LEG_POOL } from "../memory";
import { CNAME_BYTES } from "../rtp/rtcp";
import { SRTP_SESSION_BYTES, sessionOpen, sessionWipe, sessionResume } from "../srtp/context";
import { unbridge } from "./bridge";
import { leaveConference } from "./conference";
import {
  canSend,
  cname,
  copyAddress,
  isRelayed,
  jitterBuffer,
  LEG_BYTES,
  Leg,
  legAt,
  negotiatedRtcpAddress,
  negotiatedRtpAddress,
  oldSession,
  receiveKey,
  receiveSession,
  rtcpAddress,
  rtpAddress,
  sameAddress,
  sendKey,
  sendSession,
} from "./leg";
import { resetSilence } from "./meter";
import { enterPhase, leastPhase, leavePhase } from "./phases";
import { Pool, poolGive, poolTake } from "./pool";
import { randomLeft, takeRandom } from "./random";
import { REBASE_ALL, REBASE_SEQUENCE } from "./relay";
import { firstReportMs, report } from "./reports";
import { closeStreamsOf, updateListening } from "./streams";
import { resetTones } from "./tone-digits";

const KEY_BYTES: usize = 30;
const OLD_KEY_MS: f64 = 2000;
/** Numbers before the wrap at which no key begins: five seconds of packets. */
const NEAR_WRAP: u32 = 256;
const RANDOM_FOR_LEG: i32 = 32;
const BASE64URL = memory.data<u8>([
  65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 88, 89, 90, 97, 98, 99,
  100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 48,
  49, 50, 51, 52, 53, 54, 55, 56, 57, 45, 95,
]);

/** Takes a free slot and reads the configuration block. */
export function openLeg(nowMs: f64): i32 {
  if (randomLeft() < RANDOM_FOR_LEG) return STATUS_NO_SLOT;
  const slot = poolTake(changetype<Pool>(LEG_POOL));
  if (slot < 0) return STATUS_NO_SLOT;
  const leg = legAt(slot);
  memory.fill(changetype<usize>(leg), 0, LEG_BYTES);
  leg.open = 1;
  leg.slot = slot;
  leg.peer = -1;
  leg.conference = -1;
  leg.firstStream = -1;
  leg.servedMs = NaN;
  leg.roundTripMs = -1;
  leg.roundTripMinMs = -1;
  leg.roundTripMaxMs = -1;
  leg.ssrc = takeRandom();
  // Below 2^15, so that an early loss cannot mislead the other side's rollover counter (hardening R11).
  leg.nextSequence = takeRandom() & 0x7fff;
  leg.lastTimestamp = takeRandom();
  leg.marker = 1;
  leg.relayRebase = REBASE_ALL;
  writeCname(leg);
  enterPhase(leg, leastPhase(), nowMs);
  leg.reportDueMs = firstReportMs(nowMs);
  leg.lastHeardMs = nowMs;
  configure(leg, nowMs);
  return slot;
}

/** A short-term name that says nothing about the machine (RFC 7022 §4.2). */
function writeCname(leg: Leg): void {
  const place = cname(leg);
  let bits: u64 = 0;
  for (let i: i32 = 0; i < CNAME_BYTES; i++) {
    if (i % 5 == 0) bits = takeRandom();
    store<u8>(place + <usize>i, load<u8>(BASE64URL + <usize>(bits & 63)));
    bits >>= 6;
  }
}

/** Reads the configuration block into a leg. */
export function configure(leg: Leg, nowMs: f64): void {
  const flags = load<i32>(CONTROL + CONFIG_FLAGS);
  const wasReceiving = leg.flags & FLAG_RECEIVING;
  const couldSend = canSend(leg);
  const wasLaw = leg.law;
  const wasFlags = leg.flags;
  leg.law = load<i32>(CONTROL + CONFIG_LAW);
  leg.payloadType = load<i32>(CONTROL + CONFIG_PAYLOAD_TYPE);
  leg.receivePayloadType = load<i32>(CONTROL + CONFIG_RECEIVE_PAYLOAD_TYPE);
  leg.alternatePayloadType = load<i32>(CONTROL + CONFIG_ALTERNATE_PAYLOAD_TYPE);
  leg.eventSendPayloadType = load<i32>(CONTROL + CONFIG_EVENT_SEND_PAYLOAD_TYPE);
  leg.eventReceivePayloadType = load<i32>(CONTROL + CONFIG_EVENT_RECEIVE_PAYLOAD_TYPE);
  leg.comfortNoisePayloadType = load<i32>(CONTROL + CONFIG_COMFORT_NOISE_PAYLOAD_TYPE);
  leg.ptimeSamples = load<i32>(CONTROL + CONFIG_PTIME_MS) * 8;
  leg.flags = flags & ~FLAG_RENEGOTIATED;
  leg.sourcePolicy = load<i32>(CONTROL + CONFIG_SOURCE_POLICY);
  leg.jitterStartMs = load<i32>(CONTROL + CONFIG_JITTER_START_MS);
  leg.mediaTimeoutMs = load<i32>(CONTROL + CONFIG_MEDIA_TIMEOUT_MS);
  configureSilence(leg, nowMs);
  if ((flags ^ wasFlags) & FLAG_DETECT_DTMF) {
    resetTones(leg);
    updateListening(leg);
  }
  // What waits to be a packet is of the law and of the road before.
  if (isRelayed(leg) && leg.law != wasLaw) leg.outboundOctets = 0;
  if (leg.peer >= 0 && (flags & FLAG_RECEIVING) != wasReceiving) legAt(leg.peer).outboundOctets = 0;
  // Time that was spent not listening is no silence of the far end.
  if (!wasReceiving || flags & FLAG_RENEGOTIATED) leg.lastHeardMs = nowMs;
  if (flags & FLAG_RENEGOTIATED) setRemote(leg);
  setSendKey(leg, load<i32>(CONTROL + CONFIG_SEND_TAG_BYTES));
  setReceiveKey(leg, load<i32>(CONTROL + CONFIG_RECEIVE_TAG_BYTES), nowMs);
  memory.fill(CONTROL + CONFIG_SEND_KEY, 0, KEY_BYTES);
  memory.fill(CONTROL + CONFIG_RECEIVE_KEY, 0, KEY_BYTES);
  // What the other side sent meanwhile was never sent on: its numbers are no gap in ours (RFC 3550 §5.1). After a hold of
  // eleven minutes the gap would be 2^15 packets, and an SRTP receiver would count one round too few for good.
  if (!couldSend && canSend(leg)) leg.relayRebase = REBASE_ALL;
}

function configureSilence(leg: Leg, nowMs: f64): void {
  const afterMs = load<i32>(CONTROL + CONFIG_SILENCE_AFTER_MS);
  const dbov = load<i32>(CONTROL + CONFIG_SILENCE_DBOV);
  if (leg.silenceMeanSquare != 0 && afterMs == leg.silenceAfterMs && dbov == leg.silenceDbov) return;
  leg.silenceAfterMs = afterMs;
  leg.silenceDbov = dbov;
  leg.silenceMeanSquare = 10 ** (<f64>dbov / 10);
  resetSilence(leg, nowMs);
}

/** A new description of the far end: what was latched is given up unless the description is the same as before. */
function setRemote(leg: Leg): void {
  const rtpPort = load<i32>(CONTROL + CONFIG_RTP_PORT);
  const rtcpPort = load<i32>(CONTROL + CONFIG_RTCP_PORT);
  const isSame =
    leg.negotiatedRtpPort == rtpPort &&
    rtpPort != 0 &&
    sameAddress(negotiatedRtpAddress(leg), CONTROL + CONFIG_RTP_ADDRESS);
  leg.negotiatedRtpPort = rtpPort;
  leg.negotiatedRtcpPort = rtcpPort;
  copyAddress(negotiatedRtpAddress(leg), CONTROL + CONFIG_RTP_ADDRESS);
  copyAddress(negotiatedRtcpAddress(leg), CONTROL + CONFIG_RTCP_ADDRESS);
  if (isSame && leg.latched) return;
  leg.latched = 0;
  leg.rtcpLatched = 0;
  leg.candidatePort = 0;
  leg.rtpPort = rtpPort;
  leg.rtcpPort = rtcpPort;
  copyAddress(rtpAddress(leg), CONTROL + CONFIG_RTP_ADDRESS);
  copyAddress(rtcpAddress(leg), CONTROL + CONFIG_RTCP_ADDRESS);
}

/** The same key again keeps rollover counter and index (SDP-SEC-6). */
function isSameKey(known: usize, tagBytes: i32, given: usize, givenTagBytes: i32): bool {
  return tagBytes == givenTagBytes && memory.compare(known, given, KEY_BYTES) == 0;
}

function setSendKey(leg: Leg, tagBytes: i32): void {
  if (tagBytes == KEY_KEEP) return;
  const key = CONTROL + CONFIG_SEND_KEY;
  if (tagBytes != KEY_NONE && isSameKey(sendKey(leg), leg.sendTagBytes, key, tagBytes)) return;
  sessionWipe(sendSession(leg));
  memory.fill(sendKey(leg), 0, KEY_BYTES);
  leg.sendTagBytes = max<i32>(tagBytes, 0);
  if (tagBytes == KEY_NONE) return;
  memory.copy(sendKey(leg), key, KEY_BYTES);
  sessionOpen(sendSession(leg), key, tagBytes);
  // A key begins with ROC 0. Were its first packets lost and had the number wrapped by then, the far end would count one
  // round too few for good (hardening R11): so it begins behind the wrap.
  if (<u32>0x10000 - (leg.nextSequence & 0xffff) > NEAR_WRAP) return;
  leg.nextSequence = (leg.nextSequence | 0xffff) + 1;
  if (leg.relayRebase == 0) leg.relayRebase = REBASE_SEQUENCE;
}

function setReceiveKey(leg: Leg, tagBytes: i32, nowMs: f64): void {
  if (tagBytes == KEY_KEEP) return;
  const key = CONTROL + CONFIG_RECEIVE_KEY;
  if (tagBytes != KEY_NONE && isSameKey(receiveKey(leg), leg.receiveTagBytes, key, tagBytes)) return;
  sessionWipe(oldSession(leg));
  leg.oldTagBytes = 0;
  if (leg.receiveTagBytes != 0 && tagBytes != KEY_NONE) {
    // Packets that are under way still carry the key before.
    memory.copy(oldSession(leg), receiveSession(leg), SRTP_SESSION_BYTES);
    leg.oldTagBytes = leg.receiveTagBytes;
    leg.oldUntilMs = nowMs + OLD_KEY_MS;
  }
  sessionWipe(receiveSession(leg));
  memory.fill(receiveKey(leg), 0, KEY_BYTES);
  leg.receiveTagBytes = max<i32>(tagBytes, 0);
  leg.srtpFailures = 0;
  leg.srtpFailingReported = 0;
  if (tagBytes == KEY_NONE) return;
  memory.copy(receiveKey(leg), key, KEY_BYTES);
  sessionOpen(receiveSession(leg), key, tagBytes);
  if (load<i32>(CONTROL + CONFIG_SRTP_RESUME))
    sessionResume(
      receiveSession(leg),
      load<u32>(CONTROL + CONFIG_SRTP_SSRC),
      load<u32>(CONTROL + CONFIG_SRTP_ROC),
      load<i32>(CONTROL + CONFIG_SRTP_HIGHEST),
      load<u32>(CONTROL + CONFIG_SRTP_RTCP_INDEX),
    );
}

/** Says BYE, parts the leg from everything and wipes the slot. */
export function closeLeg(leg: Leg, nowMs: f64): void {
  if (leg.packetsSent != 0 || leg.packetsReceived != 0) report(leg, nowMs, true);
  abandonLeg(leg);
}

/** The same without a word. */
export function abandonLeg(leg: Leg): void {
  unbridge(leg);
  leaveConference(leg);
  closeStreamsOf(leg);
  // A buffer that was never used stays untouched memory.
  if (leg.hasListened) jitterWipe(jitterBuffer(leg));
  leavePhase(leg);
  const slot = leg.slot;
  memory.fill(changetype<usize>(leg), 0, LEG_BYTES);
  poolGive(changetype<Pool>(LEG_POOL), slot);
}
