/**
 * The leg slot: everything that is known of one RTP session (RFC 3550 §3), laid over static memory. Fields first, then
 * areas at fixed distances. A slot is zeroed when it is closed, keys first.
 */

import {
  ADDRESS_BYTES,
  DIGITS_MAX,
  DROP_COUNTERS,
  FLAG_RECEIVING,
  FLAG_SENDING,
  FRAME_SAMPLES,
  PLAYBACK_BYTES,
} from "../abi";
import { DTX_BYTES } from "../jitter/dtx";
import { JITTER_BYTES } from "../jitter/jitter";
import { DTMF_DETECTOR_BYTES } from "../kernels/dtmf-detector";
import { TONE_STATE_BYTES } from "../kernels/tone";
import { JITTER_BUFFERS, LEG_COUNT_MAX, LEGS } from "../memory";
import { LossPattern } from "../rtp/loss-pattern";
import { CNAME_BYTES } from "../rtp/rtcp";
import { ReceivedStream } from "../rtp/sequence";
import { DTMF_RECEIVER_BYTES, DTMF_SENDER_BYTES } from "../rtp/telephone-event";
import { SRTP_SESSION_BYTES } from "../srtp/context";
import { Meter } from "./meter-fields";

@unmanaged
export class Leg {
  // Looked at in every frame of every leg: two lines of the processor's cache.
  open: i32;
  slot: i32;
  /** The phase that it is served in, and the next leg there. */
  phase: i32;
  nextInPhase: i32;
  /** The frame that is due next. */
  frameDueMs: f64;
  /** The frame that was served last. */
  servedMs: f64;
  /** Slot of the leg that it is bridged with, or -1. */
  peer: i32;
  /** Slot of the conference that it is in, or -1; the members of a conference are a list in both directions. */
  conference: i32;
  /** Somebody listens to what comes in, so the jitter buffer runs. */
  listening: i32;
  flags: i32;
  /** Where RTP goes to; 0: unknown. The address lies behind the fields. */
  rtpPort: i32;
  /** Octets of the SRTP tags, 0 for plain RTP; one key alone makes the leg wait for the other, never plain. */
  sendTagBytes: i32;
  receiveTagBytes: i32;
  /** A digit is on its way; audio waits. */
  digitActive: i32;
  /** Digits that were ever queued, and those that were begun. */
  digitsWritten: u32;
  digitsRead: u32;
  /** Tracks that streams of this leg want: STREAM_INBOUND, STREAM_OUTBOUND. */
  tracks: i32;
  mediaTimeoutMs: i32;
  silentReported: i32;
  silenceAfterMs: i32;
  lastHeardMs: f64;
  reportDueMs: f64;

  // Looked at with every packet. What negotiation decided, and what came.
  law: i32;
  /** What we send `law` with, and what the far end does. */
  payloadType: i32;
  receivePayloadType: i32;
  alternatePayloadType: i32;
  eventSendPayloadType: i32;
  eventReceivePayloadType: i32;
  comfortNoisePayloadType: i32;
  ptimeSamples: i32;
  sourcePolicy: i32;
  negotiatedRtpPort: i32;
  latched: i32;
  firstReported: i32;
  packetsReceived: u32;
  octetsReceived: f64;
  /** Valid RTP, valid RTP or RTCP. */
  lastRtpMs: f64;
  /** Samples of the audio packet that came last. */
  packetSamples: i32;
  srtpFailures: i32;
  silenceMeanSquare: f64;

  // Sent, and relayed to this leg.
  ssrc: u32;
  nextSequence: u32;
  /** Timestamp and samples of the packet that was sent last, and when; `sentAny` 0: timestamp of the first. */
  lastTimestamp: u32;
  lastSamples: u32;
  sentAny: i32;
  /** The next packet begins a talkspurt. */
  marker: i32;
  /** A pause is described instead of being sent. */
  pausing: i32;
  /** The next packet of the peer is tied to our own numbering anew. */
  relayRebase: i32;
  relaySequenceOffset: u32;
  relayTimestampOffset: u32;
  /** Extended sequence numbers of the peer: below `relayBase` nothing may be sent any more. */
  relayBase: i32;
  relayHighest: i32;
  /** Octets that wait to be a packet, and the timestamp of the first of them. */
  outboundOctets: i32;
  outboundTimestamp: u32;
  packetsSent: u32;
  lastSentMs: f64;
  /** When something was last relayed to this leg; 0 before. */
  relayedMs: f64;
  octetsSent: f64;

