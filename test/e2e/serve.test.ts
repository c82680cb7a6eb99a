/** `tandem serve` as a process: what it answers over HTTP, and how signals end it (hardening 2 "Drain", R-PERF-4, R-SEC-15). */
import { createSocket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { makeCertificates } from "../../src/cli/demo/certificates.ts";
import { Application } from "../../src/simulator/application.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { until } from "../support/gateway.ts";
import { Peer, scratchFolder } from "../support/peers.ts";

const GATEWAY = "127.77.15.1";
const PHONE = "127.77.15.2";
const DOMAIN = "app.sip.serve.test";
const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const clock = new SystemClock();
const scratch = scratchFolder("serve");
const configFile = join(scratch.path, "tandem.yaml");

let application: Application;
let phone: Party;
let server: Peer;
let httpUrl: string;

const lines = () =>
  server.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { msg: string; level: string; url?: string });
const said = (text: string) => lines().some(({ msg }) => msg.includes(text));
const serve = (...args: string[]) =>
  new Peer(process.execPath, [main, "serve", "-c", configFile, ...args], scratch.path);

beforeAll(async () => {
  const { certPem, keyPem } = await makeCertificates([DOMAIN], GATEWAY);
  writeFileSync(join(scratch.path, "cert.pem"), certPem);
  writeFileSync(join(scratch.path, "key.pem"), keyPem);
  application = await Application.start(
    new Map([["/voice", () => "<Response><Play digits='w'/><Pause length='600'/></Response>"]]),
  );
  writeFileSync(
    configFile,
    `
domains: { base: serve.test }
sip: { address: ${GATEWAY}, udpPort: 5060, tcpPort: 5060, tlsPort: 5061, optionsBurst: 1000, overloadLagMs: 0 }
tls: { certFile: cert.pem, keyFile: key.pem }
http: { address: ${GATEWAY}, port: 0 }
media: { portMin: 0, portMax: 0, workers: 1 }
log: { format: json, level: info }
webhooks: { allowPrivateAddresses: [127.0.0.0/8] }
store: memory
accounts: [{ name: main, authToken: "12345678901234567890123456789012" }]
ipAccessControlLists: [{ name: phones, addresses: [${PHONE}] }]
byocTrunks: [{ name: app, voiceUrl: "${application.url}/voice" }]
sipDomains: [{ name: app, domain: app, byocTrunk: app, ipAccessControlLists: [phones] }]
`,
  );
  phone = await Party.start({
    name: "phone",
    clock,
    log: silentLog,
    address: PHONE,
    listen: [{ transport: "udp", address: PHONE, port: 5060 }],
  });
});
afterAll(async () => {
  await phone.stop();
  await application.stop();
  scratch.remove();
});

beforeEach(async () => {
  server = serve("--drain", "600");
  await until(() => said("ready") || server.ended, "a gateway that is ready");
  httpUrl = lines().find(({ msg }) => msg === "listening for HTTP")!.url!;
});
afterEach(() => server.stop());

const call = (): Promise<PartyCall> =>
  phone.call(`sip:hello@${DOMAIN}`, { from: `sip:phone@${PHONE}`, nextHop: `sip:${GATEWAY}:5060` });
let pings = 0;
/** OPTIONS from a socket of its own; resolves with the answer's text. */
const options = (): Promise<string> =>
  new Promise((done) => {
    const socket = createSocket("udp4");
    socket.once("message", (answer) => {
      socket.close();
      done(answer.toString());
    });
    socket.bind(0, PHONE, () =>
      socket.send(
        `OPTIONS sip:${DOMAIN} SIP/2.0\r\nVia: SIP/2.0/UDP ${PHONE}:${socket.address().port};branch=z9hG4bKping${++pings};rport\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:${DOMAIN}>\r\nCall-ID: ping${pings}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n`,
        5060,
        GATEWAY,
      ),
    );
  });

describe("tandem serve", () => {
  it("R-PERF-4, R-SEC-15: tells health, readiness, metrics and the certificate", async () => {
    const get = async (path: string) => {
      const response = await fetch(httpUrl + path);
      return { status: response.status, text: await response.text() };
    };
    expect(await get("/healthz")).toMatchObject({ status: 200 });
    expect(await get("/readyz")).toMatchObject({ status: 200 });
    const metrics = await get("/metrics");
    for (const name of [
      "tandem_calls 0",
      'tandem_worker_alive{worker="0"} 1',
      "# TYPE tandem_sip_messages_total counter",
    ])
      expect(metrics.text).toContain(name);
    expect((await get("/certificate.pem")).text).toMatch(/^-----BEGIN CERTIFICATE-----/);
    expect((await get("/nothing")).status).toBe(404);
  });

  it("SIGTERM: new calls and OPTIONS get 503 with Retry-After, the running call goes on and ends the process when it ends", async () => {
    const running = await call();
    expect(await running.answered).toBe(true);
    expect(await options()).toMatch(/^SIP\/2\.0 200 /);
    server.process.kill("SIGTERM");
    await until(() => said("SIGTERM: no new calls"), "the drain");
    const refused = await call();
    expect(await refused.answered).toBe(false);
    expect(refused.status).toBe(503);
    const ping = await options();
    expect(ping).toMatch(/^SIP\/2\.0 503 /);
    expect(Number(/Retry-After: (\d+)/i.exec(ping)?.[1])).toBeGreaterThanOrEqual(5);
    expect((await fetch(`${httpUrl}/readyz`)).status).toBe(503);
    expect(running.dialog?.ended).toBe(false);
    running.hangup();
    expect((await server.finished).code).toBe(0);
    expect(lines().at(-1)?.msg).toBe("stopped");
  });

  it("a second signal ends the running call with BYE and the process at once", async () => {
    const running = await call();
    expect(await running.answered).toBe(true);
    server.process.kill("SIGTERM");
    await until(() => said("SIGTERM: no new calls"), "the drain");
    server.process.kill("SIGTERM");
    await running.ended;
    expect((await server.finished).code).toBe(0);
    expect(running.dialog?.ended).toBe(true);
  });

  it("a second gateway on the same ports says which one is taken, and exits 1", async () => {
    const second = serve();
    const { code, stderr } = await second.finished;
    expect(code).toBe(1);
    expect(stderr).toContain(`${GATEWAY}:5060: another program has this port`);
  });
});
