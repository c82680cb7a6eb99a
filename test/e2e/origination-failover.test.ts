/** Trunk origination with real targets: failover after silence, weights on the wire, refusal codes, Diversion, X- headers (R-ORIG, R-NUM). */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { scratchFolder, startSipp } from "../support/peers.ts";

const GATEWAY = "127.77.13.1";
const CARRIER = "127.77.13.2";
const SILENT = "127.77.13.3";
const BUSY = "127.77.13.4";
const GOOD = "127.77.13.5";

let gateway: TestGateway;
const scratch = scratchFolder("origination");

beforeAll(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: carriers, addresses: [${CARRIER}] }
byocTrunks:
  - { name: carrier }
sipDomains:
  - { name: carrier, domain: carrier, byocTrunk: carrier, ipAccessControlLists: [carriers] }
trunks:
  - name: failover
    domain: failover
    ipAccessControlLists: [carriers]
    originationUrls:
      - { name: first, url: "sip:${SILENT}:5060", priority: 10 }
      - { name: second, url: "sip:${GOOD}:5060?X-Office=Tokyo%20East", priority: 20 }
  - name: busy
    domain: busy
    ipAccessControlLists: [carriers]
    originationUrls:
      - { name: first, url: "sip:anniebp@${BUSY}:5060", priority: 10 }
      - { name: second, url: "sip:${GOOD}:5060", priority: 20 }
phoneNumbers:
  - { number: "+15550300001", trunk: failover }
  - { number: "+15550300002", trunk: busy }
`,
  );
});

afterAll(async () => {
  await gateway.stop();
  scratch.remove();
});

function deliver(number: string, scenario = "uac_basic_rtp", args: readonly string[] = []) {
  return startSipp(scratch.path, {
    scenario,
    to: `${GATEWAY}:5060`,
    address: CARRIER,
    port: 5061,
    mediaPort: 21000,
    domain: `carrier.sip.${BASE}`,
    args: ["-s", number, "-key", "from", "+15550300100", "-m", "1", ...args],
  }).finished;
}

describe("trunk origination", () => {
  it("R-ORIG-17, R-ORIG-26: a silent target is left after 4 s and on record, the next priority answers, audio flows", async () => {
    const silent = startSipp(scratch.path, {
      scenario: "uas_silent",
      address: SILENT,
      port: 5060,
      mediaPort: 22000,
      args: ["-d", "20000"],
    });
    const good = startSipp(scratch.path, {
      scenario: "uas_answer_delay",
      address: GOOD,
      port: 5060,
      mediaPort: 23000,
      args: ["-d", "200"],
    });
    const file = join(scratch.path, "failover.pcap");
    const wire = await capture(file, `udp and src host ${GATEWAY} and (dst host ${SILENT} or dst host ${GOOD})`);
    const run = await deliver("+15550300001", "uac_basic_rtp", ["-d", "1500"]);
    await wire.stop();
    await silent.stop();
    await good.stop();
    expect(run.code, run.stderr).toBe(0);
    const invites = datagramsOf(file).filter(({ payload }) => payload.toString("latin1").startsWith("INVITE "));
    const first = invites.find(({ to }) => to === SILENT)!;
    const second = invites.find(({ to }) => to === GOOD)!;
    const waited = second.at - first.at;
    // Never early; how late it may be is the machine's affair, and the usual figure is 4.0 s.
    expect(waited).toBeGreaterThan(3.9);
    expect(waited).toBeLessThan(8);
    const text = second.payload.toString();
    expect(text).toMatch(/^INVITE sip:\+15550300001@127\.77\.13\.5:5060 SIP\/2\.0\r\n/);
    expect(text).toMatch(/\r\nDiversion: <sip:\+15550300001@failover\.pstn\.voice\.test>;reason=unconditional\r\n/);
    expect(text).toContain("\r\nX-Office: Tokyo East\r\n");
    expect(text).toMatch(/m=audio \d+ RTP\/AVP 0 8 101\r\n/);
    expect(text).toMatch(/\r\nMax-Forwards: 69\r\n/);
    // SIP-TXN-2: repeats at 0.5, 1.5 and 3.5 s while the target is silent.
    expect(invites.filter(({ to }) => to === SILENT).length).toBeGreaterThanOrEqual(4);
    // R-ORIG-26: both attempts are in the record.
    const story = [...gateway.gateway.calls.ended()]
      .flatMap(({ decisions }) => decisions.entries.map((entry) => entry.text))
      .join("\n");
    expect(story).toContain(`sip:${SILENT}:5060: no answer within 4 s`);
  }, 60_000);

  it("R-ORIG-4, R-ORIG-19: 486 is the result of the call; no other target is tried", async () => {
    const busy = startSipp(scratch.path, {
      scenario: "uas_reject",
      address: BUSY,
      port: 5060,
      mediaPort: 22000,
      args: ["-key", "code", "486"],
    });
    const file = join(scratch.path, "busy.pcap");
    const wire = await capture(file, `udp and (src host ${GATEWAY} or dst host ${CARRIER})`);
    const run = await deliver("+15550300002", "uac_expect_failure");
    await wire.stop();
    await busy.stop();
    expect(run.code, run.stderr).toBe(0);
    const seen = datagramsOf(file).map(({ to, payload }) => ({
      to,
      line: payload.toString("latin1").split("\r\n")[0]!,
    }));
    expect(seen).toContainEqual({ to: BUSY, line: `INVITE sip:anniebp@${BUSY}:5060 SIP/2.0` });
    expect(seen.filter(({ to }) => to === GOOD)).toEqual([]);
    expect(seen).toContainEqual({ to: CARRIER, line: "SIP/2.0 486 Busy Here" });
  }, 60_000);

  it("R-NUM-1: a number that is not ours is answered 404", async () => {
    const run = await deliver("+15550309999", "uac_expect_failure");
    expect(run.code, run.stderr).toBe(0);
    expect(gateway.gateway.alerts.all().map(({ sipStatus }) => sipStatus)).toContain(404);
  });
});
