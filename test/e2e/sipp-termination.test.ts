/** Trunk termination with SIPp on both sides: digest 407, carrier link, RTP both ways, under a steady rate (R-TERM, R-AUTH, R-GEN-6). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";
import { scratchFolder, startSipp } from "../support/peers.ts";

const GATEWAY = "127.77.10.1";
const CALLER = "127.77.10.2";
const CALLEE = "127.77.10.3";
const PASSWORD = "Secret-Trunk-1";

const OBJECTS = `
credentialLists:
  - { name: pbx, credentials: [{ username: trunk1, password: ${PASSWORD} }] }
ipAccessControlLists:
  - { name: callers, addresses: [${CALLER}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: callee, url: "sip:${CALLEE}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
trunks:
  - { name: office, domain: office, credentialLists: [pbx], ipAccessControlLists: [callers], callerIdPolicy: any }
`;

let gateway: TestGateway;
const scratch = scratchFolder("termination");

beforeAll(async () => {
  gateway = await startGateway(GATEWAY, OBJECTS);
});
afterAll(async () => {
  await gateway.stop();
  scratch.remove();
});

function caller(password: string, args: readonly string[], to = "+15550200300") {
  return startSipp(scratch.path, {
    scenario: "uac_digest_407",
    to: `${GATEWAY}:5060`,
    address: CALLER,
    port: 5061,
    mediaPort: 21000,
    domain: `office.pstn.${BASE}`,
    user: to,
    args: ["-s", to, "-key", "from", "+15550200100", "-au", "trunk1", "-ap", password, ...args],
  });
}

describe("trunk termination with SIPp", () => {
  it("R-AUTH-4, R-GEN-6: 20 calls at 10 calls/s through digest 407 to the carrier, no call fails, no packet is lost", async () => {
    const callee = startSipp(scratch.path, {
      scenario: "uas_answer_delay",
      address: CALLEE,
      port: 5060,
      mediaPort: 22000,
      args: ["-d", "100"],
    });
    try {
      const run = await caller(PASSWORD, ["-d", "1500", "-m", "20", "-r", "10", "-l", "40"]).finished;
      expect(run.code, run.stdout.slice(-3000) + run.stderr.slice(-3000)).toBe(0);
      const calls = [...gateway.gateway.calls.ended()];
      expect(calls.filter(({ status }) => status === "completed")).toHaveLength(40);
      expect(calls.filter(({ mediaStats }) => (mediaStats?.packetsReceived ?? 0) < 50)).toEqual([]);
      expect(calls.map(({ mediaStats }) => mediaStats?.packetsLost).filter((lost) => lost !== 0)).toEqual([]);
    } finally {
      await callee.stop();
    }
  });

  it("R-AUTH-4: a wrong password is answered 403 and raises alert 32202", async () => {
    const run = await caller("Wrong-Password-1", ["-d", "500", "-m", "1"]).finished;
    expect(run.code).toBe(1);
    expect(gateway.gateway.alerts.all().map(({ code, sipStatus }) => [code, sipStatus])).toContainEqual([32202, 403]);
  });

  it("R-TERM-6, R-TERM-7: a number without + is answered 400 once the caller is known", async () => {
    const run = await caller(PASSWORD, ["-d", "500", "-m", "1"], "15550200300").finished;
    expect(run.code).toBe(1);
    expect(gateway.gateway.alerts.all().map(({ code, sipStatus }) => [code, sipStatus])).toContainEqual([32101, 400]);
  });

  it("leaves nothing behind", () => {
    const status = gateway.gateway.status();
    expect(status.calls).toBe(0);
    expect(status.dialogs).toBe(0);
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
