/**
 * `tandem explain` against `tandem serve`, both as processes (issue 4, R-GEN-8): wrong password, unlisted address, no common
 * codec, all targets dead, webhook failing. Each names cause and cure in one screen of 80 columns and 40 lines.
 */
import { createSocket, type Socket } from "node:dgram";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { declaredAccountSid } from "../../src/cli/declared-sid.ts";
import type { CallReport, CallSummary } from "../../src/explain/types.ts";
import { Application } from "../../src/simulator/application.ts";
import { Party } from "../../src/simulator/party.ts";
import type { ExtraHeaders } from "../../src/sip/message.ts";
import { parseUri } from "../../src/sip/uri.ts";
import { until } from "../support/gateway.ts";
import { type Finished, Peer, scratchFolder, startSipp } from "../support/peers.ts";

const GATEWAY = "127.77.16.1";
const PBX = "127.77.16.2";
const STRANGER = "127.77.16.3";
const SILENT = "127.77.16.4";
const CLOSED = "127.77.16.5";
const CARRIER = "127.77.16.6";
const TOKEN = "an-auth-token-of-the-main-account";
const OTHER_TOKEN = "an-auth-token-of-another-account";
const PASSWORD = "Right-Password-1";
const WRONG = "Wrong-Password-2";
const KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const GOLDEN = resolve(import.meta.dirname, "../explain/golden");
const scratch = scratchFolder("explain");
const configFile = join(scratch.path, "tandem.yaml");
const clock = new SystemClock();

let application: Application;
let server: Peer;
let httpUrl: string;
let silent: Socket;
let pbx: Party;
let stranger: Party;
let carrier: Party;

const lines = () =>
  server.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { msg: string; url?: string });

const party = (name: string, address: string) =>
  Party.start({
    name,
    clock,
    log: silentLog,
    address,
    listen: [{ transport: "udp", address, port: 5060 }],
    script: () => ({ kind: "answer", play: new Uint8Array(160).fill(255), loop: true }),
  });

beforeAll(async () => {
  application = await Application.start(new Map([["/voice", () => ({ status: 500, body: "broken" })]]));
  writeFileSync(
    configFile,
    `
domains: { base: voice.test }
sip: { address: ${GATEWAY}, udpPort: 5060, tcpPort: 5060, noAnswerMs: 600, t1Ms: 100 }
http: { address: ${GATEWAY}, port: 0 }
media: { portMin: 0, portMax: 0, workers: 1 }
log: { format: json, level: info }
webhooks: { allowPrivateAddresses: [127.0.0.0/8] }
store: memory
accounts:
  - { name: main, authToken: ${TOKEN} }
  - { name: other, authToken: ${OTHER_TOKEN} }
ipAccessControlLists: [{ name: pbx addresses, account: main, addresses: [${PBX}] }]
credentialLists: [{ name: pbx users, account: main, credentials: [{ username: pbx, password: ${PASSWORD} }] }]
connectionPolicies:
  - name: dead
    account: main
    targets:
      - { name: silent, url: "sip:${SILENT}:5060", priority: 1 }
      - { name: closed, url: "sip:${CLOSED}:5060;transport=tcp", priority: 2 }
  - { name: alive, account: main, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }
byocTrunks:
  - { name: dead, account: main, connectionPolicy: dead }
  - { name: alive, account: main, connectionPolicy: alive }
  - { name: app, account: main, voiceUrl: "${application.url}/voice?token=hidden-token-1" }
sipDomains: [{ name: app, account: main, domain: app, byocTrunk: app, ipAccessControlLists: [pbx addresses] }]
trunks:
  - { name: passwords, account: main, domain: passwords, credentialLists: [pbx users], callerIdPolicy: any }
  - { name: dead, account: main, domain: dead, ipAccessControlLists: [pbx addresses], callerIdPolicy: any, carrierLink: { byocTrunk: dead } }
  - { name: alive, account: main, domain: alive, ipAccessControlLists: [pbx addresses], callerIdPolicy: any, carrierLink: { byocTrunk: alive } }
`,
  );
  server = new Peer(process.execPath, [main, "serve", "-c", configFile, "--drain", "0"], scratch.path);
  await until(() => server.ended || lines().some(({ msg }) => msg === "ready"), "a gateway that is ready");
  httpUrl = lines().find(({ msg }) => msg === "listening for HTTP")!.url!;
  silent = createSocket("udp4");
  await new Promise<void>((done) => silent.bind(5060, SILENT, done));
  [pbx, stranger, carrier] = await Promise.all([
    party("pbx", PBX),
    party("stranger", STRANGER),
    party("carrier", CARRIER),
  ]);
});
afterAll(async () => {
  await Promise.all([pbx, stranger, carrier].map((one) => one.stop()));
  silent.close();
  await server.stop("SIGTERM");
  await application.stop();
  scratch.remove();
});

