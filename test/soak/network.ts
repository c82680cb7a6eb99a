/**
 * Calls over two edges and several ways, compared with the list of `/v1/Network` by a capture (R-NET-2):
 * `npm run soak:network -- [calls]`, default 1000. Needs tcpdump and tshark, and the right to capture on loopback.
 */
import { join } from "node:path";
import { parseConfig } from "../../src/cli/config.ts";
import { planEdges } from "../../src/trunking/edge-plan.ts";
import { networkRows } from "../../src/trunking/network-info.ts";
import { BASE, startGateway, until } from "../support/gateway.ts";
import { capture } from "../support/pcap.ts";
import { scratchFolder } from "../support/peers.ts";
import { Talker } from "../support/talkers.ts";
import { outsideOf, wirePackets } from "../support/wire-ends.ts";

const count = Number(process.argv[2] ?? 1000);
const NET = "127.90.6";
const TOKYO = `${NET}.21`;
const TOKYO_MEDIA = `${NET}.23`;
const DUBLIN = `${NET}.31`;
const CARRIER = `${NET}.51`;
const AT_ONCE = 8;
// Wide enough for the pairs that rest for 10 s after a call.
const EDGES = `
edges:
  - { name: tokyo, listen: [${TOKYO}], media: { address: ${TOKYO_MEDIA}, portMin: 24000, portMax: 31999 } }
  - { name: dublin, listen: [${DUBLIN}], media: { portMin: 32000, portMax: 39999 } }`;

const gateway = await startGateway(
  `${NET}.9`,
  `
ipAccessControlLists: [{ name: parties, addresses: ["${NET}.0/24"] }]
connectionPolicies:
  - { name: near, targets: [{ url: "sip:${CARRIER}" }] }
  - { name: dublin, targets: [{ url: "sip:${CARRIER};edge=dublin;transport=tcp" }] }
byocTrunks:
  - { name: near, connectionPolicy: near, defaultCarrier: true }
  - { name: dublin, connectionPolicy: dublin }
trunks:
  - { name: near, domain: near, ipAccessControlLists: [parties], callerIdPolicy: any }
  - { name: dublin, domain: dublin, ipAccessControlLists: [parties], callerIdPolicy: any, carrierLink: { byocTrunk: dublin } }
`,
  { top: EDGES },
);
const pbx = await Talker.start(`${NET}.41`, 400);
const carrier = await Talker.start(CARRIER, 700);
const scratch = scratchFolder("network");
const file = join(scratch.path, "calls.pcap");
const wire = await capture(file, `net ${NET}.0/24`);
let failed = 0;
for (let done = 0; done < count; done += AT_ONCE) {
  const calls = await Promise.allSettled(
    Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, index) =>
      pbx.call(
        `sip:+15550200300@${index % 2 === 0 ? "near" : "dublin"}.pstn.${BASE}`,
        `sip:${index % 4 < 2 ? TOKYO : DUBLIN}${index === 7 ? ";transport=tcp" : ""}`,
        `sip:+15550100200@${NET}.41`,
      ),
    ),
  );
  for (const one of calls)
    if (one.status === "fulfilled") one.value.hangup();
    else failed++;
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of a round");
}
await wire.stop();
const { settings } = parseConfig(EDGES, "edges.yaml", {});
const list = networkRows(planEdges({ ...settings, tls: { ...settings.tls, certFile: "used" } })).map((row) => ({
  ...row,
  port_min: row.portMin,
  port_max: row.portMax,
}));
const { ends, outside } = outsideOf(list, await wirePackets(file), [`${NET}.9`, TOKYO, TOKYO_MEDIA, DUBLIN]);
console.log(
  `${count} calls, ${failed} failed; ${ends} ends of packets at the gateway, ${outside.length} not in the list`,
);
for (const one of outside) console.log(`  ${one}`);
for (const { party } of [pbx, carrier]) await party.stop();
await gateway.stop();
scratch.remove();
process.exitCode = outside.length === 0 && failed === 0 && ends > count ? 0 : 1;
