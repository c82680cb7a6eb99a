/**
 * One frame out of the jitter buffer: as it came, a little longer or shorter, made up where something is missing, or the
 * background noise of a pause. What is played as it came is bit-identical with what a PCMU sender sent.
 */

import { FRAME_SAMPLES, PLAY_CONCEALED, PLAY_NOISE, PLAY_NORMAL, PLAY_SILENCE } from "../abi";
import { ulawDecode, ulawEncode } from "../kernels/g711";
import { backgroundHear, isBackground, isQuiet } from "./background";
import { noiseWrite } from "./comfort-noise";
import {
  conceal,
  concealmentJoin,
  concealmentLevel,
  concealmentRemember,
  historyEnd,
  isFaded,
  JOINT_MAX,
  jointSamples,
} from "./concealment";
import {
  CONCEALED_FRAMES_MAX,
  DECIDE_CONCEAL,
  DECIDE_LENGTHEN,
  DECIDE_NOISE,
  DECIDE_PLAY,
  DECIDE_SHORTEN,
  decideLength,
  decideLikeness,
  decideMissing,
} from "./decision";
import { heldSamples, samplesAt } from "./delay";
import { packetBufferDrop, packetBufferPeek, packetBufferRun, RING_SAMPLES } from "./packet-buffer";
import { concealmentOf, delayOf, EVEN_PACKETS, Jitter, noiseOf, packetsOf } from "./state";
import {
  AHEAD_MAX,
  findRepeat,
  findSurplus,
  PIECE_MAX,
  playLonger,
  playShorter,
  timeScaleAhead,
  timeScaleLook,
  timeScaleSamples,
} from "./time-scale";

const FRAME: u32 = <u32>FRAME_SAMPLES;
const SILENCE: u8 = 0xff;
/**
 * Bounds of what is held back (RTP-8), samples; the lower one is not above what the leg asked to start with. Less than that
 * has to be earned: a road that stalls now and then by 20 ms would else be lengthened for every stall and shortened after
 * it, and each change is one more that is heard.
 */
const HELD_TARGET_MIN: i32 = 160;
const HELD_TARGET_MAX: i32 = 1600;
/** A start that is longer than 40 ms is left as soon as the arrivals allow. */
const HELD_START_MAX: i32 = 320;
/** Frames of calm, with targets that the lower bound covers, after which less than the start is held back: 10 s. */
const CALM_FRAMES: i32 = 500;
const CALM_TARGET_MS: i32 = 16;
/** Kept on top of the target: the clocks of arrivals and ticks are not exact. */
const MARGIN: i32 = 24;
/** A glide from noise or silence into audio that comes back: 4 ms. */
const FADE_IN: i32 = 32;
/** The background is looked at in one of so many frames. */
const LOOK_FRAMES: i32 = 4;
/** Frames without a search after one that found nothing. */
const SEARCH_FRAMES: i32 = 3;
/** How alike periods must be to bridge the end of what is there. */
const BRIDGE_LIKENESS: f64 = 0.6;

const SAMPLES = memory.data(320, 16);
const NOISE = memory.data(320, 16);

/** Writes the next 160 octets of mu-law. @returns PLAY_NORMAL, PLAY_CONCEALED, PLAY_SILENCE or PLAY_NOISE */
export function jitterTake(jb: usize, out: usize, nowMs: f64): i32 {
  const jitter = changetype<Jitter>(jb);
  const what = jitter.started === 0 ? playMissing(jitter, out) : step(jitter, out, samplesAt(nowMs));
  jitter.lastPlay = what;
  if (what === PLAY_NORMAL) jitter.played++;
  else if (what === PLAY_CONCEALED) jitter.concealed++;
  else if (what === PLAY_NOISE) jitter.noisy++;
  else jitter.silent++;
  return what;
}

function step(jitter: Jitter, out: usize, now: u32): i32 {
  jitter.calmFrames = delayOf(jitter).targetMs <= CALM_TARGET_MS ? min<i32>(jitter.calmFrames + 1, CALM_FRAMES) : 0;
  const isResting =
    jitter.waiting !== 0 || jitter.missingFrames >= CONCEALED_FRAMES_MAX || jitter.lastPlay === PLAY_NOISE;
  if (isResting) anchor(jitter, now);
  const play = jitter.playTimestamp;
  const packets = packetsOf(jitter);
  const there = packetBufferRun(packets, play, AHEAD_MAX, true);
  if (there >= FRAME) return playWhole(jitter, out, <i32>there, now);
  const missing = packetBufferRun(packets, play + there, FRAME - there, false);
  if (missing === FRAME) return playMissing(jitter, out);
  jitter.missingFrames = 0;
  if (there + missing === FRAME && bridge(jitter, out, <i32>there)) return PLAY_NORMAL;
  return playParts(jitter, out);
}

