/** SIP-REG-3 with a real registrar: Kamailio asks for digest, keeps the Contact, and calls come back by it. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startGateway, type TestGateway, until } from "../support/gateway.ts";
import { PEERS, Peer, scratchFolder } from "../support/peers.ts";
import { Talker, talking } from "../support/talkers.ts";

const GATEWAY = "127.77.32.1";
const REGISTRAR = "127.77.32.2";
const PBX = "127.77.32.3";
const CALLER = "127.77.32.4";

const scratch = scratchFolder("registrar");
let kamailio: Peer;
let gateway: TestGateway;
let pbx: Talker;
let caller: Talker;

function startKamailio(): Peer {
  const config = join(scratch.path, "registrar.cfg");
  const text = readFileSync(join(PEERS, "kamailio", "registrar.cfg"), "utf8");
  writeFileSync(config, text.replaceAll("ADDRESS", REGISTRAR));
  return new Peer(join(PEERS, "kamailio", "start-kamailio.sh"), [join(scratch.path, "run"), config], scratch.path);
}

beforeAll(async () => {
  kamailio = startKamailio();
  const byoc = (name: string, transport: string, expiresSeconds: number) => `
  - name: ${name}
    targetUsername: trunk1
    targetPassword: s3cret
    registration: { registrar: "sip:${REGISTRAR}${transport}", expiresSeconds: ${expiresSeconds} }`;
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: carriers, addresses: [${REGISTRAR}] }
byocTrunks:
${byoc("carrier", ";transport=tcp", 60)}
sipDomains:
  - { name: carrier, domain: carrier, byocTrunk: carrier, ipAccessControlLists: [carriers] }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [carriers], originationUrls: [{ name: pbx, url: "sip:${PBX}:5060" }] }
phoneNumbers:
  - { number: "+15550300001", trunk: office }
`,
    // What is refused while Kamailio starts is tried again in the time of the test.
    { top: "" },
  );
  pbx = await Talker.start(PBX, 400);
  caller = await Talker.start(CALLER, 700);
});
afterAll(async () => {
  await gateway?.stop();
  await pbx?.party.stop();
  await caller?.party.stop();
  // Kamailio forks: its first process ends the others.
  await kamailio?.stop("SIGTERM");
  scratch.remove();
});

describe("a carrier that wants to be registered at", () => {
  it("SIP-REG-3: 401, 423 and digest; a call by our Contact reaches the number in To; taken back at the end", async () => {
    const registration = () => gateway.gateway.status().registrations[0]!;
    await until(() => registration().registered, "the registration", 60_000);
    const near = await caller.call(
      `sip:+15550300001@${REGISTRAR}`,
      `sip:${REGISTRAR}`,
      "sip:+15550999000@carrier.test",
    );
    const far = await pbx.received();
    await talking([near, caller], [far, pbx]);
    expect(far.invite!.request.uri.user).toBe("+15550300001");
    near.hangup();
    await far.ended;
    await gateway.stop();
    const after = await caller.party.call(`sip:+15550300001@${REGISTRAR}`, {
      from: "sip:+15550999000@carrier.test",
      nextHop: `sip:${REGISTRAR}`,
    });
    expect(await after.answered).toBe(false);
    expect(after.status).toBe(404);
  });
});
