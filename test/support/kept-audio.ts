/** Recordings and voice traces in a folder of a test, or in none. */
import type { Clock } from "../../src/base/clock.ts";
import { type Log, silentLog } from "../../src/base/log.ts";
import { AlertLog } from "../../src/calls/alert-log.ts";
import { KeptAudio, type KeptAudioOptions } from "../../src/calls/recording/kept-audio.ts";
import { Usage } from "../../src/calls/usage.ts";
import type { Store } from "../../src/store/store.ts";

export interface KeptAudioSettings {
  readonly folder?: string | null;
  readonly retentionHours?: number;
  readonly bytesMax?: number | null;
  readonly noAudioAtRest?: boolean;
  readonly log?: Log;
  readonly alerts?: AlertLog;
}

export function keptAudio(store: Store, clock: Clock, settings: KeptAudioSettings = {}): KeptAudio {
  const { folder = null, retentionHours = 0, bytesMax = null, noAudioAtRest = false, log = silentLog } = settings;
  const config: KeptAudioOptions["config"] = {
    recordings: { folder, retentionHours, secondsMax: 3600, bytesMax },
    voiceTrace: { folder: folder === null ? null : `${folder}-traces`, retentionHours: 24, secondsMax: 3600 },
    compliance: { noAudioAtRest },
    store: { path: null },
  };
  return new KeptAudio({
    config,
    store,
    clock,
    log,
    alerts: settings.alerts ?? new AlertLog(clock, log),
    usage: new Usage(),
  });
}