  // The rest is looked at seldom. Keys and negotiation.
  /** The receive key before this one, for late packets; 0 when there is none. */
  oldTagBytes: i32;
  jitterStartMs: i32;
  oldUntilMs: f64;
  silenceDbov: i32;

  // Whom it is joined with.
  /** The leg before it in its phase. */
  previousInPhase: i32;
  /** First stream of the leg, or -1; the streams of a leg are a list. */
  firstStream: i32;
  /** Somebody has listened, so the jitter buffer holds something. */
  hasListened: i32;
  /** Audio came since somebody listens. */
  heard: i32;
  /** What the jitter buffer played last: PLAY_NORMAL and so on. */
  played: i32;
  nextMember: i32;
  previousMember: i32;
  /** MEMBER_MUTED, MEMBER_DEAF. */
  memberFlags: i32;
  /** Its frame in the mix that is being made, or -1. */
  mixFrame: i32;

  // Where it comes from and goes to. Ports; the addresses lie behind the fields. 0: unknown.
  negotiatedRtcpPort: i32;
  rtcpPort: i32;
  rtcpLatched: i32;
  /** Who may be latched next, if its next packet follows. */
  candidatePort: i32;
  candidateSsrc: u32;
  candidateSequence: u32;
  candidateTimestamp: u32;
  candidateMs: f64;

  // Received.
  candidateStreamSsrc: u32;
  candidateStreamSequence: u32;
  retiredSsrc: u32;
  retired: i32;
  byeReported: i32;
  srtpFailingReported: i32;
  srtpFailingSinceMs: f64;
  framesConcealed: u32;

  // Playback ring: counters of octets, modulo 2^32.
  playbackWritten: u32;
  playbackRead: u32;
  /** How many octets of the last four frames came from the ring, 8 bits each, the newest lowest. */
  playbackFrames: u32;

  // Digits to be sent.
  digitTimestamp: u32;
  digitPauseMs: f64;
  /** A digit as tones: its RFC 4733 event, frames that were sent and that it shall have, frames of silence behind it. */
  toneKey: i32;
  toneFrames: i32;
  toneFramesWanted: i32;
  tonePauseFrames: i32;
  /** The far end has sent an event; the key whose tone was heard last, or -1, and when. */
  eventsHeard: i32;
  heardKey: i32;
  heardKeyMs: f64;

  // RTCP.
  packetsSentReported: u32;
  senderReportNtp: u32;
  senderReportKnown: i32;
  senderReportMs: f64;
  roundTripMs: f64;
  /** Packets received and sent when the last report was written, and sent at the one before. */
  packetsReceivedReported: u32;
  packetsSentReportedBefore: u32;
  reportsReceived: u32;
  reportsForeign: u32;
  remoteKnown: i32;
  remoteLost: i32;
  remoteFraction: i32;
  remoteJitter: u32;
  /** VoIP metrics of the far end: 28 octets as they came (RFC 3611 §4.7). */
  voipKnown: i32;
  voipMetrics: u32;
  voipMetrics1: u32;
  voipMetrics2: u32;
  voipMetrics3: u32;
  voipMetrics4: u32;
  voipMetrics5: u32;
  voipMetrics6: u32;
  roundTripMinMs: f64;
  roundTripMaxMs: f64;
}

// @ts-expect-error: decorator
@inline
const ALIGN: usize = 15;

