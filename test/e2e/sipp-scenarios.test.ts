/**
 * Every SIPp scenario of test/peers through a trunk: SIPp as PBX, the gateway, SIPp as carrier. A scenario that is not followed to
 * the letter makes its SIPp exit with an error.
 */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { type Peer, type SippOptions, scratchFolder, startSipp } from "../support/peers.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.18.1";
const CALLER = "127.77.18.2";
const CALLEE = "127.77.18.3";
const OTHER = "127.77.18.4";
const NUMBER = "+15550200300";

let gateway: TestGateway;
let wire: { stop: () => Promise<void> };
let run = 0;
const callees: Peer[] = [];
const scratch = scratchFolder("scenarios");

const everything = join(scratch.path, "everything.pcap");

beforeAll(async () => {
  wire = await capture(everything, "net 127.77.18.0/24");
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: callers, addresses: [${CALLER}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: callee, url: "sip:${CALLEE}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [callers], callerIdPolicy: any }
`,
  );
});
afterEach(async () => {
  for (const callee of callees.splice(0)) await callee.stop();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
});
afterAll(async () => {
  await gateway.stop();
  await wire.stop();
  scratch.remove();
});

function callee(scenario: string, args: readonly string[] = [], address = CALLEE): Peer {
  const peer = startSipp(scratch.path, {
    scenario,
    address,
    port: 5060,
    mediaPort: 22_000,
    args: ["-m", "1", ...args],
  });
  callees.push(peer);
  return peer;
}

async function caller(scenario: string, args: readonly string[] = [], more: Partial<SippOptions> = {}): Promise<void> {
  const peer = startSipp(scratch.path, {
    scenario,
    to: `${GATEWAY}:5060`,
    address: CALLER,
    port: 5061 + ++run,
    mediaPort: 21_000 + 10 * run,
    domain: `office.pstn.${BASE}`,
    args: ["-s", NUMBER, "-key", "from", "+15550100200", "-m", "1", ...args],
    ...more,
  });
  const { code, stdout, stderr } = await peer.finished;
  expect(code, `${scenario}: ${stderr.slice(-2000)}\n${stdout.slice(-1500)}`).toBe(0);
}

/** The far end has to be content as well. */
async function content(peer: Peer): Promise<void> {
  const { code, stdout, stderr } = await peer.finished;
  expect(code, stderr.slice(-2000) + stdout.slice(-1500)).toBe(0);
}
const last = () => [...gateway.gateway.calls.ended()].slice(-2);

describe("SIPp through a trunk", () => {
  it.each([
    ["UDP", []],
    ["TCP", ["-t", "t1"]],
  ])("R-TERM-12: a call over %s, audio both ways", async (_transport, args) => {
    const far = callee("uas_answer_delay", ["-d", "100"]);
    await caller("uac_basic_rtp", ["-d", "1000", ...args]);
    await content(far);
    for (const leg of last()) expect(leg.mediaStats!.packetsReceived).toBeGreaterThan(30);
  });

  it("RFC 3261 §13.2.2.1: early media of a 183 is heard before the answer", async () => {
    const far = callee("uas_early_media_183", ["-d", "1000"]);
    await caller("uac_basic_rtp", ["-d", "1000"]);
    await content(far);
    const sent = Math.max(...last().map(({ mediaStats }) => mediaStats!.packetsSent));
    expect(sent).toBeGreaterThan(80);
  });

  it("RFC 3264 §8.4: hold and resume by re-INVITE", async () => {
    callee("uas_answer_delay", ["-d", "100"]);
    await caller("uac_reinvite_hold", ["-d", "1000"]);
    expect(last().map(({ status }) => status)).toEqual(["completed", "completed"]);
  });

  it("RFC 3261 §9: CANCEL reaches the callee", async () => {
    const far = callee("uas_no_answer");
    await caller("uac_cancel", ["-d", "300"]);
    await content(far);
    expect(last().map(({ status }) => status)).toContain("canceled");
  });

  it("the callee hangs up: the caller gets BYE", async () => {
    const far = callee("uas_hangup", ["-d", "800"]);
    await caller("uac_hung_up");
    await content(far);
  });

  it("DTMF by INFO is answered 200", async () => {
    const far = callee("uas_answer_delay", ["-d", "100", "-aa"]);
    await caller("uac_dtmf_info", ["-d", "500"]);
    await content(far);
  });

  it("RFC 4733: key presses in the audio pass", async () => {
    const far = callee("uas_answer_delay", ["-d", "100"]);
    const file = join(scratch.path, "digits.pcap");
    const wire = await capture(file, `udp and (dst host ${CALLEE} or src host ${CALLER})`);
    await caller("uac_dtmf_rfc4733", ["-d", "5000"]);
    await content(far);
    await wire.stop();
    // A press is one timestamp under the number of telephone-event, however many packets it has (RFC 4733 §2.5.1.2).
    const presses = (isOfThem: (from: string) => boolean) =>
      new Set(
        datagramsOf(file)
          .filter(({ from, payload }) => isOfThem(from) && payload.length === 16 && (payload[1]! & 127) === 101)
          .map(({ payload }) => `${payload.readUInt32BE(4)} ${payload[12]}`),
      );
    const digits = (seen: Set<string>) => [...seen].map((press) => Number(press.split(" ")[1]));
    expect(digits(presses((from) => from === CALLER))).toEqual([1, 2, 5, 11]);
    expect(digits(presses((from) => from === GATEWAY))).toEqual([1, 2, 5, 11]);
  });

  it("RTP with loss, reordering and jitter passes and is counted", async () => {
    const far = callee("uas_answer_delay", ["-d", "100"]);
    await caller("uac_pcap_rtp", ["-d", "2000"]);
    await content(far);
    // The fixture leaves out every 20th packet, swaps every 15th with the next and doubles every 33rd.
    const { packetsLost, packetsReceived } = last()
      .map(({ mediaStats }) => mediaStats!)
      .sort((a, b) => b.packetsLost - a.packetsLost)[0]!;
    expect(packetsReceived).toBeGreaterThan(60);
    expect(packetsLost).toBeGreaterThanOrEqual(1);
    expect(packetsLost).toBeLessThan(packetsReceived / 10);
  });

  it.each([404, 480, 486, 603])("R-ORIG-18, R-ORIG-19: %i of the only target is the caller's answer", async (code) => {
    const far = callee("uas_reject", ["-key", "code", String(code)]);
    await caller("uac_expect_failure", ["-key", "code", String(code)]);
    await content(far);
  });

  it("table 0.1: no codec in common is 488, and no callee is asked", async () => {
    await caller("uac_bad_sdp");
  });

  it("R-KEEP-1: OPTIONS is answered", async () => {
    await caller("uac_options");
  });

  it("R-REDIR-1: only origination follows a 302; one of the carrier fails like any other target", async () => {
    const far = callee("uas_302", ["-key", "target", `sip:${NUMBER}@${OTHER}:5060`]);
    await caller("uac_expect_failure", ["-key", "code", "480"]);
    await content(far);
  });

  it("leaves nothing behind", async () => {
    await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  it("tshark finds no fault in what the gateway sent, sdp-transform none in its SDP", async () => {
    expect(await wireFaults(everything, GATEWAY)).toEqual([]);
  });
});
