/** The event table: what the engine has to tell about its legs. Bounded; what does not fit is counted. */

import {
  EVENT_ADDRESS,
  EVENT_COUNT_MAX,
  EVENT_DURATION_MS,
  EVENT_ENTRY_BYTES,
  EVENT_LEG,
  EVENT_PORT,
  EVENT_TYPE,
  EVENT_VALUE,
  STATE_EVENT_COUNT,
  STATE_EVENTS_DROPPED,
} from "../abi";
import { EVENTS, STATE } from "../memory";
import { copyAddress, Leg } from "./leg";

/** Tells `type` of `leg`; returns the entry, or 0 when the table is full. */
function append(leg: Leg, type: i32): usize {
  const count = load<i32>(STATE + STATE_EVENT_COUNT);
  if (count >= EVENT_COUNT_MAX) {
    store<u32>(STATE + STATE_EVENTS_DROPPED, load<u32>(STATE + STATE_EVENTS_DROPPED) + 1);
    return 0;
  }
  const entry = EVENTS + <usize>(count * EVENT_ENTRY_BYTES);
  memory.fill(entry, 0, EVENT_ENTRY_BYTES);
  store<i32>(entry + EVENT_TYPE, type);
  store<i32>(entry + EVENT_LEG, leg.slot);
  store<i32>(STATE + STATE_EVENT_COUNT, count + 1);
  return entry;
}

export function tell(leg: Leg, type: i32): void {
  append(leg, type);
}

export function tellValue(leg: Leg, type: i32, value: i32): void {
  const entry = append(leg, type);
  if (entry) store<i32>(entry + EVENT_VALUE, value);
}

/** Tells of something on a track that has lasted for so long. */
export function tellSpan(leg: Leg, type: i32, track: i32, durationMs: f64): void {
  const entry = append(leg, type);
  if (entry == 0) return;
  store<i32>(entry + EVENT_VALUE, track);
  store<i32>(entry + EVENT_DURATION_MS, <i32>min<f64>(durationMs, 2147483647));
}

export function tellSource(leg: Leg, type: i32, address: usize, port: i32): void {
  const entry = append(leg, type);
  if (entry == 0) return;
  copyAddress(entry + EVENT_ADDRESS, address);
  store<i32>(entry + EVENT_PORT, port);
}
