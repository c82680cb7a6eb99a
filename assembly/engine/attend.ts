/** What is looked after once a frame for each leg: reports, and the watch over silence. */

import { EVENT_SILENT, FLAG_RECEIVING } from "../abi";
import { tell } from "./events";
import { Leg } from "./leg";
import { watchSilence } from "./meter";
import { nextReportMs, report } from "./reports";

export function attend(leg: Leg, nowMs: f64): void {
  watch(leg, nowMs);
  watchSilence(leg, nowMs);
  if (nowMs < leg.reportDueMs) return;
  leg.reportDueMs = nextReportMs(nowMs);
  report(leg, nowMs, false);
}

/** RTP-SES-8: nothing came for so long, though something should. */
function watch(leg: Leg, nowMs: f64): void {
  if (leg.mediaTimeoutMs == 0 || leg.silentReported || leg.rtpPort == 0 || (leg.flags & FLAG_RECEIVING) == 0) return;
  if (nowMs - leg.lastHeardMs < <f64>leg.mediaTimeoutMs) return;
  leg.silentReported = 1;
  tell(leg, EVENT_SILENT);
}
