/**
 * Places every area of the engine behind the module's static data and takes the memory for them, once. Nothing grows
 * afterwards, so the views of the other side stay valid.
 */

import {
  ADDRESS_BYTES,
  CONFERENCE_LEGS_MAX,
  CONFERENCE_PORTS_MAX,
  DIRECTORY_BYTES,
  DIRECTORY_CONTROL,
  DIRECTORY_DECODED,
  DIRECTORY_DECODED_BYTES,
  DIRECTORY_EVENTS,
  DIRECTORY_FRAME_ENTRIES,
  DIRECTORY_INPUT,
  DIRECTORY_INPUT_ENTRIES,
  DIRECTORY_MESSAGE,
  DIRECTORY_MESSAGE_BYTES,
  DIRECTORY_OUT_ENTRIES,
  DIRECTORY_RANDOM,
  DIRECTORY_RANDOM_BYTES,
  DIRECTORY_STAGE,
  DIRECTORY_STAGE_BYTES,
  DIRECTORY_STATE,
  EVENT_COUNT_MAX,
  EVENT_ENTRY_BYTES,
  FRAME_ENTRY_BYTES,
  INPUT_ENTRY_BYTES,
  INPUT_SLOTS,
  INPUT_STRIDE,
  FRAME_SAMPLES,
  OUT_ENTRY_BYTES,
  PACKET_BYTES_MAX,
  PACKET_SLACK_BYTES,
  PLAYBACK_BYTES,
  STATE_BYTES,
  STATUS_FULL,
} from "./abi";

/** Octets of one frame in the frame area: a masked WebSocket text frame of 160 payload octets, and slack. */
export const FRAME_STRIDE: i32 = 576;
/** What the items of one protect or unprotect call take each. */
export const SRTP_ITEM_BYTES: i32 = 16;
/** Frames of 16-bit samples that one mix may take: all members, all ports, and what is announced. */
export const MIX_FRAMES_MAX: i32 = CONFERENCE_LEGS_MAX + CONFERENCE_PORTS_MAX + 1;
/** Octets of such a frame. */
export const MIX_FRAME_BYTES: i32 = FRAME_SAMPLES * 2;
/** Filling it is a call that makes garbage on the other side: seldom, then, and for many frames. */
const RANDOM_BYTES_MIN: i32 = 65536;
const CONTROL_BYTES: i32 = 512;
const MESSAGE_BYTES: i32 = 65536;
const DECODED_BYTES: i32 = 49152;
const PAGE_BYTES: u64 = 65536;
const ALIGNMENT: u64 = 64;

/** Words of state that the other side reads: its address is known when the module is built. */
export const STATE: usize = memory.data(STATE_BYTES, 16);
const DIRECTORY: usize = memory.data(DIRECTORY_BYTES, 16);

export let INPUT: usize = 0;
export let INPUT_ENTRIES: usize = 0;
export let OUT: usize = 0;
export let OUT_END: usize = 0;
export let OUT_ENTRIES: usize = 0;
export let OUT_COUNT_MAX: i32 = 0;
export let FRAMES: usize = 0;
export let FRAME_ENTRIES: usize = 0;
export let FRAME_COUNT_MAX: i32 = 0;
export let EVENTS: usize = 0;
export let CONTROL: usize = 0;
export let RANDOM: usize = 0;
export let RANDOM_BYTES: i32 = 0;
export let STAGE: usize = 0;
export let MESSAGE: usize = 0;
export let DECODED: usize = 0;
/** Items of packets to unprotect (one per input slot) and to protect (one per out entry), and whose they are. */
export let UNPROTECT_ITEMS: usize = 0;
export let PROTECT_ITEMS: usize = 0;
export let PROTECT_ENTRIES: usize = 0;
export let LEGS: usize = 0;
export let JITTER_BUFFERS: usize = 0;
export let STREAMS: usize = 0;
export let CONFERENCES: usize = 0;
export let PORTS: usize = 0;
/** Which slots are free: pools of legs, streams, conferences and ports. */
export let LEG_POOL: usize = 0;
export let STREAM_POOL: usize = 0;
export let CONFERENCE_POOL: usize = 0;
export let PORT_POOL: usize = 0;
/** Frames of the mix that is being made. */
export let MIX_FRAMES: usize = 0;
export let LEG_COUNT_MAX: i32 = 0;
export let STREAM_COUNT_MAX: i32 = 0;
export let CONFERENCE_COUNT_MAX: i32 = 0;
export let PORT_COUNT_MAX: i32 = 0;

