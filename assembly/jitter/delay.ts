/**
 * How much to hold back, from the arrivals of the last three seconds of audio.
 *
 * Every packet has a transit: arrival less timestamp, in samples. The smallest of the window is the road without any
 * queue; how much a packet exceeds it is its delay. If playing holds back by T, a packet with a delay above T is late. Both
 * waiting and losing cost, and the target is the T that costs least:
 *
 *     cost(T) = T + LATE_COST_MS * (percent of the window with a delay above T)
 *
 * LATE_COST_MS comes from the E-model (ITU-T G.107): one percent of loss takes 95 / (1 + 25.1) = 3.6 from R (G.711 with
 * concealment, Bpl 25.1 of G.113), one millisecond takes 0.134 where the whole road is longer than 177 ms. So one percent
 * is worth 27 ms. Rare spikes are thus not waited for, and a spread that comes all the time is covered as a whole.
 *
 * A window forgets a burst when it has passed, which is what brings the delay back within 5 s; an average would not. The
 * smallest transit follows a sender whose clock is fast or slow: 100 ppm are 0.3 ms in a window.
 */

/** Packets, and samples of audio, that are looked back on at most. */
const WINDOW_PACKETS: i32 = 320;
const WINDOW_SAMPLES: i32 = 24000;
/** Audio that must have come before the measured target replaces the one to start with. */
const WARM_SAMPLES: i32 = 4000;
/** Costs are compared in steps of so many milliseconds, up to the longest hold (RTP-8). */
const STEP_MS: i32 = 4;
const STEPS: i32 = 50;
const LATE_COST_MS: i32 = 27;
/** The target falls only where that saves more than this, so that it does not dance between two that cost the same. */
const SAVING_MS: i32 = 3;
/** A transit that differs by more is no jitter: the sender or the road was replaced. */
const LEAP_SAMPLES: i32 = 8000;
/** The target is worked out anew after so many packets, or at once for one that it misses by more than a step. */
const UPDATE_PACKETS: i32 = 8;

@unmanaged
export class Delay {
  /** Packets in the window, and where the next one goes. */
  count: i32;
  cursor: i32;
  sinceUpdate: i32;
  /** Samples of audio measured so far, up to WARM_SAMPLES. */
  warm: i32;
  targetMs: i32;
  startMs: i32;
  /** Transit of the packet before, and the smallest of the window: modulo 2^32. */
  newest: u32;
  base: u32;
}

const WINDOW_AT: usize = (offsetof<Delay>() + 15) & ~15;
export const DELAY_BYTES: i32 = <i32>WINDOW_AT + WINDOW_PACKETS * 2;

const COUNTS = memory.data(256, 16);

/** Now, in samples, modulo 2^32 like a timestamp. */
export function samplesAt(nowMs: f64): u32 {
  return <u32>(<u64>(nowMs * 8));
}

/** Forgets the arrivals. @param startMs - what to hold back until they tell more */
export function delayReset(delay: Delay, startMs: i32): void {
  memory.fill(changetype<usize>(delay), 0, DELAY_BYTES);
  delay.startMs = startMs;
  delay.targetMs = startMs;
}

/** A run of packets begins elsewhere: transits start anew, and what was learned of the spread is kept as a start. */
export function delayRestart(delay: Delay): void {
  delayReset(delay, min<i32>(max<i32>(delay.startMs, delay.targetMs), STEP_MS * STEPS));
}

// @ts-expect-error: decorator
@inline
function transitAt(delay: Delay, index: i32): u32 {
  // 16 bits are kept of each; they differ from the newest by little.
  const low = <u32>load<u16>(changetype<usize>(delay) + WINDOW_AT + (<usize>index << 1));
  return delay.newest + <u32>(<i32>(<i16>(low - (delay.newest & 0xffff))));
}

/** Takes the arrival of a packet of `n` samples into account. */
export function delayArrival(delay: Delay, timestamp: u32, n: i32, nowMs: f64): void {
  const transit = samplesAt(nowMs) - timestamp;
  if (delay.count > 0 && abs<i32>(<i32>(transit - delay.newest)) > LEAP_SAMPLES) return;
  const keep = min<i32>(max<i32>(WINDOW_SAMPLES / n, 8), WINDOW_PACKETS);
  store<u16>(changetype<usize>(delay) + WINDOW_AT + (<usize>delay.cursor << 1), <u16>transit);
  delay.cursor = (delay.cursor + 1) % WINDOW_PACKETS;
  delay.count = min<i32>(delay.count + 1, keep);
  delay.newest = transit;
  delay.warm = min<i32>(delay.warm + n, WARM_SAMPLES);
  if (delay.count === 1 || <i32>(transit - delay.base) < 0) delay.base = transit;
  const late = <i32>(transit - delay.base) > (delay.targetMs + STEP_MS) << 3;
  if (++delay.sinceUpdate >= UPDATE_PACKETS || late) update(delay);
}

function update(delay: Delay): void {
  delay.sinceUpdate = 0;
  const count = delay.count;
  const end = WINDOW_PACKETS;
  const first = delay.cursor >= count ? delay.cursor - count : delay.cursor - count + end;
  let base = delay.newest;
  for (let i: i32 = 0, at = first; i < count; i++) {
    const transit = transitAt(delay, at);
    if (<i32>(transit - base) < 0) base = transit;
    if (++at === end) at = 0;
  }
  delay.base = base;
  memory.fill(COUNTS, 0, 256);
  for (let i: i32 = 0, at = first; i < count; i++) {
    const behind = <i32>(transitAt(delay, at) - base);
    // Step s covers a delay of up to s * STEP_MS.
    const step = min<i32>((behind + STEP_MS * 8 - 1) / (STEP_MS * 8), STEPS + 1);
    const place = COUNTS + (<usize>step << 2);
    store<i32>(place, load<i32>(place) + 1);
    if (++at === end) at = 0;
  }
  let late = count;
  let best: i32 = 0;
  let bestCost: i32 = i32.MAX_VALUE;
  let present: i32 = i32.MAX_VALUE;
  for (let step: i32 = 0; step <= STEPS; step++) {
    late -= load<i32>(COUNTS + (<usize>step << 2));
    const cost = step * STEP_MS + (LATE_COST_MS * 100 * late) / count;
    if (cost < bestCost) {
      bestCost = cost;
      best = step;
    }
    if (step * STEP_MS >= delay.targetMs && present === i32.MAX_VALUE) present = cost;
  }
  const target = best * STEP_MS;
  if (target > delay.targetMs) delay.targetMs = target;
  else if (delay.warm >= WARM_SAMPLES && present - bestCost > SAVING_MS) delay.targetMs = target;
}

/** How long samples at `timestamp` were held back if they were played now: negative when that is sooner than any can come. */
export function heldSamples(delay: Delay, timestamp: u32, now: u32): i32 {
  return <i32>(now - timestamp - delay.base);
}
