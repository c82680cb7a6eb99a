/**
 * Many secure calls at once, each streamed both ways: `npm run soak:streams -- [calls] [seconds]`, default 50 and 30.
 * Fails when a packet is lost, a stream's numbering has a gap, an error was logged, or memory grows. Memory is watched after
 * a warm-up; the resident size swings by some MiB with the collections of the worker's heap, the main heap must stand still.
 */
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { Application } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import { BASE, startGateway } from "../support/gateway.ts";

const [callCount = 50, seconds = 30] = process.argv.slice(2).map(Number);
const GATEWAY = "127.77.20.1";
const PASSWORD = "Soak-Password-1";
const clock = new SystemClock();
const pause = (ms: number) => new Promise<void>((done) => clock.after(ms, done));
const MIB = 1024 * 1024;
/** What the resident size may swing by: seen over 5 minutes, it comes back. */
const RSS_SWING_MIB = 12;
const WARM_UP_MS = 40_000;

let unhandled = 0;
process.on("unhandledRejection", () => unhandled++);
process.on("uncaughtException", () => unhandled++);

const consumer = await Consumer.start({ clock, mode: "echo" });
const application = await Application.start(
  new Map([["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`]]),
);
const gateway = await startGateway(
  GATEWAY,
  `
credentialLists:
  - { name: phones, credentials: [{ username: phone, password: ${PASSWORD} }] }
byocTrunks:
  - { name: app, voiceUrl: "${application.url}/voice" }
sipDomains:
  - { name: phones, domain: phones, secure: true, byocTrunk: app, credentialLists: [phones] }
`,
);
const { certPem, keyPem } = gateway.certificates;
const phones = await Party.start({
  name: "phones",
  clock,
  log: silentLog,
  address: "127.77.20.2",
  listen: [{ transport: "tls", address: "127.77.20.2", port: 0 }],
  tls: { certPem, keyPem, caPem: certPem },
  security: "required",
  callCountMax: callCount,
});
const tune = toUlaw(melody());
const calls: PartyCall[] = [];
for (let i = 0; i < callCount; i++) {
  calls.push(
    await phones.call(`sip:call${i}@phones.sip.${BASE}`, {
      from: `sip:phone@phones.sip.${BASE}`,
      nextHop: `sip:${GATEWAY}:5061;transport=tls`,
      credentials: { username: "phone", password: PASSWORD },
      play: tune,
      loop: true,
      record: false,
    }),
  );
  await pause(50);
}
const answered = await Promise.all(calls.map((call) => call.answered));
console.log(`${callCount} calls up; ${WARM_UP_MS / 1000} s of warm-up`);
await pause(WARM_UP_MS);
const memory: number[] = [];
const heap: number[] = [];
for (let second = 0; second < seconds; second++) {
  await pause(1000);
  globalThis.gc?.();
  memory.push(process.memoryUsage().rss);
  heap.push(process.memoryUsage().heapUsed);
  if (second % 5 === 4)
    console.log(
      `${second + 1} s: ${gateway.gateway.calls.liveCount} calls, RSS ${(memory.at(-1)! / MIB).toFixed(0)} MiB, heap ${(heap.at(-1)! / MIB).toFixed(1)} MiB`,
    );
}
const load = gateway.gateway.status().workers[0]?.load;
const lostAtPhones = calls.map((call) => call.leg.stats.packetsLost);
const receivedAtPhones = calls.map((call) => call.leg.stats.packetsReceived);
for (const call of calls) call.hangup();
await pause(3000);
const ended = [...gateway.gateway.calls.ended()];
const lostAtGateway = ended.map((call) => call.mediaStats?.packetsLost ?? -1);
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const half = Math.floor(seconds / 2);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const growth = (values: readonly number[]): number => (mean(values.slice(half)) - mean(values.slice(0, half))) / MIB;
const growthMib = growth(memory);
const heapGrowthMib = growth(heap);
const result = {
  calls: callCount,
  answered: answered.filter(Boolean).length,
  seconds,
  packetsReceivedAtPhones: sum(receivedAtPhones),
  packetsLostAtPhones: sum(lostAtPhones),
  packetsLostAtGateway: sum(lostAtGateway),
  streams: consumer.streams.length,
  framesIn: sum(consumer.streams.map(({ framesIn }) => framesIn)),
  framesOut: sum(consumer.streams.map(({ framesOut }) => framesOut)),
  numberingFaults: sum(consumer.streams.map(({ numberingFaults }) => numberingFaults)),
  firstFault: consumer.streams.find(({ numberingFaults }) => numberingFaults > 0)?.firstFault ?? "",
  stopped: consumer.streams.filter(({ stopped }) => stopped).length,
  errorsLogged: gateway.log.lines.filter((line) => line.startsWith("error")).length,
  unhandled,
  memoryGrowthMib: Number(growthMib.toFixed(1)),
  heapGrowthMib: Number(heapGrowthMib.toFixed(2)),
  workerLoad: load,
};
console.log(JSON.stringify(result, null, 2));
await phones.stop();
await gateway.stop();
await consumer.stop();
await application.stop();
const isGood =
  result.answered === callCount &&
  result.packetsLostAtPhones === 0 &&
  result.packetsLostAtGateway === 0 &&
  result.numberingFaults === 0 &&
  result.stopped === callCount &&
  result.errorsLogged === 0 &&
  unhandled === 0 &&
  growthMib < RSS_SWING_MIB &&
  heapGrowthMib < 0.5;
console.log(isGood ? "good" : "NOT GOOD");
process.exitCode = isGood ? 0 : 1;
