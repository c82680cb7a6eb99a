/** Connections: limits (hardening R16), reuse (SIP-TP-7), pings of ours (RFC 5626), the rule of 1300 octets (RFC 3261 §18.1.1). */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { GatewayError } from "../../../src/base/errors.ts";
import { makeCertificates } from "../../../src/cli/demo/certificates.ts";
import { parseNameAddr } from "../../../src/sip/name-addr.ts";
import type { SipStackOptions } from "../../../src/sip/sip-stack.ts";
import { AcceptedCounter } from "../../../src/sip/transport/stream-listener.ts";
import { parseUri } from "../../../src/sip/uri.ts";
import type { OutgoingInvite } from "../../../src/sip/user-agent.ts";
import {
  nameOf,
  optionsRequest,
  ownAddress,
  reached,
  StreamPeer,
  startStack,
  type TestStack,
  UdpPeer,
} from "../../support/sip-wire.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function stack(options: Partial<SipStackOptions> = {}): Promise<TestStack> {
  const test = await startStack(options);
  stops.push(() => test.stop());
  test.stack.onRequest = (incoming) => incoming.respond(200);
  return test;
}

/** Accepts connections and reads nothing of its own accord. */
async function server(address = "127.0.0.1", port = 0): Promise<{ server: Server; sockets: Socket[]; port: number }> {
  const sockets: Socket[] = [];
  const listening = createServer((socket) => {
    socket.on("error", () => undefined);
    sockets.push(socket);
  });
  listening.listen(port, address);
  await once(listening, "listening");
  stops.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((done) => listening.close(() => done()));
  });
  return { server: listening, sockets, port: (listening.address() as { port: number }).port };
}

function call(test: TestStack, uri: string, bodyBytes = 10): OutgoingInvite {
  return test.stack.invite({
    uri: parseUri(uri),
    from: parseNameAddr("<sip:a@127.0.0.1>"),
    to: parseNameAddr("<sip:b@127.0.0.1>"),
    body: { contentType: "application/sdp", content: "x".repeat(bodyBytes) },
  });
}

describe("R-NET-2 the address that connections leave from", () => {
  it("is the one that we listen on with that transport", async () => {
    const far = await server();
    const own = ownAddress(3);
    const test = await stack({
      listen: [
        { transport: "udp", address: ownAddress(2), port: 0 },
        { transport: "tcp", address: own, port: 0 },
      ],
    });
    call(test, `sip:b@127.0.0.1:${far.port};transport=tcp`).onFailed = () => undefined;
    await reached(() => far.sockets.length === 1, "a connection");
    expect(far.sockets[0]!.remoteAddress).toBe(own);
  });

  it("is any where we listen on all", async () => {
    const far = await server();
    const test = await stack({ listen: [{ transport: "tcp", address: "0.0.0.0", port: 0 }] });
    call(test, `sip:b@127.0.0.1:${far.port};transport=tcp`).onFailed = () => undefined;
    await reached(() => far.sockets.length === 1, "a connection");
    expect(far.sockets[0]!.remoteAddress).toBe("127.0.0.1");
  });
});

