/** The gateway's state as Prometheus text (R-PERF-4: workers are visible). */

import { Counter, Gauge, Registry } from "prom-client";
import type { TrunkUsage } from "../calls/usage.ts";

/** What the gateway reports of itself. */
export interface GatewayStatus {
  readonly ready: boolean;
  readonly calls: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly connections: number;
  readonly sip: Readonly<Record<string, number>>;
  readonly cnam: Readonly<Record<string, number>>;
  readonly usage: readonly TrunkUsage[];
  readonly callbacks: Readonly<Record<string, number>>;
  readonly overload: {
    readonly reason: string;
    readonly lagMs: number;
    readonly shed: Readonly<Record<string, number>>;
  };
  readonly targets: readonly { readonly sid: string; readonly label: string; readonly usable: boolean }[];
  readonly registrations: readonly { readonly label: string; readonly registered: boolean }[];
  readonly workers: readonly { readonly index: number; readonly alive: boolean; readonly load: object | undefined }[];
}

/** Counters and gauges of one moment; a registry for each, since the numbers are counted elsewhere. */
export async function metricsText(status: GatewayStatus): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  const counter = (name: string, help: string, values: Readonly<Record<string, number>>): void => {
    const one = new Counter({ name, help, labelNames: ["kind"], registers: [registry] });
    for (const [kind, value] of Object.entries(values)) one.inc({ kind }, value);
  };
  gauge("tandem_calls", "Calls that are up").set(status.calls);
  gauge("tandem_sip_transactions", "SIP transactions that are up").set(status.transactions);
  gauge("tandem_sip_dialogs", "SIP dialogs that are up").set(status.dialogs);
  gauge("tandem_sip_connections", "TCP and TLS connections").set(status.connections);
  counter("tandem_sip_messages_total", "SIP messages since the start", status.sip);
  counter("tandem_cnam_total", "Names of callers: asked for, taken from memory, not to be had", status.cnam);
  usage(registry, status.usage);
  const { waiting = 0, ...callbacks } = status.callbacks;
  counter("tandem_callbacks_total", "Status callbacks since the start", callbacks);
  gauge("tandem_callbacks_waiting", "Status callbacks that were not sent yet").set(waiting);
  const { reason, lagMs, shed } = status.overload;
  gauge("tandem_overloaded", "1 while new calls are refused with 503").set(reason === "" ? 0 : 1);
  gauge("tandem_loop_lag_ms", "Median lateness of the main thread").set(lagMs);
  counter("tandem_sip_shed_total", "Requests that were answered or dropped before anything was kept for them", shed);
  const usable = gauge("tandem_target_usable", "1 while a target that is watched gets calls", ["sid", "target"]);
  for (const { sid, label, usable: isUsable } of status.targets) usable.set({ sid, target: label }, isUsable ? 1 : 0);
  const registered = gauge("tandem_registered", "1 while the gateway is registered at a carrier", ["registration"]);
  for (const { label, registered: is } of status.registrations) registered.set({ registration: label }, is ? 1 : 0);
  const alive = gauge("tandem_worker_alive", "1 while the media worker runs", ["worker"]);
  const load = gauge("tandem_worker_load", "What a media worker measures of itself", ["worker", "value"]);
  for (const worker of status.workers) {
    const label = String(worker.index);
    alive.set({ worker: label }, worker.alive ? 1 : 0);
    for (const [value, number] of Object.entries(worker.load ?? {}))
      if (typeof number === "number") load.set({ worker: label, value }, number);
  }
  return await registry.metrics();
}

/** R-GEN-11: a row a trunk and kind. */
function usage(registry: Registry, rows: readonly TrunkUsage[]): void {
  const counter = new Counter({
    name: "tandem_trunk_usage_total",
    help: "What trunks and BYOC trunks were used for since the start",
    labelNames: ["trunk", "kind"],
    registers: [registry],
  });
  for (const { trunkSid, accountSid: _account, ...counts } of rows)
    for (const [kind, value] of Object.entries(counts)) counter.inc({ trunk: trunkSid, kind }, value);
}
