/**
 * Who listens: the jitter buffer of this project, and the plain alternative, a buffer that always holds 60 ms and plays
 * silence for what is not there. Both give a frame every 20 ms and say which samples of the sender it stands for.
 */
import { JitterBuffer } from "../../test/support/jitter-run.ts";
import type { Arrival } from "../../test/support/network.ts";

const FRAME = 160;
const FRAME_MS = 20;
/** Where the ticks lie between the packets: 7 ms behind the full second. */
const PHASE_MS = 7;
const FIXED_MS = 60;

export interface Frame {
  readonly nowMs: number;
  /** First sample of the sender that this frame stands for; negative before the first packet. */
  readonly at: number;
  readonly samples: Int16Array;
  /** Samples of it that were made up, or left silent. */
  readonly missing: number;
  /** Delay that the buffer wants to cover, where it wants anything. */
  readonly targetMs?: number;
}

export interface Heard {
  readonly frames: Frame[];
  readonly late: number;
  readonly stretched: number;
}

export interface Sent {
  readonly audio: Uint8Array;
  readonly firstTimestamp: number;
  readonly arrivals: readonly Arrival[];
  readonly untilMs: number;
}

/** Octets of a packet; the audio begins anew where it ends. */
function payloadOf(audio: Uint8Array, at: number, n: number): Uint8Array {
  const from = at % audio.length;
  if (from + n <= audio.length) return audio.subarray(from, from + n);
  return Buffer.concat([audio.subarray(from), audio.subarray(0, from + n - audio.length)]);
}

/** The adaptive jitter buffer, as it ships. */
export function listenAdaptive({ audio, firstTimestamp, arrivals, untilMs }: Sent): Heard {
  const buffer = new JitterBuffer(40);
  const frames: Frame[] = [];
  let next = 0;
  let madeUp = 0;
  // Timestamps wrap; places in the audio go on.
  let place = 0;
  let before = firstTimestamp;
  for (let nowMs = PHASE_MS; nowMs < untilMs; nowMs += FRAME_MS) {
    for (; next < arrivals.length && arrivals[next]!.arrivalMs <= nowMs; next++) {
      const { sequence, timestamp, at, samples, marker, arrivalMs } = arrivals[next]!;
      buffer.insert(sequence, timestamp, payloadOf(audio, at, samples), arrivalMs, { marker });
    }
    const { play, octets } = buffer.take(nowMs);
    const position = buffer.tell("Position") >>> 0;
    if (next > 0) {
      place += (position - before) | 0;
      before = position;
    }
    const total = buffer.tell("MadeUp");
    const isGap = play === 2 || play === 3;
    frames.push({
      nowMs,
      at: next > 0 ? place - FRAME : -1,
      samples: buffer.decode(octets),
      missing: isGap ? FRAME : total - madeUp,
      targetMs: buffer.tell("TargetMs"),
    });
    madeUp = total;
  }
  return { frames, late: buffer.tell("Late"), stretched: buffer.tell("Shortened") + buffer.tell("Lengthened") };
}

/** A buffer that begins 60 ms after the first packet and never changes its mind. */
export function listenFixed({ audio, arrivals, untilMs }: Sent, coder: JitterBuffer): Heard {
  const frames: Frame[] = [];
  const clean = coder.decode(audio);
  const begin = arrivals.reduce((first, packet) => (packet.at < first.at ? packet : first), arrivals[0]!);
  const startTick = Math.ceil((begin.arrivalMs + FIXED_MS - PHASE_MS) / FRAME_MS);
  /** Arrival of the packet that holds each frame of the sender; packets are whole frames here. */
  const arrival = new Map<number, number>();
  for (const { at, samples, arrivalMs } of arrivals)
    for (let part = at; part < at + samples; part += FRAME) arrival.set(part, arrivalMs);
  let lateFrames = 0;
  for (let tick = 0; PHASE_MS + tick * FRAME_MS < untilMs; tick++) {
    const nowMs = PHASE_MS + tick * FRAME_MS;
    const at = begin.at + (tick - startTick) * FRAME;
    const came = arrival.get(at);
    const isHere = at >= 0 && came !== undefined && came <= nowMs;
    if (came !== undefined && !isHere) lateFrames++;
    const from = ((at % clean.length) + clean.length) % clean.length;
    frames.push({
      nowMs,
      at: at < 0 ? -1 : at,
      samples: isHere ? clean.slice(from, from + FRAME) : new Int16Array(FRAME),
      missing: isHere || at < 0 ? 0 : FRAME,
    });
  }
  const perPacket = (arrivals[0]?.samples ?? FRAME) / FRAME;
  return { frames, late: Math.round(lateFrames / perPacket), stretched: 0 };
}