const STREAM_AT: usize = (offsetof<Leg>() + ALIGN) & ~ALIGN;
const METERS_AT: usize = (STREAM_AT + offsetof<ReceivedStream>() + ALIGN) & ~ALIGN;
const PATTERN_AT: usize = METERS_AT + 2 * offsetof<Meter>();
const NEGOTIATED_RTP_AT: usize = (PATTERN_AT + offsetof<LossPattern>() + ALIGN) & ~ALIGN;
const NEGOTIATED_RTCP_AT: usize = NEGOTIATED_RTP_AT + ADDRESS_BYTES;
const RTP_ADDRESS_AT: usize = NEGOTIATED_RTCP_AT + ADDRESS_BYTES;
const RTCP_ADDRESS_AT: usize = RTP_ADDRESS_AT + ADDRESS_BYTES;
const CANDIDATE_ADDRESS_AT: usize = RTCP_ADDRESS_AT + ADDRESS_BYTES;
const DROPS_AT: usize = CANDIDATE_ADDRESS_AT + ADDRESS_BYTES;
const CNAME_AT: usize = DROPS_AT + DROP_COUNTERS * 4;
const SEND_KEY_AT: usize = CNAME_AT + CNAME_BYTES;
const RECEIVE_KEY_AT: usize = SEND_KEY_AT + 32;
const SEND_SESSION_AT: usize = RECEIVE_KEY_AT + 32;
const RECEIVE_SESSION_AT: usize = SEND_SESSION_AT + SRTP_SESSION_BYTES;
const OLD_SESSION_AT: usize = RECEIVE_SESSION_AT + SRTP_SESSION_BYTES;
const DTMF_RECEIVER_AT: usize = OLD_SESSION_AT + SRTP_SESSION_BYTES;
const DTMF_SENDER_AT: usize = (DTMF_RECEIVER_AT + DTMF_RECEIVER_BYTES + ALIGN) & ~ALIGN;
const DIGITS_AT: usize = (DTMF_SENDER_AT + DTMF_SENDER_BYTES + ALIGN) & ~ALIGN;
const INBOUND_FRAME_AT: usize = DIGITS_AT + DIGITS_MAX * 4;
const OUTBOUND_AT: usize = INBOUND_FRAME_AT + FRAME_SAMPLES;
/** A packet of 60 ms on top of what is left of the one before. */
const OUTBOUND_BYTES: usize = 640;
const PLAYBACK_AT: usize = OUTBOUND_AT + OUTBOUND_BYTES;
const TONE_AT: usize = PLAYBACK_AT + PLAYBACK_BYTES;
const DETECTOR_AT: usize = TONE_AT + <usize>TONE_STATE_BYTES;
const DTX_AT: usize = (DETECTOR_AT + <usize>DTMF_DETECTOR_BYTES + ALIGN) & ~ALIGN;
const LEG_END: usize = DTX_AT + <usize>DTX_BYTES;

/**
 * Octets of a leg slot, without its jitter buffer: at most 8 KiB. An odd multiple of 64, so that the first octets of many
 * legs don't all want the same few lines of the processor's cache.
 */
export const LEG_BYTES: i32 = <i32>(((LEG_END + 63) & ~(<usize>63)) | 64);
/** Octets of a jitter buffer. */
export const JITTER_STRIDE: i32 = ((JITTER_BYTES + 63) & ~63) | 64;

/** The leg of a slot number that is known to be right. */
// @ts-expect-error: decorator
@inline
export function legAt(slot: i32): Leg {
  return changetype<Leg>(LEGS + <usize>slot * <usize>LEG_BYTES);
}

/** True when `slot` is the number of an open leg. */
export function isOpen(slot: i32): bool {
  return <u32>slot < <u32>LEG_COUNT_MAX && legAt(slot).open != 0;
}

// @ts-expect-error: decorator
@inline
function at(leg: Leg, distance: usize): usize {
  return changetype<usize>(leg) + distance;
}

