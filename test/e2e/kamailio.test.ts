/**
 * Kamailio around the gateway: as record-routing proxy on both sides, over UDP, TCP and TLS; as a carrier that challenges with
 * 407; as a balancer in front of two gateways. SIPp at the ends (RFC 3261 §12.2.1, §16.12, SIP-DLG-2, SIP-DLG-5, SIP-AUTH-7).
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";
import { Kamailio } from "../support/kamailio.ts";
import { capture } from "../support/pcap.ts";
import { type Peer, scratchFolder, startSipp } from "../support/peers.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.24.1";
const OTHER_GATEWAY = "127.77.24.2";
const CALLER = "127.77.24.4";
const CALLEE = "127.77.24.3";
const FRONT = "127.77.24.10";
const CARRIER = "127.77.24.11";
const BALANCER = "127.77.24.12";

const TRANSPORTS = [
  { name: "udp", target: `sip:${FRONT}:5060` },
  { name: "tcp", target: `sip:${FRONT}:5060;transport=tcp` },
  { name: "tls", target: `sip:${FRONT}:5061;transport=tls` },
] as const;
/** Who does what in the dialog. */
const ENDS = [
  { name: "re-INVITE by the caller", uac: "uac_hold_forms", uas: "uas_call", talkMs: 100 },
  { name: "re-INVITE by the callee", uac: "uac_call", uas: "uas_hold_forms", talkMs: 2000 },
  { name: "UPDATE by the caller", uac: "uac_update", uas: "uas_call", talkMs: 100 },
  { name: "UPDATE by the callee, who hangs up", uac: "uac_call_hung_up", uas: "uas_update", talkMs: 100 },
] as const;

const objects = `
ipAccessControlLists:
  - { name: front, addresses: [${FRONT}, ${BALANCER}, ${CALLER}] }
connectionPolicies:
${TRANSPORTS.map(({ name, target }) => `  - { name: ${name}, targets: [{ url: "${target}" }] }`).join("\n")}
  - { name: carrier, targets: [{ url: "sip:${CARRIER}:5060" }] }
  - { name: carriertls, targets: [{ url: "sip:${CARRIER}:5061;transport=tls" }] }
  - { name: callee, targets: [{ url: "sip:${CALLEE}:6090" }] }
byocTrunks:
${TRANSPORTS.map(({ name }) => `  - { name: ${name}, connectionPolicy: ${name}, tlsVerify: false }`).join("\n")}
  - { name: carrier, connectionPolicy: carrier, targetUsername: trunk1, targetPassword: s3cret }
  - { name: carriertls, connectionPolicy: carriertls, tlsVerify: false, targetUsername: trunk1, targetPassword: s3cret }
  - { name: wrong, connectionPolicy: carrier, targetUsername: trunk1, targetPassword: other }
  - { name: callee, connectionPolicy: callee }
trunks:
${[...TRANSPORTS.map(({ name }) => name), "carrier", "carriertls", "wrong", "callee"].map((name) => `  - { name: ${name}, domain: ${name}, ipAccessControlLists: [front], callerIdPolicy: any, carrierLink: { byocTrunk: ${name} } }`).join("\n")}
`;

let gateway: TestGateway;
let other: TestGateway;
let front: Kamailio;
let carrier: Kamailio;
let balancer: Kamailio;
let wire: Awaited<ReturnType<typeof capture>>;
let past: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("kamailio");
const file = join(scratch.path, "wire.pcap");
const pastFile = join(scratch.path, "past.pcap");
const peers: Peer[] = [];

beforeAll(async () => {
  [gateway, other] = await Promise.all([startGateway(GATEWAY, objects), startGateway(OTHER_GATEWAY, objects)]);
  const at = {
    "127.77.0.1": GATEWAY,
    "127.77.0.2": GATEWAY,
    "127.77.0.3": CALLEE,
    "127.77.0.3:5060": `${CALLEE}:6060`,
  };
  [front, carrier, balancer] = await Promise.all([
    Kamailio.start("front.cfg", FRONT, join(scratch.path, "front"), at),
    Kamailio.start("auth407.cfg", CARRIER, join(scratch.path, "carrier"), at),
    Kamailio.start("dispatcher.cfg", BALANCER, join(scratch.path, "balancer"), {
      "127.77.0.2": GATEWAY,
      "127.77.0.3": OTHER_GATEWAY,
    }),
  ]);
  wire = await capture(file, `host ${GATEWAY}`);
  // Signalling that leaves out the proxy: RTP has other ports.
  past = await capture(
    pastFile,
    `host ${GATEWAY} and ((host ${CALLER} and portrange 6000-6089) or (host ${CALLEE} and (tcp or portrange 6000-6089)))`,
  );
});
afterAll(async () => {
  await wire.stop();
  await past.stop();
  for (const peer of peers) await peer.stop();
  for (const kamailio of [front, carrier, balancer]) await kamailio.stop();
  await gateway.stop();
  await other.stop();
  scratch.remove();
});

