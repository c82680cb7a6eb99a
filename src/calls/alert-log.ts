/** Alerts: one for every rejected or failed call and every failed webhook or stream (R-GEN-8). Bounded, newest kept. */

import type { Clock } from "../base/clock.ts";
import { newSid } from "../base/ids.ts";
import type { Log } from "../base/log.ts";

export interface Alert {
  readonly sid: string;
  readonly at: Date;
  /** Number of the alert catalogue. */
  readonly code: number;
  readonly level: "error" | "warning";
  readonly text: string;
  readonly accountSid: string;
  readonly callSid: string;
  /** Who it was, host:port, or "". */
  readonly remote: string;
  /** SIP status that was answered, or 0. */
  readonly sipStatus: number;
  /** URL of the webhook or stream, or "". */
  readonly url: string;
}

export type AlertDetails = Pick<Alert, "code" | "text"> & Partial<Omit<Alert, "sid" | "at">>;

const ALERTS_MAX = 10_000;

export class AlertLog {
  readonly #alerts: Alert[] = [];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #max: number;
  /** Told of every alert. */
  onRaised: ((alert: Alert) => void) | undefined;

  constructor(clock: Clock, log: Log, max = ALERTS_MAX) {
    this.#clock = clock;
    this.#log = log;
    this.#max = max;
  }

  raise(details: AlertDetails): Alert {
    const alert: Alert = {
      sid: newSid("NO"),
      at: this.#clock.wallTime(),
      level: "error",
      accountSid: "",
      callSid: "",
      remote: "",
      sipStatus: 0,
      url: "",
      ...details,
    };
    this.#alerts.push(alert);
    if (this.#alerts.length > this.#max) this.#alerts.shift();
    this.onRaised?.(alert);
    const fields: Record<string, unknown> = { code: alert.code };
    if (alert.callSid !== "") fields["callSid"] = alert.callSid;
    if (alert.remote !== "") fields["remote"] = alert.remote;
    if (alert.sipStatus !== 0) fields["sipStatus"] = alert.sipStatus;
    if (alert.url !== "") fields["url"] = alert.url;
    this.#log.warn(alert.text, fields);
    return alert;
  }

  /** Oldest first. */
  all(): readonly Alert[] {
    return this.#alerts;
  }
}