/**
 * How far into a packet a frame that begins at `play` begins, in samples. The packet is needed that much sooner than if both
 * began together. Senders of other lengths than whole frames have every misfit in turn.
 */
function misfitAt(jitter: Jitter, play: u32): i32 {
  if (jitter.evenPackets < EVEN_PACKETS) return FRAME_SAMPLES - 1;
  const inside = <i32>(jitter.lastTimestamp - play) % FRAME_SAMPLES;
  return inside < 0 ? inside + FRAME_SAMPLES : inside;
}

/** Frames and packets do not begin together, and could if a piece was left out. */
function isMisfit(jitter: Jitter, held: i32, there: i32): bool {
  const misfit = misfitAt(jitter, jitter.playTimestamp);
  if (misfit === 0 || jitter.evenPackets < EVEN_PACKETS || misfit > there - FRAME_SAMPLES) return false;
  return held - misfit >= neededHeld(jitter, jitter.playTimestamp + <u32>misfit);
}

/** What has to be held back before the sample `play`, in samples: with less, packets will be late. */
function neededHeld(jitter: Jitter, play: u32): i32 {
  const least = min<i32>(HELD_TARGET_MIN, jitter.startMs << 3);
  const wanted = (delayOf(jitter).targetMs << 3) + MARGIN + misfitAt(jitter, play);
  return min<i32>(max<i32>(wanted, least), HELD_TARGET_MAX);
}

/** What is kept back before the sample `play`, in samples: what is needed, and the start of the leg until it has been calm. */
function targetHeld(jitter: Jitter, play: u32): i32 {
  const needed = neededHeld(jitter, play);
  return jitter.calmFrames >= CALM_FRAMES ? needed : max<i32>(needed, min<i32>(jitter.startMs << 3, HELD_START_MAX));
}

/**
 * While nothing is gone on with, the delay may be set freely: playing waits until the next packet has been held back as long
 * as the target says, and then begins with it.
 */
function anchor(jitter: Jitter, now: u32): void {
  const delay = delayOf(jitter);
  if (delay.count === 0) return;
  const play = jitter.playTimestamp;
  const apart = packetBufferRun(packetsOf(jitter), play, RING_SAMPLES, false);
  const first = play + apart;
  const isNone = apart === RING_SAMPLES;
  let ideal = now - delay.base - <u32>targetHeld(jitter, isNone ? play : first);
  if (jitter.endKnown !== 0 && <i32>(ideal - jitter.playedEnd) < 0) ideal = jitter.playedEnd;
  if (!isNone) {
    // Whole frames before the first sample, so that frames and packets begin together.
    const wait = <i32>(first - ideal);
    if (wait <= MARGIN || jitter.newestEnd - ideal > RING_SAMPLES) ideal = first;
    else if (wait < FRAME_SAMPLES) ideal = first - FRAME;
  }
  jitter.playTimestamp = ideal;
}

function playWhole(jitter: Jitter, out: usize, there: i32, now: u32): i32 {
  const play = jitter.playTimestamp;
  jitter.missingFrames = 0;
  const held = heldSamples(delayOf(jitter), play, now);
  // Between what is needed and what is kept nothing is changed.
  const short = held - neededHeld(jitter, play);
  const excess = short < 0 ? short : max<i32>(held - targetHeld(jitter, play), 0);
  const isJoint = concealmentOf(jitter).concealed > 0 || jitter.lastPlay === PLAY_NOISE;
  // The quick look: most frames are played as they came.
  const mayAlign = isMisfit(jitter, held, there);
  if (!isJoint && (mayAlign || decideLength(excess, i32.MAX_VALUE, true) !== DECIDE_PLAY)) {
    const piece = findPiece(jitter, there, held, excess);
    if (piece !== 0) {
      if (piece > 0) playShorter(piece, out);
      else playLonger(-piece, out);
      const used = <u32>(FRAME_SAMPLES + piece);
      packetBufferDrop(packetsOf(jitter), play, used);
      advance(jitter, used);
      concealmentRemember(concealmentOf(jitter), out, FRAME_SAMPLES);
      jitter.restFrames = 0;
      if (piece > 0) jitter.shortened += <u32>piece;
      else jitter.lengthened += <u32>-piece;
      return PLAY_NORMAL;
    }
  }
  playRun(jitter, out, FRAME_SAMPLES);
  jitter.restFrames = min<i32>(jitter.restFrames + 1, 1000);
  if (--jitter.lookFrames < 0) {
    jitter.lookFrames = LOOK_FRAMES - 1;
    ulawDecode(out, SAMPLES, FRAME_SAMPLES);
    jitter.floor = backgroundHear(noiseOf(jitter), jitter.floor, SAMPLES, FRAME_SAMPLES);
  }
  return PLAY_NORMAL;
}

