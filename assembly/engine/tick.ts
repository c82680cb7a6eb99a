/** One turn of the clock: the phases whose moment has come. */

import { STATE_CURRENT_LEG } from "../abi";
import { STATE } from "../memory";
import { PHASE_COUNT } from "./phases";
import { playout } from "./playout";
import { flush } from "./send";

/** Serves every leg whose time has come; returns how many. */
export function tick(nowMs: f64): i32 {
  let served: i32 = 0;
  for (let phase: i32 = 0; phase < PHASE_COUNT; phase++) served += playout(phase, nowMs);
  store<i32>(STATE + STATE_CURRENT_LEG, -1);
  flush();
  return served;
}
