/** `tandem serve`: the gateway for real use, until a signal ends it. */

import { SystemClock } from "../base/clock.ts";
import { Gateway } from "../gateway.ts";
import { loadConfig } from "./config.ts";
import { forbidCoreDumps } from "./core-dumps.ts";
import { firstSignal } from "./first-signal.ts";
import { createLog } from "./log-sink.ts";
import { openStore } from "./open-store.ts";

export interface ServeOptions {
  readonly config: string;
  /** Seconds that running calls may go on after the first signal. */
  readonly drainSeconds: number;
}

/** Resolves with the exit code after a signal. */
export async function serve(options: ServeOptions): Promise<number> {
  const loaded = loadConfig(options.config, process.env);
  const log = createLog(loaded.settings.log);
  for (const warning of loaded.warnings) log.warn(warning);
  const dumps = await forbidCoreDumps();
  if (dumps !== undefined) log.warn(dumps);
  const clock = new SystemClock();
  const { store, secrets } = await openStore(loaded, clock, log);
  const gateway = await Gateway.start({ config: loaded.settings, store, secrets, log, clock });
  for (const { transport, address, port } of gateway.listening)
    log.info(`listening for SIP over ${transport.toUpperCase()}`, { address, port });
  if (gateway.httpUrl !== undefined) log.info("listening for HTTP", { url: gateway.httpUrl });
  log.info("ready");
  const signal = await firstSignal();
  log.info(`${signal}: no new calls, running calls have ${options.drainSeconds} s`, { calls: gateway.calls.liveCount });
  // A second signal ends the waiting, still with BYE to everybody.
  void firstSignal().then(() => gateway.stop(0));
  await gateway.stop(options.drainSeconds * 1000);
  log.info("stopped");
  return 0;
}
