/** ICMP at UDP destinations (RFC 3261 §18.4, SIP-TP-14), over real sockets of one machine. */
import { afterEach, describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/errors.ts";
import { createResponse } from "../../../src/sip/build.ts";
import { parseNameAddr } from "../../../src/sip/name-addr.ts";
import { serializeMessage } from "../../../src/sip/serialize.ts";
import { DestinationWatch } from "../../../src/sip/transport/destination-watch.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import type { OutgoingInvite } from "../../../src/sip/user-agent.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { optionsRequest, ownAddress, reached, startStack, type TestStack, UdpPeer } from "../../support/sip-wire.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const OWN = ownAddress(4);
const PORT = 5068;
const LISTEN = [{ transport: "udp", address: OWN, port: PORT }] as const;

async function stack(): Promise<TestStack> {
  const test = await startStack({ listen: LISTEN, watchDestinations: true });
  stops.push(() => test.stop());
  test.stack.onRequest = (incoming) => incoming.respond(200);
  return test;
}

async function peer(): Promise<UdpPeer> {
  const made = await UdpPeer.open();
  stops.push(() => made.close());
  return made;
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const dead = await UdpPeer.open();
  await dead.close();
  return dead.port;
}

function call(test: TestStack, port: number): OutgoingInvite {
  return test.stack.invite({
    uri: parseUri(`sip:b@127.0.0.1:${port}`),
    from: parseNameAddr("<sip:a@127.0.0.1>"),
    to: parseNameAddr("<sip:b@127.0.0.1>"),
    body: { contentType: "application/sdp", content: "v=0\r\n" },
  });
}

// Sharing a port is asked of Linux only.
describe.runIf(process.platform === "linux")("SIP-TP-14 ICMP unreachable is a transport error", () => {
  it("an INVITE to a port where nobody listens fails at once, without waiting for P1", async () => {
    const test = await stack();
    const failures: GatewayError[] = [];
    call(test, await closedPort()).onFailed = (error) => failures.push(error);
    await reached(() => failures.length === 1, "the failure");
    expect(failures[0]?.code).toBe("TRANSPORT_REFUSED");
    expect(test.sent).toHaveLength(1);
    expect(test.stack.activeTransactions).toBe(0);
  });

  it("one destination that is gone harms no request to another", async () => {
    const test = await stack();
    const there = await peer();
    const failures: GatewayError[] = [];
    const answers: number[] = [];
    const good = call(test, there.port);
    good.onProgress = ({ status }) => answers.push(status);
    good.onFailed = (error) => failures.push(error);
    const invite = await there.nextRequest("INVITE");
    expect(there.from).toMatchObject({ address: OWN, port: PORT });
    call(test, await closedPort()).onFailed = (error) => failures.push(error);
    await reached(() => failures.length === 1, "the failure");
    await there.send(serializeMessage(createResponse(invite, 180, { toTag: "b" })), PORT, OWN);
    await reached(() => answers.length === 1, "180");
    expect(failures).toHaveLength(1);
  });

  it("who was called is heard on, and is answered from the port that we listen on", async () => {
    const test = await stack();
    const there = await peer();
    const stranger = await peer();
    call(test, there.port).onFailed = () => undefined;
    await there.nextRequest("INVITE");
    for (const one of [there, stranger]) {
      await one.send(optionsRequest("udp", "127.0.0.1", one.port).bytes, PORT, OWN);
      await one.nextResponse(200);
      expect(one.from).toMatchObject({ address: OWN, port: PORT });
    }
  });

  it("a port that another stack has is refused as ever", async () => {
    await stack();
    await expect(startStack({ listen: LISTEN, watchDestinations: true })).rejects.toThrow(
      /another program has this port/,
    );
    await expect(startStack({ listen: LISTEN })).rejects.toThrow(/another program has this port/);
  });

  it("the number of destinations is bounded, and idle ones are let go", async () => {
    const clock = new ManualClock();
    await stack();
    const watch = new DestinationWatch({
      address: OWN,
      port: PORT,
      dscp: 0,
      clock,
      onDatagram: () => undefined,
      onRefused: () => undefined,
    });
    for (let port = 20_000; port < 20_300; port++) await watch.watch("127.0.0.1", port);
    expect(watch.size).toBe(256);
    clock.advance(120_000);
    await watch.watch("127.0.0.1", 20_299);
    expect(watch.size).toBe(1);
    watch.close();
    expect(watch.size).toBe(0);
  });
});
