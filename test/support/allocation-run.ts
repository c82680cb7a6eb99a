/**
 * A program for test/media/allocation.test.ts: lets a media core work on many packets and prints what a third of them
 * cost the heap of JavaScript. Run with --expose-gc and room for new objects, so that a collection would be a sign of
 * garbage.
 */
import { GCProfiler, getHeapStatistics } from "node:v8";
import { parseAddress } from "../../src/media/address.ts";
import type { DatagramView } from "../../src/media/datagram-view.ts";
import type { FrameView } from "../../src/media/frame-view.ts";
import type { LegOptions, SrtpKey } from "../../src/media/leg-options.ts";
import { MediaCore } from "../../src/media/media-core.ts";
import type { LegEvent } from "../../src/media/media-events.ts";

const PAIRS = 32;
const STEP_MS = 5;
const STEPS_PER_FRAME = 4;
/** Packets until everything is compiled and every cache is filled. */
const WARM_UP = 150_000;
const PORTIONS = 3;
const [mode = "plain", packetsText = "1000000"] = process.argv.slice(2);
const wanted = Number(packetsText);

const key = (fill: number): SrtpKey => ({
  suite: "AES_CM_128_HMAC_SHA1_80",
  keySalt: new Uint8Array(30).fill(fill),
});
/**
 * What legs are told, in turn; each two that follow each other are joined. Secure: what the second leg protects goes to
 * the third, which unprotects it.
 */
const OPTIONS: Record<string, readonly LegOptions[]> = {
  plain: [{}, { codec: "PCMA" }],
  secure: [{}, { srtpSend: key(1), srtpReceive: key(2) }, { srtpSend: key(2), srtpReceive: key(1) }, {}],
  streams: [{}, {}],
  conference: [{}, {}],
  playing: [{}, {}],
};

const core = MediaCore.createSync({ legCountMax: 2 * PAIRS, streamCountMax: 4 * PAIRS, conferenceCountMax: PAIRS });
const source = parseAddress("127.0.0.1");
const options = OPTIONS[mode];
if (options === undefined) throw new RangeError(`no mode ${mode}`);
const legs: number[] = [];
for (let i = 0; i < 2 * PAIRS; i++)
  legs.push(core.openLeg({ remoteRtp: { address: "127.0.0.1", port: 4000 }, ...options[i % options.length] }, 0));
for (let i = 0; i < 2 * PAIRS; i += 2) {
  if (mode === "playing") continue;
  if (mode === "conference") {
    const conference = core.openConference();
    core.joinConference(conference, legs[i]!);
    core.joinConference(conference, legs[i + 1]!);
  } else core.bridge(legs[i]!, legs[i + 1]!, 0);
  if (mode !== "streams") continue;
  core.openStream({ leg: legs[i]!, tracks: ["inbound", "outbound"], streamSid: `MZ${i}` }, 0);
  core.openTap({ leg: legs[i + 1]!, tracks: ["inbound"] }, 0);
}

const packet = new Uint8Array(172);
packet[0] = 0x80;
packet[1] = 0;
for (let i = 12; i < packet.length; i++) packet[i] = i;
const counts = new Float64Array(4);
const crossing = Buffer.alloc(2048);
const onDatagram = (datagram: DatagramView): void => {
  const { leg, component, bytes, offset, length } = datagram;
  counts[0]! += length;
  // Read as an owner of a socket reads it.
  if (datagram.address.length === 0) throw new Error("no address");
  if (mode !== "secure" || leg % 4 !== 1) return;
  Buffer.prototype.copy.call(bytes, crossing, 0, offset, offset + length);
  core.pushDatagram(leg + 1, component, crossing, length, source, 4000 + component);
};
const onFrame = (frame: FrameView): void => {
  counts[1]! += frame.length;
};
const onEvent = (_event: LegEvent): void => {
  counts[2]!++;
};

let sequence = 0;
let nowMs = 0;

/** Two legs play what was queued at the start, the others what their rings are kept full with. */
const QUEUED_LEGS = 2;
const speech = new Uint8Array(4_800_000).fill(0x55);
if (mode === "playing") for (let i = 0; i < QUEUED_LEGS; i++) core.play(legs[i]!, speech);
function fillRings(): void {
  for (let i = QUEUED_LEGS; i < legs.length; i++) core.playbackWrite(legs[i]!, speech, 0, core.playbackRoom(legs[i]!));
}

/** 20 ms: one packet for every leg, as batches that four polls of the sockets brought. */
function frame(): void {
  sequence++;
  packet[2] = sequence >> 8;
  packet[3] = sequence;
  const timestamp = Math.imul(sequence, 160);
  for (let i = 0; i < 4; i++) packet[4 + i] = timestamp >>> (24 - 8 * i);
  for (let step = 0; step < STEPS_PER_FRAME; step++) {
    nowMs += STEP_MS;
    if (mode === "playing") fillRings();
    for (let i = (step * legs.length) / STEPS_PER_FRAME, end = i + legs.length / STEPS_PER_FRAME; i < end; i++) {
      // A secure leg gets what its neighbour sends.
      if (mode === "secure" && i % 4 !== 0) continue;
      packet[11] = i;
      core.pushDatagram(legs[i]!, 0, packet, packet.length, source, 4000);
    }
    counts[3]! += core.receive(nowMs);
    core.forEachDatagram(onDatagram);
    core.tick(nowMs);
    core.forEachDatagram(onDatagram);
    core.forEachFrame(onFrame);
    core.forEachEvent(onEvent);
  }
}

function run(packets: number): void {
  for (let end = counts[3]! + packets; counts[3]! < end; ) frame();
}

run(WARM_UP);
globalThis.gc?.();
const profiler = new GCProfiler();
profiler.start();
// The compiler may still come with something late; it won't in every portion.
const portions: number[] = [];
for (let i = 0; i < PORTIONS; i++) {
  const before = getHeapStatistics().used_heap_size;
  run(wanted / PORTIONS);
  portions.push(getHeapStatistics().used_heap_size - before);
}
const collections = profiler.stop()?.statistics.length ?? 0;
console.log(
  JSON.stringify({
    mode,
    packets: wanted,
    heapBytes: Math.min(...portions),
    portions,
    collections,
    datagramOctets: counts[0],
    frameOctets: counts[1],
    faults: core.faults,
  }),
);
