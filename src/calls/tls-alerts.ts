/** Peers whose TLS is too old are told of (table 0.1, 32222): once a minute and address, since anybody can knock. */

import type { Clock } from "../base/clock.ts";
import { TRUNKING_ALERTS } from "../trunking/alerts.ts";
import { TokenBuckets } from "../trunking/limits.ts";
import type { AlertLog } from "./alert-log.ts";

const EVERY_MS = 60_000;
const TOO_OLD = new Set(["ERR_SSL_UNSUPPORTED_PROTOCOL", "ERR_SSL_VERSION_TOO_LOW", "ERR_SSL_NO_PROTOCOLS_AVAILABLE"]);

export class TlsAlerts {
  readonly #alerts: AlertLog;
  readonly #clock: Clock;
  readonly #told = new TokenBuckets(1, EVERY_MS);

  constructor(alerts: AlertLog, clock: Clock) {
    this.#alerts = alerts;
    this.#clock = clock;
  }

  /** @param remote - host:port */
  failed(code: string, remote: string): void {
    const address = remote.slice(0, remote.lastIndexOf(":"));
    if (!TOO_OLD.has(code) || !this.#told.take(address, this.#clock.nowMs())) return;
    const text = `${TRUNKING_ALERTS[32222]}: the handshake was refused (${code}); tls.allowDeprecated lets old equipment in`;
    this.#alerts.raise({ code: 32222, level: "warning", text, remote });
  }
}
