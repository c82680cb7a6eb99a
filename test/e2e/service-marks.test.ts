/** SIP-TP-16: what the gateway sends carries its mark, signalling CS3 and media EF, over UDP and TCP. Read from the wire. */
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";
import { capture } from "../support/pcap.ts";
import { Peer, scratchFolder } from "../support/peers.ts";
import { Talker, talking } from "../support/talkers.ts";

const GATEWAY = "127.77.33.1";
const PBX = "127.77.33.2";
const CARRIER = "127.77.33.3";
const scratch = scratchFolder("marks");
let gateway: TestGateway | undefined;
const talkers: Talker[] = [];

afterEach(async () => {
  for (const talker of talkers.splice(0)) await talker.party.stop();
  await gateway?.stop();
});
afterAll(() => scratch.remove());

/** Protocol and DSCP of every packet with a payload that the gateway sent. */
async function marksOf(file: string): Promise<Set<string>> {
  const fields = ["ip.dsfield.dscp", "udp.srcport", "tcp.srcport", "tcp.len"].flatMap((field) => ["-e", field]);
  const tshark = new Peer(
    "tshark",
    ["-r", file, "-Y", `ip.src == ${GATEWAY} && !icmp`, "-T", "fields", ...fields],
    "/tmp",
  );
  const { stdout } = await tshark.finished;
  const marks = new Set<string>();
  for (const line of stdout.split("\n").filter((one) => one !== "")) {
    const [dscp, udpPort, , tcpLength] = line.split("\t");
    if (tcpLength !== "" && tcpLength !== "0") marks.add(`tcp ${dscp}`);
    else if (udpPort !== "") marks.add(`${udpPort === "5060" ? "sip" : "media"} ${dscp}`);
  }
  return marks;
}

describe("SIP-TP-16 differentiated services", () => {
  it.each([
    ["batched", "", "", ["media 46", "sip 24", "tcp 24"]],
    ["dgram", "", "", ["media 46", "sip 24", "tcp 24"]],
    ["batched", "  dscp: 34\n", "  dscp: 0\n", ["media 34", "sip 0", "tcp 0"]],
  ])("%s sockets, media %j and sip %j", async (kind, media, sip, expected) => {
    gateway = await startGateway(
      GATEWAY,
      `
ipAccessControlLists:
  - { name: parties, addresses: [${PBX}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060;transport=tcp" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [parties], callerIdPolicy: any }
`,
      { media: `  datagrams: ${kind}\n${media}`, sip },
    );
    const pbx = await Talker.start(PBX, 400);
    const carrier = await Talker.start(CARRIER, 700);
    talkers.push(pbx, carrier);
    const file = join(scratch.path, `${kind}${expected.length}${media.length}.pcap`);
    const wire = await capture(file, `src host ${GATEWAY}`);
    const near = await pbx.call(
      `sip:+15550200300@office.pstn.${BASE}`,
      `sip:${GATEWAY}:5060`,
      `sip:+15550100200@${PBX}`,
    );
    await talking([near, pbx], [await carrier.received(), carrier]);
    near.hangup();
    await carrier.party.received[0]!.ended;
    await wire.stop();
    expect([...(await marksOf(file))].sort()).toEqual(expected);
  });
});
