/**
 * Conferences: legs that all hear each other, up to 64, and ports for what is mixed elsewhere. All members are served in
 * one phase, that of the conference. Who is in it and what is announced stands here; the mix is made in mixing.ts.
 */

import {
  CONFERENCE_LEGS_MAX,
  CONFERENCE_PORTS_MAX,
  PLAYBACK_BYTES,
  PORT_BLOCK_BYTES,
  PORT_BLOCKS,
  STATUS_FULL,
  STATUS_NO_SLOT,
} from "../abi";
import { CONFERENCE_COUNT_MAX, CONFERENCE_POOL, CONFERENCES, PORT_COUNT_MAX, PORT_POOL, PORTS, STAGE } from "../memory";
import { beginTalkspurt, unbridge } from "./bridge";
import { Leg, legAt } from "./leg";
import { changePhase, leastPhase, PHASE_COUNT } from "./phases";
import { Pool, poolGive, poolTake } from "./pool";
import { ringWrite } from "./ring";

@unmanaged
export class Conference {
  open: i32;
  slot: i32;
  phase: i32;
  nextInPhase: i32;
  previousInPhase: i32;
  firstMember: i32;
  memberCount: i32;
  firstPort: i32;
  portCount: i32;
  /** What is announced to all: a ring behind the fields. */
  playbackWritten: u32;
  playbackRead: u32;
  /** The frame that was not mixed yet. */
  frameDueMs: f64;
}

const RING_AT: usize = (offsetof<Conference>() + 15) & ~15;
export const CONFERENCE_BYTES: i32 = <i32>((RING_AT + PLAYBACK_BYTES + 63) & ~63);

/** A way into and out of the mix for somebody who is no leg; blocks of 160 samples, counted modulo 2^32. */
@unmanaged
export class Port {
  open: i32;
  slot: i32;
  conference: i32;
  /** The next port of the conference, or -1. */
  next: i32;
  mixFrame: i32;
  pushed: u32;
  mixed: u32;
  made: u32;
  pulled: u32;
}

const BLOCKS_AT: usize = (offsetof<Port>() + 15) & ~15;
const BLOCKS_BYTES: usize = PORT_BLOCKS * PORT_BLOCK_BYTES;
export const PORT_BYTES: i32 = <i32>((BLOCKS_AT + 2 * BLOCKS_BYTES + 63) & ~63);

/** First conference of each phase, or -1. */
const FIRSTS = memory.data(PHASE_COUNT * 4, 16);

export function openConferences(): void {
  memory.fill(FIRSTS, 0xff, PHASE_COUNT * 4);
}

export function firstConference(phase: i32): i32 {
  return load<i32>(FIRSTS + (<usize>phase << 2));
}

export function conferenceAt(slot: i32): Conference {
  return changetype<Conference>(CONFERENCES + <usize>slot * <usize>CONFERENCE_BYTES);
}

export function portAt(slot: i32): Port {
  return changetype<Port>(PORTS + <usize>slot * <usize>PORT_BYTES);
}

export function isOpenConference(slot: i32): bool {
  return <u32>slot < <u32>CONFERENCE_COUNT_MAX && conferenceAt(slot).open != 0;
}

export function isOpenPort(slot: i32): bool {
  return <u32>slot < <u32>PORT_COUNT_MAX && portAt(slot).open != 0;
}

export function announcementRing(conference: Conference): usize {
  return changetype<usize>(conference) + RING_AT;
}

/** Where the block of count `count` lies that was pushed, or that was made to be pulled. */
export function pushedBlock(port: Port, count: u32): usize {
  return changetype<usize>(port) + BLOCKS_AT + <usize>(count % <u32>PORT_BLOCKS) * PORT_BLOCK_BYTES;
}
export function madeBlock(port: Port, count: u32): usize {
  return pushedBlock(port, count) + BLOCKS_BYTES;
}

export function openConference(): i32 {
  const slot = poolTake(changetype<Pool>(CONFERENCE_POOL));
  if (slot < 0) return STATUS_NO_SLOT;
  const conference = conferenceAt(slot);
  memory.fill(changetype<usize>(conference), 0, RING_AT);
  conference.open = 1;
  conference.slot = slot;
  conference.firstMember = -1;
  conference.firstPort = -1;
  conference.frameDueMs = -Infinity;
  conference.phase = leastPhase();
  const first = firstConference(conference.phase);
  conference.previousInPhase = -1;
  conference.nextInPhase = first;
  if (first >= 0) conferenceAt(first).previousInPhase = slot;
  store<i32>(FIRSTS + (<usize>conference.phase << 2), slot);
  return slot;
}