/** Samples to leave out (positive) or to repeat (negative) so that the delay comes nearer to its target; 0: none. */
function findPiece(jitter: Jitter, there: i32, held: i32, excess: i32): i32 {
  const play = jitter.playTimestamp;
  packetBufferPeek(packetsOf(jitter), play, timeScaleAhead(), <u32>there);
  timeScaleLook(historyEnd(concealmentOf(jitter), FRAME_SAMPLES), there);
  const quiet = isQuiet(timeScaleSamples(), there, jitter.floor);
  const decision = decideLength(excess, jitter.restFrames, quiet);
  // In quiet audio frames and packets are brought to begin together: that needs the least delay, and a lost packet is then
  // one frame.
  const misfit = misfitAt(jitter, play);
  if (quiet && isMisfit(jitter, held, there)) return misfit;
  // The search is what costs most here, and a voice does not become periodic from one frame to the next.
  if (!quiet && decision !== DECIDE_PLAY && --jitter.searchFrames >= 0) return 0;
  jitter.searchFrames = 0;
  const isFrameWise = jitter.evenPackets < EVEN_PACKETS || misfit === 0;
  if (decision === DECIDE_SHORTEN) {
    const piece = quiet ? (isFrameWise ? PIECE_MAX : misfit) : findSurplus(there, decideLikeness(excess));
    if (piece === 0) jitter.searchFrames = SEARCH_FRAMES;
    // The frames lie otherwise towards the packets afterwards, which may ask for more than was gained.
    const fits = piece <= there - FRAME_SAMPLES && held - piece >= targetHeld(jitter, play + <u32>piece);
    return fits ? piece : 0;
  }
  if (decision === DECIDE_LENGTHEN) {
    const piece = quiet
      ? isFrameWise
        ? PIECE_MAX
        : PIECE_MAX - misfit
      : findRepeat(there, 0, decideLikeness(excess));
    if (piece === 0) jitter.searchFrames = SEARCH_FRAMES;
    return -piece;
  }
  return 0;
}

/** The end of what is there is put off by a repeated period, in the hope that more comes by the next tick. */
function bridge(jitter: Jitter, out: usize, there: i32): bool {
  const play = jitter.playTimestamp;
  const concealment = concealmentOf(jitter);
  if (concealment.concealed > 0 || jitter.lastPlay === PLAY_NOISE || jitter.hasPlayed === 0) return false;
  if (jitter.newestEnd !== play + <u32>there || isPause(jitter, play + <u32>there)) return false;
  packetBufferPeek(packetsOf(jitter), play, timeScaleAhead(), <u32>there);
  timeScaleLook(historyEnd(concealment, FRAME_SAMPLES), there);
  const piece = findRepeat(there, FRAME_SAMPLES - there, BRIDGE_LIKENESS);
  if (piece === 0) return false;
  playLonger(piece, out);
  const used = <u32>(FRAME_SAMPLES - piece);
  packetBufferDrop(packetsOf(jitter), play, used);
  advance(jitter, used);
  concealmentRemember(concealment, out, FRAME_SAMPLES);
  jitter.restFrames = 0;
  jitter.lengthened += <u32>piece;
  return true;
}

/** A frame of which some samples are there and some are not. */
function playParts(jitter: Jitter, out: usize): i32 {
  const packets = packetsOf(jitter);
  let what: i32 = PLAY_NORMAL;
  let at: u32 = 0;
  while (at < FRAME) {
    const play = jitter.playTimestamp;
    const there = packetBufferRun(packets, play, FRAME - at, true);
    if (there > 0) {
      playRun(jitter, out + at, <i32>there);
      at += there;
      continue;
    }
    const missing = packetBufferRun(packets, play, FRAME - at, false);
    if (isPause(jitter, play)) playNoise(jitter, out + at, <i32>missing);
    else {
      playMadeUp(jitter, out + at, <i32>missing);
      what = PLAY_CONCEALED;
    }
    jitter.playTimestamp = play + missing;
    at += missing;
  }
  return what;
}