describe("SIP-TP-15, hardening R16 limits of accepted connections", () => {
  it("one source has so many and no more; others are still served; closing one makes room", async () => {
    const test = await stack({ connectionsPerSourceMax: 2 });
    const [first] = [await StreamPeer.open(test.port("tcp")), await StreamPeer.open(test.port("tcp"))];
    const third = await StreamPeer.open(test.port("tcp"));
    await reached(() => third.closed, "the end of the third connection");
    const other = await StreamPeer.open(test.port("tcp"), { localAddress: ownAddress(2) });
    await other.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await other.nextResponse(200);
    expect(test.stack.connectionCount).toBe(3);
    await first?.close();
    await reached(() => test.stack.connectionCount === 2, "room");
    const fourth = await StreamPeer.open(test.port("tcp"));
    await fourth.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await fourth.nextResponse(200);
  });

  it("there are so many in all", async () => {
    const test = await stack({ connectionsMax: 1 });
    await StreamPeer.open(test.port("tcp"));
    await reached(() => test.stack.connectionCount === 1, "the first");
    const second = await StreamPeer.open(test.port("tcp"), { localAddress: ownAddress(2) });
    await reached(() => second.closed, "the end of the second connection");
  });

  it("hardening R16 a flood of strangers leaves room for those who are known, and one known source has no more than others", async () => {
    const known = ownAddress(2);
    const test = await stack({ connectionsMax: 6, connectionsReserved: 3, connectionsPerSourceMax: 4 });
    const asked: string[] = [];
    test.stack.isKnownPeer = (address) => {
      asked.push(address);
      return address === known;
    };
    for (let number = 0; number < 3; number++) await StreamPeer.open(test.port("tcp"));
    await reached(() => test.stack.connectionCount === 3, "the strangers");
    // Nobody is asked about while there is room for all.
    expect(asked).toEqual([]);
    const fourth = await StreamPeer.open(test.port("tcp"));
    await reached(() => fourth.closed, "the end of a stranger too many");
    const trunks: StreamPeer[] = [];
    for (let number = 0; number < 3; number++)
      trunks.push(await StreamPeer.open(test.port("tcp"), { localAddress: known }));
    for (const trunk of trunks) {
      await trunk.send(optionsRequest("tcp", known, 5060).bytes);
      await trunk.nextResponse(200);
    }
    const tooMany = await StreamPeer.open(test.port("tcp"), { localAddress: known });
    await reached(() => tooMany.closed, "the end of the seventh");
  });

  it("hardening R16 half-open and slow strangers on TCP and TLS do not keep a known trunk from its call", async () => {
    const known = ownAddress(2);
    const { certPem, keyPem } = await makeCertificates(["sip.example.net"]);
    const test = await stack({
      listen: [
        { transport: "tcp", address: "127.0.0.1", port: 0 },
        { transport: "tls", address: "127.0.0.1", port: 0 },
      ],
      tls: { certPem, keyPem },
      connectionsMax: 8,
      connectionsReserved: 2,
    });
    test.stack.isKnownPeer = (address) => address === known;
    const slow: StreamPeer[] = [];
    for (let number = 0; number < 6; number++)
      slow.push(await StreamPeer.open(test.port(number % 2 === 0 ? "tcp" : "tls")));
    // A head that never ends, an octet now and then; the first octets of a handshake.
    for (const peer of slow) await peer.send(Buffer.from([0x16]));
    const stranger = await StreamPeer.open(test.port("tcp"));
    await reached(() => stranger.closed, "the end of the stranger");
    const trunk = await StreamPeer.open(test.port("tcp"), { localAddress: known });
    await trunk.send(optionsRequest("tcp", known, 5060).bytes);
    await trunk.nextResponse(200);
    // Those on TCP have 30 s for a whole message, however they drip.
    for (let second = 0; second < 30; second++) {
      await slow[0]!.send(Buffer.from("x"));
      test.clock.advance(1000);
    }
    await reached(() => slow[0]!.closed && slow[2]!.closed && slow[4]!.closed, "the end of the slow ones");
  });

  it("an IPv6 host counts with its whole /64", () => {
    const counter = new AcceptedCounter({ perSourceMax: 2, max: 10, reserved: 0, isKnown: () => false });
    const from = (remoteAddress: string): boolean =>
      counter.admit({ remoteAddress, once: () => undefined } as unknown as Socket);
    expect([from("2001:db8::1"), from("2001:db8::ffff:2"), from("2001:db8:0:0:1::3")]).toEqual([true, true, false]);
    expect(from("2001:db8:0:1::1")).toBe(true);
    expect([from("::ffff:192.0.2.1"), from("192.0.2.1"), from("::ffff:192.0.2.1")]).toEqual([true, true, false]);
  });

  it("HARD pipelining without reading: the connection is closed at 1 MiB of answers, others are served meanwhile", async () => {
    const test = await stack();
    const greedy = await StreamPeer.open(test.port("tcp"));
    greedy.socket.pause();
    const other = await StreamPeer.open(test.port("tcp"), { localAddress: ownAddress(2) });
    // Record-Route is copied, so that the answers are as long as the requests (RFC 3261 §12.1.1).
    const route = `Record-Route: <sip:p1.example.net;lr>;x=${"r".repeat(7000)}\r\n`;
    let served = 0;
    for (let round = 0; round < 400 && test.stack.connectionCount === 2; round++) {
      const batch: string[] = [];
      for (let number = 0; number < 20; number++) {
        const text = optionsRequest("tcp", "127.0.0.1", 5060).bytes.toString();
        batch.push(text.replace("Max-Forwards", `${route}Max-Forwards`));
      }
      greedy.socket.write(batch.join(""));
      await other.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
      await other.nextResponse(200);
      served++;
    }
    expect(test.stack.connectionCount).toBe(1);
    expect(served).toBeGreaterThan(0);
    await greedy.close();
  });

  it("connections that never begin their TLS handshake count", async () => {
    const { certPem, keyPem, caPem } = await makeCertificates(["sip.example.net"]);
    const test = await stack({
      listen: [{ transport: "tls", address: "127.0.0.1", port: 0 }],
      tls: { certPem, keyPem },
      connectionsPerSourceMax: 1,
    });
    const silent = await StreamPeer.open(test.port("tls"));
    const refused = await StreamPeer.openTls(test.port("tls"), caPem, { servername: "sip.example.net" }).catch(
      (error: NodeJS.ErrnoException) => error,
    );
    expect(refused).toBeInstanceOf(Error);
    expect(silent.closed).toBe(false);
    await silent.close();
    const next = async (): Promise<StreamPeer> =>
      StreamPeer.openTls(test.port("tls"), caPem, { servername: "sip.example.net" }).catch(next);
    await (await next()).close();
  });

  it("a connection that was refused for its framing is cut off when the far end does not close its side", async () => {
    const test = await stack({ connectionsPerSourceMax: 1 });
    const peer = await StreamPeer.open(test.port("tcp"));
    peer.socket.allowHalfOpen = true;
    await reached(() => test.stack.connectionCount === 1, "the connection");
    await peer.send(Buffer.from("no SIP at all\r\n\r\n"));
    await reached(() => test.stack.connectionCount === 0, "the end of the connection");
    const early = await StreamPeer.open(test.port("tcp"));
    await reached(() => early.closed, "the second to be refused, since the first still holds its socket");
    test.clock.advance(5000);
    await reached(() => test.clock.pendingTimers === 0, "the end of the socket");
    const late = await StreamPeer.open(test.port("tcp"));
    await late.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await late.nextResponse(200);
    await peer.close();
  });
});