interface Call {
  readonly scenario: string;
  readonly port: number;
  readonly args?: readonly string[];
}

/** A SIPp that waits for something that never comes ends by itself, and says so. */
const LIMIT = ["-timeout", "60s", "-timeout_error"];
const mediaPort = (port: number) => 10_000 + 20 * (port - 6000);

/** Its port tells the last two digits of the number. */
function callee({ scenario, port, args = ["-m", "1"] }: Call): Peer {
  const folder = join(scratch.path, `callee${port}`);
  const peer = startSipp(folder, {
    scenario,
    address: CALLEE,
    port,
    mediaPort: mediaPort(port),
    args: [...LIMIT, ...args],
  });
  peers.push(peer);
  return peer;
}

function caller({
  scenario,
  port,
  args = ["-m", "1"],
  to,
  domain,
  number = port,
}: Call & { to: string; domain: string; number?: number }): Peer {
  const peer = startSipp(join(scratch.path, `caller${port}`), {
    scenario,
    to,
    address: CALLER,
    port,
    mediaPort: mediaPort(port),
    domain: `${domain}.pstn.${BASE}`,
    args: ["-s", `+155502400${number - 6000}`, "-key", "from", "+15550240200", ...LIMIT, ...args],
  });
  peers.push(peer);
  return peer;
}

/** All of them have to be content. */
async function content(...all: readonly Peer[]): Promise<void> {
  for (const peer of all) {
    const { code, stdout, stderr } = await peer.finished;
    expect(code, `${stderr.slice(-2000)}\n${stdout.slice(-1500)}`).toBe(0);
  }
}

describe("R-GEN-10: Kamailio as record-routing proxy on both sides", () => {
  for (const [turn, { name: transport }] of TRANSPORTS.entries())
    for (const [end, { name, uac, uas, talkMs }] of ENDS.entries())
      it.concurrent(`RFC 3261 §12.2.1, SIP-DLG-2: ${name}, over ${transport.toUpperCase()}`, async () => {
        const port = 6010 + 10 * turn + end;
        const far = callee({ scenario: uas, port });
        const near = caller({
          scenario: uac,
          port,
          to: `${FRONT}:5060`,
          domain: transport,
          args: ["-m", "1", "-d", String(talkMs)],
        });
        await content(near, far);
      });

  it("SIP-DLG-5: every request in a dialog, ours too, went through the proxy", async () => {
    await past.stop();
    expect(statSync(pastFile).size, "octets of a capture without packets").toBe(24);
    for (const transport of ["udp", "tcp", "tls"]) {
      for (const method of ["ACK", "BYE"])
        expect(front.log).toContain(`routed ${method} from ${GATEWAY} over ${transport}`);
    }
    for (const [method, count] of [
      ["INVITE", 6],
      ["UPDATE", 6],
      ["ACK", 24],
      ["BYE", 12],
    ] as const)
      expect(front.log.split(`routed ${method} from`).length - 1, method).toBeGreaterThanOrEqual(count);
    expect(front.log).not.toContain("no route in");
  });
});

describe("Kamailio as carrier that challenges", () => {
  it("SIP-AUTH-7: 407 is answered with the credentials of the target, over UDP and TLS; wrong ones are 403 for the caller", async () => {
    const far = callee({ scenario: "uas_call", port: 6060, args: ["-m", "2"] });
    const call = (domain: string, port: number, scenario = "uac_call", args: readonly string[] = ["-d", "300"]) =>
      caller({ scenario, port, number: 6060, to: `${GATEWAY}:5060`, domain, args: ["-m", "1", ...args] });
    await content(call("carrier", 6061), call("carriertls", 6062), far);
    await content(call("wrong", 6063, "uac_expect_failure", ["-key", "code", "403"]));
    for (const protocol of ["udp", "tls"]) expect(carrier.log).toContain(`authenticated as trunk1 over ${protocol}`);
  });
});

describe("Kamailio as balancer", () => {
  it("R-KEEP-1: two gateways share the calls; when one stops, the other takes them all", async () => {
    const far = callee({ scenario: "uas_call", port: 6090, args: [] });
    const run = (port: number, calls: number) =>
      caller({
        scenario: "uac_call",
        port,
        number: 6090,
        to: `${BALANCER}:5060`,
        domain: "callee",
        args: ["-m", String(calls), "-r", "5", "-d", "200"],
      });
    await content(run(6091, 8));
    // Round robin; each call has two legs.
    const legsOf = ({ gateway: { calls } }: TestGateway) =>
      [...calls.ended()].filter(({ details }) => details.to === "+15550240090").length;
    expect([gateway, other].map(legsOf)).toEqual([8, 8]);
    await other.stop();
    await content(run(6092, 6));
    await far.stop();
  });
});

it("sends nothing that tshark calls malformed", async () => {
  await wire.stop();
  expect(await wireFaults(file, GATEWAY)).toEqual([]);
});