async function explain(...args: string[]): Promise<Finished> {
  return await new Peer(
    process.execPath,
    [main, "explain", "-c", configFile, "--url", httpUrl, "--account", "main", ...args],
    scratch.path,
  ).finished;
}

/** The HTTP interface itself: the same data as `--json`, without a process. */
async function api<T>(path: string, account = "main", token = TOKEN): Promise<T> {
  const user = declaredAccountSid({ name: account, sid: null });
  const authorization = `Basic ${Buffer.from(`${user}:${token}`).toString("base64")}`;
  const answer = await fetch(`${httpUrl}/v1/Explain/Calls${path}`, { headers: { authorization } });
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  return (await answer.json()) as T;
}

const list = async (query: Readonly<Record<string, string>> = {}) =>
  (await api<{ calls: CallSummary[] }>(`?${new URLSearchParams(query)}`)).calls;

/** What to ask for, of the newest call that fits. */
const newest = async (query: Readonly<Record<string, string>>) =>
  (await list({ ...query, Order: "time", Limit: "1" }))[0]!.id;

/**
 * What everybody wants of a story: one screen, cause, cure, a guilty step and a guilty message. With UPDATE_GOLDEN=1 the data
 * is kept for test/explain/render.test.ts, which renders it without a gateway.
 */
async function screen(id: string, name: string): Promise<string> {
  if (process.env["UPDATE_GOLDEN"] === "1") await keep(id, name);
  const { code, stdout, stderr } = await explain(id);
  expect([code, stderr]).toEqual([0, ""]);
  const rows = stdout.trimEnd().split("\n");
  expect(rows.length, stdout).toBeLessThanOrEqual(40);
  for (const row of rows) expect(row.length, stdout).toBeLessThanOrEqual(80);
  expect(stdout).toMatch(/^CAUSE /m);
  expect(stdout).toMatch(/^CURE /m);
  const [story, ladder] = stdout.split(/^ {10}caller {9}/m);
  expect(story, stdout).toMatch(/^>> /m);
  expect(ladder, stdout).toMatch(/^>> /m);
  for (const secret of [PASSWORD, WRONG, KEY, TOKEN, "hidden-token-1"]) expect(stdout).not.toContain(secret);
  return stdout.replace(/\s+/g, " ");
}

async function keep(id: string, name: string): Promise<void> {
  const report = await api<CallReport>(`/${encodeURIComponent(id)}?Full=true`);
  writeFileSync(join(GOLDEN, `${name}.json`), `${JSON.stringify(report, null, 1)}\n`);
}

const PCMU = `v=0\r\no=- 1 1 IN IP4 ${PBX}\r\ns=-\r\nc=IN IP4 ${PBX}\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n`;

/** Places a call that is refused, and says with what; 0 for no answer. */
async function invite(from: Party, uri: string, body = PCMU, headers: ExtraHeaders = []): Promise<number> {
  return await new Promise((done) => {
    const attempt = from.stack.invite({
      uri: parseUri(uri),
      nextHop: parseUri(`sip:${GATEWAY}:5060`),
      from: { displayName: "", uri: parseUri("sip:+15550100100@x.test"), params: new Map() },
      to: { displayName: "", uri: parseUri(uri), params: new Map() },
      headers,
      body: { contentType: "application/sdp", content: body },
    });
    attempt.onRejected = ({ status }) => done(status);
    attempt.onFailed = () => done(0);
  });
}

const sipp = (scenario: string, domain: string, ...args: string[]) =>
  startSipp(scratch.path, {
    scenario,
    to: `${GATEWAY}:5060`,
    address: PBX,
    port: 5070,
    mediaPort: 21_000,
    domain: `${domain}.pstn.voice.test`,
    user: "+15550200300",
    args: ["-s", "+15550200300", "-key", "from", "+15550200100", "-m", "1", ...args],
  }).finished;