describe("SIP-TP-7 connections that we open", () => {
  it("are shared by calls to one target, while they are being made and after", async () => {
    const { sockets, port } = await server();
    const test = await stack();
    for (let number = 0; number < 3; number++) call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    await reached(() => test.sent.length === 3, "three INVITEs");
    call(test, `sip:c@127.0.0.1:${port};transport=tcp`);
    await reached(() => test.sent.length === 4, "the fourth INVITE");
    expect(sockets).toHaveLength(1);
  });

  it("are made anew after they closed", async () => {
    const { sockets, port } = await server();
    const test = await stack();
    call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    await reached(() => sockets.length === 1 && test.sent.length === 1, "the first INVITE");
    sockets[0]!.destroy();
    await reached(() => test.stack.connectionCount === 0, "the end of the connection");
    call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    await reached(() => sockets.length === 2, "another connection");
  });

  it("RFC 3261 17.1.4 the end of the connection fails the call that waits on it", async () => {
    const { sockets, port } = await server();
    const test = await stack();
    const failures: GatewayError[] = [];
    call(test, `sip:b@127.0.0.1:${port};transport=tcp`).onFailed = (error) => failures.push(error);
    await reached(() => sockets.length === 1 && test.sent.length === 1, "the INVITE");
    sockets[0]!.destroy();
    await reached(() => failures.length === 1, "the failure");
    expect(failures[0]?.code).toBe("TRANSPORT_LOST");
  });

  it("a refused connection fails at once, naming target and reason", async () => {
    const test = await stack();
    const failures: GatewayError[] = [];
    call(test, "sip:b@127.0.0.1:1;transport=tcp").onFailed = (error) => failures.push(error);
    await reached(() => failures.length === 1, "the failure");
    expect(failures[0]?.code).toBe("TRANSPORT_REFUSED");
    expect(failures[0]?.message).toMatch(/^tcp 127\.0\.0\.1:1: .*ECONNREFUSED/);
  });

  it("a far end that does not take the connection is given up after the connect timeout", async () => {
    const { certPem, keyPem } = await makeCertificates(["sip.example.net"]);
    // TCP connects, and the TLS handshake is never answered.
    const { sockets, port } = await server();
    const test = await stack({ tls: { certPem, keyPem }, connectTimeoutMs: 700 });
    const failures: GatewayError[] = [];
    call(test, `sip:b@127.0.0.1:${port};transport=tls`).onFailed = (error) => failures.push(error);
    await reached(() => sockets.length === 1, "the connection");
    test.clock.advance(699);
    expect(failures).toHaveLength(0);
    test.clock.advance(1);
    await reached(() => failures.length === 1, "the failure");
    expect(failures[0]?.message).toBe(`tls 127.0.0.1:${port}: no connection in time`);
  });
});

