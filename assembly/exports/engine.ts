/** The engine as JavaScript calls it: slots and numbers in, lengths, counts or negative statuses out. Nothing throws. */

import { DIGITS_MAX, PLAYBACK_BYTES, STATUS_NO_SLOT, STATUS_SLOW_PATH } from "../abi";
import { bridge, unbridge } from "../engine/bridge";
import {
  announce,
  announcementRoom,
  CONFERENCE_BYTES,
  closeConference,
  closePort,
  conferenceAt,
  isOpenConference,
  isOpenPort,
  joinConference,
  leaveConference,
  openConference,
  openConferences,
  openPort,
  PORT_BYTES,
  portAt,
  pullBlock,
  pushBlock,
} from "../engine/conference";
import { abandonLeg, closeLeg, configure, openLeg } from "../engine/control";
import { digitsPending, queueDigit } from "../engine/digits";
import { isOpen, JITTER_STRIDE, LEG_BYTES, legAt, playbackRing } from "../engine/leg";
import { clearPlayback, playedOctets } from "../engine/outbound";
import { openPhases } from "../engine/phases";
import { POOL_BYTES, poolOpen } from "../engine/pool";
import { receive } from "../engine/receive";
import { ringWrite } from "../engine/ring";
import { discardUnprotected } from "../engine/send";
import { writeStats } from "../engine/stats";
import { closeStream, nextSequence, openStream, STREAM_BYTES, setCongested, streamSid, streamSidLength } from "../engine/streams";
import { tick } from "../engine/tick";
import { wipeAudio } from "../engine/wipe";
import { setWallClock } from "../rtp/rtcp";
import { readMediaPayload } from "../kernels/media-message";
import {
  CONFERENCE_COUNT_MAX,
  CONFERENCE_POOL,
  DECODED,
  LEG_POOL,
  MESSAGE,
  PORT_COUNT_MAX,
  PORT_POOL,
  placeAreas,
  STAGE,
  STREAM_POOL,
} from "../memory";

const DECODED_BYTES: i32 = 49152;

export function engineInit(legCountMax: i32, streamCountMax: i32, conferenceCountMax: i32): i32 {
  const directory = placeAreas(
    legCountMax,
    LEG_BYTES,
    JITTER_STRIDE,
    streamCountMax,
    STREAM_BYTES,
    conferenceCountMax,
    CONFERENCE_BYTES,
    PORT_BYTES,
    POOL_BYTES,
  );
  if (directory < 0) return directory;
  poolOpen(LEG_POOL, legCountMax);
  poolOpen(STREAM_POOL, streamCountMax);
  poolOpen(CONFERENCE_POOL, CONFERENCE_COUNT_MAX);
  poolOpen(PORT_POOL, PORT_COUNT_MAX);
  openPhases();
  openConferences();
  return directory;
}

/** @param offsetMs - what is added to the times given here for ms since 1970 */
export function engineSetWallClock(offsetMs: f64): i32 {
  setWallClock(offsetMs);
  return 0;
}

export function engineOpenLeg(nowMs: f64): i32 {
  return openLeg(nowMs);
}

export function engineConfigureLeg(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  configure(legAt(leg), nowMs);
  return 0;
}

export function engineCloseLeg(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  closeLeg(legAt(leg), nowMs);
  return 0;
}

export function engineWipeAudio(): i32 {
  wipeAudio();
  return 0;
}

export function engineAbandonLeg(leg: i32): i32 {
  discardUnprotected();
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  abandonLeg(legAt(leg));
  return 0;
}

export function engineBridge(a: i32, b: i32, nowMs: f64): i32 {
  if (!isOpen(a) || !isOpen(b) || a == b) return STATUS_NO_SLOT;
  leaveConference(legAt(a));
  leaveConference(legAt(b));
  bridge(legAt(a), legAt(b));
  return 0;
}

export function engineUnbridge(leg: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  unbridge(legAt(leg));
  return 0;
}

export function engineStats(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  writeStats(legAt(leg));
  return 0;
}

export function engineReceive(count: i32, nowMs: f64): i32 {
  receive(count, nowMs);
  return count;
}

export function engineTick(nowMs: f64): i32 {
  return tick(nowMs);
}

export function enginePlaybackRoom(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  const slot = legAt(leg);
  return PLAYBACK_BYTES - <i32>(slot.playbackWritten - slot.playbackRead);
}

/** Takes octets from the staging area. */
export function enginePlaybackWrite(leg: i32, octets: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  const slot = legAt(leg);
  const count = min<i32>(max<i32>(octets, 0), enginePlaybackRoom(leg));
  ringWrite(playbackRing(slot), slot.playbackWritten, STAGE, <u32>count);
  slot.playbackWritten += <u32>count;
  return count;
}

