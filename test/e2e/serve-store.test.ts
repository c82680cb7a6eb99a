/**
 * `tandem serve` with a data file: what it says of declared objects at start, calls while the file is locked by somebody else, and what is
 * there after it was killed (R-GEN-5, design 7).
 */
import { rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Application } from "../../src/simulator/application.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { loadSqlite } from "../../src/store/sqlite-module.ts";
import { until } from "../support/gateway.ts";
import { Peer, scratchFolder } from "../support/peers.ts";

const GATEWAY = "127.77.46.1";
const PHONE = "127.77.46.2";
const TOKEN = "12345678901234567890123456789012";
const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const scratch = scratchFolder("serve-store");
const configFile = join(scratch.path, "tandem.yaml");
const dataFile = join(scratch.path, "tandem.db");

let application: Application;
let phone: Party;
let server: Peer;

const lines = () =>
  server.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { msg: string; url?: string } & Record<string, unknown>);
const said = (text: string) => lines().some(({ msg }) => msg.includes(text));

async function start(objects: string): Promise<void> {
  writeFileSync(
    configFile,
    `
domains: { base: store.test }
sip: { address: ${GATEWAY}, udpPort: 5060, tcpPort: 5060, tlsPort: off, optionsBurst: 1000, overloadLagMs: 0 }
http: { address: ${GATEWAY}, port: 0 }
media: { portMin: 0, portMax: 0, workers: 1 }
log: { format: json, level: info }
webhooks: { allowPrivateAddresses: [127.0.0.0/8] }
store: ${dataFile}
accounts: [{ name: main, authToken: "${TOKEN}" }]
${objects}
`,
  );
  server = new Peer(process.execPath, [main, "serve", "-c", configFile], scratch.path);
  await until(() => said("ready") || server.ended, "a gateway that is ready");
  expect(server.ended, server.stderr).toBe(false);
}

const base = () => `
ipAccessControlLists: [{ name: phones, addresses: [${PHONE}] }]
byocTrunks: [{ name: app, voiceUrl: "${application.url}/voice" }]
`;
const domain = (name: string) =>
  `sipDomains: [{ name: app, domain: ${name}, byocTrunk: app, ipAccessControlLists: [phones] }]\n`;

const call = (name = "app"): Promise<PartyCall> =>
  phone.call(`sip:hello@${name}.sip.store.test`, { from: `sip:phone@${PHONE}`, nextHop: `sip:${GATEWAY}:5060` });

async function rest(method: string, path: string, fields: Record<string, string> = {}) {
  const sid = lines().find(({ msg }) => msg.startsWith("created accounts"))?.["sid"] ?? accountSid;
  accountSid = String(sid);
  const answer = await fetch(lines().find(({ msg }) => msg === "listening for HTTP")!.url! + path, {
    method,
    headers: { authorization: `Basic ${Buffer.from(`${accountSid}:${TOKEN}`).toString("base64")}` },
    ...(method === "GET" ? {} : { body: new URLSearchParams(fields) }),
  });
  const body = (await answer.json()) as Record<string, string>;
  return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body };
}
let accountSid = "";

beforeAll(async () => {
  application = await Application.start(
    new Map([["/voice", () => "<Response><Play digits='w'/><Pause length='600'/></Response>"]]),
  );
  phone = await Party.start({
    name: "phone",
    clock: new SystemClock(),
    log: silentLog,
    address: PHONE,
    listen: [{ transport: "udp", address: PHONE, port: 5060 }],
  });
});
afterAll(async () => {
  await server?.stop();
  await phone.stop();
  await application.stop();
  scratch.remove();
  rmSync(dataFile, { force: true });
});

it("R-GEN-5, design 7: declared objects are told, calls go on while the file is locked, and what was acknowledged survives a kill", async () => {
  await start(base() + domain("app"));
  const counts = () => lines().find(({ msg }) => msg === "declared objects");
  expect(counts()).toMatchObject({ added: 4, changed: 0, removed: 0, unchanged: 0 });
  const made = await rest("POST", "/v1/Trunks", { FriendlyName: "before the lock" });
  expect(made.status).toBe(201);
  // What the file declared is there by REST (R-GEN-5).
  const byoc = await rest("GET", "/v1/ByocTrunks");
  expect(byoc.body["byoc_trunks"]).toMatchObject([{ friendly_name: "app", voice_url: `${application.url}/voice` }]);

  const { DatabaseSync } = loadSqlite();
  const other = new DatabaseSync(dataFile);
  other.exec("BEGIN EXCLUSIVE");
  const refused = rest("POST", "/v1/Trunks", { FriendlyName: "while locked" });
  const running = await call();
  expect(await running.answered).toBe(true);
  expect(await refused).toMatchObject({ status: 503, retryAfter: "1", body: { code: 20503 } });
  expect((await refused).body["message"]).toMatch(/^nothing was changed: .*locked/);
  expect((await rest("GET", `/v1/Trunks/${made.body["sid"]}`)).status).toBe(200);
  other.exec("ROLLBACK");
  other.close();
  const after = await rest("POST", "/v1/Trunks", { FriendlyName: "after the lock" });
  expect(after.status).toBe(201);

  server.process.kill("SIGKILL");
  await server.finished;
  await start(base() + domain("office"));
  expect(counts()).toMatchObject({ added: 1, changed: 0, removed: 1, unchanged: 3 });
  expect(said('removed sipDomains "app"')).toBe(true);
  const { body } = await rest("GET", "/v1/Trunks");
  expect((body["trunks"] as unknown as { friendly_name: string }[]).map((one) => one.friendly_name)).toEqual([
    "after the lock",
    "before the lock",
  ]);
  expect(await (await call("office")).answered).toBe(true);
});
