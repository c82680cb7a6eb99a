/**
 * The mix of a conference, 20 ms at a time: every member hears the saturated sum of all others (mix-minus). Whoever is
 * silent, muted or in discontinuous transmission is left out of the sum, so a hundred quiet lines add no noise, and one
 * who speaks alone is heard at the level at which he came.
 */

import {
  FRAME_SAMPLES,
  MEMBER_DEAF,
  MEMBER_MUTED,
  PLAY_NOISE,
  PLAY_SILENCE,
  PORT_BLOCK_BYTES,
  PORT_BLOCKS,
  STATE_CURRENT_LEG,
} from "../abi";
import { ulawDecode, ulawEncode } from "../kernels/g711";
import { MIX_SUM_BYTES, mixOutOf, mixSum } from "../kernels/mix";
import { MIX_FRAME_BYTES, MIX_FRAMES, STATE } from "../memory";
import { FRAME_MS } from "./clock";
import {
  announcementRing,
  Conference,
  conferenceAt,
  firstConference,
  madeBlock,
  Port,
  portAt,
  pushedBlock,
} from "./conference";
import { inboundFrame, Leg, legAt } from "./leg";
import { speak } from "./outbound";
import { ringRead } from "./ring";

const SUM = memory.data(MIX_SUM_BYTES, 16);
const SAMPLES = memory.data(MIX_FRAME_BYTES, 16);
/** What those hear who add nothing to the mix: the same for all of them. */
const COMMON = memory.data(FRAME_SAMPLES, 16);
const OWN = memory.data(FRAME_SAMPLES, 16);
/** From here on, sign apart, a mu-law code is silence: 0 and the first step beside it. */
const SILENT_CODE: u8 = 0x7e;

function mixFrame(index: i32): usize {
  return MIX_FRAMES + <usize>(index * MIX_FRAME_BYTES);
}

/** Mixes and sends one frame of all conferences of a phase. */
export function mixPhase(phase: i32, frameMs: f64, nowMs: f64, maySend: bool): void {
  for (let slot = firstConference(phase); slot >= 0; ) {
    const conference = conferenceAt(slot);
    if (conference.frameDueMs <= frameMs) {
      conference.frameDueMs = frameMs + FRAME_MS;
      const count = gather(conference, frameMs, maySend);
      if (count > 0) mixSum(MIX_FRAMES, count, SUM);
      give(conference, count, frameMs, nowMs, maySend);
    }
    slot = conference.nextInPhase;
  }
}

/** Decodes everybody who is heard. @returns how many frames there are */
function gather(conference: Conference, frameMs: f64, maySend: bool): i32 {
  let count: i32 = 0;
  for (let slot = conference.firstMember; slot >= 0; ) {
    const leg = legAt(slot);
    leg.mixFrame = -1;
    if (isServed(leg, frameMs) && speaks(leg)) {
      ulawDecode(inboundFrame(leg), mixFrame(count), FRAME_SAMPLES);
      leg.mixFrame = count++;
    }
    slot = leg.nextMember;
  }
  for (let slot = conference.firstPort; slot >= 0; ) {
    const port = portAt(slot);
    port.mixFrame = -1;
    if (port.mixed != port.pushed) {
      memory.copy(mixFrame(count), pushedBlock(port, port.mixed), MIX_FRAME_BYTES);
      port.mixed++;
      port.mixFrame = count++;
    }
    slot = port.next;
  }
  if (maySend && conference.playbackWritten != conference.playbackRead) {
    const octets = ringRead(announcementRing(conference), conference.playbackWritten, conference.playbackRead, OWN);
    conference.playbackRead += octets;
    ulawDecode(OWN, mixFrame(count), FRAME_SAMPLES);
    count++;
  }
  return count;
}

/** False for one who has just come into this phase and begins with a later frame: what he last heard is of another. */
function isServed(leg: Leg, frameMs: f64): bool {
  return leg.servedMs == frameMs;
}

function speaks(leg: Leg): bool {
  if (leg.memberFlags & MEMBER_MUTED || leg.played == PLAY_SILENCE || leg.played == PLAY_NOISE) return false;
  const frame = inboundFrame(leg);
  const magnitude = i8x16.splat(0x7f);
  const silent = i8x16.splat(SILENT_CODE);
  for (let at: usize = 0; at < <usize>FRAME_SAMPLES; at += 16)
    if (v128.any_true(i8x16.lt_u(v128.and(v128.load(frame + at), magnitude), silent))) return true;
  return false;
}

/** Gives everybody what he hears. */
function give(conference: Conference, count: i32, frameMs: f64, nowMs: f64, maySend: bool): void {
  let hasCommon = false;
  for (let slot = conference.firstMember; slot >= 0; ) {
    const leg = legAt(slot);
    if (isServed(leg, frameMs)) {
      store<i32>(STATE + STATE_CURRENT_LEG, slot);
      let heard: usize = 0;
      if (leg.memberFlags & MEMBER_DEAF || count == 0) {
        heard = 0;
      } else if (leg.mixFrame < 0) {
        if (!hasCommon) mixInto(0, COMMON);
        hasCommon = true;
        heard = COMMON;
      } else if (count > 1) {
        mixInto(mixFrame(leg.mixFrame), OWN);
        heard = OWN;
      }
      speak(leg, heard, frameMs, nowMs, maySend);
    }
    slot = leg.nextMember;
  }
  for (let slot = conference.firstPort; slot >= 0; ) {
    const port = portAt(slot);
    givePort(port, count);
    slot = port.next;
  }
}

/** The sum without the frame at `own`, or of all when it is 0, as mu-law. */
function mixInto(own: usize, octets: usize): void {
  mixOutOf(SUM, own, SAMPLES);
  ulawEncode(SAMPLES, octets, FRAME_SAMPLES);
}

/** A block for whoever pulls; the oldest goes when nobody does. */
function givePort(port: Port, count: i32): void {
  if (port.made - port.pulled >= <u32>PORT_BLOCKS) port.pulled++;
  const block = madeBlock(port, port.made);
  port.made++;
  if (count == 0) memory.fill(block, 0, PORT_BLOCK_BYTES);
  else mixOutOf(SUM, port.mixFrame < 0 ? 0 : mixFrame(port.mixFrame), block);
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipeMix(): void {
  memory.fill(SUM, 0, MIX_SUM_BYTES);
  memory.fill(SAMPLES, 0, MIX_FRAME_BYTES);
  memory.fill(COMMON, 0, FRAME_SAMPLES);
  memory.fill(OWN, 0, FRAME_SAMPLES);
}
