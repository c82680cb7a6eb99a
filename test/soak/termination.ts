/**
 * SIPp through a trunk to SIPp: digest 407, carrier link, RTP both ways: `npm run soak:termination -- [calls] [rate]`,
 * default 200 calls at 20 a second. Fails when a call fails or a packet is lost.
 */
import { BASE, startGateway } from "../support/gateway.ts";
import { scratchFolder, startSipp } from "../support/peers.ts";

const [callCount = 200, rate = 20] = process.argv.slice(2).map(Number);
const GATEWAY = "127.77.21.1";
const CALLER = "127.77.21.2";
const CALLEE = "127.77.21.3";
const PASSWORD = "Secret-Trunk-1";
const NUMBER = "+15550200300";

const gateway = await startGateway(
  GATEWAY,
  `
credentialLists:
  - { name: pbx, credentials: [{ username: trunk1, password: ${PASSWORD} }] }
connectionPolicies:
  - { name: carrier, targets: [{ name: callee, url: "sip:${CALLEE}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, credentialLists: [pbx], callerIdPolicy: any }
`,
);
const scratch = scratchFolder("soak");
const callee = startSipp(scratch.path, {
  scenario: "uas_answer_delay",
  address: CALLEE,
  port: 5060,
  mediaPort: 30000,
  args: ["-d", "100"],
});
const caller = await startSipp(scratch.path, {
  scenario: "uac_digest_407",
  to: `${GATEWAY}:5060`,
  address: CALLER,
  port: 5061,
  mediaPort: 40000,
  domain: `office.pstn.${BASE}`,
  user: NUMBER,
  args: [
    "-s",
    NUMBER,
    "-key",
    "from",
    "+15550200100",
    "-au",
    "trunk1",
    "-ap",
    PASSWORD,
    "-d",
    "3000",
    "-m",
    String(callCount),
    "-r",
    String(rate),
    "-l",
    "400",
  ],
}).finished;
await callee.stop();
const calls = [...gateway.gateway.calls.ended()];
const count = (what: (call: (typeof calls)[number]) => boolean): number => calls.filter(what).length;
const result = {
  sippExitCode: caller.code,
  calls: callCount,
  completedLegs: count(({ status }) => status === "completed"),
  otherLegs: count(({ status }) => status !== "completed"),
  packetsReceived: calls.reduce((sum, { mediaStats }) => sum + (mediaStats?.packetsReceived ?? 0), 0),
  packetsSent: calls.reduce((sum, { mediaStats }) => sum + (mediaStats?.packetsSent ?? 0), 0),
  packetsLost: calls.reduce((sum, { mediaStats }) => sum + (mediaStats?.packetsLost ?? 0), 0),
  legsWithoutRtp: count(({ mediaStats }) => (mediaStats?.packetsReceived ?? 0) === 0),
  errorsLogged: gateway.log.lines.filter((line) => line.startsWith("error")).length,
};
console.log(JSON.stringify(result, null, 2));
if (caller.code !== 0) console.log(caller.stdout.slice(-2500), caller.stderr.slice(0, 2000));
await gateway.stop();
scratch.remove();
const isGood =
  caller.code === 0 &&
  result.completedLegs === 2 * callCount &&
  result.packetsLost === 0 &&
  result.legsWithoutRtp === 0;
console.log(isGood ? "good" : "NOT GOOD");
process.exitCode = isGood ? 0 : 1;
