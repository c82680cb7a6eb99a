/**
 * Janus registers at Kamailio and calls through it and the gateway to a baresip: an offer of RTP/SAVP with SDES keys, 407 on the
 * way, answered, ACK, BYE (R-TERM-1, SDP-SEC-2). Audio would need a browser.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Baresip } from "../support/baresip.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { Janus } from "../support/janus.ts";
import { Kamailio } from "../support/kamailio.ts";
import { capture, datagramsOf } from "../support/pcap.ts";
import { FIXTURES, scratchFolder } from "../support/peers.ts";
import { mediaIn } from "../support/wire-audio.ts";
import { wireFaults } from "../support/wire-check.ts";

const GATEWAY = "127.77.27.1";
const FRONT = "127.77.27.10";
const PHONE = "127.0.0.1";
const NUMBER = "+15550270200";

let gateway: TestGateway;
let front: Kamailio;
let janus: Janus;
let phone: Baresip;
let wire: Awaited<ReturnType<typeof capture>>;
const scratch = scratchFolder("janus");
const file = join(scratch.path, "wire.pcap");

beforeAll(async () => {
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: front, addresses: [${FRONT}] }
connectionPolicies:
  - { name: phone, targets: [{ url: "sip:${PHONE}:6701;transport=tls;secure=true" }] }
byocTrunks:
  - { name: phone, connectionPolicy: phone, tlsVerify: false }
trunks:
  - { name: office, domain: office, secure: false, ipAccessControlLists: [front], callerIdPolicy: any, carrierLink: { byocTrunk: phone } }
`,
    // Its offer of keys comes over UDP here, so that it can be read from the wire.
    { top: "srtp: { optional: true }" },
  );
  [front, janus, phone] = await Promise.all([
    Kamailio.start("auth407.cfg", FRONT, join(scratch.path, "front"), { "127.77.0.3": GATEWAY }),
    Janus.start(join(scratch.path, "janus")),
    Baresip.start({
      folder: join(scratch.path, "phone"),
      address: PHONE,
      sipPort: 6700,
      controlPort: 6710,
      rtpPort: 31_900,
      wav: join(FIXTURES, "callee-talk.wav"),
      account: `<sip:${NUMBER}@${PHONE}:6700;transport=tls>;regint=0;audio_codecs=pcmu;mediaenc=srtp-mand;answermode=auto`,
    }),
  ]);
  wire = await capture(file, `udp and host ${GATEWAY}`);
});
afterAll(async () => {
  await wire.stop();
  await phone.stop();
  await janus.stop();
  await front.stop();
  await gateway.stop();
  scratch.remove();
});

describe("R-GEN-10: Janus through Kamailio and the gateway", () => {
  it("SDP-SEC-2, SIP-DLG-2: its SDES offer is answered, and both sides end the call in order", async () => {
    janus.request({
      request: "register",
      username: `sip:+15550270300@office.pstn.${BASE}`,
      authuser: "trunk1",
      secret: "s3cret",
      proxy: `sip:${FRONT}:5060`,
      outbound_proxy: `sip:${FRONT}:5060`,
      force_udp: true,
    });
    await janus.event("registered");
    janus.call(`sip:${NUMBER}@office.pstn.${BASE}`);
    await janus.event("accepted");
    await until(() => phone.has("CALL_ESTABLISHED"), "an answered call");
    expect(front.log).toContain("authenticated as trunk1 over udp");
    janus.request({ request: "hangup" });
    await until(() => phone.has("CALL_CLOSED"), "the end of the call");
    await until(() => gateway.gateway.status().dialogs === 0, "the end of all dialogs");
    await wire.stop();

    const messages = datagramsOf(file).map(({ from, payload }) => ({ from, text: payload.toString("latin1") }));
    const sdpOf = (start: string, from: string) =>
      messages
        .filter((one) => one.from === from && one.text.startsWith(start))
        .flatMap(({ text }) => mediaIn(text))[0]!;
    const [offer, answer] = [sdpOf("INVITE ", FRONT), sdpOf("SIP/2.0 200", GATEWAY)];
    const suites = ({ crypto }: typeof offer) => crypto.map((line) => line.split(" ").slice(0, 2).join(" "));
    expect(offer.protocol).toBe("RTP/SAVP");
    expect(suites(offer)).toContain("1 AES_CM_128_HMAC_SHA1_80");
    expect(answer.protocol).toBe("RTP/SAVP");
    expect(suites(answer)).toEqual(["1 AES_CM_128_HMAC_SHA1_80"]);
    for (const method of ["ACK ", "BYE "])
      expect(
        messages.some(({ from, text }) => from === FRONT && text.startsWith(method)),
        method,
      ).toBe(true);
    expect([...gateway.gateway.calls.ended()].map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(await wireFaults(file, GATEWAY)).toEqual([]);
  });
});