/** A question and its answer on another connection: what was sent before has been read after it. */
async function roundTrip(test: TestStack): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    const peer = await StreamPeer.open(test.port("tcp"));
    await peer.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await peer.nextResponse(200);
    await peer.close();
    await reached(() => test.stack.connectionCount <= 1, "the end of that connection");
  }
}

describe("RFC 5626 4.4.1, R-KEEP-6 pings of ours", () => {
  const keepAlive = { intervalMs: 100_000, pongMs: 10_000 };

  it("a quiet connection gets a double CRLF at 80 to 100 % of the interval, and its pong keeps it for ever", async () => {
    const { sockets, port } = await server();
    const test = await stack({ keepAlive });
    call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    await reached(() => sockets.length === 1 && test.sent.length === 1, "the INVITE");
    let received = "";
    sockets[0]!.on("data", (chunk) => {
      received += chunk.toString();
    });
    await reached(() => received.includes("INVITE"), "the INVITE");
    for (let round = 0; round < 12; round++) {
      received = "";
      test.clock.advance(89_999);
      expect(received).toBe("");
      test.clock.advance(1);
      await reached(() => received === "\r\n\r\n", "the ping");
      const before = test.stack.connectionCount;
      sockets[0]!.write("\r\n");
      // The pong sets the timers anew; that it came shows in the next round.
      await reached(() => sockets[0]!.bytesWritten === 2 * (round + 1), "the pong");
      await roundTrip(test);
      expect(before).toBe(1);
    }
    expect(test.stack.connectionCount).toBe(1);
  });

  it("SIP-TP-10 without a pong in 10 s the connection is given up", async () => {
    const { sockets, port } = await server();
    const test = await stack({ keepAlive });
    call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    await reached(() => sockets.length === 1 && test.sent.length === 1, "the INVITE");
    test.clock.advance(99_999);
    expect(test.stack.connectionCount).toBe(1);
    test.clock.advance(1);
    expect(test.stack.connectionCount).toBe(0);
  });

  it("RFC 3261 7.5 a far end that never answered a ping keeps the connection while a call rings on it", async () => {
    const { sockets, port } = await server();
    const test = await stack({ keepAlive });
    const failures: string[] = [];
    const invite = call(test, `sip:b@127.0.0.1:${port};transport=tcp`);
    invite.onFailed = ({ code }) => failures.push(code);
    let ringing = 0;
    invite.onProgress = () => ringing++;
    await reached(() => sockets.length === 1 && test.sent.length === 1, "the INVITE");
    const { createResponse } = await import("../../../src/sip/build.ts");
    const { serializeMessage } = await import("../../../src/sip/serialize.ts");
    const sent = test.sent[0]!.message;
    if (sent.kind !== "request") throw new Error("no request");
    sockets[0]!.write(serializeMessage(createResponse(sent, 180, { toTag: "b" })));
    await reached(() => ringing === 1, "180");
    test.clock.advance(350_000);
    expect(test.stack.connectionCount).toBe(1);
    expect(failures).toEqual([]);
    // Once it has answered one, silence means that it is gone.
    sockets[0]!.write("\r\n");
    await roundTrip(test);
    test.clock.advance(100_000);
    await reached(() => failures.length === 1, "the end");
    expect(failures).toEqual(["TRANSPORT_LOST"]);
  });

  it("accepted connections are not pinged, and none is without the setting", async () => {
    const test = await stack();
    const peer = await StreamPeer.open(test.port("tcp"));
    await peer.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await peer.nextResponse(200);
    test.clock.advance(599_999);
    await peer.send(optionsRequest("tcp", "127.0.0.1", 5060).bytes);
    await peer.nextResponse(200);
    expect(peer.pings).toBe(0);
  });
});

