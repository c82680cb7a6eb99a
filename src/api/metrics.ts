/** The gateway's state as Prometheus text (R-PERF-4: workers are visible). */

import { Gauge, Registry } from "prom-client";

/** What the gateway reports of itself. */
export interface GatewayStatus {
  readonly ready: boolean;
  readonly calls: number;
  readonly transactions: number;
  readonly dialogs: number;
  readonly connections: number;
  readonly sip: Readonly<Record<string, number>>;
  readonly callbacks: Readonly<Record<string, number>>;
  readonly workers: readonly { readonly index: number; readonly alive: boolean; readonly load: object | undefined }[];
}

/** Counters and gauges of one moment. */
export async function metricsText(status: GatewayStatus): Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers: [registry] });
  gauge("tandem_calls", "Calls that are up").set(status.calls);
  gauge("tandem_sip_transactions", "SIP transactions that are up").set(status.transactions);
  gauge("tandem_sip_dialogs", "SIP dialogs that are up").set(status.dialogs);
  gauge("tandem_sip_connections", "TCP and TLS connections").set(status.connections);
  const messages = gauge("tandem_sip_messages_total", "SIP messages since the start", ["kind"]);
  for (const [kind, value] of Object.entries(status.sip)) messages.set({ kind }, value);
  const callbacks = gauge("tandem_callbacks_total", "Status callbacks since the start", ["kind"]);
  for (const [kind, value] of Object.entries(status.callbacks)) callbacks.set({ kind }, value);
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
