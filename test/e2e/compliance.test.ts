/**
 * R-COMP with a gateway that is a process of its own: while calls go on and behind them, all files that it has, its memory and its
 * log are searched for the audio that was said and for the keys that were pressed.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import twilio from "twilio";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { declaredAccountSid } from "../../src/cli/declared-sid.ts";
import { Application } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { findPattern, patternUlaw } from "../support/audio-pattern.ts";
import { until } from "../support/gateway.ts";
import { Peer, scratchFolder } from "../support/peers.ts";

const GATEWAY = "127.77.51.1";
const PBX = "127.77.51.2";
const CARRIER = "127.77.51.3";
const TOKEN = "12345678901234567890123456789012";
const PATTERN = patternUlaw();
const DIGITS = "8260937154";
const main = resolve(import.meta.dirname, "../../dist/cli/main.js");
const scratch = scratchFolder("compliance");
const configFile = join(scratch.path, "tandem.yaml");
const clock = new SystemClock();

let application: Application;
let consumer: Consumer;
let pbx: Party;
let carrier: Party;
let server: Peer;
let httpUrl: string;
let account: string;

const lines = () =>
  server.stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { msg: string; level: string; url?: string; accountSid?: string });

const party = (address: string) =>
  Party.start({
    name: "party",
    clock,
    log: silentLog,
    address,
    listen: [{ transport: "udp", address, port: 5060 }],
    script: () => ({ kind: "answer", play: PATTERN, loop: true }),
  });

beforeAll(async () => {
  consumer = await Consumer.start({ clock, mode: "echo" });
  application = await Application.start(
    new Map([
      ["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`],
      ["/record", () => '<Response><Record/><Play digits="w"/><Pause length="600"/></Response>'],
    ]),
  );
  writeFileSync(
    configFile,
    `
domains: { base: comp.test }
sip: { address: ${GATEWAY}, udpPort: 5060, tcpPort: 5060, tlsPort: off, optionsBurst: 1000, overloadLagMs: 0 }
http: { address: ${GATEWAY}, port: 0 }
media: { portMin: 0, portMax: 0, workers: 1, legsPerWorker: 64 }
log: { format: json, level: debug }
streams: { allowInsecureWs: true }
webhooks: { allowPrivateAddresses: [127.0.0.0/8] }
auth: { operatorKey: "${Buffer.alloc(32, 5).toString("base64")}" }
store: tandem.db
compliance: { noAudioAtRest: true }
accounts: [{ name: main, authToken: "${TOKEN}" }]
ipAccessControlLists: [{ name: parties, addresses: [${PBX}, ${CARRIER}] }]
connectionPolicies: [{ name: carrier, targets: [{ name: carrier, url: "sip:${CARRIER}:5060" }] }]
byocTrunks:
  - { name: carrier, connectionPolicy: carrier, defaultCarrier: true }
  - { name: app, voiceUrl: "${application.url}/voice" }
  - { name: recorder, voiceUrl: "${application.url}/record" }
sipDomains:
  - { name: app, domain: app, byocTrunk: app, ipAccessControlLists: [parties] }
  - { name: recorder, domain: recorder, byocTrunk: recorder, ipAccessControlLists: [parties] }
trunks:
  - { name: office, domain: office, ipAccessControlLists: [parties], callerIdPolicy: any }
`,
  );
  pbx = await party(PBX);
  carrier = await party(CARRIER);
  server = new Peer(process.execPath, [main, "serve", "-c", configFile], scratch.path);
  await until(() => lines().some(({ msg }) => msg === "ready") || server.ended, "a gateway that is ready");
  expect(server.ended, server.stderr).toBe(false);
  httpUrl = lines().find(({ msg }) => msg === "listening for HTTP")!.url!;
});
afterAll(async () => {
  await server.stop();
  for (const one of [pbx, carrier]) await one.stop();
  await consumer.stop();
  await application.stop();
  scratch.remove();
});

/** Everything below the folder that the gateway was started in, and every file that it has open. */
function filesOfProcess(): string[] {
  const pid = server.process.pid!;
  const tree = readdirSync(scratch.path, { recursive: true }).map((name) => join(scratch.path, String(name)));
  const open = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return [...new Set([...tree, ...open])].filter((path) => {
    const kind = path.startsWith("/") ? statSync(path, { throwIfNoEntry: false }) : undefined;
    return kind?.isFile() === true && kind.size < 100_000_000;
  });
}

/** The memory that the process may write, piece by piece. */
function* memoryOf(pid: number): Generator<Buffer> {
  const memory = openSync(`/proc/${pid}/mem`, "r");
  const piece = Buffer.allocUnsafe((1 << 24) + 4096);
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, "utf8").split("\n")) {
      const range = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
      if (range === null) continue;
      const end = Number.parseInt(range[2]!, 16);
      for (let at = Number.parseInt(range[1]!, 16); at < end; at += 1 << 24) {
        try {
          yield piece.subarray(0, readSync(memory, piece, 0, Math.min(end - at, piece.length), at));
        } catch {
          // A page that cannot be read, such as a guard, holds nothing.
        }
      }
    }
  } finally {
    closeSync(memory);
  }
}

function inMemory(): string[] {
  const found = new Set<string>();
  for (const piece of memoryOf(server.process.pid!))
    for (const one of findPattern(piece, 160)) found.add(one.split(" ")[0]!);
  return [...found];
}