let free: u64 = 0;

function take(octets: i64): usize {
  const place = (free + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
  free = place + octets;
  return <usize>place;
}

/**
 * Lays out all areas and grows the memory to hold them.
 * @returns address of the directory, or FULL when the memory cannot be had or the areas are placed already
 */
export function placeAreas(
  legCountMax: i32,
  legBytes: i32,
  jitterBytes: i32,
  streamCountMax: i32,
  streamBytes: i32,
  conferenceCountMax: i32,
  conferenceBytes: i32,
  portBytes: i32,
  poolBytes: i32,
): i32 {
  if (LEG_COUNT_MAX != 0 || legCountMax <= 0 || streamCountMax <= 0 || conferenceCountMax < 0) return STATUS_FULL;
  const portCountMax = conferenceCountMax == 0 ? 0 : max<i32>(CONFERENCE_PORTS_MAX, conferenceCountMax);
  free = <u64>__heap_base;
  const outCountMax = 1024 + 2 * legCountMax;
  const outBytes = INPUT_SLOTS * (PACKET_BYTES_MAX + PACKET_SLACK_BYTES + 16) + legCountMax * 512;
  const frameCountMax = 64 + 2 * streamCountMax;
  const randomBytes = RANDOM_BYTES_MIN + 2 * (streamCountMax * 2 * 4 * 3 + legCountMax * 8);

  const input = take(INPUT_SLOTS * INPUT_STRIDE);
  const inputEntries = take(INPUT_SLOTS * INPUT_ENTRY_BYTES);
  const unprotectItems = take(INPUT_SLOTS * SRTP_ITEM_BYTES);
  const out = take(outBytes);
  const outEntries = take(<i64>outCountMax * OUT_ENTRY_BYTES);
  const protectItems = take(<i64>outCountMax * SRTP_ITEM_BYTES);
  const protectEntries = take(<i64>outCountMax * 4);
  const frames = take(<i64>frameCountMax * FRAME_STRIDE);
  const frameEntries = take(<i64>frameCountMax * FRAME_ENTRY_BYTES);
  const events = take(EVENT_COUNT_MAX * EVENT_ENTRY_BYTES);
  const control = take(CONTROL_BYTES);
  const random = take(randomBytes);
  const stage = take(PLAYBACK_BYTES + ADDRESS_BYTES);
  const message = take(MESSAGE_BYTES + PACKET_SLACK_BYTES);
  const decoded = take(DECODED_BYTES + PACKET_SLACK_BYTES);
  const legs = take(<i64>legCountMax * legBytes);
  const jitterBuffers = take(<i64>legCountMax * jitterBytes);
  const streams = take(<i64>streamCountMax * streamBytes);
  const conferences = take(<i64>conferenceCountMax * conferenceBytes);
  const ports = take(<i64>portCountMax * portBytes);
  const legPool = take(poolBytes + <i64>legCountMax * 4);
  const streamPool = take(poolBytes + <i64>streamCountMax * 4);
  const conferencePool = take(poolBytes + <i64>conferenceCountMax * 4);
  const portPool = take(poolBytes + <i64>portCountMax * 4);
  const mixFrames = take(MIX_FRAMES_MAX * MIX_FRAME_BYTES);

  const pages = <i64>((free + PAGE_BYTES) / PAGE_BYTES) - memory.size();
  if (pages > 65535 || (pages > 0 && memory.grow(<i32>pages) < 0)) return STATUS_FULL;

  INPUT = input;
  INPUT_ENTRIES = inputEntries;
  UNPROTECT_ITEMS = unprotectItems;
  OUT = out;
  OUT_END = out + outBytes;
  OUT_ENTRIES = outEntries;
  OUT_COUNT_MAX = outCountMax;
  PROTECT_ITEMS = protectItems;
  PROTECT_ENTRIES = protectEntries;
  FRAMES = frames;
  FRAME_ENTRIES = frameEntries;
  FRAME_COUNT_MAX = frameCountMax;
  EVENTS = events;
  CONTROL = control;
  RANDOM = random;
  RANDOM_BYTES = randomBytes;
  STAGE = stage;
  MESSAGE = message;
  DECODED = decoded;
  LEGS = legs;
  JITTER_BUFFERS = jitterBuffers;
  STREAMS = streams;
  CONFERENCES = conferences;
  PORTS = ports;
  LEG_POOL = legPool;
  STREAM_POOL = streamPool;
  CONFERENCE_POOL = conferencePool;
  PORT_POOL = portPool;
  MIX_FRAMES = mixFrames;
  LEG_COUNT_MAX = legCountMax;
  STREAM_COUNT_MAX = streamCountMax;
  CONFERENCE_COUNT_MAX = conferenceCountMax;
  PORT_COUNT_MAX = portCountMax;
  writeDirectory();
  return <i32>DIRECTORY;
}

/**
 * Overwrites what packets, frames and messages have left in the areas that all legs share (R-COMP-7). Only while nothing waits in
 * them. What was never used stays untouched.
 */
export function wipeShared(): void {
  memory.fill(INPUT, 0, INPUT_SLOTS * INPUT_STRIDE);
  memory.fill(OUT, 0, OUT_END - OUT);
  memory.fill(FRAMES, 0, <usize>FRAME_COUNT_MAX * FRAME_STRIDE);
  memory.fill(STAGE, 0, PLAYBACK_BYTES);
  memory.fill(MESSAGE, 0, MESSAGE_BYTES);
  memory.fill(DECODED, 0, DECODED_BYTES);
  memory.fill(MIX_FRAMES, 0, MIX_FRAMES_MAX * MIX_FRAME_BYTES);
}

function writeDirectory(): void {
  store<u32>(DIRECTORY + DIRECTORY_STATE, STATE);
  store<u32>(DIRECTORY + DIRECTORY_INPUT, INPUT);
  store<u32>(DIRECTORY + DIRECTORY_INPUT_ENTRIES, INPUT_ENTRIES);
  store<u32>(DIRECTORY + DIRECTORY_OUT_ENTRIES, OUT_ENTRIES);
  store<u32>(DIRECTORY + DIRECTORY_FRAME_ENTRIES, FRAME_ENTRIES);
  store<u32>(DIRECTORY + DIRECTORY_EVENTS, EVENTS);
  store<u32>(DIRECTORY + DIRECTORY_CONTROL, CONTROL);
  store<u32>(DIRECTORY + DIRECTORY_RANDOM, RANDOM);
  store<u32>(DIRECTORY + DIRECTORY_RANDOM_BYTES, RANDOM_BYTES);
  store<u32>(DIRECTORY + DIRECTORY_STAGE, STAGE);
  store<u32>(DIRECTORY + DIRECTORY_STAGE_BYTES, PLAYBACK_BYTES);
  store<u32>(DIRECTORY + DIRECTORY_MESSAGE, MESSAGE);
  store<u32>(DIRECTORY + DIRECTORY_MESSAGE_BYTES, MESSAGE_BYTES);
  store<u32>(DIRECTORY + DIRECTORY_DECODED, DECODED);
  store<u32>(DIRECTORY + DIRECTORY_DECODED_BYTES, DECODED_BYTES);
}