export function enginePlaybackClear(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  clearPlayback(legAt(leg));
  return 0;
}

export function enginePlayedOctets(leg: i32): u32 {
  return isOpen(leg) ? playedOctets(legAt(leg)) : 0;
}

export function engineOpenConference(): i32 {
  return openConference();
}

export function engineCloseConference(conference: i32): i32 {
  if (!isOpenConference(conference)) return STATUS_NO_SLOT;
  closeConference(conferenceAt(conference));
  return 0;
}

/** @param flags - sum of MEMBER_MUTED and MEMBER_DEAF */
export function engineJoinConference(conference: i32, leg: i32, flags: i32): i32 {
  if (!isOpenConference(conference) || !isOpen(leg)) return STATUS_NO_SLOT;
  return joinConference(conferenceAt(conference), legAt(leg), flags);
}

export function engineLeaveConference(leg: i32): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  leaveConference(legAt(leg));
  return 0;
}

/** The conference that a leg is in, or -1. */
export function engineConferenceOf(leg: i32): i32 {
  return isOpen(leg) ? legAt(leg).conference : -1;
}

export function engineConferenceMembers(conference: i32): i32 {
  return isOpenConference(conference) ? conferenceAt(conference).memberCount : STATUS_NO_SLOT;
}

export function engineAnnouncementRoom(conference: i32): i32 {
  return isOpenConference(conference) ? announcementRoom(conferenceAt(conference)) : STATUS_NO_SLOT;
}

/** Takes octets from the staging area. */
export function engineAnnounce(conference: i32, octets: i32): i32 {
  return isOpenConference(conference) ? announce(conferenceAt(conference), octets) : STATUS_NO_SLOT;
}

export function engineAnnouncementClear(conference: i32): i32 {
  if (!isOpenConference(conference)) return STATUS_NO_SLOT;
  const slot = conferenceAt(conference);
  slot.playbackWritten = slot.playbackRead;
  return 0;
}

export function engineAnnouncedOctets(conference: i32): u32 {
  return isOpenConference(conference) ? conferenceAt(conference).playbackRead : 0;
}

export function engineOpenPort(conference: i32): i32 {
  return isOpenConference(conference) ? openPort(conferenceAt(conference)) : STATUS_NO_SLOT;
}

export function engineClosePort(port: i32): i32 {
  if (!isOpenPort(port)) return STATUS_NO_SLOT;
  closePort(portAt(port));
  return 0;
}

/** Takes 160 samples from the staging area. */
export function enginePushBlock(port: i32): i32 {
  return isOpenPort(port) ? pushBlock(portAt(port)) : STATUS_NO_SLOT;
}

/** Puts 160 samples into the staging area. */
export function enginePullBlock(port: i32): i32 {
  return isOpenPort(port) ? pullBlock(portAt(port)) : STATUS_NO_SLOT;
}

export function engineSendDigit(leg: i32, event: i32, durationMs: i32): i32 {
  if (!isOpen(leg) || <u32>event > 15) return STATUS_NO_SLOT;
  return queueDigit(legAt(leg), event, durationMs);
}

export function engineDigitsPending(leg: i32): i32 {
  return isOpen(leg) ? min<i32>(digitsPending(legAt(leg)), DIGITS_MAX + 1) : STATUS_NO_SLOT;
}

export function engineOpenStream(leg: i32, options: i32, streamSidLength: i32, nowMs: f64): i32 {
  if (!isOpen(leg)) return STATUS_NO_SLOT;
  return openStream(legAt(leg), options, streamSidLength, nowMs);
}

export function engineCloseStream(stream: i32): i32 {
  closeStream(stream);
  return 0;
}

export function engineStreamCongested(stream: i32, congested: i32): i32 {
  setCongested(stream, congested);
  return 0;
}

export function engineStreamNextSequence(stream: i32): u32 {
  return nextSequence(stream);
}

/** Reads the message in the message area, if it names `stream`; its octets go to the decoded area. */
export function engineReadMessageOf(stream: i32, length: i32): i32 {
  const sid = streamSid(stream);
  return sid == 0 ? STATUS_SLOW_PATH : readMediaPayload(MESSAGE, length, sid, streamSidLength(stream), DECODED, DECODED_BYTES);
}

/** The same whatever stream the message names. */
export function engineReadMessage(length: i32): i32 {
  return readMediaPayload(MESSAGE, length, 0, -1, DECODED, DECODED_BYTES);
}
