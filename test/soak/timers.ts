/**
 * How late timers are when 100,000 of them run (SIP-TXN-12): `npm run soak:timers -- [live]`. Server transactions are made at an even
 * rate and each is kept for its 32 s, repeating its answer until the ACK that never comes, so that timers G and H of all lengths run;
 * beside them probes of the same lengths say how late they are. A second process with nothing but the probes says how late timers are on
 * this machine anyway. Fails when the 99th percentile is above 20 ms and above that.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { SystemClock } from "../../src/base/clock.ts";
import { createResponse } from "../../src/sip/build.ts";
import { serializeMessage } from "../../src/sip/serialize.ts";
import { TIMER_DEFAULTS } from "../../src/sip/transaction/timers.ts";
import { TransactionLayer } from "../../src/sip/transaction/transaction-layer.ts";
import { cpuMs } from "../support/cpu-time.ts";
import { flowOf, requestOf } from "../support/sip-transactions.ts";

const isControl = process.argv[2] === "control";
const live = isControl ? 0 : Number(process.argv[2] ?? 100_000);
/** Timer H. */
const LIFE_SECONDS = 32;
const MEASURED_SECONDS = 20;
const STEP_MS = 5;
const LATE_MS_MAX = 20;
const LENGTHS_MS = [500, 1000, 2000, 4000, 5000];

const clock = new SystemClock();
let repeats = 0;
const layer = new TransactionLayer(
  {
    clock,
    timers: TIMER_DEFAULTS,
    random: Math.random,
    transactionsMax: 2 * live,
    sendRequest: (request) => serializeMessage(request),
    sendResponse: (response, flow) => ({ bytes: serializeMessage(response), flow }),
    repeat: () => repeats++,
  },
  {
    isAdmitted: () => true,
    onRequest: (transaction) => transaction.respond(createResponse(transaction.request, 486)),
    onAck: () => undefined,
    onStray2xx: () => undefined,
  },
);
// One message is read, and given the names of many.
const request = requestOf("INVITE");
const octets = serializeMessage(request);
const flow = flowOf("udp");
let made = 0;
function make(): void {
  const params = new Map([...request.vias[0]!.params, ["branch", `z9hG4bK${++made}`] as const]);
  const one = { ...request, vias: [{ ...request.vias[0]!, params }], callId: `call-${made}` };
  layer.receiveRequest(one, flow, octets);
}

const late: number[] = [];
let isMeasuring = false;
function probe(lengthMs: number): void {
  const startMs = clock.nowMs();
  clock.after(lengthMs, () => {
    if (isMeasuring) late.push(clock.nowMs() - startMs - lengthMs);
    probe(lengthMs);
  });
}

const control = isControl
  ? undefined
  : fork(import.meta.filename, ["control"], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
let controlled = "";
control?.stdout?.on("data", (text) => {
  controlled += text;
});
const beganMs = clock.nowMs();
const filling = setInterval(() => {
  const due = ((clock.nowMs() - beganMs) / 1000 / LIFE_SECONDS) * live;
  while (made < due) make();
}, STEP_MS);
await new Promise((done) => setTimeout(done, (LIFE_SECONDS + 1) * 1000));
// Spread over the time, as calls begin.
for (let i = 0; i < 2000; i++) setTimeout(() => probe(LENGTHS_MS[i % LENGTHS_MS.length]!), i * 2);
await new Promise((done) => setTimeout(done, 5000));
isMeasuring = true;
const before = { cpu: cpuMs(), repeats };
const liveThen = layer.serverCount;
await new Promise((done) => setTimeout(done, MEASURED_SECONDS * 1000));
const cpuShare = (cpuMs() - before.cpu) / (MEASURED_SECONDS * 1000);
clearInterval(filling);
late.sort((a, b) => a - b);
const at = (share: number): number => Number(late[Math.floor((late.length - 1) * share)]!.toFixed(2));
const result = {
  live: liveThen,
  lateMs: { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) },
  probes: late.length,
  repeatsPerSecond: (repeats - before.repeats) / MEASURED_SECONDS,
  core: Number(cpuShare.toFixed(3)),
};
console.log(JSON.stringify(result));
if (control === undefined) process.exit(0);
await once(control, "exit");
const { lateMs: anyway } = JSON.parse(controlled) as typeof result;
console.log(`nothing but probes: ${JSON.stringify(anyway)}`);
process.exit(result.lateMs.p99 <= Math.max(LATE_MS_MAX, anyway.p99) && liveThen >= live * 0.95 ? 0 : 1);
