/**
 * How much to hold back (RFC 3550 A.8 measures, the rule is ours): the target follows the interarrival jitter quickly
 * upwards and slowly downwards, between 20 and 200 ms.
 */

export const TARGET_MIN_MS: f64 = 20;
export const TARGET_MAX_MS: f64 = 200;

// Smoothed jitter in samples, last transit in samples, target in ms, whether a packet was measured.
export const DELAY_BYTES: i32 = 32;
const JITTER: usize = 0;
const TRANSIT: usize = 8;
const TARGET: usize = 16;
const MEASURED: usize = 24;

/** Decay of the target per packet, once the jitter is lower: half in about 14 s at 50 packets/s. */
const DECAY: f64 = 0.001;
/** Target in multiples of the mean deviation. */
const DEVIATIONS: f64 = 4;

export function delayReset(state: usize, startMs: f64): void {
  store<f64>(state, 0, JITTER);
  store<f64>(state, min<f64>(max<f64>(startMs, TARGET_MIN_MS), TARGET_MAX_MS), TARGET);
  store<i32>(state, 0, MEASURED);
}

/** Takes the arrival of one packet into account. */
export function delayArrival(state: usize, timestamp: u32, nowMs: f64): void {
  // Modulo 2^32 like the timestamp, so that a wrap is no jump.
  const transit = <f64>(<u32>(<u64>(nowMs * 8) & 0xffffffff) - timestamp);
  if (load<i32>(state, MEASURED) !== 0) {
    const step = <f64>(<i32>(<u32>(<i64>transit - <i64>load<f64>(state, TRANSIT))));
    const deviation = abs<f64>(step);
    // A pause of the sender is no jitter.
    if (deviation < 8000) {
      const jitter = load<f64>(state, JITTER) + (deviation - load<f64>(state, JITTER)) / 16;
      store<f64>(state, jitter, JITTER);
      const wanted = min<f64>(max<f64>(TARGET_MIN_MS + (jitter * DEVIATIONS) / 8, TARGET_MIN_MS), TARGET_MAX_MS);
      const target = load<f64>(state, TARGET);
      store<f64>(state, wanted > target ? wanted : target + (wanted - target) * DECAY, TARGET);
    }
  }
  store<f64>(state, transit, TRANSIT);
  store<i32>(state, 1, MEASURED);
}

/** A packet came too late by so much: the target grows at once. */
export function delayLate(state: usize, lateMs: f64): void {
  store<f64>(
    state,
    min<f64>(max<f64>(load<f64>(state, TARGET), load<f64>(state, TARGET) + lateMs), TARGET_MAX_MS),
    TARGET,
  );
}

export function delayTargetMs(state: usize): f64 {
  return load<f64>(state, TARGET);
}
