/**
 * baresip over TLS with SRTP calls a BYOC domain; a webhook answers with TwiML made by the `twilio` package; a consumer
 * echoes the stream; baresip's own recording holds the speech that it sent (R-BYOC-4 to 6, R-SEC, R-STRM-1).
 */

import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { Application, type ApplicationAnswer } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { Baresip } from "../support/baresip.ts";
import { AUTH_TOKEN, BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";
import { FIXTURES, sameAudio, scratchFolder } from "../support/peers.ts";

const GATEWAY = "127.77.11.1";
const PHONE = "127.77.11.4";
const PASSWORD = "Speech-Phone-1";

let gateway: TestGateway;
let consumer: Consumer;
let application: Application;
let phone: Baresip;
const scratch = scratchFolder("baresip");

beforeAll(async () => {
  consumer = await Consumer.start({ clock: new SystemClock(), mode: "echo" });
  application = await Application.start(
    new Map<string, () => ApplicationAnswer>([
      [
        "/voice",
        () => {
          const response = new twilio.twiml.VoiceResponse();
          const stream = response.connect({ action: "/after" }).stream({ url: consumer.url, name: "echo" });
          stream.parameter({ name: "customer", value: 'Ann "A" Smith' });
          return response.toString();
        },
      ],
      ["/after", () => new twilio.twiml.VoiceResponse().toString()],
      ["/status", () => ({ status: 204, body: "" })],
    ]),
  );
  gateway = await startGateway(
    GATEWAY,
    `
credentialLists:
  - { name: phones, credentials: [{ username: phone, password: ${PASSWORD} }] }
byocTrunks:
  - { name: app, voiceUrl: "${application.url}/voice", statusCallbackUrl: "${application.url}/status" }
sipDomains:
  - { name: phones, domain: phones, secure: true, byocTrunk: app, credentialLists: [phones] }
`,
  );
  phone = await Baresip.start({
    folder: `${scratch.path}/phone`,
    address: PHONE,
    sipPort: 5060,
    controlPort: 4444,
    rtpPort: 25000,
    wav: `${FIXTURES}/caller-long.wav`,
    account: `<sip:phone@phones.sip.${BASE};transport=tls>;regint=0;audio_codecs=pcmu;mediaenc=srtp-mand;outbound="sip:${GATEWAY}:5061;transport=tls";auth_user=phone;auth_pass=${PASSWORD}`,
  });
});

afterAll(async () => {
  await phone.stop();
  await gateway.stop();
  await consumer.stop();
  await application.stop();
  scratch.remove();
});

describe("baresip, TLS and SRTP, streamed to a consumer and back", () => {
  it("media-streams.md 14: speech goes to the consumer and comes back whole", async () => {
    await phone.command("dial", `sip:hello@phones.sip.${BASE}`);
    await until(() => consumer.streams.length === 1, "a stream");
    const stream = consumer.streams[0]!;
    await until(() => stream.framesIn >= 50 * 11, "11 s of frames");
    await phone.command("hangup");
    await until(() => stream.stopped && gateway.gateway.calls.liveCount === 0, "the end of the call");
    expect(stream.numberingFaults, stream.firstFault).toBe(0);
    expect(stream.customParameters).toEqual(new Map([["customer", 'Ann "A" Smith']]));
    const [call] = [...gateway.gateway.calls.ended()].filter(({ status }) => status === "completed");
    await until(() => call!.mediaStats !== undefined, "the counters of the call");
    expect(call!.mediaStats!.packetsLost).toBe(0);
    expect(call!.decisions.entries.some(({ text }) => text.includes("AES_CM_128_HMAC_SHA1_80"))).toBe(true);
    await phone.stop();
    const { same, text } = await sameAudio(`${FIXTURES}/caller.wav`, phone.recording("dec"), 0.95, 0.75);
    expect(same, text).toBe(true);
  }, 60_000);

  it("R-BYOC-6, twiml.md 6: webhooks are signed and tell the call", () => {
    const voice = application.requests.find(({ path }) => path === "/voice")!;
    const parameters = Object.fromEntries(voice.parameters);
    expect(parameters).toMatchObject({
      CallStatus: "ringing",
      Direction: "inbound",
      ApiVersion: "2010-04-01",
      SipDomain: `phones.sip.${BASE}`,
      SipUsername: "phone",
      To: `sip:hello@phones.sip.${BASE}`,
    });
    for (const request of application.requests) {
      const signature = String(request.headers["x-twilio-signature"]);
      const form = Object.fromEntries(request.parameters);
      expect(twilio.validateRequest(AUTH_TOKEN, signature, `${application.url}${request.path}`, form)).toBe(true);
    }
  });

  it("media-streams.md 2.2: the upgrade request is signed for the ws URL", () => {
    const stream = consumer.streams[0]!;
    expect(stream.headers["user-agent"]).toBe("Twilio.TmeWs/1.0");
    expect(twilio.validateRequest(AUTH_TOKEN, String(stream.headers["x-twilio-signature"]), consumer.url, {})).toBe(
      true,
    );
  });

  it("R-BYOC-8: status callbacks come in order, each once", async () => {
    const statuses = () =>
      application.requests
        .filter(({ path }) => path === "/status")
        .map(({ parameters }) => parameters.get("CallStatus"));
    await until(() => statuses().length >= 4, `four status callbacks, not ${statuses()}`);
    expect(statuses()).toEqual(["initiated", "ringing", "in-progress", "completed"]);
  });

  it("R-SEC-11: no key is in the log", () => {
    expect(gateway.log.lines.join("\n")).not.toMatch(/inline:/);
  });
});
