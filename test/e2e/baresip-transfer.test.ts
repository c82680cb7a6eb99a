/**
 * baresip transfers a call by REFER, over TLS with SRTP: the party that stays and the new one hear each other, octet by octet,
 * and a number that wraps meanwhile makes nobody deaf (R-XFER-3 to R-XFER-5, SIP-REF-2, SRTP-4).
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { followSpeech } from "../support/follow-speech.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { ScriptedPhone } from "../support/scripted-phone.ts";
import { audioOf, mediaIn, streamFrom, type WirePacket } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.25.1";
const CARRIER = "127.77.25.2";
// Connections and RTP of baresip leave from this address on loopback.
const PHONES = "127.0.0.1";

let gateway: TestGateway;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("baresip-transfer");
const file = join(scratch.path, "wire.pcap");
const stops: (() => Promise<void>)[] = [];

/** Where the n-th phone listens; its TLS port is one more. */
const portOf = (n: number) => 6500 + 20 * n;
const numberOf = (n: number) => `+1555025000${n}`;

beforeAll(async () => {
  const office = (n: number) =>
    `  - { name: office${n}, domain: office${n}, secure: true, tlsVerify: false, ipAccessControlLists: [phones], callerIdPolicy: any, transferMode: enable-all, carrierLink: { byocTrunk: carrier${n} }, originationUrls: [{ url: "sip:${PHONES}:${portOf(n) + 1};transport=tls" }] }`;
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: phones, addresses: [${PHONES}, ${CARRIER}] }
connectionPolicies:
  - { name: carrier0, targets: [{ url: "sip:${PHONES}:${portOf(1) + 1};transport=tls;secure=true" }] }
byocTrunks:
  - { name: pstn }
  - { name: carrier0, connectionPolicy: carrier0, tlsVerify: false }
  - { name: carrier3, connectionPolicy: carrier0, tlsVerify: false }
sipDomains:
  - { name: carrier, domain: carrier, secure: true, byocTrunk: pstn, ipAccessControlLists: [phones] }
trunks:
${office(0)}
${office(3)}
phoneNumbers:
  - { number: "${numberOf(3)}", trunk: office3 }
`,
    { top: "redirect: { reach: any }" },
  );
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const stop of stops) await stop();
  await gateway.stop();
  scratch.remove();
});

async function phone(n: number, account: string, voice = "callee"): Promise<Baresip> {
  const started = await Baresip.start({
    folder: join(scratch.path, `phone${n}`),
    address: PHONES,
    sipPort: portOf(n),
    controlPort: portOf(n) + 10,
    rtpPort: 31_500 + 100 * n,
    wav: join(FIXTURES, `${voice}-talk.wav`),
    account: `${account};regint=0;audio_codecs=pcmu;mediaenc=srtp-mand`,
  });
  stops.push(() => started.stop());
  return started;
}
const answering = (n: number, voice?: string) =>
  phone(n, `<sip:${numberOf(n)}@${PHONES}:${portOf(n)};transport=tls>;answermode=auto`, voice);
const dialling = (n: number) =>
  phone(n, `<sip:+15550250200@office${n}.pstn.${BASE};transport=tls>;outbound="sip:${GATEWAY}:5061;transport=tls"`);

const nowS = () => Date.now() / 1000;
const talk = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** What a phone sent and what the gateway sent to it, by the ports of its own trace. */
function streams(own: Baresip, address = PHONES): { said: WirePacket[]; heard: WirePacket[] } {
  const media = mediaIn(own.messages);
  const port = (of: string) => media.find((one) => one.address === of)!.port;
  const seen = datagramsOf(file);
  return { said: streamFrom(seen, port(address), media), heard: streamFrom(seen, port(GATEWAY), media) };
}

/** What one was sent in the second before a moment is what the other said. */
function expectJoined(listener: WirePacket[], speaker: WirePacket[], until: number): void {
  const second = audioOf(listener.filter(({ at }) => at > until - 1 && at < until));
  expect(second.length, "octets after the transfer").toBeGreaterThan(4000);
  expect(audioOf(speaker).includes(second), "relayed as it was said").toBe(true);
  expect(listener.filter(({ isAuthentic }) => !isAuthentic).length, "packets of ours that no key opens").toBe(0);
}

describe("baresip transfers by REFER", () => {
  it.concurrent("R-XFER-3, SIP-REF-2: the caller gives its call away; the two others hear each other", async () => {
    const [transferor, stays, target] = await Promise.all([dialling(0), answering(1, "caller"), answering(2)]);
    await transferor.command("dial", `sip:${numberOf(1)}@office0.pstn.${BASE}`);
    await until(() => transferor.has("CALL_ESTABLISHED") && stays.has("CALL_ESTABLISHED"), "an answered call");
    await talk(500);
    await transferor.command("transfer", `sip:${numberOf(2)}@${PHONES}:${portOf(2) + 1}`);
    await until(() => target.has("CALL_ESTABLISHED"), "the target of the transfer");
    await until(() => transferor.has("CALL_CLOSED"), "the end of the transferor's call");
    expect(transferor.messages).toContain("SIP/2.0 202 Accepted");
    expect(transferor.messages).toMatch(/SIP\/2\.0 100 Trying/);
    await talk(1500);
    const end = nowS() - 0.05;
    await target.command("hangup");
    await until(() => stays.has("CALL_CLOSED"), "the end of the other side");
    const [one, two] = [streams(stays), streams(target)];
    expectJoined(one.heard, two.said, end);
    expectJoined(two.heard, one.said, end);
    expect(new Set(one.heard.map(({ ssrc }) => ssrc)).size, "SSRCs towards the party that stays").toBe(1);
    expect(stays.messages + target.messages).not.toContain("failed to decrypt RTP packet");
  });

  it.concurrent("R-XFER-3, SRTP-4: the callee gives it away, around the wrap of the one that stays", async () => {
    const [transferor, target] = await Promise.all([answering(3), answering(4)]);
    const stays = await ScriptedPhone.start({ address: CARRIER, gateway: GATEWAY, srtp: true, firstSequence: 65_500 });
    stops.push(() => stays.stop());
    await stays.call(`sip:${numberOf(3)}@carrier.sip.${BASE}`, `sip:+15550250300@carrier.sip.${BASE}`);
    await until(() => transferor.has("CALL_ESTABLISHED"), "an answered call");
    await stays.say(10);
    await transferor.command("transfer", `sip:${numberOf(4)}@${PHONES}:${portOf(4) + 1}`);
    await until(() => target.has("CALL_ESTABLISHED"), "the target of the transfer");
    await until(() => transferor.has("CALL_CLOSED"), "the end of the transferor's call");
    await stays.say(70);
    const end = nowS() - 0.05;
    stays.hangup();
    await until(() => target.has("CALL_CLOSED"), "the end of the other side");

    const seen = datagramsOf(file);
    const ours = (address: string) => stays.told.filter((one) => one.address === address).map(({ port }) => port)[0]!;
    const said = streamFrom(seen, ours(CARRIER), stays.told);
    expect(said.at(-1)!.rolloverCounter, "rounds of the phone").toBe(1);
    const two = streams(target);
    expectJoined(streamFrom(seen, ours(GATEWAY), stays.told), two.said, end);
    expectJoined(two.heard, said, end);
    const road = followSpeech(audioOf(two.heard), readFileSync(join(FIXTURES, "caller.ul")));
    expect(road.strange).toBe(0);
    const [inbound] = [...gateway.gateway.calls.ended()].filter(({ details }) => details.to === numberOf(3));
    await until(() => inbound!.mediaStats !== undefined, "the counters of the leg");
    expect(inbound!.mediaStats!.drops).toMatchObject({ "auth-failed": 0, replayed: 0 });
  });

  it("leaves nothing behind, and tshark finds nothing malformed", async () => {
    await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
    await wire.stop();
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});