/** The sender said that it pauses from here on. */
function isPause(jitter: Jitter, play: u32): bool {
  return jitter.pauseKnown !== 0 && (jitter.started === 0 || <i32>(play - jitter.pauseTimestamp) >= 0);
}

/** Plays `n` samples that are there; after a gap the first of them are joined with what filled it. */
function playRun(jitter: Jitter, out: usize, n: i32): void {
  const packets = packetsOf(jitter);
  packetBufferPeek(packets, jitter.playTimestamp, out, <u32>n);
  packetBufferDrop(packets, jitter.playTimestamp, <u32>n);
  join(jitter, out, n);
  concealmentRemember(concealmentOf(jitter), out, n);
  advance(jitter, <u32>n);
}

function advance(jitter: Jitter, samples: u32): void {
  jitter.playTimestamp += samples;
  jitter.playedEnd = jitter.playTimestamp;
  jitter.endKnown = 1;
  jitter.hasPlayed = 1;
  jitter.waiting = 0;
  if (jitter.pauseKnown !== 0 && <i32>(jitter.playedEnd - jitter.pauseTimestamp) > 0) jitter.pauseKnown = 0;
}

function join(jitter: Jitter, octets: usize, n: i32): void {
  const concealment = concealmentOf(jitter);
  const fromNoise = jitter.lastPlay === PLAY_NOISE;
  if (concealment.concealed === 0 && !fromNoise) return;
  const isRepeating = !fromNoise && !isFaded(concealment);
  const joint = min<i32>(n, isRepeating ? min<i32>(jointSamples(concealment), JOINT_MAX) : FADE_IN);
  ulawDecode(octets, SAMPLES, joint);
  if (isRepeating) conceal(concealment, NOISE, joint);
  else if (fromNoise) noiseWrite(noiseOf(jitter), NOISE, joint);
  else memory.fill(NOISE, 0, <usize>joint << 1);
  concealmentJoin(SAMPLES, NOISE, joint);
  ulawEncode(SAMPLES, octets, joint);
  concealment.concealed = 0;
  // A second run of the same frame is not joined again.
  jitter.lastPlay = PLAY_NORMAL;
}

function playMissing(jitter: Jitter, out: usize): i32 {
  const decision = decideMissing(
    jitter.missingFrames,
    jitter.hasPlayed !== 0,
    isPause(jitter, jitter.playTimestamp),
    isBackground(noiseOf(jitter)),
  );
  jitter.missingFrames = min<i32>(jitter.missingFrames + 1, 1_000_000);
  jitter.playTimestamp += FRAME;
  if (decision === DECIDE_CONCEAL) {
    playMadeUp(jitter, out, FRAME_SAMPLES);
    return PLAY_CONCEALED;
  }
  if (decision === DECIDE_NOISE) {
    playNoise(jitter, out, FRAME_SAMPLES);
    return PLAY_NOISE;
  }
  memory.fill(out, SILENCE, FRAME);
  concealmentRemember(concealmentOf(jitter), out, FRAME_SAMPLES);
  return PLAY_SILENCE;
}

/** `n` samples that go on from the past and fade, with the background coming up in their place. */
function playMadeUp(jitter: Jitter, out: usize, n: i32): void {
  const concealment = concealmentOf(jitter);
  const from = concealment.concealed;
  jitter.madeUp += <u32>n;
  conceal(concealment, SAMPLES, n);
  if (isBackground(noiseOf(jitter)) && concealmentLevel(from + n) < 1) {
    noiseWrite(noiseOf(jitter), NOISE, n);
    for (let i: i32 = 0; i < n; i++) {
      const at = <usize>i << 1;
      const share = 1 - concealmentLevel(from + i);
      const sum = <f64>load<i16>(SAMPLES + at) + share * <f64>load<i16>(NOISE + at);
      store<i16>(SAMPLES + at, <i16>min<f64>(max<f64>(sum, -32_768), 32_767));
    }
  }
  ulawEncode(SAMPLES, out, n);
  concealmentRemember(concealment, out, n);
}

function playNoise(jitter: Jitter, out: usize, n: i32): void {
  noiseWrite(noiseOf(jitter), NOISE, n);
  ulawEncode(NOISE, out, n);
  concealmentRemember(concealmentOf(jitter), out, n);
}

/** Overwrites what is left of audio in here (R-COMP-7). */
export function wipePlay(): void {
  memory.fill(SAMPLES, 0, 320);
  memory.fill(NOISE, 0, 320);
}