describe("tandem explain", () => {
  it("R-AUTH-3: wrong password", async () => {
    await sipp("uac_digest_407", "passwords", "-au", "pbx", "-ap", WRONG);
    const text = await screen(await newest({ From: "+15550200100" }), "wrong-password");
    expect(text).toMatch(/CAUSE Wrong password: user "pbx" is in credential list "pbx users"/);
    expect(text).toMatch(/CURE Set the same password at the caller and in credential list "pbx users"/);
    expect(text).toMatch(/>> +\d+ authentication: user "pbx"/);
    expect(text).toMatch(/INVITE \+auth\+sdp \(2\)/);
    expect(text).toMatch(/>> +\d+ \|<-+ 403 Forbidden/);
  });

  it("R-AUTH-2: unlisted address", async () => {
    expect(await invite(stranger, "sip:+15550200200@dead.pstn.voice.test")).toBe(403);
    const text = await screen(await newest({ From: STRANGER }), "unlisted-address");
    expect(text).toContain(`CAUSE Address not listed: the call came from ${STRANGER}`);
    expect(text).toContain(`add ${STRANGER} to access control list "pbx addresses"`);
    expect(text).toContain(`${STRANGER} is not in "pbx addresses" (${PBX}/32)`);
    expect(text).toMatch(/>> +\d+ \|<-+ 403 Forbidden/);
  });

  it("SDP-4: no common codec", async () => {
    await sipp("uac_bad_sdp", "alive");
    const text = await screen(await newest({ Status: "failed", From: PBX }), "no-common-codec");
    expect(text).toContain("CAUSE No common codec: codecs GSM/8000 were offered, supported are PCMU, PCMA");
    expect(text).toContain("CURE Enable G.711 (PCMU or PCMA) at the caller");
    expect(text).toMatch(/>> +\d+ \|<-+ 488 Not Acceptable Here/);
  });

  it("R-ORIG-17, R-ORIG-20: all targets dead", async () => {
    expect(await invite(pbx, "sip:+15550200201@dead.pstn.voice.test")).toBeGreaterThanOrEqual(400);
    const text = await screen(await newest({ To: "+15550200201" }), "all-targets-dead");
    expect(text).toContain("CAUSE None of 2 targets took the call");
    expect(text).toMatch(new RegExp(`${SILENT.replaceAll(".", "\\.")}:5060 said nothing for \\d\\.\\d s`));
    expect(text).toContain(`sip:${CLOSED}:5060;transport=tcp cannot be reached`);
    expect(text).toContain("CURE See whether they are up");
    expect(text).toMatch(/INVITE (\+sdp )?\(1\) (x\d+ )?silent/);
  });

  it("R-BYOC-7: webhook failing", async () => {
    expect(await invite(pbx, "sip:+15550200202@app.sip.voice.test")).toBe(500);
    const text = await screen(await newest({ To: "+15550200202" }), "webhook-failing");
    expect(text).toMatch(/CAUSE The voice webhook failed: http:\/\/127\.0\.0\.1:\d+\/voice: HTTP 500/);
    expect(text).toMatch(/CURE See that the application is up/);
    expect(text).toMatch(/>> +\d+ \|<-+ 500 Server Internal Error/);
  });

  it("INVITEs without a call are found by address and by Call-ID; other accounts see nothing of them", async () => {
    expect(await invite(pbx, "sip:+15550200203@passwords.pstn.voice.test")).toBe(407);
    const calls = await list({ To: "+15550200203" });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ callSid: null, status: "refused", sipStatus: 407, failed: true });
    expect(await screen(calls[0]!.id, "no-credentials")).toContain(
      "CAUSE The caller was asked for credentials of realm",
    );
    const others = await explain("--account", "other", calls[0]!.id);
    expect([others.code, others.stdout]).toEqual([1, ""]);
    expect(others.stderr).toContain("no call of this SID or Call-ID is remembered");
    expect(await api("", "other", OTHER_TOKEN)).toEqual({ calls: [] });
  });

  it("a call that went well says so, with its media, and comes after those that failed", async () => {
    const call = await pbx.call("sip:+15550200204@alive.pstn.voice.test", {
      from: "sip:+15550100100@x.test",
      nextHop: `sip:${GATEWAY}:5060`,
      play: new Uint8Array(160).fill(255),
      loop: true,
    });
    expect(await call.answered).toBe(true);
    await until(() => call.leg.stats.packetsReceived > 5, "audio");
    call.hangup();
    const id = await newest({ To: "+15550200204" });
    let last = await api<CallReport>(`/${id}`);
    while (!last.steps.some(({ code }) => code === "media.summary")) last = await api<CallReport>(`/${id}`);
    expect(last.diagnosis).toMatchObject({ failed: false, cure: "" });
    expect(last.legs.map(({ status }) => status)).toEqual(["completed", "completed"]);
    const codes = last.steps.map(({ code }) => code);
    for (const code of ["received", "domain.matched", "acl.listed", "checks.passed", "sdp.chosen", "route.through"])
      expect(codes).toContain(code);
    for (const code of ["target.tried", "target.answered", "ended.hung-up", "ended.local", "media.summary"])
      expect(codes).toContain(code);
    const calls = await list();
    expect(calls.at(-1)).toMatchObject({ to: "+15550200204", failed: false });
    expect(calls.length).toBeGreaterThanOrEqual(6);
    if (process.env["UPDATE_GOLDEN"] === "1") await keep(id, "answered");
    const listed = (await explain()).stdout;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(join(GOLDEN, "list.txt"), listed);
    expect(listed).toMatch(/^\d\d:\d\d:\d\d (failed|refused|no-answer) \d{3} +\S+\n {9}\S+ -> \S+: [A-Z]/);
    expect(listed.split("\n").every((row) => row.length <= 80)).toBe(true);
    const text = (await explain("--last", "--to", "+15550200204")).stdout;
    expect(text).toContain("Nothing went wrong");
    expect(text).toMatch(/\|-+ BYE \(2\) -+>\|/);
  });

  it("SRTP-11, R-SEC-11: --full shows the messages, and no key", async () => {
    const body = `${PCMU.replace("AVP", "SAVP")}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4\r\n`;
    expect(await invite(pbx, "sip:+15550200205@alive.pstn.voice.test", body, [["X-Api-Token", "hidden-token-2"]])).toBe(
      488,
    );
    const id = await newest({ To: "+15550200205" });
    const { stdout } = await explain("--full", id);
    expect(stdout).toContain(`AES_CM_128_HMAC_SHA1_80 inline:${"*".repeat(KEY.length)}|2^20|1:4`);
    expect(stdout).toContain("X-Api-Token: **************");
    const data = (await explain("--full", "--json", id)).stdout;
    for (const text of [stdout, data, server.stderr]) {
      expect(text).not.toContain(KEY);
      expect(text).not.toContain("hidden-token-2");
    }
  });

  it("hardening R27: what a peer sends cannot speak to the terminal", async () => {
    const evil = "\u001b]0;owned\u0007\u009b31m\u202e";
    const socket = createSocket("udp4");
    await new Promise<void>((done) => socket.bind(0, PBX, done));
    const answered = new Promise<void>((done) => socket.once("message", () => done()));
    const head = [
      "INVITE sip:+15550200206@dead.pstn.voice.test SIP/2.0",
      `Via: SIP/2.0/UDP ${PBX}:${socket.address().port};branch=z9hG4bKevil;rport`,
      `From: "${evil}" <sip:+15550100100@x.test>;tag=1`,
      "To: <sip:+15550200206@dead.pstn.voice.test>",
      "Call-ID: evil",
      "CSeq: 1 INVITE",
      `Contact: <sip:a@${PBX}>`,
      `Subject: ${evil}`,
      `User-Agent: ${evil}`,
      "Max-Forwards: 70",
      "Content-Length: 0",
    ];
    socket.send(`${head.join("\r\n")}\r\n\r\n`, 5060, GATEWAY);
    await answered;
    for (const args of [["--full"], ["--full", "--json"]]) {
      const { stdout } = await explain("--call-id", "evil", ...args);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
    socket.close();
  });

  it("says what is wrong with the access, and exits with 1 or 2", async () => {
    const wrong = ["TANDEM_AUTH_TOKEN=nothing", `TANDEM_ACCOUNT_SID=AC${"0".repeat(32)}`];
    const command = (...args: string[]) =>
      new Peer("env", [...wrong, process.execPath, main, "explain", "--url", httpUrl, ...args], scratch.path).finished;
    const refused = await command();
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("does not know account AC0000");
    const use = await command("--limit", "0");
    expect([use.code, use.stdout]).toEqual([2, ""]);
    expect(use.stderr).toContain("expected 1 to 200");
  });

  it("R-COMP-1: nothing of it was written to a disk", async () => {
    const found = await new Peer("grep", ["-rl", "-e", "z9hG4bK", "-e", KEY, "--include=*", "."], scratch.path)
      .finished;
    // SIPp's own scenarios stand in this folder.
    expect(found.stdout.split("\n").filter((name) => name !== "" && !/uac_.*\.(xml|err)$/.test(name))).toEqual([]);
  });
});
