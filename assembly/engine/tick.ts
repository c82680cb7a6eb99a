/** One turn of the clock: playout of the phases whose moment has come, and for their legs reports and the watch over silence. */

import { EVENT_SILENT, FLAG_RECEIVING, STATE_CURRENT_LEG } from "../abi";
import { STATE } from "../memory";
import { tell } from "./events";
import { Leg, legAt } from "./leg";
import { firstInPhase, PHASE_COUNT } from "./phases";
import { watchSilence } from "./meter";
import { playout } from "./playout";
import { nextReportMs, report } from "./reports";
import { flush } from "./send";

/** Serves every leg whose time has come; returns how many. */
export function tick(nowMs: f64): i32 {
  let served: i32 = 0;
  for (let phase: i32 = 0; phase < PHASE_COUNT; phase++) {
    const count = playout(phase, nowMs);
    if (count < 0) continue;
    served += count;
    for (let slot = firstInPhase(phase); slot >= 0; ) {
      const leg = legAt(slot);
      store<i32>(STATE + STATE_CURRENT_LEG, slot);
      watch(leg, nowMs);
      watchSilence(leg, nowMs);
      if (nowMs >= leg.reportDueMs) {
        leg.reportDueMs = nextReportMs(nowMs);
        report(leg, nowMs, false);
      }
      slot = leg.nextInPhase;
    }
  }
  store<i32>(STATE + STATE_CURRENT_LEG, -1);
  flush();
  return served;
}

/** RTP-SES-8: nothing came for so long, though something should. */
function watch(leg: Leg, nowMs: f64): void {
  if (leg.mediaTimeoutMs == 0 || leg.silentReported || leg.rtpPort == 0 || (leg.flags & FLAG_RECEIVING) == 0) return;
  if (nowMs - leg.lastHeardMs < <f64>leg.mediaTimeoutMs) return;
  leg.silentReported = 1;
  tell(leg, EVENT_SILENT);
}
