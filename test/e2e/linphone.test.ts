/**
 * linphonec through the gateway: as callee with plain RTP, as callee with SRTP behind Kamailio, which speaks TLS for it, and as
 * caller whose first choice is AES_CM_128_HMAC_SHA1_32. What both ends heard is compared with what was said (R-ORIG, R-SEC-8).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { followSpeech } from "../support/follow-speech.ts";
import { BASE, startGateway, type TestGateway } from "../support/gateway.ts";
import { Kamailio } from "../support/kamailio.ts";
import { Linphone } from "../support/linphone.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, type Peer, sameAudio, scratchFolder, startSipp } from "../support/peers.ts";
import { ScriptedPhone } from "../support/scripted-phone.ts";
import { audioOf, mediaIn, streamFrom } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.26.1";
const CALLER = "127.77.26.2";
const CALLEE = "127.77.26.3";
const FRONT = "127.77.26.10";
// linphonec listens on all addresses; its packets leave from this one on loopback.
const LINPHONE = "127.0.0.1";
const PLAIN = 6001;
const SECURE = 6002;
const CALLING = 6003;
/** Kamailio finds the port by the last two digits. */
const numberOf = (port: number) => `+1555026${port}`;

let gateway: TestGateway;
let front: Kamailio;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("linphone");
const file = join(scratch.path, "wire.pcap");
const linphones: Linphone[] = [];
const phones: ScriptedPhone[] = [];
const sipps: Peer[] = [];

beforeAll(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: phones, addresses: [${CALLER}, ${LINPHONE}] }
connectionPolicies:
  - { name: sipp, targets: [{ url: "sip:${CALLEE}:5060" }] }
byocTrunks:
  - { name: pstn }
  - { name: sipp, connectionPolicy: sipp }
sipDomains:
  - { name: plain, domain: plain, byocTrunk: pstn, ipAccessControlLists: [phones] }
  - { name: secure, domain: secure, secure: true, byocTrunk: pstn, ipAccessControlLists: [phones] }
trunks:
  - { name: plain, originationUrls: [{ url: "sip:${LINPHONE}:${PLAIN}" }] }
  - { name: secure, secure: true, tlsVerify: false, originationUrls: [{ url: "sip:${FRONT}:5061;transport=tls" }] }
  - { name: office, domain: office, ipAccessControlLists: [phones], callerIdPolicy: any, carrierLink: { byocTrunk: sipp } }
phoneNumbers:
  - { number: "${numberOf(PLAIN)}", trunk: plain }
  - { number: "${numberOf(SECURE)}", trunk: secure }
