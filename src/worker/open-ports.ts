/** Takes the fastest kind of UDP sockets that works here, and says why when that is not the one asked for. */

import { openBatchedPorts } from "./batched-ports.ts";
import type { DatagramPorts, DatagramSink } from "./datagram-port.ts";
import { DgramPorts } from "./dgram-ports.ts";
import type { WorkerConfig } from "./protocol.ts";

/** The kind that was taken, and why ("" when there was nothing to say). */
export interface PortsChoice {
  readonly open: (sink: DatagramSink) => DatagramPorts;
  readonly why: string;
}

/**
 * Chooses the implementation.
 * @param dscp - mark of what is sent (SIP-TP-16), 0 to 63
 * @throws MediaError MEDIA_NO_PORT when "batched" was asked for and cannot work here
 */
export function choosePorts(wanted: WorkerConfig["datagrams"], dscp = 0): PortsChoice {
  if (wanted === "dgram") return { open: (sink) => new DgramPorts(sink, dscp), why: "" };
  const batched = openBatchedPorts(dscp);
  if (batched.open !== undefined) return { open: batched.open, why: "" };
  if (wanted === "batched") throw batched.error;
  return { open: (sink) => new DgramPorts(sink, dscp), why: batched.error.message };
}
