/** Every kind of bad input gets its answer, its alert and one log line, while another call goes on unharmed (requirements 0.1, R-GEN-8). */
import { createSocket } from "node:dgram";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { parseConfig } from "../../src/cli/config.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { Gateway } from "../../src/gateway.ts";
import { Application } from "../../src/simulator/application.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import type { ExtraHeaders } from "../../src/sip/message.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { Secrets } from "../../src/store/secrets.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";

const GATEWAY = "127.77.14.1";
const LISTED = "127.77.14.2";
const STRANGER = "127.77.14.3";
const CARRIER = "127.77.14.4";
const clock = new SystemClock();

let gateway: TestGateway;
let application: Application;
let refusing: ReturnType<typeof createServer>;
let caller: Party;
let stranger: Party;
let carrier: Party;
let bystander: PartyCall;

const party = (name: string, address: string) =>
  Party.start({
    name,
    clock,
    log: silentLog,
    address,
    listen: [{ transport: "udp", address, port: 5060 }],
    script: () => ({ kind: "answer", play: toUlaw(melody()), loop: true }),
  });

beforeAll(async () => {
  // A consumer that refuses the upgrade.
  refusing = createServer();
  refusing.on("upgrade", (_request, socket) => socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
  await new Promise<void>((done) => refusing.listen(0, "127.0.0.1", done));
  const refusingUrl = `ws://127.0.0.1:${(refusing.address() as AddressInfo).port}/`;
  const twiml = (text: string) => () => `<Response>${text}</Response>`;
  application = await Application.start(
    new Map<string, () => string | { status: number; body: string }>([
      ["/no-xml", () => "this is no TwiML"],
      ["/unknown-verb", twiml("<Say>hello</Say><Reject reason='busy'/>")],
      ["/status-500", () => ({ status: 500, body: "broken" })],
      ["/refused-stream", twiml(`<Connect><Stream url="${refusingUrl}"/></Connect>`)],
      ["/bad-scheme", twiml('<Connect><Stream url="https://a.example/"/></Connect>')],
      ["/query", twiml('<Connect><Stream url="wss://a.example/?a=b"/></Connect>')],
      ["/metadata", twiml('<Play>http://169.254.169.254/latest/meta-data</Play><Reject reason="busy"/>')],
    ]),
  );
  const domains = ["no-xml", "unknown-verb", "status-500", "refused-stream", "bad-scheme", "query", "metadata"];
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists:
  - { name: listed, addresses: [${LISTED}] }
connectionPolicies:
  - { name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: nowhere, voiceUrl: "http://127.0.0.1:9/voice" }
${domains.map((name) => `  - { name: ${name}, voiceUrl: "${application.url}/${name}" }`).join("\n")}
sipDomains:
  - { name: nowhere, domain: nowhere, byocTrunk: nowhere, ipAccessControlLists: [listed] }
${domains.map((name) => `  - { name: ${name}, domain: ${name}, byocTrunk: ${name}, ipAccessControlLists: [listed] }`).join("\n")}
trunks:
  - { name: office, domain: office, ipAccessControlLists: [listed], callerIdPolicy: any }
  - { name: owned, domain: owned, ipAccessControlLists: [listed] }
  - { name: secure, domain: secure, secure: true, ipAccessControlLists: [listed], callerIdPolicy: any }
`,
  );
  [caller, stranger, carrier] = await Promise.all([
    party("caller", LISTED),
    party("stranger", STRANGER),
    party("carrier", CARRIER),
  ]);
  bystander = await caller.call(`sip:+15550100200@office.pstn.${BASE}`, {
    from: "sip:+15550100100@x.test",
    nextHop: `sip:${GATEWAY}:5060`,
    play: toUlaw(melody()),
    loop: true,
  });
  expect(await bystander.answered).toBe(true);
});

afterAll(async () => {
  bystander.hangup();
  await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");
  await Promise.all([caller, stranger, carrier].map((one) => one.stop()));
  await gateway.stop();
  await application.stop();
  refusing.close();
});

const PCMU = "v=0\r\no=- 1 1 IN IP4 127.77.14.2\r\ns=-\r\nc=IN IP4 127.77.14.2\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n";

/** Status of the final answer to an INVITE with this body. */
async function invite(
  from: Party,
  uri: string,
  body = PCMU,
  headers: ExtraHeaders = [],
): Promise<{ status: number; warning: string }> {
  return await new Promise((done, fail) => {
    const attempt = from.stack.invite({
      uri: parseUri(uri),
      nextHop: parseUri(`sip:${GATEWAY}:5060`),
      from: { displayName: "", uri: parseUri("sip:+15550100100@x.test"), params: new Map() },
      to: { displayName: "", uri: parseUri(uri), params: new Map() },
      headers,
      body: { contentType: "application/sdp", content: body },
    });
    attempt.onAccepted = (_response, dialog) => {
      dialog.onEnded = () => done({ status: 200, warning: "" });
    };
    attempt.onRejected = (response) =>
      done({ status: response.status, warning: response.headers.get("Warning") ?? "" });
    attempt.onFailed = (error) => fail(error);
  });
}

const codes = () => gateway.gateway.alerts.all().map(({ code }) => code);

describe("requirements 0.1", () => {
  it.each([
    ["source that is not listed", () => invite(stranger, `sip:+15550100200@office.pstn.${BASE}`), 403, 32201],
    ["number without +", () => invite(caller, `sip:15550100200@office.pstn.${BASE}`), 400, 32101],
    ["caller id that is not owned", () => invite(caller, `sip:+15550100200@owned.pstn.${BASE}`), 403, 32204],
    ["secure trunk over UDP", () => invite(caller, `sip:+15550100200@secure.pstn.${BASE}`), 403, 32209],
    [
      "no codec of ours",
      () => invite(caller, `sip:+15550100200@office.pstn.${BASE}`, PCMU.replace("AVP 0", "AVP 18")),
      488,
      32102,
    ],
    [
      "SRTP on a plain trunk",
      () =>
        invite(
          caller,
          `sip:+15550100200@office.pstn.${BASE}`,
          `${PCMU.replace("AVP", "SAVP")}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${"S0tL".repeat(10)}\r\n`,
        ),
      488,
      32207,
    ],
    ["SDP that cannot be read", () => invite(caller, `sip:+15550100200@office.pstn.${BASE}`, "hello"), 400, 32102],
  ] as const)("%s", async (_name, attempt, status, alert) => {
    const seen = gateway.gateway.alerts.all().length;
    expect((await attempt()).status).toBe(status);
    const added = gateway.gateway.alerts.all().slice(seen);
    expect(added.map(({ code, sipStatus }) => [code, sipStatus])).toEqual([[alert, status]]);
    expect(added[0]!.callSid).toMatch(/^CA[0-9a-f]{32}$/);
    expect(
      gateway.log.lines.filter((line) => line.includes(added[0]!.callSid) && line.startsWith("warn")),
    ).toHaveLength(1);
  });

  it("R-NUM, table 0.1: an unknown domain gets no answer at all", async () => {
    const socket = createSocket("udp4");
    const answers: string[] = [];
    socket.on("message", (message) => answers.push(message.toString().split("\r\n")[0]!));
    await new Promise<void>((done) => socket.bind(0, LISTED, done));
    const options = (host: string) =>
      `OPTIONS sip:${host} SIP/2.0\r\nVia: SIP/2.0/UDP ${LISTED}:${socket.address().port};branch=z9hG4bK${host};rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:${host}>\r\nCall-ID: ${host}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`;
    socket.send(options("nobody.example"), 5060, GATEWAY);
    socket.send(Buffer.from([0, 1, 2, 255, 254]), 5060, GATEWAY);
    socket.send("GET / HTTP/1.1\r\n\r\n", 5060, GATEWAY);
    socket.send(options(`office.pstn.${BASE}`), 5060, GATEWAY);
    await until(() => answers.length > 0, "an answer to OPTIONS");
    expect(answers).toEqual(["SIP/2.0 200 OK"]);
    socket.close();
  });
});

describe("webhooks and TwiML", () => {
  it.each([
    ["unreachable webhook", "nowhere", 500, [11205]],
    ["webhook that answers 500", "status-500", 500, [11200]],
    ["TwiML that is no XML", "no-xml", 500, [12100]],
    ["unknown verb: reported, and the next one runs", "unknown-verb", 486, [12200]],
  ])("%s", async (_name, domain, status, expected) => {
    const seen = gateway.gateway.alerts.all().length;
    expect((await invite(caller, `sip:hello@${domain}.sip.${BASE}`)).status).toBe(status);
    await until(() => gateway.gateway.alerts.all().length > seen, "an alert");
    expect(codes().slice(seen)).toEqual(expected);
  });

  it.each([
    ["31920: the consumer refuses the upgrade", "refused-stream", 31920],
    ["31922: a scheme that is no WebSocket", "bad-scheme", 31922],
    ["31920: a query string", "query", 31920],
    ["hardening R20: a file at an inner address", "metadata", 11205],
  ])("%s", async (_name, domain, code) => {
    const seen = gateway.gateway.alerts.all().length;
    const { status } = await invite(caller, `sip:hello@${domain}.sip.${BASE}`);
    expect([200, 486]).toContain(status);
    expect(codes().slice(seen)).toContain(code);
  });
});

describe("the other call", () => {
  it("noticed nothing", async () => {
    await until(() => bystander.leg.stats.packetsReceived > 50, "a second of its audio");
    const { packetsLost } = bystander.leg.stats;
    expect(packetsLost).toBe(0);
    expect(bystander.dialog?.ended).toBe(false);
    expect(gateway.log.lines.filter((line) => line.startsWith("error"))).toEqual([]);
  });
});

describe("a start that cannot be", () => {
  const settings = (extra: string) =>
    parseConfig(
      `domains: { base: ${BASE} }\nsip: { address: ${GATEWAY}, udpPort: 5060, tcpPort: off, tlsPort: off }\nhttp: { port: off }\nmedia: { portMin: 0, portMax: 0, workers: 1 }\nstore: memory\n${extra}`,
      "test.yaml",
      {},
    ).settings;

  it("port in use: names transport, address, port and the cure", async () => {
    await expect(
      Gateway.start({ config: settings(""), store: new MemoryStore(), secrets: Secrets.ephemeral() }),
    ).rejects.toThrow(
      `cannot listen on UDP ${GATEWAY}:5060: another program has this port: stop it or choose another port`,
    );
  });

  it("missing WASM module: names the file and the cure", async () => {
    const start = Gateway.start({
      config: settings(""),
      store: new MemoryStore(),
      secrets: Secrets.ephemeral(),
      wasmUrl: new URL("file:///nowhere/tandem.wasm"),
    });
    await expect(start).rejects.toThrow(/cannot read the media engine \/nowhere\/tandem\.wasm.*npm run build:wasm/);
  });
});
