/** The way back of a response (RFC 3261 §18.2, RFC 3581), over real sockets. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lines, ownAddress, reached, StreamPeer, startStack, type TestStack, UdpPeer } from "../../support/sip-wire.ts";

let test: TestStack;
const opened: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  test = await startStack();
  test.stack.onRequest = (incoming) => incoming.respond(200);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await test.stop();
});

async function udp(address = "127.0.0.1", port = 0): Promise<UdpPeer> {
  const peer = await UdpPeer.open(address, port);
  opened.push(peer);
  return peer;
}

let number = 0;
function options(via: string): Buffer {
  number++;
  return lines([
    "OPTIONS sip:127.0.0.1 SIP/2.0",
    `Via: ${via};branch=z9hG4bKway${number}`,
    "Max-Forwards: 70",
    "From: <sip:a@127.0.0.1>;tag=1",
    "To: <sip:127.0.0.1>",
    `Call-ID: way-${number}`,
    "CSeq: 1 OPTIONS",
  ]);
}

describe("RFC 3581 4 rport", () => {
  it("the answer goes to the source address and port, from the port the request came to; both are written down", async () => {
    const peer = await udp();
    await peer.send(options("SIP/2.0/UDP nat.example.net:5099;rport"), test.port("udp"));
    const answer = await peer.nextResponse(200);
    expect(answer.vias[0]?.params.get("received")).toBe("127.0.0.1");
    expect(answer.vias[0]?.params.get("rport")).toBe(String(peer.port));
    expect(peer.from.port).toBe(test.port("udp"));
  });

  it("received is there even when the sent-by was right", async () => {
    const peer = await udp();
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1:${peer.port};rport`), test.port("udp"));
    expect((await peer.nextResponse(200)).vias[0]?.params.get("received")).toBe("127.0.0.1");
  });

  it("a value that the sender wrote into rport is replaced by the true one", async () => {
    const [peer, victim] = [await udp(), await udp()];
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1;rport=${victim.port}`), test.port("udp"));
    expect((await peer.nextResponse(200)).vias[0]?.params.get("rport")).toBe(String(peer.port));
    expect(victim.received).toHaveLength(0);
  });
});

describe("RFC 3261 18.2.1 and 18.2.2 over UDP", () => {
  it("without rport the answer goes to the source address and the sent-by port", async () => {
    const [sender, listener] = [await udp(), await udp()];
    await sender.send(options(`SIP/2.0/UDP inside.example.net:${listener.port}`), test.port("udp"));
    const answer = await listener.nextResponse(200);
    expect(answer.vias[0]?.params.get("received")).toBe("127.0.0.1");
    expect(sender.received).toHaveLength(0);
  });

  it("without rport and port it goes to port 5060", async () => {
    const address = ownAddress(2);
    const [sender, listener] = [await udp(address), await udp(address, 5060)];
    await sender.send(options("SIP/2.0/UDP inside.example.net"), test.port("udp"));
    expect((await listener.nextResponse(200)).vias[0]?.params.get("received")).toBe(address);
  });

  it("received is not added when the sent-by host is the source", async () => {
    const peer = await udp();
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1:${peer.port}`), test.port("udp"));
    expect((await peer.nextResponse(200)).vias[0]?.params.has("received")).toBe(false);
  });

  it("SIP-OVL-4 received of the sender's own making does not send the answer to somebody else", async () => {
    const address = ownAddress(2);
    const peer = await udp();
    const victim = await udp(address, peer.port);
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1:${peer.port};received=${address}`), test.port("udp"));
    expect((await peer.nextResponse(200)).vias[0]?.params.has("received")).toBe(false);
    expect(victim.received).toHaveLength(0);
  });

  it("SIP-TP-5 maddr is ignored", async () => {
    const peer = await udp();
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1:${peer.port};maddr=224.0.1.75`), test.port("udp"));
    await peer.nextResponse(200);
  });

  it("other Via values are copied as they came, in their order", async () => {
    const peer = await udp();
    const bytes = Buffer.from(
      options(`SIP/2.0/UDP 127.0.0.1:${peer.port}`)
        .toString()
        .replace(
          "Max-Forwards",
          "Via: SIP/2.0/TCP p1.example.net;branch=z9hG4bK1, SIP/2.0/UDP p2.example.net\r\nMax-Forwards",
        ),
    );
    await peer.send(bytes, test.port("udp"));
    expect((await peer.nextResponse(200)).vias.map(({ host }) => host)).toEqual([
      "127.0.0.1",
      "p1.example.net",
      "p2.example.net",
    ]);
  });

  it("RFC 5118 IPv6: request and answer, and brackets in Contact and Via", async () => {
    await test.stop();
    test = await startStack({ listen: [{ transport: "udp", address: "::1", port: 0 }] });
    test.stack.onInvite = (invite) => invite.progress(180);
    const peer = await udp("::1");
    const invite = options(`SIP/2.0/UDP [::1]:${peer.port};rport`)
      .toString()
      .replaceAll("OPTIONS", "INVITE")
      .replace("CSeq", "Contact: <sip:a@[::1]>\r\nCSeq");
    await peer.send(Buffer.from(invite), test.port("udp"), "::1");
    const answer = await peer.nextResponse(180);
    expect(answer.headers.get("Contact")).toBe(`<sip:[::1]:${test.port("udp")}>`);
    expect(answer.vias[0]).toMatchObject({ host: "::1", port: peer.port });
  });

  it("R-NET-4 a socket on all addresses says the one that the peer can reach", async () => {
    await test.stop();
    test = await startStack({ listen: [{ transport: "udp", address: "0.0.0.0", port: 0 }] });
    test.stack.onInvite = (invite) => invite.progress(180);
    const peer = await udp();
    const invite = options(`SIP/2.0/UDP 127.0.0.1:${peer.port};rport`)
      .toString()
      .replaceAll("OPTIONS", "INVITE")
      .replace("CSeq", "Contact: <sip:a@127.0.0.1>\r\nCSeq");
    await peer.send(Buffer.from(invite), test.port("udp"));
    expect((await peer.nextResponse(180)).headers.get("Contact")).toBe(`<sip:127.0.0.1:${test.port("udp")}>`);
  });
});

describe("RFC 6223 keep", () => {
  it("SIP-TP-11 is granted on connections, whose pings are answered, and over UDP, where STUN is", async () => {
    const stream = await StreamPeer.open(test.port("tcp"));
    opened.push(stream);
    await stream.send(options("SIP/2.0/TCP 127.0.0.1:9;keep"));
    expect((await stream.nextResponse(200)).vias[0]?.params.get("keep")).toBe("120");
    await stream.send(options("SIP/2.0/TCP 127.0.0.1:9"));
    expect((await stream.nextResponse(200)).vias[0]?.params.has("keep")).toBe(false);
    const peer = await udp();
    await peer.send(options(`SIP/2.0/UDP 127.0.0.1:${peer.port};rport;keep`), test.port("udp"));
    expect((await peer.nextResponse(200)).vias[0]?.params.get("keep")).toBe("25");
  });

  it("RFC 5626 4.4.2 a binding request to the SIP port is answered with the address that it came from", async () => {
    const peer = await udp();
    const id = "0102030405060708090a0b0c";
    await peer.send(Buffer.from(`000100002112a442${id}`, "hex"), test.port("udp"));
    await reached(() => peer.other.length === 1, "the answer");
    const port = (peer.port ^ 0x2112).toString(16).padStart(4, "0");
    // 127.0.0.1 under the cookie is 5e12a443.
    expect(peer.other[0]?.toString("hex")).toBe(`0101000c2112a442${id}002000080001${port}5e12a443`);
    // No SIP, so no message that could not be read.
    expect(test.stack.counters.parseErrors).toBe(0);
  });
});

describe("RFC 3261 18.2.2 over TCP", () => {
  it("the answer uses the connection of the request", async () => {
    const peer = await StreamPeer.open(test.port("tcp"));
    opened.push(peer);
    await peer.send(options("SIP/2.0/TCP 127.0.0.1:9"));
    await peer.nextResponse(200);
    expect(test.stack.connectionCount).toBe(1);
  });

  it("when that is gone, one is opened to the source address and the sent-by port", async () => {
    const held: ((status: number) => void)[] = [];
    test.stack.onRequest = (incoming) => held.push((status) => incoming.respond(status));
    const server = await startStack({ listen: [{ transport: "tcp", address: "127.0.0.1", port: 0 }] });
    opened.push({ close: () => server.stop() });
    const answers: number[] = [];
    server.stack.onMessage = (direction, message) => {
      if (direction === "in" && message.kind === "response") answers.push(message.status);
    };
    const peer = await StreamPeer.open(test.port("tcp"));
    await peer.send(options(`SIP/2.0/TCP gone.example.net:${server.port("tcp")}`));
    await reached(() => held.length === 1, "the request");
    await peer.close();
    await reached(() => test.stack.connectionCount === 0, "the end of the connection");
    held[0]!(200);
    await reached(() => answers.length === 1, "the answer on another connection");
    expect(answers).toEqual([200]);
  });

  it("RFC 6026 8.8 an INVITE whose caller can be reached no more is given up", async () => {
    const ends: string[] = [];
    test.stack.onInvite = (invite) => {
      invite.onCancelled = (reason) => ends.push(reason);
      peer.socket.destroy();
      void reached(() => test.stack.connectionCount === 0, "the end of the connection").then(() =>
        invite.progress(180),
      );
    };
    const peer = await StreamPeer.open(test.port("tcp"));
    const invite = options("SIP/2.0/TCP gone.example.net:1").toString().replaceAll("OPTIONS", "INVITE");
    await peer.send(Buffer.from(invite.replace("CSeq", "Contact: <sip:a@127.0.0.1>\r\nCSeq")));
    await reached(() => ends.length === 1, "the end of the INVITE");
    expect(ends[0]).toMatch(/^the caller cannot be reached: tcp 127\.0\.0\.1:1: connect ECONNREFUSED/);
    expect(test.stack.activeTransactions).toBe(0);
  });
});
