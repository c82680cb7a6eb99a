/** Timer values of RFC 3261 annex A and RFC 6026 (SIP-TXN). */

/** Settable base values, ms. */
export interface TimerSettings {
  /** Round-trip estimate. */
  readonly t1Ms: number;
  /** Longest interval of repeats. */
  readonly t2Ms: number;
  /** How long a message can live in the network. */
  readonly t4Ms: number;
}

export const TIMER_DEFAULTS: TimerSettings = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** A to M; `A`, `E` and `G` repeat with a growing interval. */
export type TimerName = "A" | "B" | "D" | "E" | "F" | "G" | "H" | "I" | "J" | "K" | "L" | "M";

/** First length of a timer, ms. Unreliable transports wait for repeats, reliable ones do not. */
export function timerMs(name: TimerName, reliable: boolean, settings: TimerSettings): number {
  const { t1Ms, t4Ms } = settings;
  switch (name) {
    case "A":
    case "E":
    case "G":
      return t1Ms;
    case "B":
    case "F":
    case "H":
    case "L":
    case "M":
      return 64 * t1Ms;
    case "D":
      return reliable ? 0 : Math.max(32_000, 64 * t1Ms);
    case "J":
      return reliable ? 0 : 64 * t1Ms;
    case "I":
    case "K":
      return reliable ? 0 : t4Ms;
  }
}

/**
 * The next interval of a repeating timer: doubled, for E and G at most T2 (A has no cap). Once a provisional answer came,
 * E goes on at T2 (RFC 3261 §17.1.2.2).
 */
export function nextIntervalMs(name: TimerName, intervalMs: number, state: string, settings: TimerSettings): number {
  if (name === "E" && state === "proceeding") return settings.t2Ms;
  return name === "A" ? intervalMs * 2 : Math.min(intervalMs * 2, settings.t2Ms);
}

/** Repeating timers run on unreliable transports only. */
export function repeats(name: TimerName): boolean {
  return name === "A" || name === "E" || name === "G";
}