describe("RFC 3261 18.1.1, SIP-TP-2 large requests", () => {
  it("up to 1300 octets go over UDP, larger ones over TCP to the same port, with Via and Contact of that", async () => {
    const test = await stack();
    const udp = await UdpPeer.open();
    stops.push(() => udp.close());
    const { sockets } = await server("127.0.0.1", udp.port);
    call(test, `sip:b@127.0.0.1:${udp.port}`, 700);
    await udp.nextRequest("INVITE");
    call(test, `sip:b@127.0.0.1:${udp.port}`, 1300);
    await reached(() => sockets.length === 1, "the connection");
    let received = "";
    sockets[0]!.on("data", (chunk) => {
      received += chunk.toString();
    });
    await reached(() => received.includes("\r\n\r\n"), "the INVITE");
    expect(received).toMatch(/^Via: SIP\/2\.0\/TCP /m);
    expect(received).toMatch(/^Contact: <sip:127\.0\.0\.1:\d+;transport=tcp>/m);
  });

  it("go over UDP all the same when TCP is refused", async () => {
    const test = await stack();
    const udp = await UdpPeer.open();
    stops.push(() => udp.close());
    call(test, `sip:b@127.0.0.1:${udp.port}`, 3000);
    const invite = await udp.nextRequest("INVITE");
    expect(invite.vias[0]?.transport).toBe("UDP");
    expect(invite.body).toHaveLength(3000);
  });

  it("the limit can be set", async () => {
    const test = await stack({ udpRequestBytesMax: 5000 });
    const udp = await UdpPeer.open();
    stops.push(() => udp.close());
    const { sockets } = await server("127.0.0.1", udp.port);
    call(test, `sip:b@127.0.0.1:${udp.port}`, 3000);
    await udp.nextRequest("INVITE");
    expect(sockets).toHaveLength(0);
  });
});

describe("RFC 3261 18.4, SIP-TP-14 ICMP", () => {
  it("a UDP port that nobody listens on shows as silence unless destinations are watched", async () => {
    const dead = await UdpPeer.open();
    const { port } = dead;
    await dead.close();
    const test = await stack();
    const failures: GatewayError[] = [];
    call(test, `sip:b@127.0.0.1:${port}`).onFailed = (error) => failures.push(error);
    await reached(() => test.sent.length === 1, "the INVITE");
    test.clock.advance(3999);
    expect(failures).toHaveLength(0);
    expect(test.sent.map(({ message }) => nameOf(message))).toEqual(["INVITE", "INVITE", "INVITE", "INVITE"]);
    test.clock.advance(1);
    await reached(() => failures.length === 1, "the failure after P1");
    expect(failures[0]?.code).toBe("SIP_TIMEOUT");
  });
});

describe("hardening R1 a defect above the transport", () => {
  it("is counted and logged, and ends no other call", async () => {
    const test = await stack();
    test.stack.onRequest = (incoming) => {
      if (incoming.request.headers.get("X-Fault") !== undefined) throw new Error("a defect");
      incoming.respond(200);
    };
    const peer = await UdpPeer.open();
    stops.push(() => peer.close());
    const bad = optionsRequest("udp", "127.0.0.1", peer.port).bytes.toString().replace("CSeq", "X-Fault: 1\r\nCSeq");
    await peer.send(Buffer.from(bad), test.port("udp"));
    await peer.send(optionsRequest("udp", "127.0.0.1", peer.port).bytes, test.port("udp"));
    await peer.nextResponse(200);
    expect(test.stack.counters.faults).toBe(1);
    expect(test.log.lines.some((line) => line.includes("a defect"))).toBe(true);
  });
});