`,
    // linphonec calls over UDP, so keys over UDP have to be allowed for it.
    { top: "srtp: { optional: true }" },
  );
  front = await Kamailio.start("front.cfg", FRONT, join(scratch.path, "front"), {
    "127.77.0.1": GATEWAY,
    "127.77.0.3": LINPHONE,
  });
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  for (const phone of phones) await phone.stop();
  for (const linphone of linphones) await linphone.stop();
  for (const sipp of sipps) await sipp.stop();
  await front.stop();
  await gateway.stop();
  scratch.remove();
});

async function linphone(sipPort: number, settings: Record<string, string> = {}): Promise<Linphone> {
  const started = await Linphone.start({
    folder: join(scratch.path, String(sipPort)),
    sipPort,
    rtpPort: 32_000 + 2 * (sipPort - 6000),
    wav: join(FIXTURES, "callee-talk.wav"),
    settings,
  });
  linphones.push(started);
  return started;
}

/**
 * Its jitter buffer stretches and shrinks time, and most of all on a machine that stalls: a third of the windows alone and
 * half of the likeness together is speech that was opened, as another voice has a fifth of it.
 */
async function expectHeard(sent: string, heard: string): Promise<void> {
  const { same, text } = await sameAudio(join(FIXTURES, sent), heard, 0.5, 0.33);
  expect(same, `${sent}: ${text}`).toBe(true);
}

describe("R-GEN-10: linphonec", () => {
  it.concurrent.each([
    { name: "RTP over UDP", port: PLAIN, number: numberOf(PLAIN), domain: "plain", srtp: false },
    {
      name: "SRTP, TLS as far as Kamailio",
      port: SECURE,
      number: numberOf(SECURE),
      domain: "secure",
      srtp: true,
    },
  ])("R-ORIG-1, R-SEC-8: as callee, $name; both hear each other", async ({ port, number, domain, srtp }) => {
    const far = await linphone(port);
    const phone = await ScriptedPhone.start({ address: CALLER, gateway: GATEWAY, srtp, firstSequence: 100 });
    phones.push(phone);
    await phone.call(`sip:${number}@${domain}.sip.${BASE}`, `sip:+15550260300@${domain}.sip.${BASE}`);
    await far.established();
    await phone.say(250);
    phone.hangup();
    await far.ended();
    await far.stop();
    await expectHeard("caller.wav", far.recording);
    const ours = phone.told.find(({ address }) => address === GATEWAY)!;
    const heard = join(scratch.path, `${port}.ul`);
    const packets = streamFrom(datagramsOf(file), ours.port, phone.told);
    expect(packets.filter(({ isAuthentic }) => !isAuthentic).length).toBe(0);
    writeFileSync(heard, audioOf(packets));
    await expectHeard("callee.wav", heard);
  });

  it.concurrent("SDP-SEC-2, R-SEC-8: as caller; its first suite, AES_CM_128_HMAC_SHA1_32, is taken; both hear each other", async () => {
    const callee = startSipp(join(scratch.path, "sipp"), {
      scenario: "uas_answer_delay",
      address: CALLEE,
      port: 5060,
      mediaPort: 22_000,
      args: ["-d", "200", "-m", "1", "-timeout", "60s", "-timeout_error"],
    });
    sipps.push(callee);
    const near = await linphone(CALLING, {
      srtp_crypto_suites: "AES_CM_128_HMAC_SHA1_32,AES_CM_128_HMAC_SHA1_80",
      media_encryption_mandatory: "1",
      default_proxy: "0",
      reg_proxy: `<sip:${GATEWAY}>`,
      reg_route: `<sip:${GATEWAY};lr>`,
      reg_identity: `sip:+15550260300@office.pstn.${BASE}`,
    });
    near.call(`sip:+15550260200@office.pstn.${BASE}`);
    await near.established();
    await new Promise((done) => setTimeout(done, 5000));
    near.hangup();
    await near.ended();
    const run = await callee.finished;
    expect(run.code, run.stderr).toBe(0);
    await near.stop();
    await expectHeard("caller.wav", near.recording);

    const seen = datagramsOf(file);
    const messages = seen
      .filter(({ payload }) => payload.includes("\nCSeq:"))
      .map(({ payload }) => payload.toString("latin1"));
    const answer = messages
      .flatMap((text) => (text.startsWith("SIP/2.0 200") ? mediaIn(text) : []))
      .find(({ address, crypto }) => address === GATEWAY && crypto.length > 0)!;
    expect(answer.crypto.map((line) => line.split(" ").slice(0, 2))).toEqual([["1", "AES_CM_128_HMAC_SHA1_32"]]);
    // Octet by octet as SIPp said it, under that suite.
    const protectedAudio = streamFrom(seen, answer.port, [answer]);
    expect(protectedAudio.filter(({ isAuthentic }) => !isAuthentic).length).toBe(0);
    const road = followSpeech(audioOf(protectedAudio), readFileSync(join(FIXTURES, "media.ul")));
    expect(road.strange).toBe(0);
    expect(road.inOrder).toBeGreaterThan(100);
    const heard = join(scratch.path, "calling.ul");
    // SIPp hears it in clear.
    const toCallee = seen.filter(
      ({ from, to, payload }) => from === GATEWAY && to === CALLEE && payload.length === 172,
    );
    writeFileSync(heard, Buffer.concat(toCallee.map(({ payload }) => payload.subarray(12))));
    await expectHeard("callee.wav", heard);
  });
});

it("sends nothing that tshark calls malformed", async () => {
  await wire.stop();
  expect(await wireFaults(file, GATEWAY)).toEqual([]);
});
