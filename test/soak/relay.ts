/**
 * A relay of thousands of legs in one core, in virtual time: `npm run soak:relay -- [legs] [seconds]`, default 10,000 and
 * 60. Fails when a packet is lost, repeated, changed or sent to the wrong place. Tells what it took; that is no benchmark.
 */
import { RelayLoad } from "../support/relay-load.ts";

const [legs = 10_000, seconds = 60] = process.argv.slice(2).map(Number);
const load = new RelayLoad(legs);
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
console.log(`${legs} legs take ${mib(load.core.memoryBytes)} of engine memory`);
const began = process.cpuUsage();
for (let second = 0; second < seconds; second++) load.pass(50);
const { user, system } = process.cpuUsage(began);
const cpuSeconds = (user + system) / 1e6;
let lost = 0;
let received = 0;
for (const leg of load.legs) {
  const stats = load.core.stats(leg);
  lost += stats.packetsLost;
  received += stats.packetsReceived;
}
const { sent, relayed, rtcp, wrong } = load.count;
console.log(
  `${sent} packets sent, ${received} received, ${relayed} relayed, ${rtcp} RTCP, ${lost} lost, ${wrong} wrong`,
);
console.log(
  `${cpuSeconds.toFixed(1)} s of processor time for ${seconds} s of media: ${((cpuSeconds * 1e9) / relayed).toFixed(0)} ns a packet, in and out, sending and checking by this test included`,
);
console.log(`resident ${mib(process.memoryUsage().rss)}, faults ${load.core.faults}`);
const isRight = relayed === sent && received === sent && lost === 0 && wrong === 0 && load.core.faults === 0;
process.exitCode = isRight ? 0 : 1;
console.log(isRight ? "all accounted for" : "FAILED");