async function call(to: string): Promise<PartyCall> {
  const placed = await pbx.call(to, {
    from: `sip:+15550100200@${PBX}`,
    nextHop: `sip:${GATEWAY}:5060`,
    play: PATTERN,
    loop: true,
  });
  expect(await placed.answered).toBe(true);
  return placed;
}

async function get(path: string): Promise<Response> {
  const authorization = `Basic ${Buffer.from(`${account}:${TOKEN}`).toString("base64")}`;
  return await fetch(`${httpUrl}${path}`, { headers: { authorization } });
}

describe("R-COMP-1, R-COMP-7, R-COMP-8 a gateway without recordings", () => {
  it("no file holds audio while a call of a trunk is up, no memory behind it, no log a digit", async () => {
    const before = filesOfProcess();
    const through = await call("sip:+15550200300@office.pstn.comp.test");
    const far = carrier.received[0]!;
    await until(() => through.leg.heard.length > 16_000 && far.leg.heard.length > 16_000, "two seconds both ways");
    await until(() => findPattern(far.leg.heard).length > 0, "the pattern on the other side");
    for (const digit of DIGITS) through.leg.sendDigit(digit);
    for (const digit of DIGITS)
      await through.dialog!.request("INFO", {
        body: { contentType: "application/dtmf-relay", content: `Signal=${digit}\r\nDuration=100\r\n` },
      });
    // The search finds what is there.
    expect(inMemory()).toContain("mulaw");
    for (const file of filesOfProcess()) expect([file, findPattern(readFileSync(file))]).toEqual([file, []]);
    through.hangup();
    await until(() => lines().some(({ msg }) => msg === "leg ended"), "the end of the call");
    // A search takes long: the first one shall find what the worker does within a second.
    await new Promise((done) => setTimeout(done, 1100));
    await until(() => inMemory().length === 0, "memory without the audio");
    const after = filesOfProcess();
    expect(after.filter((file) => !before.includes(file))).toEqual([]);
    for (const file of after) expect([file, findPattern(readFileSync(file))]).toEqual([file, []]);
    expect(findPattern(Buffer.from(server.stderr, "latin1"))).toEqual([]);
    // R-COMP-8: neither together nor as one after the other.
    expect(server.stderr).not.toContain(DIGITS);
    expect(server.stderr).not.toMatch(/Signal=[0-9]/);
    expect(server.stderr).not.toMatch(/"digit":"?[0-9]/);
  });

  it("R-STRM-2: a stream stores nothing", async () => {
    const before = filesOfProcess();
    const streamed = await call("sip:robot@app.sip.comp.test");
    await until(() => findPattern(streamed.leg.heard).length > 0, "the echo of the stream");
    for (const file of filesOfProcess()) expect([file, findPattern(readFileSync(file))]).toEqual([file, []]);
    streamed.hangup();
    await until(() => lines().filter(({ msg }) => msg === "leg ended").length >= 2, "the end of the call");
    expect(filesOfProcess().filter((file) => !before.includes(file))).toEqual([]);
  });

  it("R-COMP-1: there are no core dumps of it", () => {
    const limits = readFileSync(`/proc/${server.process.pid}/limits`, "utf8");
    expect(limits).toMatch(/^Max core file size +0 /m);
  });
});

describe("R-COMP-6 compliance.noAudioAtRest", () => {
  it("<Record> is left out with an alert of level error", async () => {
    const placed = await call("sip:robot@recorder.sip.comp.test");
    await until(
      () => lines().some(({ msg }) => msg.includes("<Record>") && msg.includes("noAudioAtRest")),
      "the alert",
    );
    placed.hangup();
  });
});

describe("the statement of a call", () => {
  it("says where it was, what was agreed, where its audio went, and that nothing was stored", async () => {
    account = declaredAccountSid({ name: "main", sid: null });
    const client = twilio(account, TOKEN);
    client.api.baseUrl = httpUrl;
    const calls = await client.calls.list();
    const through = calls.find(
      ({ direction, parentCallSid }) => direction === "trunking-terminating" && !parentCallSid,
    )!;
    const statement = (await (await get(`/v1/Explain/Calls/${through.sid}/Statement`)).json()) as Record<
      string,
      unknown
    >;
    expect(statement).toMatchObject({ callSid: through.sid, stored: [], streams: [], noAudioAtRest: true });
    expect(statement["legs"]).toMatchObject([
      {
        direction: "trunking-terminating",
        signalling: expect.stringContaining(PBX),
        media: { codec: "PCMU", encryption: null },
      },
      { direction: "trunking-terminating", media: { remote: expect.stringContaining(CARRIER) } },
    ]);
    const streamed = calls.find(({ to }) => to.includes("robot@app"))!;
    const text = await (await get(`/v1/Explain/Calls/${streamed.sid}/Statement?Format=text`)).text();
    expect(text).toMatch(/^Audio stored: +nothing$/m);
    expect(text).toContain(new URL(consumer.url).host);
    const cli = new Peer(
      process.execPath,
      [main, "statement", "-c", configFile, "--url", httpUrl, streamed.sid],
      scratch.path,
    );
    expect((await cli.finished).code).toBe(0);
    expect(cli.stdout).toContain("Audio stored:   nothing");
    expect((await get(`/v1/Explain/Calls/CA${"0".repeat(32)}/Statement`)).status).toBe(404);
  });
});
