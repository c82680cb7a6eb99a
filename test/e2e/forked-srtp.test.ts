/**
 * Kamailio forks an INVITE to two baresips, each with a key of its own and early media of its own; the one that answers first
 * or last, it is that one whose SRTP goes on (SDP-SEC-8, SIP-INV-2, RFC 3261 §13.2.2.4).
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { Kamailio } from "../support/kamailio.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { ScriptedPhone } from "../support/scripted-phone.ts";
import { audioOf, mediaIn, streamFrom } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.28.1";
const CALLER = "127.77.28.2";
const CALLEES = "127.77.28.3";
const FRONT = "127.77.28.10";
const NUMBER = "+15550280099";

let gateway: TestGateway;
let front: Kamailio;
let phones: Baresip[];
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("forked-srtp");
const file = join(scratch.path, "wire.pcap");
const callers: ScriptedPhone[] = [];

beforeAll(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: callers, addresses: [${CALLER}] }
byocTrunks:
  - { name: pstn }
sipDomains:
  - { name: carrier, domain: carrier, secure: true, byocTrunk: pstn, ipAccessControlLists: [callers] }
trunks:
  - { name: office, secure: true, tlsVerify: false, originationUrls: [{ url: "sip:${FRONT}:5061;transport=tls" }] }
phoneNumbers:
  - { number: "${NUMBER}", trunk: office }
`,
  );
  const moved = { "127.77.0.1": GATEWAY, "127.77.0.3": CALLEES };
  const phone = (port: number, voice: string) =>
    Baresip.start({
      folder: join(scratch.path, String(port)),
      address: CALLEES,
      sipPort: port,
      controlPort: port + 100,
      rtpPort: 30_000 + 100 * (port - 6097),
      wav: join(FIXTURES, `${voice}-talk.wav`),
      account: `<sip:${NUMBER}@${CALLEES}:${port}>;regint=0;audio_codecs=pcmu;mediaenc=srtp-mand;answermode=early`,
    });
  [front, ...phones] = await Promise.all([
    Kamailio.start("front.cfg", FRONT, join(scratch.path, "front"), moved),
    phone(6097, "callee"),
    phone(6099, "caller"),
  ]);
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const caller of callers) await caller.stop();
  for (const phone of phones) await phone.stop();
  await front.stop();
  await gateway.stop();
  scratch.remove();
});

describe("an INVITE that was forked, SRTP on every branch", () => {
  it.each([0, 1])("SDP-SEC-8: branch %i answers after early media of both", async (answering) => {
    const [taken, other] = [phones[answering]!, phones[1 - answering]!];
    for (const { events } of phones) events.length = 0;
    const caller = await ScriptedPhone.start({ address: CALLER, gateway: GATEWAY, srtp: true, firstSequence: 100 });
    callers.push(caller);
    const told = phones.map((phone) => phone.messages.length);
    const answered = caller.call(`sip:${NUMBER}@carrier.sip.${BASE}`, `sip:+15550280100@carrier.sip.${BASE}`);
    answered.catch(() => undefined);
    const isEarly = (phone: Baresip, i: number) =>
      phone.messages.slice(told[i]).includes("SIP/2.0 183 Session Progress");
    await until(() => phones.every(isEarly), "early media of both branches");
    await taken.command("accept");
    await answered;
    await until(() => other.has("CALL_CLOSED"), "the end of the branch that did not answer");
    await caller.say(60);
    caller.hangup();
    await until(() => taken.has("CALL_CLOSED"), "the end of the call");

    const seen = datagramsOf(file);
    const media = mediaIn(taken.messages.slice(told[answering]));
    const port = (address: string) => media.find((one) => one.address === address)!.port;
    const ours = caller.told.find(({ address }) => address === GATEWAY)!.port;
    const said = caller.told.find(({ address }) => address === CALLER)!.port;
    // What the caller hears at the end is the one that answered, and that one hears the caller.
    const returned = streamFrom(seen, ours, caller.told);
    const since = returned.at(-1)!.at - 0.8;
    const lastOf = (packets: typeof returned) => audioOf(packets.filter(({ at }) => at > since).slice(0, -2));
    expect(lastOf(returned).length).toBeGreaterThan(3200);
    expect(
      audioOf(streamFrom(seen, port(CALLEES), media)).includes(lastOf(returned)),
      "the one that answered is heard",
    ).toBe(true);
    const relayed = streamFrom(seen, port(GATEWAY), media).filter(({ at }) => at > since - 0.2);
    expect(relayed.filter(({ isAuthentic }) => !isAuthentic).length).toBe(0);
    expect(lastOf(relayed).length).toBeGreaterThan(3200);
    expect(audioOf(streamFrom(seen, said, caller.told)).includes(lastOf(relayed)), "the caller is heard").toBe(true);
    expect(taken.messages.slice(told[answering])).not.toContain("failed to decrypt RTP packet");
  });

  it("leaves nothing behind, and tshark finds nothing malformed", async () => {
    await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
    await wire.stop();
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