/** What is known of the received stream. */
export function receivedStream(leg: Leg): ReceivedStream {
  return changetype<ReceivedStream>(at(leg, STREAM_AT));
}
export function negotiatedRtpAddress(leg: Leg): usize {
  return at(leg, NEGOTIATED_RTP_AT);
}
export function negotiatedRtcpAddress(leg: Leg): usize {
  return at(leg, NEGOTIATED_RTCP_AT);
}
/** Where RTP is sent now. */
export function rtpAddress(leg: Leg): usize {
  return at(leg, RTP_ADDRESS_AT);
}
export function rtcpAddress(leg: Leg): usize {
  return at(leg, RTCP_ADDRESS_AT);
}
export function candidateAddress(leg: Leg): usize {
  return at(leg, CANDIDATE_ADDRESS_AT);
}
export function dropCounters(leg: Leg): usize {
  return at(leg, DROPS_AT);
}
export function cname(leg: Leg): usize {
  return at(leg, CNAME_AT);
}
/** Master key and salt as they were set, to know them again. */
export function sendKey(leg: Leg): usize {
  return at(leg, SEND_KEY_AT);
}
export function receiveKey(leg: Leg): usize {
  return at(leg, RECEIVE_KEY_AT);
}
export function sendSession(leg: Leg): usize {
  return at(leg, SEND_SESSION_AT);
}
export function receiveSession(leg: Leg): usize {
  return at(leg, RECEIVE_SESSION_AT);
}
export function oldSession(leg: Leg): usize {
  return at(leg, OLD_SESSION_AT);
}
export function dtmfReceiver(leg: Leg): usize {
  return at(leg, DTMF_RECEIVER_AT);
}
export function dtmfSender(leg: Leg): usize {
  return at(leg, DTMF_SENDER_AT);
}
/** Digits to be sent: 16 bits of event, 16 of duration in ms, each. */
export function digitQueue(leg: Leg): usize {
  return at(leg, DIGITS_AT);
}
/** The 160 octets of mu-law that were heard last. */
export function inboundFrame(leg: Leg): usize {
  return at(leg, INBOUND_FRAME_AT);
}
/** Octets that wait to be a packet: mu-law of the playout road, or of the law that is sent on the relay road. */
export function outboundBuffer(leg: Leg): usize {
  return at(leg, OUTBOUND_AT);
}
export function playbackRing(leg: Leg): usize {
  return at(leg, PLAYBACK_AT);
}
/** How losses lie in the received stream. */
export function lossPattern(leg: Leg): LossPattern {
  return changetype<LossPattern>(at(leg, PATTERN_AT));
}
/** The tone that is being sent. */
export function toneState(leg: Leg): usize {
  return at(leg, TONE_AT);
}
export function dtmfDetector(leg: Leg): usize {
  return at(leg, DETECTOR_AT);
}
/** State of the judge over pauses that are sent (jitter/dtx.ts). */
export function dtxState(leg: Leg): usize {
  return at(leg, DTX_AT);
}
/** @param track - TRACK_INBOUND or TRACK_OUTBOUND */
export function meterOf(leg: Leg, track: i32): Meter {
  return changetype<Meter>(at(leg, METERS_AT) + <usize>track * offsetof<Meter>());
}
export function jitterBuffer(leg: Leg): usize {
  return JITTER_BUFFERS + <usize>leg.slot * <usize>JITTER_STRIDE;
}

/** One more datagram that was not used; `status` says why. */
export function countDrop(leg: Leg, status: i32): void {
  const counter = dropCounters(leg) + (min<i32>(-status, DROP_COUNTERS - 1) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
}

/** True when a key was set for either direction: then nothing plain is sent or believed. */
export function isSecure(leg: Leg): bool {
  return (leg.sendTagBytes | leg.receiveTagBytes) != 0;
}

/** RTP may go out: there is a destination, the far end wants media, and a key where one is needed. */
export function canSend(leg: Leg): bool {
  return leg.rtpPort != 0 && (leg.flags & FLAG_SENDING) != 0 && (leg.sendTagBytes != 0 || leg.receiveTagBytes == 0);
}

/** The leg takes what its bridge peer receives, packet by packet. While the peer ignores its far end it does not. */
export function isRelayed(leg: Leg): bool {
  return leg.peer >= 0 && (legAt(leg.peer).flags & FLAG_RECEIVING) != 0;
}

// @ts-expect-error: decorator
@inline
export function sameAddress(a: usize, b: usize): bool {
  return i8x16.all_true(i8x16.eq(v128.load(a), v128.load(b)));
}

// @ts-expect-error: decorator
@inline
export function copyAddress(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
}
