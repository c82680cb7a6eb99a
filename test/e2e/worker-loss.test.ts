/**
 * A media worker dies in the middle of calls (hardening 3 "Worker thread killed"): its calls end with BYE and one final status
 * each, calls of other workers go on, a new worker takes its place and new calls.
 */
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SystemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { melody } from "../../src/cli/demo/melody.ts";
import { Application } from "../../src/simulator/application.ts";
import { Consumer } from "../../src/simulator/consumer.ts";
import { Party, type PartyCall } from "../../src/simulator/party.ts";
import { toUlaw } from "../../src/simulator/tones.ts";
import { BASE, startGateway, type TestGateway, until } from "../support/gateway.ts";

const GATEWAY = "127.77.17.1";
const PHONE = "127.77.17.2";
const clock = new SystemClock();
/** The threads of the gateway in the order in which they were first spoken to. */
const threads = new Set<Worker>();
const postMessage = Worker.prototype.postMessage;

let gateway: TestGateway;
let consumer: Consumer;
let application: Application;
let phone: Party;

beforeAll(async () => {
  vi.spyOn(Worker.prototype, "postMessage").mockImplementation(function (this: Worker, ...message) {
    threads.add(this);
    postMessage.apply(this, message as Parameters<typeof postMessage>);
  });
  consumer = await Consumer.start({ clock, mode: "echo" });
  application = await Application.start(
    new Map<string, () => string | { status: number; body: string }>([
      ["/voice", () => `<Response><Connect><Stream url="${consumer.url}"/></Connect></Response>`],
      ["/status", () => ({ status: 204, body: "" })],
    ]),
  );
  gateway = await startGateway(
    GATEWAY,
    `
ipAccessControlLists: [{ name: phones, addresses: [${PHONE}] }]
byocTrunks: [{ name: app, voiceUrl: "${application.url}/voice", statusCallbackUrl: "${application.url}/status" }]
sipDomains: [{ name: app, domain: app, byocTrunk: app, ipAccessControlLists: [phones] }]
`,
    { top: "" },
    2,
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
  vi.restoreAllMocks();
  await phone.stop();
  await gateway.stop();
  await consumer.stop();
  await application.stop();
});

const call = async (): Promise<PartyCall> => {
  const placed = await phone.call(`sip:hello@app.sip.${BASE}`, {
    from: `sip:phone@${PHONE}`,
    nextHop: `sip:${GATEWAY}:5060`,
    play: toUlaw(melody()),
    loop: true,
    record: false,
  });
  expect(await placed.answered).toBe(true);
  return placed;
};
const legsOf = (index: number) =>
  gateway.gateway.status().workers[index]?.load as { legs: number; utilisation: number } | undefined;

describe("a worker that dies", () => {
  it("takes its own calls with it and no other; a new one takes its place", async () => {
    const calls: PartyCall[] = [];
    for (let i = 0; i < 6; i++) calls.push(await call());
    await until(() => legsOf(0)?.legs === 3 && legsOf(1)?.legs === 3, "three calls on each worker");
    const before = new Set(threads);
    expect(before.size).toBe(2);
    await [...threads][0]!.terminate();

    await until(() => gateway.gateway.calls.liveCount === 3, "the end of the calls of that worker");
    await until(() => calls.filter(({ dialog }) => dialog?.ended).length === 3, "BYE for each of them");
    const alive = calls.filter(({ dialog }) => dialog?.ended === false);
    const heard = alive.map(({ leg }) => leg.stats.packetsReceived);
    await until(() => alive.every(({ leg }, i) => leg.stats.packetsReceived > heard[i]! + 25), "audio of the others");
    for (const one of alive) expect(one.leg.stats.packetsLost).toBe(0);

    await until(() => legsOf(0)?.legs === 0 && legsOf(0)!.utilisation < 0.9, "a new worker that is not busy");
    expect(gateway.gateway.status().ready).toBe(true);
    const again = await Promise.all([call(), call(), call()]);
    expect(threads.size).toBe(3);
    for (const one of [...again, ...alive]) one.hangup();
    await until(() => gateway.gateway.calls.liveCount === 0, "the end of all calls");

    const ended = [...gateway.gateway.calls.ended()];
    expect(ended.length).toBe(9);
    const finals = () =>
      application.requests
        .filter(({ path }) => path === "/status")
        .map(({ parameters }) => `${parameters.get("CallSid")} ${parameters.get("CallStatus")}`)
        .filter((line) => /completed|failed/.test(line));
    await until(() => finals().length >= 9, "a final status of each call");
    expect(new Set(finals()).size).toBe(9);
    const told = gateway.log.lines.filter((line) => line.startsWith("error")).map((line) => line.split(" {")[0]);
    expect(told).toEqual(["error media worker lost"]);
  });
});
