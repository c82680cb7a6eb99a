/**
 * Calls in a row between two stacks over loopback sockets: `npm run soak:transactions -- [calls] [udp|tcp]`, default
 * 100000 and udp. Fails when a transaction, a dialog or a timer is left, or when memory grows from the second tenth of the
 * calls to the last.
 */
import { CallPair } from "../support/sip-calls.ts";

const calls = Number(process.argv[2] ?? 100_000);
const transport = process.argv[3] === "tcp" ? "tcp" : "udp";
const BATCH = 100;
const MIB = 1024 * 1024;
const GROWTH_MIB_MAX = 20;

function heapMib(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / MIB;
}

const pair = new CallPair(transport);
await pair.start();
const startMs = performance.now();
const heaps: number[] = [];
const batches = Math.max(10, Math.ceil(calls / BATCH));
for (let batch = 1; batch <= batches; batch++) {
  await pair.batch(BATCH);
  if (batch % Math.floor(batches / 10) === 0) heaps.push(heapMib());
}
const seconds = (performance.now() - startMs) / 1000;
const { left } = pair;
await pair.stop();
const timers = pair.clock.pendingTimers;
const growthMib = Math.max(0, heaps.at(-1)! - heaps[1]!);
console.log(
  `${pair.finished} calls over ${transport} in ${seconds.toFixed(1)} s; left: ${left.transactions} transactions, ` +
    `${left.dialogs} dialogs, ${timers} timers; heap ${heaps.map((mib) => mib.toFixed(1)).join(" ")} MiB`,
);
const isClean = left.transactions === 0 && left.dialogs === 0 && timers === 0 && growthMib < GROWTH_MIB_MAX;
process.exitCode = isClean ? 0 : 1;
