/** Builds the source of caller names that the configuration asks for (R-CNAM-4). */

import type { Clock } from "../base/clock.ts";
import type { CnamConfig } from "../base/gateway-config.ts";
import type { Log } from "../base/log.ts";
import { type CnamProvider, httpProvider, tableProvider } from "../voice/cnam-provider.ts";
import { AddressGuard } from "../voice/ssrf.ts";
import { WebhookClient } from "../voice/webhook.ts";
import { CallerNames } from "./caller-names.ts";

/** @throws ConfigError for a table that cannot be read */
export function callerNames(config: CnamConfig, clock: Clock, log: Log): CallerNames {
  const { timeoutMs, cacheSeconds, cacheMax } = config;
  return new CallerNames({
    clock,
    log: log.child({ part: "cnam" }),
    provider: providerOf(config, clock),
    limitMs: timeoutMs,
    cacheMs: cacheSeconds * 1000,
    cacheMax,
  });
}

function providerOf({ url, file, timeoutMs }: CnamConfig, clock: Clock): CnamProvider | undefined {
  if (url === null) return file === null ? undefined : tableProvider(file);
  // The operator names the service, so it may be on any network.
  const guard = new AddressGuard({ allowAll: true, allow: [] });
  const limits = { connectTimeoutMs: timeoutMs, totalTimeoutMs: timeoutMs };
  return httpProvider(new WebhookClient({ clock, guard, ...limits }), url);
}
