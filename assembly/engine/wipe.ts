/** Audio of calls that are over, overwritten wherever it may be left (R-COMP-7); the slots of legs are wiped when they close. */

import { wipeConcealment } from "../jitter/concealment";
import { wipeDtx } from "../jitter/dtx";
import { wipePrediction } from "../jitter/linear-prediction";
import { wipePlay } from "../jitter/play";
import { wipeTimeScale } from "../jitter/time-scale";
import { wipeShared } from "../memory";
import { wipeMix } from "./mixing";
import { wipeOutbound } from "./outbound";
import { wipeToneSamples } from "./tone-digits";

/** Only while nothing waits to be received, sent or fetched. */
export function wipeAudio(): void {
  wipeShared();
  wipeConcealment();
  wipeDtx();
  wipePrediction();
  wipePlay();
  wipeTimeScale();
  wipeMix();
  wipeOutbound();
  wipeToneSamples();
}