/** Ends a conference; its members hear silence or their own playback. */
export function closeConference(conference: Conference): void {
  while (conference.firstMember >= 0) leaveConference(legAt(conference.firstMember));
  while (conference.firstPort >= 0) closePort(portAt(conference.firstPort));
  const previousInPhase = conference.previousInPhase;
  const nextInPhase = conference.nextInPhase;
  if (previousInPhase >= 0) conferenceAt(previousInPhase).nextInPhase = nextInPhase;
  else store<i32>(FIRSTS + (<usize>conference.phase << 2), nextInPhase);
  if (nextInPhase >= 0) conferenceAt(nextInPhase).previousInPhase = previousInPhase;
  conference.open = 0;
  poolGive(changetype<Pool>(CONFERENCE_POOL), conference.slot);
}

/** Puts a leg in; it leaves its bridge or the conference that it was in. @returns 0 or FULL */
export function joinConference(conference: Conference, leg: Leg, flags: i32): i32 {
  if (leg.conference == conference.slot) {
    leg.memberFlags = flags;
    return 0;
  }
  if (conference.memberCount >= CONFERENCE_LEGS_MAX) return STATUS_FULL;
  unbridge(leg);
  leaveConference(leg);
  leg.conference = conference.slot;
  leg.memberFlags = flags;
  leg.previousMember = -1;
  leg.nextMember = conference.firstMember;
  if (leg.nextMember >= 0) legAt(leg.nextMember).previousMember = leg.slot;
  conference.firstMember = leg.slot;
  conference.memberCount++;
  changePhase(leg, conference.phase);
  beginTalkspurt(leg);
  return 0;
}

/** Takes a leg out of its conference, if it is in one. */
export function leaveConference(leg: Leg): void {
  if (leg.conference < 0) return;
  const conference = conferenceAt(leg.conference);
  if (leg.previousMember >= 0) legAt(leg.previousMember).nextMember = leg.nextMember;
  else conference.firstMember = leg.nextMember;
  if (leg.nextMember >= 0) legAt(leg.nextMember).previousMember = leg.previousMember;
  conference.memberCount--;
  leg.conference = -1;
  beginTalkspurt(leg);
}

/** Octets that may be announced now. */
export function announcementRoom(conference: Conference): i32 {
  return PLAYBACK_BYTES - <i32>(conference.playbackWritten - conference.playbackRead);
}

/** Takes octets from the staging area to be heard by everybody. */
export function announce(conference: Conference, octets: i32): i32 {
  const count = min<i32>(max<i32>(octets, 0), announcementRoom(conference));
  ringWrite(announcementRing(conference), conference.playbackWritten, STAGE, <u32>count);
  conference.playbackWritten += <u32>count;
  return count;
}

export function openPort(conference: Conference): i32 {
  if (conference.portCount >= CONFERENCE_PORTS_MAX) return STATUS_FULL;
  const slot = poolTake(changetype<Pool>(PORT_POOL));
  if (slot < 0) return STATUS_NO_SLOT;
  const port = portAt(slot);
  memory.fill(changetype<usize>(port), 0, BLOCKS_AT);
  port.open = 1;
  port.slot = slot;
  port.conference = conference.slot;
  port.next = conference.firstPort;
  conference.firstPort = slot;
  conference.portCount++;
  return slot;
}

export function closePort(port: Port): void {
  const conference = conferenceAt(port.conference);
  if (conference.firstPort == port.slot) conference.firstPort = port.next;
  else {
    let before = portAt(conference.firstPort);
    while (before.next != port.slot) before = portAt(before.next);
    before.next = port.next;
  }
  conference.portCount--;
  port.open = 0;
  poolGive(changetype<Pool>(PORT_POOL), port.slot);
}

/** Takes a block from the staging area into the mix. @returns 0, or FULL while four wait */
export function pushBlock(port: Port): i32 {
  if (port.pushed - port.mixed >= <u32>PORT_BLOCKS) return STATUS_FULL;
  memory.copy(pushedBlock(port, port.pushed), STAGE, PORT_BLOCK_BYTES);
  port.pushed++;
  return 0;
}

/** Puts the oldest block that was made for the port into the staging area. @returns 1, or 0 when none waits */
export function pullBlock(port: Port): i32 {
  if (port.made == port.pulled) return 0;
  memory.copy(STAGE, madeBlock(port, port.pulled), PORT_BLOCK_BYTES);
  port.pulled++;
  return 1;
}
